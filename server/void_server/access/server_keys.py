"""The server's keys.

The first start makes them: the server's own pair, and one for the local user, who is put on the list of
clients.

``void_protocol.keys`` says where everything lies.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from void_protocol.durable import write_whole
from void_protocol.errors import KeyFileError
from void_protocol.keys import (
    client_secret_key_file,
    keys_folder,
    read_secret_key_file,
    server_public_key_file,
)
from void_protocol.private_folders import make_private_folder
from void_server.access.allow_list import allowed_folder

LOCAL_CLIENT = "local"
"""The name under which the local user stands on the list."""


@dataclass(frozen=True)
class ServerKeys:
    """The server's pair, as Z85 text."""

    public: bytes
    secret: bytes = field(repr=False)


def server_secret_key_file(home: Path) -> Path:
    """Return the file with the server's own key pair."""
    return keys_folder(home) / "server.key_secret"


def ensure_keys(home: Path) -> ServerKeys:
    """Return the server's keys. Missing ones are made, with private permissions.

    Raises:
        KeyFileError: when a key file is damaged or cannot be written, others may read a private one, or
            others may write to the home or the folders of the keys and of the list.
    """
    try:
        make_private_folder(home)
        for folder in (keys_folder(home), allowed_folder(home)):
            make_private_folder(folder, closed=True)
        server_secret_file = server_secret_key_file(home)
        is_new = not server_secret_file.exists()
        if is_new:
            _make_first_key_pair(server_secret_file)
        public, secret = read_secret_key_file(server_secret_file)
        # The public file is what clients pin. It is written from the secret one, whatever has become of it.
        write_public_key(server_public_key_file(home), public)
        client_file = client_secret_key_file(home)
        if is_new or not client_file.exists():  # later a user who is not on the list was taken off it
            if not client_file.exists():
                _make_first_key_pair(client_file)
            client_public, _ = read_secret_key_file(client_file)
            write_public_key(allowed_folder(home) / f"{LOCAL_CLIENT}.key", client_public)
    except OSError as error:
        raise KeyFileError(f"cannot make the keys below {home}: {error.strerror or error}") from error
    return ServerKeys(public, secret)


def _make_first_key_pair(path: Path) -> None:
    """Make a pair where there is none. Of several processes that do so at the same moment, all go on with the
    pair of the first: one that another had read already must not be replaced."""
    own = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    make_key_pair(own)
    try:
        os.link(own, path)
    except FileExistsError:
        pass
    except OSError:  # this file system has no second names for a file
        if not path.exists():
            own.replace(path)
            return
    own.unlink(missing_ok=True)


def make_key_pair(path: Path, pair: tuple[bytes, bytes] | None = None) -> None:
    """Write a pair (public, secret), by default a new one, to ``path``. Only its owner can read the file,
    which appears whole."""
    public, secret = pair or zmq.curve_keypair()
    text = f'metadata\ncurve\n    public-key = "{public.decode()}"\n    secret-key = "{secret.decode()}"\n'
    write_whole(path, text.encode("ascii"), mode=0o600)


def write_public_key(path: Path, public: bytes) -> None:
    """Write a public key to a file of the same format."""
    # A client that was let in must not be locked out by a power cut.
    text = f'metadata\ncurve\n    public-key = "{public.decode()}"\n'
    write_whole(path, text.encode("ascii"), mode=0o644)

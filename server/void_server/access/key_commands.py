"""Shows and changes the list of clients that a server lets in; ``void keys`` calls it.

A running server notices changes of the list by itself. Only a new key of the server needs a restart.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import zmq
from zmq.utils import z85

from void_protocol.errors import KeyFileError
from void_protocol.keys import (
    ServerAddress,
    client_secret_key_file,
    keys_folder,
    read_key_file,
    read_secret_key_file,
    read_server_address,
    server_file,
    server_public_key_file,
)
from void_protocol.private_folders import make_private_folder
from void_server.access.allow_list import allowed_folder
from void_server.access.server_keys import (
    LOCAL_CLIENT,
    ensure_keys,
    make_key_pair,
    server_secret_key_file,
    write_public_key,
)
from void_server.errors import KeyListError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices; no file may have them there."""


@dataclass(frozen=True)
class ListedClient:
    """A client on the list. A client whose file is damaged has no key and is not let in."""

    name: str
    public: bytes | None
    """The public key as Z85 text; None when the file is damaged."""
    added_at: float
    """When the client was added, in seconds since 1970, UTC."""
    problem: str = ""


def listed_clients(home: Path) -> list[ListedClient]:
    """Return the clients that are let in, in the order of their names."""
    clients = []
    for file in sorted(allowed_folder(home).glob("*.key")):
        try:
            public, problem = read_key_file(file)[0], ""
        except KeyFileError as error:
            public, problem = None, str(error)
        clients.append(ListedClient(file.stem, public, file.stat().st_mtime, problem))
    return clients


def add_client(home: Path, name: str, public: bytes) -> None:
    """Let a client in. ``public`` is Z85 text.

    Raises:
        KeyListError: when the name or the key cannot be used, or is on the list already.
        KeyFileError: when the list cannot be written.
    """
    _check_name(name)
    check_public_key(public)
    ensure_keys(home)
    for client in listed_clients(home):
        if client.name.lower() == name.lower():
            raise KeyListError(
                f"{client.name} is on the list already; revoke it first, or choose another name"
            )
        if client.public == public:
            raise KeyListError(f"this key is on the list already, as {client.name}")
    _write(allowed_folder(home) / f"{name}.key", public)


def revoke_client(home: Path, name: str) -> None:
    """Take a client off the list. A running server ends its sessions at once.

    Raises:
        KeyListError: when there is no client of this name, or its file cannot be removed.
    """
    _check_name(name)
    try:
        (allowed_folder(home) / f"{name}.key").unlink()
    except FileNotFoundError as error:
        names = ", ".join(client.name for client in listed_clients(home)) or "nobody"
        raise KeyListError(f"{name} is not on the list; on it: {names}") from error
    except OSError as error:
        raise KeyListError(f"cannot take {name} off the list: {error.strerror or error}") from error


def new_client(home: Path, name: str, folder: Path, endpoint: str | None = None) -> bytes:
    """Make keys for a client, let it in, and put all that it needs into ``folder``, its future home folder.

    Args:
        endpoint: the address at which the client reaches the server; by default where the server listens now.

    Returns:
        The client's public key as Z85 text.

    Raises:
        KeyListError: as for :func:`add_client`; also when ``folder`` holds keys already.
        KeyFileError: when files cannot be written, or no server runs and ``endpoint`` was not given.
    """
    server = ensure_keys(home)
    address = ServerAddress(
        endpoint=endpoint or read_server_address(home).endpoint, pid=0, server_id="", version=""
    )
    secret_file = client_secret_key_file(folder)
    if secret_file.exists():
        raise KeyListError(f"{secret_file} is there already; choose a folder without keys")
    public, secret = zmq.curve_keypair()
    add_client(home, name, public)
    try:
        for made in (folder, keys_folder(folder)):
            make_private_folder(made)
        make_key_pair(secret_file, (public, secret))
        write_public_key(server_public_key_file(folder), server.public)
        server_file(folder).write_bytes(msgspec.json.encode(address))
    except OSError as error:
        revoke_client(home, name)
        raise KeyFileError(f"cannot write keys to {folder}: {error.strerror or error}") from error
    return public


def renew_local_client(home: Path) -> bytes:
    """Make a new key pair for the local user and return its public key. The old key is let in no more.

    Raises:
        KeyFileError: when the pair cannot be written.
    """
    ensure_keys(home)
    public, secret = zmq.curve_keypair()
    try:
        make_key_pair(client_secret_key_file(home), (public, secret))
    except OSError as error:
        raise KeyFileError(f"cannot make new keys below {home}: {error.strerror or error}") from error
    _write(allowed_folder(home) / f"{LOCAL_CLIENT}.key", public)
    return public


def renew_server(home: Path) -> bytes:
    """Make a new key pair for the server and return its public key, which clients need from then on.

    Raises:
        KeyListError: while a server runs with this home.
        KeyFileError: when the pair cannot be written.
    """
    running = _running_server(home)
    if running is not None:
        raise KeyListError(f"a server runs with this home (process {running}); stop it first")
    ensure_keys(home)
    try:
        make_key_pair(server_secret_key_file(home))
    except OSError as error:
        raise KeyFileError(f"cannot make new keys below {home}: {error.strerror or error}") from error
    return ensure_keys(home).public


def own_public_key(home: Path) -> bytes:
    """Return this user's public key as Z85 text. A pair is made where there is none.

    Raises:
        KeyFileError: when the pair cannot be read or made.
    """
    file = client_secret_key_file(home)
    if not file.exists():
        try:
            for folder in (home, keys_folder(home)):
                make_private_folder(folder)
            make_key_pair(file)
        except OSError as error:
            raise KeyFileError(f"cannot make keys below {home}: {error.strerror or error}") from error
    return read_secret_key_file(file)[0]


def check_public_key(public: bytes) -> None:
    """Check that the text is a public key in Z85.

    Raises:
        KeyListError: when it is not.
    """
    try:
        is_key = len(public) == 40 and len(z85.decode(public)) == 32
    except Exception:  # noqa: BLE001 - pyzmq raises whatever its arithmetic comes across
        is_key = False
    if not is_key:
        raise KeyListError(f"{public.decode('utf-8', 'replace')!r} is no public key (40 characters of Z85)")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or _RESERVED.fullmatch(name):
        raise KeyListError(
            f"{name!r} cannot name a client; use up to 64 letters, digits, '.', '-' and '_', "
            "a letter or digit first"
        )


def _write(path: Path, public: bytes) -> None:
    try:
        write_public_key(path, public)
    except OSError as error:
        raise KeyFileError(f"cannot write {path}: {error.strerror or error}") from error


def _running_server(home: Path) -> int | None:
    try:
        pid = read_server_address(home).pid
    except KeyFileError:
        return None
    return pid if pid != os.getpid() and psutil.pid_exists(pid) else None

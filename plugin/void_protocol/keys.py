"""Says where a user's keys and server address lie, and reads them.

The home folder (``VOID_HOME``, else ``~/.void-nuke``) holds::

    server.json                  where the server that uses this home listens
    keys/server.key              the server's public key, pinned by clients
    keys/server.key_secret       the server's secret key; only on the server's machine
    keys/client.key_secret       this user's key pair
    keys/allowed/<name>.key      public keys of the clients that the server lets in

Key files have the format of ``zmq.auth`` certificates.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import zmq
import zmq.auth

from void_protocol.errors import KeyFileError

HOME_VARIABLE = "VOID_HOME"
"""The environment variable that names the home folder."""
DEFAULT_HOME = "~/.void-nuke"
_LOOK_S = 0.05
_NO_HOME_S = 1.0
"""How long, in seconds, a home that is not there is waited for."""
_STARTING_S = 3.0
"""How long, in seconds, a server takes to start, and how long its home counts as just changed."""


def home_folder(explicit: Path | None = None) -> Path:
    """Return the home folder: ``explicit``, else the one in the environment, else the one in the user's
    home."""
    if explicit is not None:
        return explicit.expanduser().absolute()
    return Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()


def server_file(home: Path) -> Path:
    """Return the file in which a running server tells its address."""
    return home / "server.json"


def keys_folder(home: Path) -> Path:
    """Return the folder with the keys."""
    return home / "keys"


def server_public_key_file(home: Path) -> Path:
    """Return the file with the public key that clients pin."""
    return keys_folder(home) / "server.key"


def client_secret_key_file(home: Path) -> Path:
    """Return the file with this user's key pair."""
    return keys_folder(home) / "client.key_secret"


class ServerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """What a server writes into its home when it listens."""

    endpoint: str
    pid: int
    server_id: str
    version: str


@dataclass(frozen=True)
class Connection:
    """What a client needs to reach one server. Keys are Z85 text."""

    endpoint: str
    server_key: bytes
    client_key: bytes
    client_secret: bytes = field(repr=False)


def load_connection(home: Path | None = None, endpoint: str | None = None) -> Connection:
    """Read the connection that a home folder describes.

    Args:
        home: the folder; see :func:`home_folder` for the default.
        endpoint: such as ``tcp://127.0.0.1:5990``; by default what ``server.json`` says.

    Raises:
        KeyFileError: when a file is missing, malformed or a private key is readable by others.
    """
    folder = home_folder(home)
    server_key, _ = read_key_file(server_public_key_file(folder))
    client_key, client_secret = read_secret_key_file(client_secret_key_file(folder))
    return Connection(
        endpoint=endpoint or read_server_address(folder).endpoint,
        server_key=server_key,
        client_key=client_key,
        client_secret=client_secret,
    )


def await_connection(home: Path | None = None, endpoint: str | None = None) -> Connection:
    """Read the connection as :func:`load_connection`, but wait a moment where a server seems to be starting
    with this home: the home is not there yet, or something in it has just changed.

    Raises:
        KeyFileError: as :func:`load_connection`.
    """
    began = time.monotonic()
    while True:
        try:
            return load_connection(home, endpoint)
        except KeyFileError:
            if time.monotonic() > began + _seconds_of_a_start(home_folder(home), endpoint is None):
                raise
        time.sleep(_LOOK_S)


def _seconds_of_a_start(home: Path, needs_address: bool) -> float:
    """Return how long a server that may be starting with this home is waited for, in seconds."""
    files = [server_public_key_file(home), client_secret_key_file(home)]
    if all(path.exists() for path in (*files, *([server_file(home)] if needs_address else []))):
        return 0.0
    try:
        changed = home.stat().st_mtime
    except FileNotFoundError:
        return _NO_HOME_S
    except OSError:
        return 0.0
    return _STARTING_S if abs(time.time() - changed) < _STARTING_S else 0.0


def read_server_address(home: Path) -> ServerAddress:
    """Read where the server of this home listens.

    Raises:
        KeyFileError: when no server has written its address, or the file is damaged.
    """
    path = server_file(home)
    try:
        return msgspec.json.decode(path.read_bytes(), type=ServerAddress)
    except FileNotFoundError as error:
        raise KeyFileError(
            f"{path} is not there: no server runs with this home; start one with 'void serve', "
            f"or set {HOME_VARIABLE} to its folder"
        ) from error
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise KeyFileError(f"{path} is damaged ({error}); restart the server to write it again") from error


def read_key_file(path: Path) -> tuple[bytes, bytes | None]:
    """Read a key file: the public key, and the secret one where the file has it, as Z85 text.

    Raises:
        KeyFileError: when the file is missing or is not a key file.
    """
    _refuse_missing_file(path)
    try:
        public, secret = zmq.auth.load_certificate(path)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise KeyFileError(
            f"cannot read the key file {path}: {error}; move it away and 'void serve' makes a new one"
        ) from error
    if len(public) != 40 or (secret is not None and len(secret) != 40):
        raise KeyFileError(f"{path} does not hold a CURVE key (40 characters of Z85)")
    return public, secret


def read_secret_key_file(path: Path) -> tuple[bytes, bytes]:
    """Read a file with both keys of a pair, as Z85 text.

    Raises:
        KeyFileError: as :func:`read_key_file`; also when the file has no secret key or others may read it.
    """
    refuse_shared_file(path)
    public, secret = read_key_file(path)
    if secret is None:
        raise KeyFileError(f"{path} has no secret key; use the file that ends in .key_secret")
    return public, secret


def refuse_shared_file(path: Path) -> None:
    """Raise KeyFileError when anyone but the owner may read ``path`` (POSIX permissions)."""
    _refuse_missing_file(path)
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror or error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path} can be read by others; run: chmod 600 '{path}'")


def fingerprint(public: bytes) -> str:
    """Return a key's fingerprint, which people compare by eye: the first 16 bytes of SHA-256 over its Z85
    text, as eight groups of hexadecimal digits."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return ":".join(digits[index : index + 4] for index in range(0, 32, 4))


def _refuse_missing_file(path: Path) -> None:
    if not path.exists():
        raise KeyFileError(
            f"the key file {path} is not there: no server has run with this home; "
            f"start one with 'void serve', or set {HOME_VARIABLE} to the folder that has the keys"
        )

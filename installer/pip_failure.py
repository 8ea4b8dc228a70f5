"""Explains why pip failed, in words that an artist can act on.

pip reports problems in prose that changes little over the years. Each cause is recognised here by a part of
that prose that names the thing itself (an error number, a class of pip's network library).
"""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass

from installer.errors import PackageError
from installer.interpreter import supported_names

_KILLED = -9
_LAST_WORDS = 300
_NAME = r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"


@dataclass(frozen=True, slots=True)
class _Cause:
    """A cause of failure. A line that one of ``patterns`` matches means ``why``; its group ``package`` names
    the package."""

    patterns: tuple[re.Pattern[str], ...]
    why: str
    remedy: str

    def search(self, lines: Sequence[str]) -> re.Match[str] | None:
        """Return the first match in ``lines`` that shows this cause."""
        for line in lines:
            for pattern in self.patterns:
                found = pattern.search(line)
                if found is not None:
                    return found
        return None


def _cause(*patterns: str, why: str, remedy: str) -> _Cause:
    return _Cause(tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns), why, remedy)


_OF_THE_CONNECTION = (
    _cause(
        r"proxyerror|407 proxy authentication|tunnel connection failed",
        why="the network's proxy refused the connection",
        remedy="set HTTPS_PROXY to the proxy's address with name and password, then run it again",
    ),
    _cause(
        r"certificate.verify.failed|sslerror|sslcertverificationerror",
        why="the package server's certificate is not trusted here, as happens behind a company's firewall",
        remedy="set PIP_CERT to your company's certificate file, then run it again",
    ),
    _cause(
        r"newconnectionerror|failed to establish a new connection|name resolution|getaddrinfo failed",
        r"name or service not known|network is unreachable|connecttimeout|readtimeout|read timed out",
        r"connection (?:refused|reset|aborted|broken)|incompleteread|protocolerror|max retries exceeded",
        why="no connection to the package server, or it broke off",
        remedy="check the network (and PIP_INDEX_URL, if your studio has a mirror), then run it again: "
        "what is finished is kept",
    ),
)

_NO_BUILD = _cause(
    rf"no matching distribution found for {_NAME}",
    rf"could not find a version that satisfies the requirement {_NAME}",
    why="the package server has no build of it for Python {python} on {machine}",
    remedy="use a 64-bit Python {supported}; if your studio has a package mirror, ask for that package there",
)
_CONFLICT = _cause(
    rf"cannot install {_NAME}.*conflicting dependencies",
    r"resolutionimpossible|conflicting dependencies",
    why="what is asked for contradicts the pinned versions",
    remedy="make pyproject.toml and installer/constraints.txt fit each other (a fresh checkout's do)",
)

# The order matters: the first cause that matches is the root of the others that pip may print.
_CAUSES = (
    _cause(
        r"no space left on device|\[errno 28\]|not enough space on the disk|\[winerror 112\]",
        why="the disk is full",
        remedy="make room (pip's temporary files need some too; TMPDIR names another place for them), "
        "then run it again",
    ),
    _cause(
        rf"wheel '{_NAME}' located at .* is invalid",
        r"do not match the hashes|incorrect checksum|badzipfile|bad magic number|has an invalid wheel",
        why="the download was damaged, or is not the file that was expected",
        remedy="run 'python3 -m pip cache purge', then run it again (a studio's mirror may hold a bad file)",
    ),
    _cause(
        r"permission denied|\[errno 13\]|access is denied|\[winerror (?:5|32)\]|used by another process",
        why="a file may not be written: it belongs to someone else, or a program is using it",
        remedy="close programs that run from this environment, or choose another folder with --prefix",
    ),
    _CONFLICT,
    _cause(
        rf"package '?{_NAME}'? requires a different python",
        why="it does not support Python {python}",
        remedy="use Python {supported}",
    ),
    _cause(
        rf"failed building wheel for {_NAME}",
        rf"failed to build '?{_NAME}",
        r"microsoft visual c\+\+ .{0,40}required|metadata-generation-failed|unknown compiler",
        r"(?:unable to execute|no such file or directory:) '?\S*(?:gcc|cc|c\+\+|clang|cl|cmake)\b",
        why="there is no ready-made build for Python {python} on {machine}, and compiling it here failed",
        remedy="use a 64-bit Python {supported}, or install a C++ compiler",
    ),
    _NO_BUILD,
    *_OF_THE_CONNECTION,
)

# pip warns of every attempt at a download that it repeats, and most of them succeed in the end.
_RETRY = re.compile(r"^WARNING: Retrying ")
_BUSY_WITH = (
    re.compile(rf"/simple/{_NAME}/"),
    re.compile(r"^\s*(?:Downloading|Using cached|Processing) (?:\S*[/\\])?(?P<package>[A-Za-z0-9_.]+?)-\d"),
    re.compile(rf"^\s*(?:Collecting|Building wheels? for|Building editable for) {_NAME}"),
)
_NOTHING_TO_SAY = re.compile(r"^\s*(?:\[notice\]|WARNING:|hint:|note:|$)", re.IGNORECASE)


def explain(output: Sequence[str], status: int, asked_for: str, python_version: str) -> PackageError:
    """Return the error for a pip that ended with ``status`` after it printed the lines ``output``.

    Args:
        output: all that pip printed, in lines.
        status: pip's exit status, negative for a signal as in ``subprocess``.
        asked_for: what was to be installed; it is named when the output names no package.
        python_version: version of the Python that pip ran in, such as ``"3.11.7"``.
    """
    last_package = next((name for name in map(package_in, reversed(output)) if name is not None), asked_for)
    if status == _KILLED:
        why = "the system ended pip, most likely because memory ran out"
        return PackageError(last_package, why, "close other programs, then run it again")
    cause, found = _cause_of(output)
    if cause is None or found is None:
        last = next((line.strip() for line in reversed(output) if not _NOTHING_TO_SAY.match(line)), "nothing")
        why = f"pip ended with status {status} and said last: {last[-_LAST_WORDS:]}"
        return PackageError(last_package, why, "read what pip said in the log, then run it again")
    words = {
        "python": python_version,
        "machine": f"{platform.system()} {platform.machine()}",
        "supported": supported_names(),
    }
    why = cause.why.format(**words)
    if cause is _CONFLICT:
        why += _contradiction(output)
    return PackageError(found.groupdict().get("package") or last_package, why, cause.remedy.format(**words))


def package_in(line: str) -> str | None:
    """Return the package that a line of pip's output says it works on, or None when the line says no such
    thing."""
    for pattern in _BUSY_WITH:
        found = pattern.search(line)
        if found is not None:
            return found.group("package")
    return None


def _cause_of(output: Sequence[str]) -> tuple[_Cause | None, re.Match[str] | None]:
    said = [line for line in output if not _RETRY.match(line)]
    retries = [line for line in output if _RETRY.match(line)]
    for cause in _CAUSES:
        found = cause.search(said)
        if found is None:
            continue
        if cause is _NO_BUILD:
            # To pip, an index that cannot be reached looks like an empty one. Only its retries show the
            # difference.
            for connection in _OF_THE_CONNECTION:
                if connection.search(retries) is not None:
                    return connection, found
        return cause, found
    return None, None


def _contradiction(output: Sequence[str]) -> str:
    """Return the lines in which pip's resolver says what does not fit together, as one clause."""
    parts: list[str] = []
    for line in output:
        if parts and not line.strip():
            break
        if parts or line.startswith("The conflict is caused by"):
            parts.append(line.strip())
    return f" ({'; '.join(parts[1:])})" if len(parts) > 1 else ""

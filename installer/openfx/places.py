"""Where hosts look for plug-ins, and the lists of them that hosts keep."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from installer.openfx.targets import this_system


def default_folder(system: str | None = None, variables: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that every host on a system searches; only an administrator may write there."""
    system = system or this_system()
    if system == "windows":
        return Path(variables.get("COMMONPROGRAMFILES", r"C:\Program Files\Common Files"), "OFX", "Plugins")
    return Path("/Library/OFX/Plugins" if system == "macos" else "/usr/OFX/Plugins")


def host_caches(
    system: str | None = None,
    home: Path | None = None,
    variables: Mapping[str, str] = os.environ,
    temporary: Path | None = None,
) -> list[Path]:
    """Return the files in which hosts of this user remember what plug-ins say of themselves.

    A host that finds an old description there shows the old plug-in's panel. Each host makes its file again.
    """
    return [
        path
        for folder, pattern in _places(
            system or this_system(), home or Path.home(), variables, temporary or Path(tempfile.gettempdir())
        )
        if folder.is_dir()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    ]


def clear_host_caches() -> list[Path]:
    """Delete those files, and return which were deleted. What cannot be deleted is left."""
    cleared = []
    for path in host_caches():
        try:
            path.unlink()
        except OSError:
            continue
        cleared.append(path)
    return cleared


def _places(
    system: str, home: Path, variables: Mapping[str, str], temporary: Path
) -> Iterator[tuple[Path, str]]:
    nuke = "ofxplugincache*.xml"
    natron = "OFXLoadCache/*.xml"
    resolve = "OFXPluginCache*.xml"
    if named := variables.get("NUKE_TEMP_DIR"):
        yield Path(named), nuke
        yield Path(named) / "ofxplugincache", nuke
    if system == "windows":
        local = Path(variables.get("LOCALAPPDATA", home / "AppData" / "Local"))
        roaming = Path(variables.get("APPDATA", home / "AppData" / "Roaming"))
        yield temporary / "nuke" / "ofxplugincache", nuke
        yield local / "INRIA" / "Natron", f"*/{natron}"
        yield roaming / "Blackmagic Design" / "DaVinci Resolve" / "Support", resolve
        return
    nuke_folder = f"nuke-u{os.getuid()}" if hasattr(os, "getuid") else "nuke"
    yield Path("/var/tmp") / nuke_folder / "ofxplugincache", nuke
    yield temporary / nuke_folder / "ofxplugincache", nuke
    if system == "macos":
        yield home / "Library" / "Caches" / "INRIA" / "Natron", natron
        yield home / "Library" / "Application Support" / "Blackmagic Design" / "DaVinci Resolve", resolve
        return
    caches = Path(variables.get("XDG_CACHE_HOME") or home / ".cache")
    yield caches / "INRIA" / "Natron", natron
    yield home / ".local" / "share" / "DaVinciResolve", resolve

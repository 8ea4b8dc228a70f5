"""Where hosts look for plug-ins and keep what they know of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.openfx import places


@pytest.mark.parametrize(
    ("system", "folder"),
    [
        ("linux", "/usr/OFX/Plugins"),
        ("macos", "/Library/OFX/Plugins"),
        ("windows", "D:/Common/OFX/Plugins"),
    ],
)
def test_hosts_look_where_the_standard_says(system: str, folder: str) -> None:
    assert places.default_folder(system, {"COMMONPROGRAMFILES": "D:/Common"}) == Path(folder)


CACHES = {
    "linux": [
        "home/.cache/INRIA/Natron/OFXLoadCache/OFXCache_2.5.0.xml",
        "home/.local/share/DaVinciResolve/OFXPluginCacheV2.xml",
        "nuke/ofxplugincache/ofxplugincache_Nuke16.0v2.xml",
    ],
    "macos": [
        "home/Library/Caches/INRIA/Natron/OFXLoadCache/OFXCache_2.5.0.xml",
        "home/Library/Application Support/Blackmagic Design/DaVinci Resolve/OFXPluginCache.xml",
        "nuke/ofxplugincache_Nuke15.1.xml",
    ],
    "windows": [
        "local/INRIA/Natron/cache/OFXLoadCache/OFXCache_2.5.0.xml",
        "roaming/Blackmagic Design/DaVinci Resolve/Support/OFXPluginCacheV2.xml",
        "temp/nuke/ofxplugincache/ofxplugincache_Nuke16.0v2.xml",
    ],
}


@pytest.mark.parametrize("system", CACHES)
def test_what_hosts_remember_is_found_and_nothing_else(tmp_path: Path, system: str) -> None:
    for name in CACHES[system]:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
        (tmp_path / name).with_name("preferences.xml.bak").touch()
        (tmp_path / name).with_name("settings.txt").touch()
    variables = {
        "LOCALAPPDATA": str(tmp_path / "local"),
        "APPDATA": str(tmp_path / "roaming"),
        "NUKE_TEMP_DIR": str(tmp_path / "nuke"),
    }

    found = places.host_caches(system, tmp_path / "home", variables, tmp_path / "temp")

    ours = [path.relative_to(tmp_path).as_posix() for path in found if path.is_relative_to(tmp_path)]
    assert sorted(ours) == sorted(CACHES[system])


def test_the_caches_are_deleted_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, gone = tmp_path / "a.xml", tmp_path / "gone.xml"
    cache.touch()
    monkeypatch.setattr(places, "host_caches", lambda: [gone, cache])

    assert places.clear_host_caches() == [cache]
    assert not cache.exists()

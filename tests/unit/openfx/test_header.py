"""The plug-in's own header against a table of the interface that was made from the published headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.openfx_plugin import ROOT
from tests.reference_data import FACTS

HEADER = ROOT / "plugin" / "openfx" / "src" / "ofx.h"
TABLE = FACTS / "ofx-abi.md"
OF_HOSTS = "kResolve"
"""How names begin that are a host's own and stand in no table."""

PUBLISHED = {
    "kOfxInteractActionPenMotion": "OfxInteractActionPenMotion",
    "kOfxInteractActionGainFocus": "OfxInteractActionGainFocus",
    "kOfxImageEffectPluginPropOverlayInteractV1": "OfxImageEffectPluginPropOverlayInteractV1",
}
"""Names of the published headers that the table leaves out."""

needs_the_table = pytest.mark.skipif(not TABLE.is_file(), reason=f"needs {TABLE}")


def constants(source: str) -> dict[str, str]:
    """The names of the header with their values: texts and statuses."""
    text = re.findall(r'constexpr const char\* (\w+)\s*=\s*"([^"]*)";', source)
    numbers = re.findall(r"constexpr OfxStatus (\w+) = (\d+);", source)
    return dict(text + numbers)


def suites(source: str) -> dict[str, list[str]]:
    """The functions of each suite in order."""
    found = re.findall(r"struct (Ofx\w+SuiteV\d) \{(.*?)\n\};", source, re.S)
    return {name: re.findall(r"\(\*(\w+)\)\(", body) for name, body in found}


def known_constants(table: str) -> dict[str, str]:
    rows = re.findall(r"^\| (kOfx\w+) \| (.*?) \|", table, re.M)
    values = {}
    for name, value in rows:
        quoted = re.match(r'"([^"]*)"', value)
        values[name] = quoted[1] if quoted else value.strip()
    return values


def known_suites(table: str) -> dict[str, list[str]]:
    """The functions of each suite by its names: ``OfxMessageSuiteV1 / V2`` are two."""
    sections = re.findall(r"^### (Ofx\w+Suite)(V\d)(?: / (V\d))? .*?\n(.*?)(?=^##)", table, re.M | re.S)
    known = {}
    for name, first, second, body in sections:
        functions = re.findall(r"^\| \d+ \| (\w+) \|", body, re.M)
        for version in filter(None, (first, second)):
            known[name + version] = functions
    return known


def test_the_header_is_read() -> None:
    source = HEADER.read_text(encoding="utf-8")
    assert len(constants(source)) > 100
    assert set(suites(source)) >= {"OfxPropertySuiteV1", "OfxImageEffectSuiteV1", "OfxParameterSuiteV1"}
    # Every constant is seen, also one that is broken over two lines.
    assert len(constants(source)) == source.count("constexpr ")


@needs_the_table
def test_every_name_has_the_interfaces_value() -> None:
    known = known_constants(TABLE.read_text(encoding="utf-8")) | PUBLISHED
    ours = constants(HEADER.read_text(encoding="utf-8"))
    assert len(known) > 200

    wrong = {
        name: (value, known.get(name))
        for name, value in ours.items()
        if known.get(name) != value and not name.startswith(OF_HOSTS)
    }

    assert wrong == {}


@needs_the_table
def test_every_suite_has_its_functions_in_order() -> None:
    known = known_suites(TABLE.read_text(encoding="utf-8"))
    ours = suites(HEADER.read_text(encoding="utf-8"))
    assert len(ours) >= 6

    assert {name: functions for name, functions in ours.items() if known[name] != functions} == {}


@needs_the_table
def test_a_wrong_value_and_a_wrong_order_would_be_seen(tmp_path: Path) -> None:
    source = HEADER.read_text(encoding="utf-8")
    spelt = source.replace(
        '"OfxImageEffectPropMultipleClipDepths"', '"OfxImageEffectPropSupportsMultipleClipDepths"'
    )
    swapped = source.replace("OfxStatus (*propSetDouble)(", "OfxStatus (*propSetInt)(", 1)
    table = TABLE.read_text(encoding="utf-8")

    assert constants(spelt).items() - known_constants(table).items() - constants(source).items()
    assert suites(swapped)["OfxPropertySuiteV1"] != known_suites(table)["OfxPropertySuiteV1"]


def test_nothing_but_our_header_is_included() -> None:
    includes = set()
    for path in HEADER.parent.iterdir():
        includes |= set(re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8")))
    assert includes == {path.name for path in HEADER.parent.glob("*.h")} & includes
    assert not any(name.startswith("ofx") and name != "ofx.h" for name in includes)

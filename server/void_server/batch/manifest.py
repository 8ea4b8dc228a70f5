"""Reads lists of shots as a spreadsheet or a script writes them: CSV with a header line, or a JSON list."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from void_protocol.job import RemovalJob
from void_server.batch.errors import ManifestError
from void_server.batch.listed import BadShot, Listed
from void_server.batch.manifest_row import ManifestRow, completed, jobs_of


def read_csv_manifest(path: Path, defaults: ManifestRow) -> Listed:
    """Read the shots of a CSV file. Its first line names the columns, in any case; comma, semicolon or tab
    separates them.

    A shot whose files or values are wrong is a bad shot.

    Raises:
        ManifestError: when a line has no sense as one; it names the line and the field.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"the list {path} cannot be read: {error}") from error
    header = text.partition("\n")[0]
    parted_by = max(",\t;", key=header.count)
    reader = csv.DictReader(text.splitlines(), delimiter=parted_by, restkey="", skipinitialspace=True)
    listed = Listed()
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if "" in row:
            raise ManifestError(f"{where}: more fields than the first line names")
        cells = {_column(name): (value or "").strip() for name, value in row.items() if name}
        if any(cells.values()):
            listed.shots += _jobs(cells, defaults, path, where)
    return listed


def read_json_manifest(path: Path, defaults: ManifestRow) -> Listed:
    """Read the shots of a JSON file that has a list of objects.

    A shot whose files or values are wrong is a bad shot.

    Raises:
        ManifestError: when an entry has no sense as one; it names the entry and the field.
    """
    try:
        rows = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ManifestError(f"the list {path} cannot be read: {error}") from error
    listed = Listed()
    for index, row in enumerate(rows):
        where = f"{path}, entry {index}"
        if not isinstance(row, dict):
            raise ManifestError(f"{where}: not an object with the fields of a shot")
        listed.shots += _jobs(row, defaults, path, where)
    return listed


def _column(name: str) -> str:
    """A column's name, however a spreadsheet writes it: ``Negative Prompt`` is ``negative_prompt``."""
    return name.strip().lower().replace(" ", "_")


def _jobs(
    row: Mapping[str, object], defaults: ManifestRow, path: Path, where: str
) -> list[RemovalJob | BadShot]:
    return jobs_of(completed(row, defaults, where), path.parent, where)

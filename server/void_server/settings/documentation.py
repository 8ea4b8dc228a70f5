"""Makes the tables of ``docs/settings.md`` from the declarations.

This command puts new tables into the file, between its two marks::

    python -m void_server.settings.documentation docs/settings.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from void_server.settings.declaration import DeclaredSettings, Setting, settings_of
from void_server.settings.server_settings import ServerSettings

BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"


def settings_tables(group: type[DeclaredSettings]) -> str:
    """Return a heading and a table for each section, as Markdown."""
    sections: dict[str, list[Setting]] = {}
    for setting in settings_of(group):
        sections.setdefault(setting.section, []).append(setting)
    return "\n".join(
        f"## {section}\n| setting | default | takes | meaning |\n| --- | --- | --- | --- |\n"
        + "".join(map(_row, settings))
        for section, settings in sections.items()
    )


def with_tables(document: str) -> str:
    """Return the document with new tables.

    Raises:
        ValueError: when the document lacks the marks.
    """
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the document lacks the marks {BEGIN.strip()} and {END.strip()}")
    return f"{before}{BEGIN}{settings_tables(ServerSettings)}{END}{after}"


def _row(setting: Setting) -> str:
    named = setting.named
    names = " ".join(f"`{name}`" for name in (setting.name, *named.options, named.variable) if name)
    return f"| {names} | {setting.default_in_words} | {setting.kind.takes} | {setting.description} |\n"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_tables(file.read_text(encoding="utf-8")), encoding="utf-8")

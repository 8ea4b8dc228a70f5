"""What is said to somebody who misspelt a field of a job."""

from __future__ import annotations

import pytest

from void_protocol.errors import JobError
from void_protocol.job_fields import fields_at
from void_protocol.job_file import decode_job

_JOB = """{"schema_version": 1,
"shot": {"name": "a", "plate": "a.%04d.exr", "first_frame": 1, "last_frame": 1,
"format": {"width": 8, "height": 8}},
"mattes": [{"role": "remove", "pattern": "m.%04d.exr"}], "settings": {"matte": {"growth_px": 1}},
"output": {"pattern": "b.%04d.exr"}}"""


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("growth_px", "growht_px", r"\$.settings.matte"),
        ('pattern": "m', 'patern": "m', r"\$.mattes\[0\]"),
        ("settings", "setings", r"\$: "),
        ("first_frame", "firstframe", r"\$.shot"),
    ],
)
def test_a_misspelt_field_gets_the_name_that_was_meant(right: str, wrong: str, place: str) -> None:
    name = right.partition('"')[0]
    with pytest.raises(JobError, match=rf"{place}.*did you mean '{name}'"):
        decode_job(_JOB.replace(right, wrong, 1))


def test_fields_are_known_at_every_depth() -> None:
    assert "inverted" in fields_at("$.shapes[...].frames[3]")
    assert "frames" in fields_at("$.anchors")
    assert fields_at("$.nothing.here") == []

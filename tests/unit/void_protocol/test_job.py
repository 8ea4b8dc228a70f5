from __future__ import annotations

import msgspec

from tests.unit.void_protocol.test_job_file import make_job
from void_protocol.job import Anchors, Matte, with_patterns


def test_the_pattern_of_every_file_is_changed_and_nothing_else() -> None:
    job = msgspec.structs.replace(
        make_job(),
        mattes=[Matte(role="remove", pattern=f"/m{number}.%04d.exr", inverted=True) for number in range(2)],
        anchors=Anchors(pattern="/clean.%04d.exr", frames=[1001]),
    )
    named = [job.shot.plate, "/m0.%04d.exr", "/m1.%04d.exr", "/clean.%04d.exr", job.output.pattern]
    seen: list[str] = []
    changed = with_patterns(job, lambda pattern: seen.append(pattern) or f"/on{pattern}")
    assert sorted(seen) == sorted(named)
    assert changed.anchors is not None
    assert [
        changed.shot.plate,
        *(matte.pattern for matte in changed.mattes),
        changed.anchors.pattern,
        changed.output.pattern,
    ] == [f"/on{pattern}" for pattern in named]
    assert with_patterns(changed, lambda pattern: pattern.removeprefix("/on")) == job
    bare = msgspec.structs.replace(job, mattes=[], anchors=None)
    assert with_patterns(bare, str) == bare

"""A farm's own program that does not take a job."""

from __future__ import annotations

import sys

import pytest

from void_server.farm import submitter
from void_server.farm.errors import FarmError


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "import sys; print('one\\ntwo'); print('no such pool', file=sys.stderr); sys.exit(3)",
            "no such pool",
        ),
        ("import sys; print('one\\ntwo'); sys.exit(3)", "two"),
        ("import sys; sys.exit(3)", "it said nothing"),
        ("import time; time.sleep(60)", "it had no answer within 0.5 s"),
    ],
)
def test_the_last_word_of_one_that_fails_is_told(
    code: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitter, "SUBMIT_LIMIT_S", 0.5 if "sleep" in code else 60)
    with pytest.raises(FarmError, match=rf" did not take the step merge: {told}$"):
        submitter.handed_over([sys.executable, "-c", code], "the step merge")


def test_what_one_that_takes_it_says() -> None:
    assert submitter.handed_over([sys.executable, "-c", "print('jid 12')"], "it").stdout.strip() == "jid 12"

import io

import pytest

from installer.console import Console


def stream(encoding: str = "utf-8") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def written(to: io.TextIOWrapper) -> str:
    to.flush()
    buffer = to.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(to.encoding)


def test_a_step_is_one_line_with_its_detail() -> None:
    to = stream()
    with Console(to).step("PyTorch") as line:
        line.activity("sympy")
        line.detail = "2.13.0"

    assert written(to).split() == ["✓", "PyTorch", "2.13.0"]


def test_a_failed_step_is_marked_and_passes_the_error_on() -> None:
    to = stream()

    def fail() -> None:
        with Console(to).step("PyTorch"):
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        fail()

    assert written(to).split() == ["✗", "PyTorch"]


def test_a_check_names_its_remedy_in_the_same_line() -> None:
    to = stream()
    Console(to).check("Disk", False, "1 GiB free", "make room")
    Console(to).check("Python", True, "3.11.7")

    assert written(to).splitlines() == ["  ✗ Disk: 1 GiB free → make room", "  ✓ Python: 3.11.7"]


def test_a_console_of_few_characters_gets_plain_ones() -> None:
    to = stream("cp437")
    console = Console(to)
    console.check("Disk", True, "a ✓ that it cannot show", "none")
    with console.step("PyTorch"):
        pass

    assert written(to).splitlines() == ["  ok Disk: a ? that it cannot show -> none", "  ok PyTorch"]


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_is_going_on_and_then_clears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("installer.console._REDRAW_S", 0.0)
    to = Terminal()
    with Console(to).step("PyTorch") as line:
        line.activity("x" * 500)

    assert "PyTorch: xxx" in to.getvalue()
    assert all(len(part) < 400 for part in to.getvalue().split("\r"))
    assert to.getvalue().endswith("\x1b[K  ✓ PyTorch\n")

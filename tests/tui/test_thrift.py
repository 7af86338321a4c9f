"""A frame without what the terminal shows already leaves the same screen as the whole one."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from tui.terminal.frame_diff import FrameDiff

COLUMNS, ROWS = 20, 4
_TEXTS = st.text(st.sampled_from("ab ─日é\t"), max_size=6)
_STYLES = st.sampled_from(["31", "1;34;42", "38;2;1;2;3;48;2;4;5;6", "48;2;4;5;6"])
_PIECES = st.tuples(st.integers(1, ROWS), st.integers(1, 8), _TEXTS, _STYLES, st.booleans())
_FRAMES = st.lists(st.lists(_PIECES, min_size=1, max_size=6), max_size=8)
_OTHERS = st.sampled_from(["", "", "", "\x1b[?2026h", "\x1b[2J", "\x1b[?25l"])


def _write(frame: list[tuple[int, int, str, str, bool]]) -> str:
    """The frame as Textual writes it, the cursor put somewhere in the end."""
    text = ""
    for row, column, shown, style, ends_line in frame:
        coloured = f"\x1b[{style}m{shown}\x1b[0m" if shown else ""
        text += f"\x1b[{row};{column}H{coloured}" + ("\n" if ends_line and row < ROWS else "")
    return text.removesuffix("\n") + "\x1b[2;3H"


def _cells(screen: pyte.Screen) -> list[object]:
    """What is seen: the ink of a blank is not."""
    cells = [screen.buffer[row][column] for row in range(ROWS) for column in range(COLUMNS)]
    return [cell._replace(fg="default") if cell.data == " " else cell for cell in cells]


@given(frames=_FRAMES, others=st.lists(_OTHERS, min_size=8, max_size=8))
def test_the_screen_is_the_same(
    frames: list[list[tuple[int, int, str, str, bool]]], others: list[str]
) -> None:
    thrift = FrameDiff()
    whole, pared = pyte.Screen(COLUMNS, ROWS), pyte.Screen(COLUMNS, ROWS)
    for frame, other in zip(frames, others, strict=False):
        for data in (other, _write(frame)):
            pyte.Stream(whole).feed(data)
            pyte.Stream(pared).feed(thrift.pare(data))
            assert _cells(pared) == _cells(whole)
            assert (pared.cursor.x, pared.cursor.y) == (whole.cursor.x, whole.cursor.y)


def test_what_is_there_is_not_sent_again() -> None:
    thrift = FrameDiff()
    first = "\x1b[1;1Hone\n\x1b[2;1Htwo\x1b[2;2H"
    assert thrift.pare(first) == "\x1b[1;1Hone\x1b[2;1Htwo\x1b[2;2H"
    assert thrift.pare(first) == ""
    assert thrift.pare("\x1b[1;2HN\x1b[2;2H") == "\x1b[1;2HN\x1b[2;2H"
    assert thrift.pare(first) == "\x1b[1;1Hone\x1b[2;2H"
    told = "\x1b[3;1H\x1b[1mmy balance is {}\x1b[0m"
    assert thrift.pare(told.format(5)) == "\x1b[3;1H\x1b[0;1mmy balance is 5\x1b[0m"
    assert thrift.pare(told.format(6)) == "\x1b[3;15H\x1b[0;1m6\x1b[0m"
    thrift.forget()
    assert thrift.pare(first).count("o") == 2

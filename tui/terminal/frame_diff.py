"""Leaves out of a frame what the terminal already shows.

Textual draws a changed region whole, often twice, and gives each stretch its colours anew. A frame
is a row of pieces, each a place and the text to put there with its colours; here it becomes the
words and blanks that differ from what was sent before. A streamed reply takes a tenth of the bytes
so (`scripts/bytes_per_reply.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len

_PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")
_COLOURS = re.compile(r"\x1b\[([0-9;]*)m")
_WORDS = re.compile(" |[^ ]+")
# Of blanks that are not underlined, reversed or the like the ink is never seen.
_INK = re.compile(r"^38;(?:2;\d+;\d+;\d+|5;\d+);(?=48;)")
# So many cells that are there already are sent again, where that spares a new place.
_BRIDGED = 6

# Around a frame, for terminals that show it at once (Textual asks whether they can).
_MARKS = ("\x1b[?2026h", "\x1b[?2026l")

_Unit = tuple[str, str, int]  # colours, a word or a blank, and how many cells it takes


class FrameDiff:
    """Remembers what was sent since it last lost sight of the screen."""

    def __init__(self) -> None:
        # By row and column: a unit and the column that it begins at.
        self._rows: dict[int, dict[int, tuple[_Unit, int]]] = {}
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """The screen may show anything: the next frame is sent whole."""
        self._rows.clear()
        self._cursor = None

    def pare(self, frame: str) -> str:
        """What has to be sent of the frame. Whatever is no frame is sent and forgets the screen."""
        if frame in _MARKS:
            return frame
        before, *parts = _PLACE.split(frame)
        pieces = [
            (int(row), int(column), text.rstrip("\n"))
            for row, column, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        ]
        shown = "".join(_COLOURS.sub("", text) for _, _, text in pieces)
        if before or not pieces or not shown.isprintable():
            self.forget()
            return frame
        sent = _Sent()
        for row, column, text in pieces:
            sent.begin()
            for unit in _units(text):
                sent.add(row, column, unit, new=self._put(row, column, unit))
                column += unit[2]
        row, column, text = pieces[-1]
        if not text and (sent.text or self._cursor != (row, column)):
            sent.text.append(f"\x1b[{row};{column}H")
        self._cursor = None if text else (row, column)
        return sent.whole()

    def _put(self, row: int, column: int, unit: _Unit) -> bool:
        """Whether the screen shows something else there; from now on it shows this."""
        cells = self._rows.setdefault(row, {})
        if cells.get(column) == (unit, column):
            return False
        there = range(column, column + unit[2])
        for place in there:
            if place in cells:  # with a part of it, the whole of what stood there is gone
                (_, _, width), first = cells[place]
                for gone in range(first, first + width):
                    cells.pop(gone, None)
        for place in there:
            cells[place] = unit, column
        return True


class _Sent:
    """Gathers words and blanks into text with as few places and colours as will do."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._at: tuple[int, int] | None = None  # where the terminal writes next
        self._sure = True  # of that, whatever the terminal takes for the width of a character
        self._colours = self._ground = ""  # with and without the ink
        self._there = ""  # already, since what was new last

    def begin(self) -> None:
        """A piece: as in the frame it is put at its place, unless all before it was plain."""
        if not self._sure:
            self._at = None

    def add(self, row: int, column: int, unit: _Unit, *, new: bool) -> None:
        colours, text, width = unit
        follows = self._at == (row, column)
        self._at = row, column + width
        if not new:
            bridge = self._there + text
            if follows and self._suits(colours, text) and len(bridge) <= _BRIDGED:
                self._there = bridge
            else:
                self._at = None
            return
        if follows:
            self.text.append(self._there)
        else:
            self.text.append(f"\x1b[{row};{column}H")
            self._sure = True
        self._there = ""
        if not self._suits(colours, text):
            self._colour(colours)
        self.text.append(text)
        self._sure = self._sure and text.isascii()

    def whole(self) -> str:
        self._colour("")
        return "".join(self.text)

    def _suits(self, colours: str, text: str) -> bool:
        return colours == (self._ground if text == " " else self._colours)

    def _colour(self, colours: str) -> None:
        if colours != self._colours:
            self.text.append(f"\x1b[0;{colours}m" if colours else "\x1b[0m")
            self._colours, self._ground = colours, _INK.sub("", colours)


def _units(text: str) -> Iterator[_Unit]:
    """The words and blanks of a piece, with their colours."""
    colours = ""
    for number, part in enumerate(_COLOURS.split(text)):
        if number % 2:
            colours = "" if part in ("", "0") else f"{colours};{part}" if colours else part
        elif part:
            blank = _INK.sub("", colours), " ", 1
            for word in _WORDS.findall(part):
                if word == " ":
                    yield blank
                elif width := cell_len(word):
                    yield colours, word, width

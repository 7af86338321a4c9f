"""Leaves out of a frame what the terminal already shows: for slow lines.

Textual draws a changed region whole, and often draws it twice. A frame is a row of pieces, each a
place and the text to put there with its colours; a piece that is there already need not be sent.
"""

from __future__ import annotations

import re

from rich.cells import cell_len

_PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Around a frame, for terminals that show it at once (Textual asks whether they can).
_MARKS = ("\x1b[?2026h", "\x1b[?2026l")


class Thrift:
    """Remembers what was sent since it last lost sight of the screen; unless `active`, nothing."""

    def __init__(self, *, active: bool = True) -> None:
        self._active = active
        # By row and first column: a piece's last column and the piece.
        self._rows: dict[int, dict[int, tuple[int, str]]] = {}
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """The screen may show anything: the next frame is sent as it is."""
        self._rows.clear()
        self._cursor = None

    def pare(self, frame: str) -> str:
        """What has to be sent of the frame. Whatever is no frame is sent and forgets the screen."""
        if not self._active or frame in _MARKS:
            return frame
        before, *parts = _PLACE.split(frame)
        pieces = [
            (int(row), int(column), text.rstrip("\n"))
            for row, column, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        ]
        shown = [_COLOURS.sub("", text) for _, _, text in pieces]
        if before or not pieces or not "".join(shown).isprintable():
            self.forget()
            return frame
        sent: list[str] = []
        for (row, column, text), seen in zip(pieces, shown, strict=True):
            width = cell_len(seen)
            if width and self._is_new(row, column, column + width, text):
                sent.append(f"\x1b[{row};{column}H{text}")
        row, column, text = pieces[-1]
        if not text and (sent or self._cursor != (row, column)):
            sent.append(f"\x1b[{row};{column}H")
        self._cursor = None if text else (row, column)
        return "".join(sent)

    def _is_new(self, row: int, first: int, end: int, text: str) -> bool:
        """Whether the screen shows something else there; from now on it shows this."""
        pieces = self._rows.setdefault(row, {})
        if pieces.get(first) == (end, text):
            return False
        for start, (stop, _) in list(pieces.items()):
            if start < end and first < stop:
                del pieces[start]
        pieces[first] = (end, text)
        return True

"""Leaves out of a frame what the terminal already shows.

Textual draws a changed region whole, and often draws it twice. A frame is a row of pieces, each a
place and the text to put there with its colours; a piece that is there already need not be sent.
A streamed reply takes less than a third of the bytes so (`scripts/bytes_per_reply.py`).
"""

from __future__ import annotations

import re

from rich.cells import cell_len

_PLACE = re.compile(r"\x1b\[(\d+);(\d+)H")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# Around a frame, for terminals that show it at once (Textual asks whether they can).
_MARKS = ("\x1b[?2026h", "\x1b[?2026l")


class Thrift:
    """Remembers what was sent since it last lost sight of the screen."""

    def __init__(self) -> None:
        # By row and first column: a piece's last column and the piece.
        self._rows: dict[int, dict[int, tuple[int, str]]] = {}
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """The screen may show anything: the next frame is sent as it is."""
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
        if before or not pieces:
            self.forget()
            return frame
        sent: list[str] = []
        for row, column, text in pieces:
            if not text or self._shows(row, column, text):
                continue
            seen = _COLOURS.sub("", text)
            if not seen.isprintable():
                self.forget()
                return frame
            if width := cell_len(seen):
                self._put(row, column, column + width, text)
                sent.append(f"\x1b[{row};{column}H{text}")
        row, column, text = pieces[-1]
        if not text and (sent or self._cursor != (row, column)):
            sent.append(f"\x1b[{row};{column}H")
        self._cursor = None if text else (row, column)
        return "".join(sent)

    def _shows(self, row: int, column: int, text: str) -> bool:
        """Whether just this stands there already."""
        _, shown = self._rows.get(row, {}).get(column, (0, ""))
        return shown == text

    def _put(self, row: int, first: int, end: int, text: str) -> None:
        """The screen shows this from now on, and nothing of what it covers."""
        pieces = self._rows.setdefault(row, {})
        for start, (stop, _) in list(pieces.items()):
            if start < end and first < stop:
                del pieces[start]
        pieces[first] = (end, text)

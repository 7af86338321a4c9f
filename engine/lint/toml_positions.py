"""On which line of a TOML file each key and list item stands.

`tomllib` does not say, and the libraries that keep a file's form for rewriting it do not either.
The text must be valid TOML, which `tomllib` has made sure of: this only finds its way through it.
"""

from __future__ import annotations

import contextlib
import re
import tomllib

Place = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:\'{0,2})|"(?:\\.|[^"\\])*"|\'[^\']*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}\n#]+")


class Positions:
    """`line(place)`: of the value, or of the nearest thing around it that the text has."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._lines: dict[Place, int] = {(): 1}
        self._counts: dict[Place, int] = {}
        # Where it loses its way, the nearest place found so far has to do.
        with contextlib.suppress(AssertionError, IndexError):
            self._document()

    def line(self, place: Place) -> int:
        while place not in self._lines:
            place = place[:-1]
        return self._lines[place]

    def _document(self) -> None:
        table: Place = ()
        while self._skip():
            if self._text.startswith("[[", self._at):
                self._at += 2
                name = self._key(table=True)
                self._at += 2
                number = self._counts.get(name, 0)
                self._counts[name] = number + 1
                table = (*name, number)
                self._note(table)
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._key(table=True)
                self._at += 1
                self._note(table)
            else:
                self._pair(table)

    def _skip(self) -> bool:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at < len(self._text)

    def _key(self, *, table: bool = False) -> Place:
        """Read a dotted key. In the name of a table, a list of tables means its last one."""
        place: Place = ()
        while True:
            self._skip()
            match = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            assert match is not None
            self._at = match.end()
            word = match[0]
            name = next(iter(tomllib.loads(f"{word} = 0"))) if word[0] in "\"'" else word
            place = (*place, name)
            self._skip()
            if self._text[self._at] != ".":
                return place
            self._at += 1
            if table and place in self._counts:
                place = (*place, self._counts[place] - 1)

    def _pair(self, table: Place) -> None:
        start = self._at
        place = (*table, *self._key())
        self._note(place, start)
        self._at += 1  # the equals sign
        self._skip()
        self._value(place)

    def _value(self, place: Place) -> None:
        opening = self._text[self._at]
        if opening in "\"'":
            match = _STRING.match(self._text, self._at)
        elif opening == "[":
            self._at += 1
            number = 0
            while self._next("]"):
                self._note((*place, number))
                self._value((*place, number))
                number += 1
            return
        elif opening == "{":
            self._at += 1
            while self._next("}"):
                self._pair(place)
            return
        else:
            match = _PLAIN.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _next(self, closing: str) -> bool:
        """Go to the next item; False after the last."""
        self._skip()
        if self._text[self._at] == ",":
            self._at += 1
            self._skip()
        if self._text[self._at] != closing:
            return True
        self._at += 1
        return False

    def _note(self, place: Place, at: int | None = None) -> None:
        line = self._text.count("\n", 0, self._at if at is None else at) + 1
        self._lines.setdefault(place, line)

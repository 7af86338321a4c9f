"""A tolerant decoder of server-sent events, with bounds.

It follows the standard (WHATWG HTML, 9.2.6) and forgives what servers and gateways get wrong:
events that one line break separates instead of two, JSON without `data:` in front (a whole answer,
or an error in the middle of a stream), llama.cpp's `error:` field, bytes that are not UTF-8. The
SDK's own decoder fails on keep-alives and knows no bounds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from engine.llm import dialects

# In bytes. A token takes some 300 as an event, so this is an answer of 200,000 tokens.
LONGEST_EVENT = 8 * 2**20
LONGEST_STREAM = 64 * 2**20


class TooLong(Exception):
    """An answer is larger than any that is meant; the text says by which bound."""


class SentEvent(NamedTuple):
    """One event: its name, often empty, and its data, as text."""

    name: str
    data: str


class SSEDecoder:
    """Takes bytes as they come and gives the events in them. Raises `TooLong`."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._after_cr = False
        self._name = ""
        self._data: list[str] = []
        self._bare = False  # JSON without `data:` has begun
        self._size = self._total = 0

    def feed(self, data: bytes) -> Iterator[SentEvent]:
        """Take in a piece; give the events that are complete."""
        self._total += len(data)
        if self._total > LONGEST_STREAM:
            raise TooLong(f"more than {LONGEST_STREAM >> 20} MB")
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        self._after_cr = data.endswith(b"\r")
        for piece in data.splitlines(keepends=True):
            self._line += piece
            if self._size + len(self._line) > LONGEST_EVENT:
                raise TooLong(f"one event of more than {LONGEST_EVENT >> 20} MB")
            if piece.endswith((b"\n", b"\r")):
                yield from self._end_line()

    def finish(self) -> Iterator[SentEvent]:
        """Give what the end of the stream leaves."""
        yield from self._end_line()
        yield from self._dispatch()

    def _end_line(self) -> Iterator[SentEvent]:
        line = self._line.rstrip(b"\r\n").decode("utf-8", "replace").removeprefix("\ufeff")
        self._line.clear()
        if self._bare:
            self._add(line)
            if not line.strip() and _is_json("\n".join(self._data)):
                yield from self._dispatch()
        elif not line:
            yield from self._dispatch()
        elif line.lstrip()[0:1] in tuple("{[<"):
            yield from self._dispatch()
            self._add(line)
            self._bare = not (line.strip() == dialects.DONE or _is_json(line))
            if not self._bare:
                yield from self._dispatch()
        else:
            yield from self._take_field(line)

    def _take_field(self, line: str) -> Iterator[SentEvent]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name.strip().lower():
            case "data":
                first = self._data[0].strip() if len(self._data) == 1 else ""
                if first == dialects.DONE or (first.endswith(("}", "]")) and _is_json(first)):
                    yield from self._dispatch()
                self._add(value)
            case "event":
                self._name = value.strip()
            case "error":
                yield from self._dispatch()
                self._name = "error"
                self._add(value)

    def _add(self, line: str) -> None:
        self._data.append(line)
        self._size += len(line)

    def _dispatch(self) -> Iterator[SentEvent]:
        event = SentEvent(self._name, "\n".join(self._data))
        self._name, self._data, self._size, self._bare = "", [], 0, False
        if event.data.strip():
            yield event


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True

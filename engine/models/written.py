"""What a model writes that is no prose: its thoughts, and the calls it puts into words.

Small models think in `<think>…</think>` before they answer, and servers that do not know their
form pass their calls on as text. A call is taken from explicit markup only, and only if what it
names was offered: from `<tool_call>` blocks, from a reply that is nothing but JSON, and from one
fence of JSON that ends the reply. JSON amid prose is prose.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from engine.conversation import ToolCall

_THOUGHT, _END_OF_THOUGHT = "<think>", "</think>"
_BLOCK, _FENCE = "<tool_call>", "```"
_OPENERS = (_BLOCK, f"{_FENCE}json")
_LONGEST = max(map(len, _OPENERS))
_MARK = re.compile("[<`]")
_OPENED = re.compile(rf"(?:{_BLOCK}|{_FENCE}(?:json)?)\s*(?:\{{|\Z)")
# Once text goes on like this, only its end tells whether it is a call.
_SURE = re.compile(rf"\s*(?:{_BLOCK}\s*)?\{{")
_BEGIN_OF_BLOCK = re.compile(rf"{_BLOCK}\s*")
_END_OF_BLOCK = re.compile(r"\s*(?:</tool_call>|(?=<tool_call>)|\Z)")
_ALONE = re.compile(
    rf"{_FENCE}(?:json)?\s*(?P<fence>\{{.*\}})\s*{_FENCE}|(?P<bare>\{{.*\}})", re.DOTALL
)
_JSON = json.JSONDecoder()


class WrittenReader:
    """Takes text in pieces, gives the prose in it as soon as it is sure to be prose, and the rest
    of it with the calls at the end. `offered` are the names that may be called.
    """

    def __init__(self, offered: frozenset[str]) -> None:
        self._offered = offered
        self._held: list[str] = []
        self._begun = self._thinking = self._thought = False
        self._fenced = False  # a fence was seen that does not end the reply
        self._to_the_end = False  # only the end will tell

    @property
    def in_block(self) -> bool:
        """Whether a call has begun, or is over, that was marked as one."""
        return "".join(self._held).lstrip().startswith(_BLOCK)

    def feed(self, new: str) -> str:
        """Take in a piece; returns what may be shown, often none."""
        self._held.append(new)
        if self._to_the_end:
            return ""
        text, first = "".join(self._held), not self._begun
        if first:
            text = self._without_thoughts(text)
            self._begun = not (self._thinking or _THOUGHT.startswith(text.lstrip()))
        cut = self._end_of_prose(text, first=first) if self._begun else 0
        if cut < len(text):
            cut = len(text[:cut].rstrip())  # space before a call is nothing to show
        self._held = [text[cut:]]
        self._to_the_end = self._begun and bool(_SURE.match(text, cut))
        return text[:cut]

    def finish(self) -> tuple[str, tuple[ToolCall, ...]]:
        """The prose not shown yet, and the calls. What a model wrote behind a call it wrote
        before it knew the result: that is dropped.
        """
        text = "" if self._thinking else "".join(self._held)
        calls = self._calls_in(text.strip())
        return ("" if calls else text), calls

    def _without_thoughts(self, text: str) -> str:
        """The text behind the thoughts it begins with; of an open one, what may be its end."""
        while True:
            if self._thinking:
                _, end, rest = text.partition(_END_OF_THOUGHT)
                if not end:
                    return text[1 - len(_END_OF_THOUGHT) :]
                self._thinking, self._thought, text = False, True, rest
            if self._thought:
                text = text.lstrip()
            if not text.lstrip().startswith(_THOUGHT):
                return text
            self._thinking, text = True, text.lstrip().removeprefix(_THOUGHT)

    def _end_of_prose(self, text: str, *, first: bool) -> int:
        """Where in the text begins what is, or may become, a call."""
        if not self._offered:
            return len(text)
        if first and text.lstrip().startswith("{"):
            return 0
        at = 0
        while mark := _MARK.search(text, at):
            at = mark.start()
            if mark[0] == "<":
                if _opens(text, at):
                    return at
            elif not self._fenced and _opens(text, at):
                closed = text.find(_FENCE, at + len(_FENCE))
                if closed < 0 or not text[closed + len(_FENCE) :].strip():
                    return at
                # It does not end the reply.
                self._fenced, at = True, closed
            at += 1
        return len(text)

    def _calls_in(self, text: str) -> tuple[ToolCall, ...]:
        """All the calls that the text consists of, or none."""
        try:
            if text.startswith(_BLOCK):
                found = _blocks(text)
            elif match := _ALONE.fullmatch(text):
                found = [json.loads(match["fence"] or match["bare"])]
            else:
                return ()
        except (ValueError, RecursionError):
            return ()
        calls = [self._call(data) for data in found]
        return tuple(filter(None, calls)) if all(calls) else ()

    def _call(self, data: Any) -> ToolCall | None:
        name = data.get("name") if isinstance(data, dict) else None
        if not isinstance(name, str) or name not in self._offered:
            return None
        arguments = data.get("arguments", data.get("parameters", {}))
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        return ToolCall(new_call_id(), name, arguments)


def new_call_id() -> str:
    """An id for a call to which the server gave none."""
    return f"call_{uuid4().hex[:24]}"


def _opens(text: str, at: int) -> bool:
    """Whether what stands here opens a call, or does so if the text goes on accordingly."""
    rest = text[at : at + _LONGEST + 1]
    return bool(_OPENED.match(text, at)) or any(opener.startswith(rest) for opener in _OPENERS)


def _blocks(text: str) -> list[Any]:
    """The JSON in each block of text that consists of blocks, whatever stands between them.

    Raises `ValueError` where one of them is cut, or no JSON.
    """
    found, at = [], 0
    while begin := _BEGIN_OF_BLOCK.search(text, at):
        data, at = _JSON.raw_decode(text, begin.end())
        end = _END_OF_BLOCK.match(text, at)
        if end is None:
            raise ValueError("a block goes on behind its JSON")
        found.append(data)
        at = end.end()
    return found

"""Reads a Chat Completions stream of any server, however loosely it follows the protocol.

The SDK's own helper fails or merges calls on servers that leave out `index`, reuse it, start it
at 1 or send arguments as objects, and it takes a stream without a finish reason for a whole one.
This reader forgives the first and refuses the last: what was cut is never acted upon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.conversation import ToolCall
from engine.models.port import FinishReason, ModelError
from engine.models.written import WrittenReader, new_call_id


class _Text:
    """Text in pieces. What is half a character may have its other half in the next piece, since
    some servers cut between UTF-16 units; a half that stays alone is marked.
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._half = ""

    def add(self, piece: Any) -> str:
        """Take in what may be a piece of text; returns what is whole of it."""
        if not isinstance(piece, str):
            return ""
        text, self._half = self._half + piece, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        text = whole_characters(text)
        self._pieces.append(text)
        return text

    def end(self) -> str:
        """What is left: a mark for a half that stayed alone."""
        left, self._half = "\ufffd" if self._half else "", ""
        self._pieces.append(left)
        return left

    @property
    def so_far(self) -> str:
        return "".join(self._pieces)

    def whole(self) -> str:
        """All of it, and its end."""
        self.end()
        return self.so_far


@dataclass
class _Call:
    id: str
    index: int | None
    name: str = ""
    arguments: _Text = field(default_factory=_Text)


class _Calls:
    """Puts calls together from their parts; `offered` tells a whole name from a piece of one."""

    def __init__(self, offered: frozenset[str]) -> None:
        self._offered = offered
        self._all: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}

    def take(self, part: Any) -> None:
        """Take in one part of a call."""
        index = getattr(part, "index", None)
        index = index if isinstance(index, int) else None
        call_id = str(getattr(part, "id", None) or "")
        function = getattr(part, "function", None)
        name = str(getattr(function, "name", None) or "")
        arguments = getattr(function, "arguments", None)
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        call = self._known(index, call_id, name)
        if call is None or self._is_another(call, call_id, name, arguments or ""):
            call = _Call(call_id, index)
            self._all.append(call)
            if index is not None:
                self._by_index[index] = call
        if call_id:
            call.id = call.id or call_id
            self._by_id[call_id] = call
        if not call.name:
            call.name = name
        elif self._is_piece(call, name):
            call.name += name
        call.arguments.add(arguments)

    def whole(self) -> tuple[ToolCall, ...]:
        """All calls, each under an id of its own."""
        used: set[str] = set()
        for call in self._all:
            if not call.id or call.id in used:
                call.id = new_call_id()
            used.add(call.id)
        return tuple(
            ToolCall(call.id, call.name, call.arguments.whole() or "{}") for call in self._all
        )

    def _known(self, index: int | None, call_id: str, name: str) -> _Call | None:
        """The call that a part seems to belong to: by its id, else its index, else the last."""
        placed = self._by_index.get(index) if index is not None else None
        named = self._by_id.get(call_id)
        if named is not None and (index is None or named.index in (None, index)):
            return named
        if named is not None and not name and not (placed and placed.id == call_id):
            return named
        if index is None and not call_id and self._all:
            last = self._all[-1]
            return last if not name or self._is_piece(last, name) else None
        return placed

    def _is_another(self, call: _Call, call_id: str, name: str, arguments: str) -> bool:
        """Whether a part cannot belong to this call, whose place it has."""
        if call_id and call.id and call_id != call.id:
            return True
        if not name or not call.name or self._is_piece(call, name):
            return False
        if name != call.name:
            return True
        # The same name again is a habit of some servers, and may be a second call only behind
        # whole arguments. The same call once more is not taken for two.
        before = call.arguments.so_far
        return not (call_id and call.id) and arguments not in ("", before) and _is_json(before)

    def _is_piece(self, call: _Call, name: str) -> bool:
        """Whether the name of a call goes on like this."""
        if not name or call.arguments.so_far:
            return False
        longer = call.name + name
        return not self._offered or any(tool.startswith(longer) for tool in self._offered)


class StreamReader:
    """Takes chunks, gives text as it comes and the whole at the end.

    `offered` are the names of the tools in the request: only these are recognised in a call
    that a model wrote as text.
    """

    def __init__(self, offered: Iterable[str] = ()) -> None:
        self.finish_reason: str | None = None
        self.input_tokens = self.cached_tokens = self.output_tokens = 0
        self.has_usage = False
        names = frozenset(offered)
        self._calls = _Calls(names)
        self._text = _Text()
        self._refusal = _Text()
        self._written = WrittenReader(names)
        self._shown: list[str] = []

    def feed(self, chunk: Any) -> str:
        """Take in one chunk; returns the new text that may be shown, often none."""
        self._take_usage(getattr(chunk, "usage", None))
        new = ""
        for choice in getattr(chunk, "choices", None) or ():
            if getattr(choice, "index", None):
                continue  # another alternative; we never ask for more than one
            self.finish_reason = getattr(choice, "finish_reason", None) or self.finish_reason
            delta = getattr(choice, "delta", None)
            new += self._text.add(getattr(delta, "content", None))
            self._refusal.add(getattr(delta, "refusal", None))
            for part in getattr(delta, "tool_calls", None) or ():
                self._calls.take(part)
        return self._show(self._written.feed(new))

    def finish(self) -> tuple[str, str, tuple[ToolCall, ...], FinishReason]:
        """The text not shown yet, the whole text, the calls and why it ended.

        Raises `ModelError` `incomplete` where the stream ended without a reason, `limit` where
        the length limit fell into a call, `content_filter` where the provider withheld it.
        """
        if self.finish_reason is None:
            raise ModelError(
                "incomplete", "the answer broke off; no call in it was run", retryable=True
            )
        if self.finish_reason == "content_filter":
            raise ModelError("content_filter", "the provider's content filter stopped the answer")
        unshown = self._written.feed(self._text.end())
        rest, written = self._written.finish()
        unshown = self._show(unshown + rest)
        text = "".join(self._shown)
        if not text.strip():
            unshown = text = self._refusal.whole()
        calls = self._calls.whole()
        if self.finish_reason == "length":
            if calls or written or self._written.in_block:
                raise ModelError(
                    "limit", "the answer reached its length limit inside a tool call; not run"
                )
            return unshown, text, (), "length"
        calls = calls or written
        # Some servers say `stop` although they called a tool: the calls are what counts.
        return unshown, text, calls, "tool_calls" if calls else "stop"

    def _show(self, text: str) -> str:
        self._shown.append(text)
        return text

    def _take_usage(self, usage: Any) -> None:
        """Keep the last figures that are figures: some servers send usage before the end."""
        if usage is None:
            return
        self.has_usage = True
        self.input_tokens = _count(usage, "prompt_tokens") or self.input_tokens
        self.output_tokens = _count(usage, "completion_tokens") or self.output_tokens
        details = getattr(usage, "prompt_tokens_details", None)
        self.cached_tokens = _count(details, "cached_tokens") or self.cached_tokens


def whole_characters(text: str) -> str:
    """The text with halves of characters (UTF-16 surrogates) put together, or marked as broken.

    What is left of them cannot be written as UTF-8.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return value if isinstance(value, int) and value > 0 else 0

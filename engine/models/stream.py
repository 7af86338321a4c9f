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

    def whole(self) -> str:
        """All of it, and its end."""
        self.end()
        return "".join(self._pieces)


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: _Text = field(default_factory=_Text)


class StreamReader:
    """Takes chunks, gives text as it comes and the whole at the end.

    `offered` are the names of the tools in the request: only these are recognised in a call
    that a model wrote as text.
    """

    def __init__(self, offered: Iterable[str] = ()) -> None:
        self.finish_reason: str | None = None
        self.input_tokens = self.cached_tokens = self.output_tokens = 0
        self.has_usage = False
        self._offered = frozenset(offered)
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._text = _Text()
        self._refusal = _Text()
        self._written = WrittenReader(self._offered)
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
                self._take_call(part)
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
        calls = tuple(
            ToolCall(call.id or new_call_id(), call.name, call.arguments.whole() or "{}")
            for call in self._calls
        )
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

    def _take_call(self, part: Any) -> None:
        index = getattr(part, "index", None)
        index = index if isinstance(index, int) else None
        call_id = getattr(part, "id", None) or ""
        function = getattr(part, "function", None)
        name = getattr(function, "name", None) or ""
        call = self._find_call(index, call_id, name)
        if name and not call.name:
            call.name = name
        arguments = getattr(function, "arguments", None)
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        call.arguments.add(arguments)

    def _find_call(self, index: int | None, call_id: str, name: str) -> _Call:
        """The call a part belongs to: a new id opens a call, else the index, else the last."""
        if call_id and call_id in self._by_id:
            return self._by_id[call_id]
        known = self._by_index.get(index) if index is not None else None
        if known is None and index is None and not call_id and not name and self._calls:
            known = self._calls[-1]
        if known is not None and not (call_id and known.id):
            if call_id:
                known.id = call_id
                self._by_id[call_id] = known
            return known
        call = _Call(id=call_id)
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        if call_id:
            self._by_id[call_id] = call
        return call


def whole_characters(text: str) -> str:
    """The text with halves of characters (UTF-16 surrogates) put together, or marked as broken.

    What is left of them cannot be written as UTF-8.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _count(holder: Any, name: str) -> int:
    value = getattr(holder, name, None)
    return value if isinstance(value, int) and value > 0 else 0

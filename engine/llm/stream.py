"""Reads a Chat Completions stream of any server, however loosely it follows the protocol.

Servers leave out `index`, reuse it, start it at 1, send it as text, send arguments as objects or
twice, text as a list of parts, a message in place of a delta. This reader forgives all of that. It
does not forgive how an answer ends: only a finish reason that is known to be good lets a call run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.chat_model import FinishReason, ModelError
from engine.conversation import ToolCall
from engine.ids import new_call_id
from engine.llm import dialects
from engine.llm.http_errors import error_message
from engine.llm.inline_tool_calls import InlineToolCallParser, clean_name, to_json
from engine.llm.usage import UsageReader, figure
from engine.text import replace_surrogates

# A turn allows a dozen calls; what is far beyond that is a fault of the server.
MOST_CALLS = 128
LONGEST_ARGUMENTS = 2**20  # of all calls of an answer, in characters
_JSON = json.JSONDecoder(strict=False)


class BadEnd(Exception):
    """The answer ended in a way that is not known to be good, or as a call not understood.

    `broken`: the server failed on its way, so that the same request may succeed.
    """

    def __init__(self, told: str, *, broken: bool = False) -> None:
        super().__init__(told)
        self.broken = broken


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
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._all)

    def take(self, part: Mapping[str, Any]) -> None:
        """Take in one part of a call."""
        index = figure(part.get("index"))
        call_id = str(part.get("id") or "")
        function = part.get("function")
        function = function if isinstance(function, Mapping) else part  # Cohere: no `function`
        name = str(function.get("name") or "")
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        self._size += len(arguments or "")
        if len(self._all) >= MOST_CALLS or self._size > LONGEST_ARGUMENTS:
            raise ModelError(
                "model", "the answer has more calls, or longer ones, than any that is meant"
            )
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
            ToolCall(
                replace_surrogates(call.id),
                clean_name(replace_surrogates(call.name), self._offered),
                _arguments(call.arguments.whole()),
            )
            for call in self._all
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
        if _arguments(before) == "{}":
            return False  # the real ones follow
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
    that a model wrote as text. `hold` and `conversation` are those of `InlineToolCallParser`.
    """

    def __init__(
        self,
        offered: Iterable[str] = (),
        *,
        hold: bool = False,
        conversation: Iterable[str] = (),
    ) -> None:
        self.separates_thoughts = False  # the server has a place of its own for them
        self.usage = UsageReader()
        self._reasons: list[str] = []
        self._words = ""
        self._index: Any = None
        names = frozenset(offered)
        self._calls = _Calls(names)
        self._text = _Text()
        self._refusal = _Text()
        self._written = InlineToolCallParser(names, hold=hold, conversation=conversation)
        self._shown: list[str] = []
        self._unshown = ""

    @property
    def unopened_thoughts(self) -> bool:
        """Whether thoughts were seen that end without having begun."""
        return self._written.unopened

    @property
    def has_text(self) -> bool:
        return bool(self._text.so_far.strip())

    def feed(self, chunk: Mapping[str, Any]) -> str:
        """Take in one chunk; returns the new text that may be shown, often none."""
        self.usage.take(chunk.get("usage"))
        groq = chunk.get("x_groq")
        self.usage.take(groq.get("usage") if isinstance(groq, Mapping) else None)
        self.separates_thoughts |= self.usage.counts_thoughts
        choices = chunk.get("choices")
        new = "".join(
            self._take_choice(choice)
            for choice in (choices if isinstance(choices, list) else ())
            if isinstance(choice, Mapping)
        )
        return self._show(self._written.feed(new))

    def _take_choice(self, choice: Mapping[str, Any]) -> str:
        index = choice.get("index")
        self._index = index if self._index is None else self._index
        if index is not None and index != self._index:
            return ""  # another alternative; we never ask for more than one
        self.usage.take(choice.get("usage"))  # Moonshot
        if reason := choice.get("finish_reason"):
            self._reasons.append(str(reason))
        filters = choice.get("content_filter_results")  # Azure
        if isinstance(filters, Mapping) and any(map(_filtered, filters.values())):
            self._reasons.append("content_filter")
        if failed := choice.get("error"):
            self._reasons.append("error")
            self._words = error_message(failed)
        delta = choice.get("delta")
        if not isinstance(delta, Mapping):
            whole = choice.get("message")
            if not isinstance(whole, Mapping) or self.has_text or self._calls:
                return self._text.add(choice.get("text"))  # of completions before chat
            delta = whole
        self.separates_thoughts |= any(delta.get(name) for name in dialects.THOUGHT_FIELDS)
        self._refusal.add(delta.get("refusal"))
        calls = delta.get("tool_calls")
        if isinstance(calls, Mapping):
            calls = [calls]
        for part in calls if isinstance(calls, list) else ():
            if isinstance(part, Mapping):
                self._calls.take(part)
        if not calls and isinstance(before_tools := delta.get("function_call"), Mapping):
            self._calls.take({"function": before_tools})
        return self._text.add(self._content(delta.get("content")))

    def _content(self, content: Any) -> str | None:
        """Return the text of a content, which may be a list of parts: Mistral, Anthropic."""
        if isinstance(content, Mapping):
            content = [content]
        if not isinstance(content, list):
            return content if isinstance(content, str) else None
        texts = []
        for part in content:
            if isinstance(part, str):
                texts.append(part)
            elif isinstance(part, Mapping):
                if part.get("type") in ("thinking", "reasoning", "redacted_thinking"):
                    self.separates_thoughts = True
                elif isinstance(text := part.get("text"), str):
                    texts.append(text)
        return "".join(texts)

    def rest(self) -> str:
        """Return the text that a broken answer leaves, as far as it is prose; once."""
        unshown, self._unshown = self._unshown, ""
        rest, _ = self._written.finish()
        return unshown + self._show(rest)

    def finish(self, *, announced: bool) -> tuple[str, str, tuple[ToolCall, ...], FinishReason]:
        """Return the text not shown yet, the whole text, the calls and why it ended.

        `announced`: the server said that nothing follows. Text without a finish reason is then
        taken as one that may be cut; a call is not.

        Raises `BadEnd`, or `ModelError`: `incomplete` where the stream ended without a reason,
        `limit` where the length limit fell into a call, `context_overflow` where the request left
        no room for an answer, `content_filter` where the provider withheld it.
        """
        reason = self._reason()
        if reason == "content_filter":
            raise ModelError("content_filter", self._filtered())
        unshown = self._written.feed(self._text.end())
        rest, written = self._written.finish()
        self._unshown = unshown = self._show(unshown + rest)
        text = "".join(self._shown)
        if not text.strip():
            unshown = text = self._refusal.whole()
        calls = self._calls.whole() or written
        in_call = bool(calls or self._written.in_block)
        if reason is None:
            if in_call or not announced or not text.strip():
                raise ModelError(
                    "incomplete", "the answer broke off; no call in it was run", retryable=True
                )
            return unshown, text, (), "length"
        if reason == "length":
            if in_call:
                raise ModelError(
                    "limit", "the answer reached its length limit inside a tool call; not run"
                )
            if not text.strip() and self._reasons_among(dialects.FINISH_OVERFLOW):
                raise ModelError(
                    "context_overflow",
                    "the conversation is too long for the model, which could answer nothing. "
                    "Begin a new session, or send less at once",
                )
            return unshown, text, (), "length"
        if not calls and (self._written.misunderstood or self._announces_call()):
            raise BadEnd("called a tool in a form that is not understood; nothing was run")
        # Some servers say `stop` although they called a tool: the calls are what counts.
        return unshown, text, calls, "tool_calls" if calls else "stop"

    def _announces_call(self) -> bool:
        return bool(self._reasons) and self._reasons[-1].casefold() in dialects.FINISH_CALLED

    def _reasons_among(self, known: frozenset[str]) -> bool:
        return any(reason.strip().casefold() in known for reason in self._reasons)

    def _reason(self) -> FinishReason | None:
        """Return why the answer ended; of several reasons the worst. Raises `BadEnd`."""
        reasons = [reason.strip().casefold() for reason in self._reasons]
        known = dialects.FINISH_COMPLETE | dialects.FINISH_LENGTH | dialects.FINISH_FILTERED
        for reason in reasons:
            if reason not in known:
                said = f": {self._words}" if self._words else ""
                told = f"ended the answer with {self._reasons[reasons.index(reason)]!r}{said}"
                broken = reason in dialects.FINISH_BROKEN
                raise BadEnd(f"{told}; no call in it was run", broken=broken)
        if self._reasons_among(dialects.FINISH_FILTERED):
            return "content_filter"
        if self._reasons_among(dialects.FINISH_LENGTH):
            return "length"
        return "stop" if reasons else None

    def _filtered(self) -> str:
        return "the provider's content filter stopped the answer"

    def _show(self, text: str) -> str:
        self._shown.append(text)
        return text


def _filtered(verdict: Any) -> bool:
    return isinstance(verdict, Mapping) and verdict.get("filtered") is True


def whole_characters(text: str) -> str:
    """The text with halves of characters (UTF-16 surrogates) put together, or marked as broken.

    What is left of them cannot be written as UTF-8.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _arguments(text: str) -> str:
    """Return the arguments of a call as JSON text of an object, if that is what they are.

    Nothing, `null` and "{}" in front of the real ones mean nothing; arguments that come twice are
    meant once; an object that was encoded twice is decoded once. All else stays as it came.
    """
    try:
        found = list(_documents(text))
    except (ValueError, RecursionError):
        return text
    real = [each for each in found if each not in (None, {}, "")]
    if not real:
        return "{}"
    if any(each != real[0] for each in real):
        return text
    if isinstance(real[0], str):
        return _arguments(real[0]) if real[0].lstrip().startswith("{") else text
    clean = replace_surrogates(real[0])
    return text if len(found) == 1 and clean == real[0] else to_json(clean)


def _documents(text: str) -> Iterable[Any]:
    """Give the pieces of JSON that follow each other in the text. Raises `ValueError`."""
    at = 0
    while at < len(text := text.strip()):
        value, at = _JSON.raw_decode(text, at)
        yield value
        while text[at : at + 1].isspace():
            at += 1


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True

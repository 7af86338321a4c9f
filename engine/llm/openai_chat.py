"""A chat model behind the OpenAI protocol: Azure, OpenAI, or any server that speaks it.

Retries are ours and visible (`RetryScheduled`): only before anything of the answer was seen,
never for a request that was wrong, and never sooner than the server's `Retry-After`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.conversation import Message, ToolCall
from engine.events import RetryScheduled, TextDelta
from engine.llm.constrained_calls import call_by_decisions, is_small, names_tool
from engine.llm.http_errors import ONCE_MORE, Failure, Refusals, error_message, humanize_seconds
from engine.llm.response_decoding import Answer, StreamedError, drain
from engine.llm.server_capabilities import ServerCapabilities, structured_fields
from engine.llm.stream import BadEnd, StreamReader, whole_characters
from engine.redaction import Redactor, redacted, redacted_data
from engine.text import replace_surrogates
from engine.tools.tool import SWITCH_INTENT, Tool

MAX_ATTEMPTS = 6
# More names than this cost more in a schema than they gain: the code checks them anyway.
MAX_ENUM = 40
FIRST_DELAY_S = 0.5
MAX_DELAY_S = 20.0
# A server that asks for more patience than this gets none: the person is told instead.
MAX_RETRY_AFTER_S = 120.0
# Behind the end of an answer a server may leave its connection open.
DRAIN_S = 0.1
UNUSABLE = (
    "{model} did not answer in a form that can be used, so nothing was done. Small models do "
    "better with INTENTBOT_ROUTER=cascade or embedded, which let the offline encoder choose."
)
_MOST_BRACES = 50  # of a routing answer amid prose


class OpenAIModel:
    """Implements `ChatModel` over one client. `secrets` are kept out of all that it tells, in case
    that the server, or something on the way there, repeats them. `setting` is the variable that
    names the model.
    """

    def __init__(
        self,
        client: AsyncOpenAI,
        name: str,
        *,
        host: str = "",
        secrets: Sequence[str] = (),
        quirks: ServerCapabilities | None = None,
        setting: str = "",
    ) -> None:
        self.name = name
        self._client = client
        self._host = host or client.base_url.host
        self._secrets = secrets
        self._quirks = quirks or ServerCapabilities()
        self._refusals = Refusals(
            self._host,
            name,
            self._redact,
            setting,
            getattr(client, "_api_version", None) or "",
        )

    async def close(self) -> None:
        await self._client.close()

    async def stream(
        self, request: ChatRequest
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        """See `ChatModel.stream`."""
        attempt = 0
        seen = False
        while True:
            reading = _Attempt(self._reader(request), Redactor(self._secrets))
            try:
                async for item in self._once(request, reading):
                    seen = seen or isinstance(item, TextDelta)
                    yield item
                return
            except _NoCall as found:
                async for part in self._called_by_decisions(request, found.reply):
                    yield part
                return
            except openai.APIStatusError as error:
                if self._learn(error, request):
                    continue
                failure = self._refusals.of_status(error)
            except Exception as error:
                failure = self._explain(error, request)
            attempt += 1
            told, delay = failure.error, failure.delay
            most = min(failure.tries or MAX_ATTEMPTS, MAX_ATTEMPTS)
            give_up = seen or not told.retryable or attempt >= most
            if delay and told.retryable and delay > MAX_RETRY_AFTER_S:
                text = f"{told}; try again in {humanize_seconds(delay)}"
                raise ModelError(told.code, text, retryable=True)
            if give_up:
                if request.output_schema is None and (left := reading.left()):
                    yield TextDelta(text=left)
                raise told
            wait = delay or backoff(attempt)
            yield RetryScheduled(
                stage=request.stage, attempt=attempt, delay_s=round(wait, 2), reason=str(told)
            )
            await asyncio.sleep(wait)

    async def _once(
        self, request: ChatRequest, attempt: _Attempt
    ) -> AsyncIterator[TextDelta | Reply]:
        """One HTTP request. Text of structured output is not prose and is not yielded.

        Raises `_Empty` where nothing was said or called, except behind the result of a tool: small
        models often have nothing to add to one.
        """
        started = time.perf_counter()
        structured = request.output_schema is not None
        reader, redactor = attempt.reader, attempt.redactor
        stream = await self._client.chat.completions.create(**self._fields(request))
        async with stream:
            answer = Answer(stream.response, self._host)
            async for chunk in answer.chunks():
                text = redactor.feed(reader.feed(chunk))
                if text and not structured:
                    yield TextDelta(text=text)
            if answer.done:
                with suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_S):
                        await drain(stream.response)
        if answer.empty:
            raise _Empty
        rest, text, calls, reason = reader.finish(announced=answer.done)
        self._learn_thoughts(reader, structured=structured)
        rest, text = redactor.feed(rest) + redactor.finish(), self._redact(text)
        calls = tuple(self._redacted(call, request) for call in calls)
        if structured:
            text = calls[0].arguments if calls else text
            text, calls = _structured_text(text, request.output_schema or {}), ()
        elif not (text.strip() or calls or request.messages[-1].role == "tool"):
            raise _Empty
        usage = self._usage(reader, started, said=bool(text or calls))
        reply = Reply(text, calls, reason, usage)
        if not structured and self._lacks_call(reply, request):
            raise _NoCall(reply)
        if rest and not structured:
            yield TextDelta(text=rest)
        yield reply

    def _lacks_call(self, reply: Reply, request: ChatRequest) -> bool:
        """Whether a reply to a message should have been a call, from this model."""
        if reply.tool_calls or not request.tools or request.messages[-1].role != "user":
            return False
        if names_tool(reply.text, _own_names(request)):
            self._quirks.bounded.add(self.name)
            return True
        asks = reply.text.rstrip().endswith("?")
        return not asks and (self.name in self._quirks.bounded or is_small(self.name))

    async def _called_by_decisions(
        self, request: ChatRequest, reply: Reply
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        """The call that a reply should have been; its own words only where they are a reply."""
        async for item in call_by_decisions(request, reply, self.stream):
            if isinstance(item, Reply) and not item.tool_calls:
                unusable = names_tool(item.text, _own_names(request))
                text = UNUSABLE.format(model=self.name) if unusable else item.text
                yield TextDelta(text=text)
                yield replace(item, text=text)
            else:
                yield item

    def _usage(self, reader: StreamReader, started: float, *, said: bool) -> Usage:
        """Return what the server reported; figures that cannot be true are not known."""
        read = reader.usage
        known = bool(read.input_tokens) and (bool(read.output_tokens) or not said)
        return Usage(
            model=self.name,
            input_tokens=read.input_tokens or 0,
            cached_tokens=read.cached_tokens,
            output_tokens=read.output_tokens or 0,
            duration_ms=round((time.perf_counter() - started) * 1000),
            estimated=not known,
        )

    def _reader(self, request: ChatRequest) -> StreamReader:
        names = [tool.name for tool in request.tools]
        if names and request.hand_back:
            names.append(SWITCH_INTENT)
        held = request.output_schema is not None or not self._quirks.streams_prose(self.name)
        # What may have to be made a call is no reply yet.
        held = held or (bool(names) and (self.name in self._quirks.bounded or is_small(self.name)))
        said = (m.content for m in request.messages if m.role in ("user", "tool"))
        return StreamReader(names, hold=held, conversation=said)

    def _learn_thoughts(self, reader: StreamReader, *, structured: bool) -> None:
        if reader.unopened_thoughts:
            self._quirks.unopened.add(self.name)
        elif reader.separates_thoughts or (reader.has_text and not structured):
            self._quirks.prose.add(self.name)

    def _explain(self, error: Exception, request: ChatRequest) -> Failure:
        """Say why an attempt failed. Raises the error again where it is a fault of this program."""
        match error:
            case ModelError():
                # An answer that breaks off each time is paid for each time.
                return Failure(error, ONCE_MORE if error.code == "incomplete" else None)
            case _NotUnderstood():
                text = f"{self.name} does not answer in the form it was asked for"
                more = self._quirks.descend()
                return Failure(ModelError("model", text, retryable=more), ONCE_MORE)
            case _Empty():
                text = f"{self._host} gave an empty answer"
                return Failure(ModelError("model", text, retryable=True), ONCE_MORE)
            case BadEnd():
                who = self._host if error.broken else self.name
                code = "network" if error.broken else "model"
                return Failure(
                    ModelError(code, f"{who} {self._redact(str(error))}", retryable=True), ONCE_MORE
                )
            case StreamedError():
                return self._refusals.of_event(error.body)
            case openai.APIConnectionError() | httpx2.HTTPError() | httpx2.StreamError():
                return self._refusals.of_connection(error)
            case ValueError() | RecursionError() | httpx2.InvalidURL():
                return self._refusals.of_text(error)
            case openai.APIError():
                return self._refusals.of_event(error.body)
        raise error

    def _redacted(self, call: ToolCall, request: ChatRequest) -> ToolCall:
        """The call without our keys, in its arguments also where JSON has a key escaped."""
        offered = call.name == SWITCH_INTENT or any(t.name == call.name for t in request.tools)
        arguments = self._redact(call.arguments)
        with suppress(ValueError, RecursionError):
            data = json.loads(arguments)
            if (masked := redacted_data(data, self._redact)) != data:
                arguments = json.dumps(masked)
        return ToolCall(
            self._redact(call.id), call.name if offered else self._redact(call.name), arguments
        )

    def _redact(self, text: str) -> str:
        return redacted(text, self._secrets)

    def _fields(self, request: ChatRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": self.name,
            "messages": [_message(message) for message in request.messages],
            "stream": True,
        }
        if self._quirks.allows("stream_options"):
            fields["stream_options"] = {"include_usage": True}
        if request.tools:
            fields["tools"] = [_tool(tool) for tool in request.tools]
        if request.tools and request.hand_back:
            fields["tools"].append(_switch(request.hand_back))
        if request.stage == "classify" and self._quirks.allows("temperature"):
            fields["temperature"] = 0  # a decision, not a draw; thinking models refuse it
        if request.output_schema is not None:
            schema = dict(request.output_schema)
            fields |= structured_fields(self._quirks.rung, schema)
            if not self._quirks.allows("strict"):
                fields.get("response_format", {}).get("json_schema", {}).pop("strict", None)
            if self._quirks.rung in ("json_object", "label"):
                fields["messages"].append(_form(schema, label=self._quirks.rung == "label"))
        return fields

    def _learn(self, error: openai.APIStatusError, request: ChatRequest) -> bool:
        return self._quirks.learn(
            error.status_code,
            error_message(error.body),
            error.param,
            structured=request.output_schema is not None,
        )


class _Attempt:
    """What was read of one attempt so far."""

    def __init__(self, reader: StreamReader, redactor: Redactor) -> None:
        self.reader = reader
        self.redactor = redactor

    def left(self) -> str:
        """Return the prose that was kept back until now."""
        return self.redactor.feed(self.reader.rest()) + self.redactor.finish()


class _NoCall(Exception):
    """The reply should have been a call."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class _Empty(Exception):
    """The server gave an answer, and nothing is in it."""


class _NotUnderstood(Exception):
    """The server took the request for structured output but did not keep to it."""


def backoff(attempt: int) -> float:
    """Doubling with jitter; each wait longer than the one before it."""
    base: float = min(MAX_DELAY_S, FIRST_DELAY_S * 2 ** (attempt - 1))
    return base * (1 + random.random() * 0.25)


def _message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": whole_characters(message.content)}
    if message.tool_calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": whole_characters(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": _without_extensions(tool.parameters),
    }
    return {"type": "function", "function": function}


def _switch(intents: Sequence[str]) -> dict[str, Any]:
    """The way out of a wrong intent. Long lists are left to the code to check."""
    intent: dict[str, Any] = {"type": "string"}
    if len(intents) <= MAX_ENUM:
        intent["enum"] = sorted(intents)
    function = {
        "name": SWITCH_INTENT,
        "description": "Hand the message over when another intent is meant. Never for extra tasks.",
        "parameters": {
            "type": "object",
            "properties": {"intent": intent},
            "required": ["intent"],
            "additionalProperties": False,
        },
    }
    return {"type": "function", "function": function}


def _without_extensions(schema: Any) -> Any:
    """The schema without our own `x-` keywords, which some servers refuse."""
    if isinstance(schema, Mapping):
        return {k: _without_extensions(v) for k, v in schema.items() if not k.startswith("x-")}
    if isinstance(schema, list | tuple):
        return [_without_extensions(item) for item in schema]
    return schema


def _form(schema: Mapping[str, Any], *, label: bool) -> dict[str, Any]:
    """Says in words what the lower rungs cannot say by a field."""
    if label:
        name, options = _label_property(schema)
        listed = ", ".join(options) or "the names above"
        text = f"Answer with the {name} alone, one of: {listed}."
    else:
        text = f"Answer with one JSON object of this schema, and nothing else: {json.dumps(schema)}"
    return {"role": "system", "content": text}


def _structured_text(text: str, schema: Mapping[str, Any]) -> str:
    """The answer as JSON text of an object. A bare label becomes an object of that one field.

    Raises `_NotUnderstood` when it is neither.
    """
    stripped = text.strip().removeprefix("```json").strip("`").strip()
    name, options = _label_property(schema)
    if (found := _object_in(stripped, name)) is not None:
        return json.dumps(replace_surrogates(found), ensure_ascii=False)
    for option in options:
        if stripped.strip("\"'.").casefold() == option.casefold():
            return json.dumps({name: option})
    if name and not options and re.fullmatch(r"[\w.-]+", stripped.strip("\"'.")):
        return json.dumps({name: stripped.strip("\"'.")})
    raise _NotUnderstood


def _object_in(text: str, name: str) -> dict[str, Any] | None:
    """Return the object that the text is, else the last one in it that has the property."""
    decoder = json.JSONDecoder(strict=False)
    try:
        whole = decoder.decode(text)
        return whole if isinstance(whole, dict) else None
    except (ValueError, RecursionError):
        pass
    for begin in list(re.finditer(r"\{", text))[-_MOST_BRACES:][::-1]:
        try:
            found, _ = decoder.raw_decode(text, begin.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and name in found:
            return found
    return None


def _label_property(schema: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """The first property, which is what the lowest rung asks for, and its values if listed."""
    for name, definition in schema.get("properties", {}).items():
        return name, definition.get("enum", ())
    return "", ()


def _own_names(request: ChatRequest) -> list[str]:
    """The names of the tools that the person did not write: an answer may quote what they did."""
    written = request.messages[-1].content
    return [tool.name for tool in request.tools if tool.name not in written]

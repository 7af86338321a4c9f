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
from typing import Any

import httpx2
import openai
from openai import AsyncOpenAI

from engine.conversation import Message, ToolCall
from engine.events import RetryScheduled, TextDelta
from engine.models.answers import ADDRESS, chunks
from engine.models.port import SWITCH_INTENT, ChatRequest, ModelError, Reply, Usage
from engine.models.quirks import Quirks, structured_fields
from engine.models.refusals import retry_after, span, words
from engine.models.stream import StreamReader, whole_characters
from engine.redaction import Redactor, redacted, redacted_data
from engine.tools.tool import Tool

MAX_ATTEMPTS = 6
# More names than this cost more in a schema than they gain: the code checks them anyway.
MAX_ENUM = 40
FIRST_DELAY_S = 0.5
MAX_DELAY_S = 20.0
# A server that asks for more patience than this gets none: the person is told instead.
MAX_RETRY_AFTER_S = 120.0
# Of what a server says, in characters: some send the trace of their stack.
LONGEST_WORDS = 500
_RETRYABLE_STATUS = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_BROKEN_STREAM = (
    openai.APIConnectionError,
    httpx2.HTTPError,
    json.JSONDecodeError,
    UnicodeDecodeError,
)


class OpenAIModel:
    """Implements `ChatModel` over one client. `secrets` are kept out of all that it tells, in case
    that the server, or something on the way there, repeats them.
    """

    def __init__(
        self,
        client: AsyncOpenAI,
        name: str,
        *,
        host: str = "",
        secrets: Sequence[str] = (),
        quirks: Quirks | None = None,
    ) -> None:
        self.name = name
        self._client = client
        self._host = host or client.base_url.host
        self._secrets = secrets
        self._quirks = quirks or Quirks()

    async def close(self) -> None:
        await self._client.close()

    async def stream(
        self, request: ChatRequest
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        """See `ChatModel.stream`."""
        attempt = 0
        was_empty = False
        while True:
            seen = False
            try:
                async for item in self._once(request):
                    seen = seen or isinstance(item, TextDelta)
                    yield item
                return
            except _NotUnderstood:
                if not self._quirks.descend():
                    raise ModelError(
                        "model", f"{self.name} does not answer in the form it was asked for"
                    ) from None
                continue
            except _Empty:
                text = f"{self._host} gave an empty answer"
                failure, delay = ModelError("model", text, retryable=not was_empty), None
                was_empty = True
            except openai.APIStatusError as error:
                if self._learn(error, request):
                    continue
                failure, delay = self._explain_status(error), retry_after(error.response.headers)
            except openai.APIError as error:
                failure, delay = self._explain(error), None
            except _BROKEN_STREAM as error:
                failure, delay = self._explain(error), None
            except ModelError as error:
                failure, delay = error, None
            attempt += 1
            give_up = seen or not failure.retryable or attempt >= MAX_ATTEMPTS
            if delay and failure.retryable and delay > MAX_RETRY_AFTER_S:
                text = f"{failure}; try again in {span(delay)}"
                raise ModelError(failure.code, text, retryable=True)
            if give_up:
                raise failure
            wait = delay or _backoff(attempt)
            yield RetryScheduled(
                stage=request.stage, attempt=attempt, delay_s=round(wait, 2), reason=str(failure)
            )
            await asyncio.sleep(wait)

    async def _once(self, request: ChatRequest) -> AsyncIterator[TextDelta | Reply]:
        """One HTTP request. Text of structured output is not prose and is not yielded.

        Raises `_Empty` where nothing was said or called, except behind the result of a tool: small
        models often have nothing to add to one.
        """
        started = time.perf_counter()
        structured = request.output_schema is not None
        names = [tool.name for tool in request.tools]
        reader = StreamReader([*names, SWITCH_INTENT] if request.hand_back else names)
        redactor = Redactor(self._secrets)
        stream = await self._client.chat.completions.create(**self._fields(request))
        async with stream:
            async for chunk in chunks(stream, self._host):
                text = redactor.feed(reader.feed(chunk))
                if text and not structured:
                    yield TextDelta(text=text)
        rest, text, calls, reason = reader.finish()
        rest, text = redactor.feed(rest) + redactor.finish(), self._redact(text)
        calls = tuple(self._redacted(call, request) for call in calls)
        if structured:
            text = calls[0].arguments if calls else text
            text, calls = _structured_text(text, request.output_schema or {}), ()
        elif not (text or calls or request.messages[-1].role == "tool"):
            raise _Empty
        elif rest:
            yield TextDelta(text=rest)
        usage = Usage(
            model=self.name,
            input_tokens=reader.input_tokens,
            cached_tokens=reader.cached_tokens,
            output_tokens=reader.output_tokens,
            duration_ms=round((time.perf_counter() - started) * 1000),
            estimated=not reader.has_usage,
        )
        yield Reply(text, calls, reason, usage)

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
            words(error.body),
            error.param,
            structured=request.output_schema is not None,
        )

    def _explain_status(self, error: openai.APIStatusError) -> ModelError:
        status, said = error.status_code, self._said(error)
        code = error.code or ""
        if there := error.response.next_request:
            place = there.url.copy_with(userinfo=b"", query=None, fragment=None)
            return ModelError(
                "configuration",
                f"{self._host} redirects to {self._redact(str(place))} ({status}), which is not "
                f"followed: check the address in {ADDRESS}",
            )
        if status in (401, 403):
            return ModelError(
                "auth", f"{self._host} refused the key ({status}): {said}. Check the key in .env"
            )
        if status == 404:
            return ModelError(
                "configuration",
                f"{self._host} does not know {self.name!r} (404): {said}. Check the address, and "
                "INTENTBOT_CLASSIFIER_MODEL and INTENTBOT_AGENT_MODEL (on Azure the deployments)",
            )
        if refusal := self._refusal(code, said):
            return refusal
        if status == 429:
            quota = code == "insufficient_quota"
            text = f"{self._host} limits requests (429): {said}"
            return ModelError("rate_limit", text, retryable=not quota)
        retryable = status in _RETRYABLE_STATUS
        return ModelError(
            "network" if retryable else "model",
            f"{self._host} answered {status}: {said}",
            retryable=retryable,
        )

    def _refusal(self, code: str, said: str) -> ModelError | None:
        """What no second try mends, whether a status or an event in the stream says it."""
        if code == "content_filter" or "content_filter" in said:
            return ModelError("content_filter", f"the provider's content filter refused: {said}")
        if code == "context_length_exceeded" or "maximum context length" in said:
            return ModelError(
                "context_overflow", f"the conversation is too long for {self.name}: {said}"
            )
        return None

    def _explain(self, error: Exception) -> ModelError:
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            text = f"{self._host} did not answer in time"
        elif isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            cause = error.__cause__ or error
            text = f"no connection to {self._host}: {self._redact(str(cause)) or 'it was dropped'}"
        elif isinstance(error, openai.APIError):
            said = self._said(error)
            if refusal := self._refusal(error.code or "", said):
                return refusal
            text = f"{self._host} broke off the answer: {said}"
        else:
            text = f"{self._host} sent a part of the answer that cannot be read"
        return ModelError("network", text, retryable=True)

    def _said(self, error: openai.APIError) -> str:
        """The provider's own words, without our keys."""
        text = words(error.body)
        if isinstance(error, openai.APIStatusError):
            # The title of an error page is often the whole status line.
            text = text.removeprefix(str(error.status_code)).strip() or error.response.reason_phrase
        text = self._redact(text or error.message)
        return (text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…").rstrip(".")


class _Empty(Exception):
    """The server gave an answer, and nothing is in it."""


class _NotUnderstood(Exception):
    """The server took the request for structured output but did not keep to it."""


def _backoff(attempt: int) -> float:
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
    try:
        if isinstance(json.loads(stripped), dict):
            return stripped
    except (ValueError, RecursionError):
        pass
    name, options = _label_property(schema)
    for option in options:
        if stripped.strip("\"'.").casefold() == option.casefold():
            return json.dumps({name: option})
    if name and not options and re.fullmatch(r"[\w.-]+", stripped.strip("\"'.")):
        return json.dumps({name: stripped.strip("\"'.")})
    raise _NotUnderstood


def _label_property(schema: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """The first property, which is what the lowest rung asks for, and its values if listed."""
    for name, definition in schema.get("properties", {}).items():
        return name, definition.get("enum", ())
    return "", ()

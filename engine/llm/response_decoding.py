"""An answer in the form in which it came over HTTP: events, one whole completion, or a web page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

import httpx2

from engine.chat_model import ModelError
from engine.llm import dialects
from engine.llm.http_errors import ADDRESS, is_web_page
from engine.llm.sse import SentEvent, SSEDecoder, TooLong
from engine.text import replace_surrogates

Chunk = Mapping[str, Any]


class StreamedError(Exception):
    """The server said in the middle of its answer that it failed. `body` is what it said."""

    def __init__(self, body: Any) -> None:
        super().__init__("an error in the answer")
        self.body = replace_surrogates(body)


class Answer:
    """The parts of an answer, as decoded JSON; one that was not streamed is a single part.

    After the last part `done` says that the server announced the end (`[DONE]`), `empty` that it
    sent nothing at all.
    """

    def __init__(self, response: httpx2.Response, host: str) -> None:
        self._response = response
        self._host = host
        self.done = False
        self.empty = True

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Give the parts as they come.

        Raises `StreamedError`, `ModelError` `configuration` where a web page came, of a login or a
        wrong address, and `model` where it is too long; `ValueError` for what is not JSON, and what
        httpx raises where the connection fails.
        """
        decoder = SSEDecoder()
        try:
            async for data in self._response.aiter_bytes():
                for event in decoder.feed(data):
                    for chunk in self._read(event):
                        yield chunk
                    if self.done:
                        return
            for event in decoder.finish():
                for chunk in self._read(event):
                    yield chunk
        except TooLong as error:
            raise ModelError(
                "model", f"{self._host} sent too much for an answer: {error}"
            ) from None

    def _read(self, event: SentEvent) -> list[Chunk]:
        """Return the chunks in the data of an event; most have one, keep-alives none."""
        text = event.data.strip()
        if text == dialects.DONE:
            self.done = True
            self.empty = False
            return []
        if text.startswith(":") or text.casefold() in dialects.KEEP_ALIVE:
            return []
        self.empty = False
        if is_web_page(text):
            told = f"sent a web page instead of an answer: check the address in {ADDRESS}"
            raise ModelError("configuration", f"{self._host} {told}")
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            if text.startswith(("{", "[")) and event.name != "error":
                raise ValueError("a part of an answer is not JSON") from None
            raise StreamedError(text) from None
        chunks = value if isinstance(value, list) else [value]
        for chunk in chunks:
            if (body := _error_in(chunk, event.name)) is not None:
                raise StreamedError(body)
        return [chunk for chunk in chunks if isinstance(chunk, Mapping)]


async def drain(response: httpx2.Response) -> None:
    """Read what little is left behind the end, so that the connection can be used again."""
    with suppress(httpx2.HTTPError, httpx2.StreamError):
        async for _ in response.aiter_raw():
            pass


def _error_in(chunk: Any, event: str) -> Any:
    """Return what a part says of an error, or None where it is a part of an answer."""
    if isinstance(chunk, str):
        return chunk
    if not isinstance(chunk, Mapping):
        return None
    if chunk.get("error"):
        return chunk
    if chunk.get("choices") or chunk.get("usage"):
        return None
    failed = event == "error" or chunk.get("object") == "error" or chunk.get("type") == "error"
    said = any(isinstance(chunk.get(name), str | list) for name in ("message", "detail", "msg"))
    return chunk if failed or (said and "choices" not in chunk) else None

"""An answer in the form in which it came over HTTP: events, one whole completion, or a web page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk

from engine.models.port import ModelError
from engine.models.refusals import is_web_page

ADDRESS = "OPENAI_BASE_URL (on Azure AZURE_OPENAI_ENDPOINT)"  # the setting that says where


async def chunks(
    stream: AsyncStream[ChatCompletionChunk], host: str
) -> AsyncIterator[ChatCompletionChunk]:
    """The parts of an answer; one that was not streamed is a single part.

    Raises `ModelError` `configuration` where a web page came, of a login or a wrong address, and
    what the SDK raises for an error in a stream.
    """
    kind = stream.response.headers.get("content-type", "")
    # Events come under these names, too: what the body begins with decides.
    if "html" in kind or "json" in kind:
        body = (await stream.response.aread()).decode("utf-8-sig", "replace")
        if is_web_page(body):
            raise ModelError(
                "configuration",
                f"{host} sent a web page instead of an answer: check the address in {ADDRESS}",
            )
        if body.lstrip().startswith("{"):
            yield _one_chunk(json.loads(body), stream)
            return
    async for chunk in stream:
        yield chunk


def _one_chunk(
    whole: dict[str, Any], stream: AsyncStream[ChatCompletionChunk]
) -> ChatCompletionChunk:
    if not whole.get("choices"):
        said = whole.get("error") or whole
        raise openai.APIError("no reason given", stream.response.request, body=said)
    choices = [
        {**choice, "delta": choice.get("message")}
        for choice in whole["choices"]
        if isinstance(choice, dict)
    ]
    return ChatCompletionChunk.construct(**{**whole, "choices": choices})

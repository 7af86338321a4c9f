"""Who answers questions over the network: the Decisions API and System One.

Retries are visible and as patient as those of a chat request. A server without the endpoint, or a
model that cannot decide, is `unsupported`, which `FirstThatCan` remembers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic import BaseModel, ValidationError

from engine import cache
from engine.chat_model import UNSUPPORTED, ModelError
from engine.decisions.questions import Decision, DecisionRequest
from engine.events import RetryScheduled, RouteSource
from engine.llm import decisions_api, system_one
from engine.llm.http_errors import Refusals
from engine.llm.openai_chat import MAX_ATTEMPTS, MAX_RETRY_AFTER_S, backoff
from engine.llm.server_capabilities import FRESH_S
from engine.redaction import redacted
from engine.server import Server

# What a server answers that has no such endpoint, or no model there that decides.
_UNSUPPORTED_STATUS = (400, 404, 405, 501)


class _Server:
    """One endpoint for decisions of one server, with retries."""

    source: RouteSource = "decisions"
    free = True  # a routing question of a thousand tokens costs a hundredth of a cent

    def __init__(
        self,
        client: AsyncOpenAI,
        name: str,
        *,
        host: str = "",
        secrets: Sequence[str] = (),
        setting: str = "",
    ) -> None:
        self.name = name
        self._client = client
        self._secrets = secrets
        version = getattr(client, "_api_version", None) or ""
        self._refusals = Refusals(
            host or client.base_url.host, name, lambda t: redacted(t, secrets), setting, version
        )

    async def decide(self, request: DecisionRequest) -> AsyncIterator[RetryScheduled | Decision]:
        """See `Decider.decide`."""
        attempt = 0
        while True:
            started = time.perf_counter()
            try:
                decision = await self._once(request, started)
            except openai.APIStatusError as error:
                if error.status_code in _UNSUPPORTED_STATUS:
                    raise ModelError(
                        UNSUPPORTED, str(self._refusals.of_status(error).error)
                    ) from None
                failure = self._refusals.of_status(error)
            except (openai.APIConnectionError, httpx2.HTTPError) as error:
                failure = self._refusals.of_connection(error)
            except (ValidationError, openai.APIError, ValueError, AttributeError, TypeError):
                # The SDK does not check what it reads.
                raise ModelError("model", f"{self.name} gave no usable decision") from None
            else:
                yield decision
                return
            attempt += 1
            told, delay = failure.error, failure.delay
            too_long = delay is not None and delay > MAX_RETRY_AFTER_S
            if not told.retryable or too_long or attempt >= (failure.tries or MAX_ATTEMPTS):
                raise told
            wait = delay or backoff(attempt)
            yield RetryScheduled(
                stage="classify", attempt=attempt, delay_s=round(wait, 2), reason=str(told)
            )
            await asyncio.sleep(wait)

    async def _once(self, request: DecisionRequest, started: float) -> Decision:
        raise NotImplementedError


class DecisionsModel(_Server):
    """Implements `Decider` by `POST /v1/decisions` of OpenAI and Azure."""

    async def _once(self, request: DecisionRequest, started: float) -> Decision:
        answered = await self._client.decisions.create(
            model=self.name, **decisions_api.to_wire(request)
        )
        took = round((time.perf_counter() - started) * 1000)
        return Decision(
            decisions_api.from_wire(answered, request),
            answered.model,
            decisions_api.usage_of(answered, took),
        )


class SystemOneModel(_Server):
    """Implements `Decider` by `POST /v1/systemone`."""

    async def _once(self, request: DecisionRequest, started: float) -> Decision:
        body = {"model": self.name, **system_one.to_wire(request)}
        answered = await self._client.post("/systemone", cast_to=object, body=body)
        response = system_one.SystemOneResponse.model_validate(answered)
        took = round((time.perf_counter() - started) * 1000)
        return Decision(
            system_one.from_wire(response, request),
            response.model or self.name,
            system_one.usage_of(response, self.name, took),
        )


class _Kept(BaseModel):
    """How many deciders a server was found not to have, in the order in which they are tried."""

    unsupported: int


def place_of(server: Server, model: str) -> str:
    """Return what the kept answer of a server and model goes by."""
    return f"{server.url} {model}"


def unsupported(place: str) -> int | None:
    """Return how many deciders are known not to be at a place; None where that is not fresh."""
    kept = cache.read(cache.path_for("deciders", place), _Kept, FRESH_S)
    return None if kept is None else max(0, kept.unsupported)


def keep_unsupported(place: str, count: int) -> None:
    """Remember for a while how many deciders are not at a place."""
    cache.write(cache.path_for("deciders", place), _Kept(unsupported=count))

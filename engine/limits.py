"""How much a turn and a session may take before they are stopped.

A model in a loop, or talked into one, must not run up a bill (OWASP LLM10, unbounded
consumption). Time in which the person is asked does not count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.chat_model import ModelError, Usage

WARN_AT = 0.8


@dataclass(frozen=True)
class Limits:
    """Of one turn, and the cost in US dollars of one session. Unknown prices are not counted."""

    model_calls: int = 8
    tool_calls: int = 12
    tokens: int = 200_000
    seconds: float = 180.0
    cost_usd: float = 0.5
    session_cost_usd: float = 5.0


class Budget:
    """Counts what a turn takes; raises `ModelError` `limit` before a limit would be passed."""

    def __init__(self, limits: Limits, session_cost_usd: float) -> None:
        self._limits = limits
        self._session_cost = session_cost_usd
        self._began = 0.0
        self._requests = self._calls = self._tokens = 0
        self._cost = self._seconds = 0.0
        self._at_work = 0

    def admit_request(self) -> None:
        """Count a model request that is about to be made."""
        self._requests += 1
        limits = self._limits
        _stop(self._requests > limits.model_calls, f"{limits.model_calls} requests to the model")
        _stop(self._tokens >= limits.tokens, f"{limits.tokens:,} tokens")
        _stop(self._seconds >= limits.seconds, f"{limits.seconds:g} seconds")
        _stop(self._cost >= limits.cost_usd, f"${limits.cost_usd:g}")
        _stop(
            self._session_cost >= limits.session_cost_usd,
            f"${limits.session_cost_usd:g} for one session; begin a new one",
        )

    def admit_calls(self, count: int) -> None:
        """Count tool calls that are about to be made."""
        self._calls += count
        _stop(self._calls > self._limits.tool_calls, f"{self._limits.tool_calls} tool calls")

    def spend(self, usage: Usage, cost_usd: float | None) -> bool:
        """Count what a request took; return whether the cost has just come near its limit."""
        self._tokens += usage.input_tokens + usage.output_tokens
        self._cost += cost_usd or 0.0
        before, near = self._session_cost, self._limits.session_cost_usd * WARN_AT
        self._session_cost += cost_usd or 0.0
        return before < near <= self._session_cost

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._limits.seconds - self._seconds)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time spent inside; concurrent work counts once."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Do not count the time spent inside, where work waits for the person."""
        self._leave()
        try:
            yield
        finally:
            self._enter()

    def _enter(self) -> None:
        if not self._at_work:
            self._began = time.monotonic()
        self._at_work += 1

    def _leave(self) -> None:
        self._at_work -= 1
        if not self._at_work:
            self._seconds += time.monotonic() - self._began


def _stop(reached: bool, what: str) -> None:
    if reached:
        raise ModelError("limit", f"stopped: this reached the limit of {what}")

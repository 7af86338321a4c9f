"""What became of one message of an evaluation set: plain values with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from pydantic import TypeAdapter

from engine.events import Alternative, Route, UsageTotals, UsageUpdated
from engine.intents.routing import Routing

# `begun`: something was paid for, and more is to come. `failed`: it may be tried again.
State = Literal["begun", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class RowUsage(UsageTotals):
    """What the requests of a row took, and the seconds of waiting for them."""

    seconds: float = 0.0

    @classmethod
    def of(cls, call: UsageUpdated) -> Self:
        return replace(super().of(call), seconds=call.duration_ms / 1000)


@dataclass(frozen=True)
class Call:
    """A call as it was proposed. `problems`: why it could not run."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolPhase:
    """What the model did with the tools: the calls it proposed first, or that it asked.

    `tool` and `missing` are what it asked for, where it says so.
    """

    calls: tuple[Call, ...] = ()
    asked: bool = False
    tool: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowResult:
    """`route` None: it was never decided. `given` is what the model did when told the right
    intent, kept only where the router had chosen another. `error` is a code of `turn_failed`.

    `routings` are the answers of the router, so that a run that goes on need not ask again.
    """

    state: State = "done"
    route: Route | None = None
    intents: tuple[str, ...] = ()
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    acted: ToolPhase | None = None
    given: ToolPhase | None = None
    error: str = ""
    message: str = ""
    spent: RowUsage = field(default_factory=RowUsage)
    routings: tuple[Routing, ...] = ()

    @property
    def decided(self) -> str:
        """The decided label: an intent, or the route."""
        return " + ".join(self.intents) or self.route or "error"


def to_dict(outcome: RowResult) -> dict[str, Any]:
    """Return the JSON form, which `from_dict` reads."""
    data: dict[str, Any] = _OUTCOME.dump_python(outcome, mode="json", exclude_defaults=True)
    return data


def from_dict(data: Mapping[str, Any]) -> RowResult:
    """Return the outcome that `to_dict` wrote. Raises `ValueError`."""
    return _OUTCOME.validate_python(data)


_OUTCOME = TypeAdapter(RowResult)

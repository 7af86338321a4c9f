"""Evaluation runs as the screen shows them: plain values, and what is counted from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunRow:
    """A run; `at` is when it began, ISO 8601 in UTC, `done` counts its messages.

    `accuracy` is the share of tasks that were given the right intent, None where none was tried.
    """

    id: str
    at: str
    catalogue: str
    router: str
    model: str
    state: str
    done: int
    accuracy: float | None = None


@dataclass(frozen=True)
class MissRow:
    """A message that did not become what it should have; `expected` and `got` in words.

    `kind` says what was wrong: `intent`, `route`, `tool`, `arguments`, `question`, `error`;
    `intents` are where the message went.
    """

    text: str
    expected: str
    got: str
    kind: str = "intent"
    intents: tuple[str, ...] = ()
    confidence: float | None = None
    where: str = ""


@dataclass(frozen=True)
class IntentScore:
    """Shares of 1; `support` counts the messages. `f1_before` is of the run it is held against."""

    key: str
    precision: float
    recall: float
    f1: float
    support: int
    f1_before: float | None = None


@dataclass(frozen=True)
class Against:
    """The earlier run, over the `rows` that both have; `accuracy` is its and the newer one's."""

    run: RunRow
    rows: int
    accuracy: tuple[float | None, float | None]
    newly_wrong: tuple[MissRow, ...] = ()
    newly_right: tuple[MissRow, ...] = ()


@dataclass(frozen=True)
class Measured:
    """All that is known of a run. `figures` are shares by their names, None where unknown;
    `matrix` counts messages by what was expected and what was decided."""

    run: RunRow
    figures: Mapping[str, float | None] = field(default_factory=dict)
    intents: tuple[IntentScore, ...] = ()
    matrix: Mapping[tuple[str, str], int] = field(default_factory=dict)
    misses: tuple[MissRow, ...] = ()
    against: Against | None = None


def axes(measured: Measured) -> tuple[list[str], list[str]]:
    """The rows and the columns of the matrix: intents first, in one order, then other routes."""
    order = {score.key: number for number, score in enumerate(measured.intents)}

    def place(label: str) -> tuple[int, str]:
        return order.get(label, len(order)), label

    expected = {one for one, _ in measured.matrix}
    decided = {other for _, other in measured.matrix}
    # Each intent has its row and its column, so that what is right lies on the diagonal.
    both = {key for key in order if key in expected | decided}
    return sorted(expected | both, key=place), sorted(decided | both, key=place)


def misses_of_cell(measured: Measured, expected: str, decided: str) -> list[MissRow]:
    """The messages of a cell; where the intent was right, what was wrong with the call."""
    if expected == decided:
        return [m for m in measured.misses if m.kind != "intent" and m.intents == (decided,)]
    return [
        miss
        for miss in measured.misses
        if miss.kind == "intent" and (miss.expected, miss.got) == (expected, decided)
    ]


def misses_of_intent(measured: Measured, key: str) -> list[MissRow]:
    """The messages that should have gone to the intent and did not, or did and should not."""
    return [
        miss
        for miss in measured.misses
        if key in miss.intents or key in (miss.expected, miss.got) or key in _parts(miss.expected)
    ]


def _parts(label: str) -> list[str]:
    return label.split(" + ")

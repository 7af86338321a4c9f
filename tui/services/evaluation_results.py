"""Evaluation runs for the screen: plain values and what is counted from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEVERAL = " + "  # between the intents of one message
# The figures of a run that are about calls, not about routing.
OF_CALLS = ("right tool", "arguments exact", "clarified")
# Labels other than intents, expected or decided, in the order in which they are shown.
NO_TASKS = ("no task", "out_of_scope", "small_talk", "cancel", "clarify", "continue", "error")


@dataclass(frozen=True)
class RunRow:
    """A run; `at` is when it began, ISO 8601 in UTC, `done` counts its messages.

    `accuracy` is the share of tasks that were given the right intent, None where none was tried.
    `what` says which messages were tried, and how.
    """

    id: str
    at: str
    catalogue: str
    router: str
    model: str
    state: str
    done: int
    accuracy: float | None = None
    what: str = ""


@dataclass(frozen=True)
class MissRow:
    """A message that did not become what it should have; `expected` and `got` in words.

    `kind` says what was wrong: `intent`, `route`, `tool`, `arguments`, `question`, `error`;
    `intents` are where the message went, and `cell` is where the matrix counts it.
    """

    text: str
    expected: str
    got: str
    kind: str = "intent"
    intents: tuple[str, ...] = ()
    confidence: float | None = None
    where: str = ""
    cell: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class IntentScore:
    """Shares of 1; `support` counts the messages. `f1_before` is of the run it is held against.

    Precision and F1 are None where only messages of some intents were tried.
    """

    key: str
    precision: float | None
    recall: float
    f1: float | None
    support: int
    f1_before: float | None = None


@dataclass(frozen=True)
class RunComparison:
    """The earlier run, over the `rows` that both have; `accuracy` is its and the newer one's."""

    run: RunRow
    rows: int
    accuracy: tuple[float | None, float | None]
    newly_wrong: tuple[MissRow, ...] = ()
    newly_right: tuple[MissRow, ...] = ()


@dataclass(frozen=True)
class RunView:
    """All that is known of a run. `figures` are shares by their names, None where unknown;
    `matrix` counts messages by what was expected and what was decided; `right` are those of its
    cells in which that is the same task, or no task."""

    run: RunRow
    figures: Mapping[str, float | None] = field(default_factory=dict)
    intents: tuple[IntentScore, ...] = ()
    matrix: Mapping[tuple[str, str], int] = field(default_factory=dict)
    right: frozenset[tuple[str, str]] = frozenset()
    misses: tuple[MissRow, ...] = ()
    against: RunComparison | None = None


def axes(measured: RunView) -> tuple[list[str], list[str]]:
    """Return the rows and the columns of the matrix: intents first, then what is no task, then
    several intents together; each in one order.
    """
    order = {score.key: number for number, score in enumerate(measured.intents)}

    def place(label: str) -> tuple[int, int, str]:
        if is_intent(label):
            return 0, order.get(label, len(order)), label
        if label in NO_TASKS:
            return 1, NO_TASKS.index(label), label
        return 2, 0, label

    expected = {one for one, _ in measured.matrix}
    decided = {other for _, other in measured.matrix}
    # Each intent has its row and its column, so that what is right lies on the diagonal.
    both = {key for key in order if key in expected | decided}
    return sorted(expected | both, key=place), sorted(decided | both, key=place)


def misses_of_cell(measured: RunView, expected: str, decided: str) -> list[MissRow]:
    """Return the messages of a cell; of a right one, those with another fault."""
    right = (expected, decided) in measured.right
    return [
        miss
        for miss in measured.misses
        if miss.cell == (expected, decided) and (right or miss.kind in ("intent", "error"))
    ]


def misses_of_intent(measured: RunView, key: str) -> list[MissRow]:
    """Return the messages that belong to the intent and missed it, or went there wrongly."""
    return [
        miss
        for miss in measured.misses
        if key in miss.intents or key in (miss.expected, miss.got) or key in _parts(miss.expected)
    ]


def is_intent(label: str) -> bool:
    """Return whether this is a single intent, neither several nor one of `NO_TASKS`."""
    return SEVERAL not in label and label not in NO_TASKS


def _parts(label: str) -> list[str]:
    return label.split(SEVERAL)

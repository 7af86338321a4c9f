"""What the outcomes of a set say about the routing, the tools, and the cost.

The definitions are in docs/evaluation.md, with their sources.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from engine.decisions.calibration import Bin, expected_calibration_error, reliability
from engine.evaluation.dataset import TASK_ROUTES, Row
from engine.evaluation.description_test import DescriptionScore
from engine.evaluation.result import RowResult, RowUsage, State, ToolPhase
from engine.intents.intent import Catalogue
from engine.tools.tool import InvalidArguments, Tool

THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)

MissKind = Literal["intent", "route", "tool", "arguments", "question", "change", "error"]


@dataclass(frozen=True)
class PerIntent:
    """Shares, 0..1. `support` counts the rows that have the intent.

    Precision and F1 are None where other intents' rows were left out, which might be taken for it.
    """

    precision: float | None
    recall: float
    f1: float | None
    support: int


@dataclass(frozen=True)
class Point:
    """If nothing below `threshold` of the router's confidence were acted on: the share of tasks
    still given an intent, how many of these rightly (None: of none), and out-of-scope recall."""

    threshold: float
    coverage: float
    accuracy: float | None
    out_of_scope_recall: float | None


@dataclass(frozen=True)
class Miss:
    """A row that did not become what it should have; `expected` and `got` in words.

    `number` is its place among the results: a set may have a text twice.
    """

    kind: MissKind
    row: Row
    outcome: RowResult
    expected: str
    got: str
    number: int = -1


@dataclass(frozen=True)
class Calibration:
    """How far the router's confidence can be trusted, over the tasks that it gave an intent.

    `error` is the expected calibration error, `brier` the mean squared distance of confidence and
    outcome; both 0..1, less is better.
    """

    rows: int
    error: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class ClassificationMetrics:
    """Shares are None where no row could show them.

    `matrix` counts (expected, decided); `right` are the pairs that `is_right` finds so.
    `calibration` None: the router gave no confidence.
    """

    rows: int
    tasks: int
    accuracy: float | None
    coverage: float | None
    covered_accuracy: float | None
    out_of_scope_recall: float | None
    small_talk_recall: float | None
    route_accuracy: float | None
    macro_f1: float | None
    too_many: int
    per_intent: Mapping[str, PerIntent]
    matrix: Mapping[tuple[str, str], int]
    right: frozenset[tuple[str, str]]
    curve: tuple[Point, ...]
    calibration: Calibration | None = None


@dataclass(frozen=True)
class UnwantedChanges:
    """Of the rows that ask for no change, how many led to one being proposed; `share` 0..1."""

    rows: int
    count: int

    @property
    def share(self) -> float | None:
        return self.count / self.rows if self.rows else None


@dataclass(frozen=True)
class ToolMetrics:
    """Shares as above. The `given_*` ones are what the model does when told the right intent."""

    rows: int
    name_accuracy: float | None
    argument_accuracy: float | None
    given_name_accuracy: float | None
    given_argument_accuracy: float | None
    missing_rows: int
    asked_when_missing: float | None
    unwanted_changes: UnwantedChanges


@dataclass(frozen=True)
class Report:
    """`tools` None: only the routing was looked at. `failed` are rows that were never answered,
    which nothing else counts. `described` None: there was no local encoder."""

    rows: int
    classification: ClassificationMetrics
    tools: ToolMetrics | None
    spent: RowUsage
    misses: tuple[Miss, ...]
    failed: tuple[Miss, ...]
    described: DescriptionScore | None = None


def score(
    results: Iterable[tuple[Row, RowResult]],
    catalogue: Catalogue,
    *,
    only_route: bool = False,
    intents: Collection[str] = (),
) -> Report:
    """Score rows by what became of them; rows that are `begun` are left out.

    `intents`: only rows of these were tried, so that only these have figures.
    """
    known = {tool.name: tool for tool in catalogue.tools}
    numbered = list(enumerate(results))
    everything = [pair for _, pair in numbered if pair[1].state != "begun"]
    done = [(row, outcome) for row, outcome in everything if outcome.state == "done"]

    def found(state: State, judge: Callable[[Row, RowResult], Miss | None]) -> list[Miss]:
        judged = [(n, judge(*pair)) for n, pair in numbered if pair[1].state == state]
        return [replace(miss, number=number) for number, miss in judged if miss is not None]

    misses = found("done", _routing_miss)
    if not only_route:
        misses += found("done", partial(_tool_miss, known=known))
        misses += found("done", partial(_change_miss, known=known))
    return Report(
        rows=len(everything),
        classification=_classification([pair for pair in done if pair[0].labelled], intents),
        tools=None if only_route else _tools(done, known),
        spent=sum((outcome.spent for _, outcome in everything), RowUsage()),
        misses=tuple(misses),
        failed=tuple(found("failed", _error)),
    )


def is_right(row: Row, outcome: RowResult) -> bool:
    """Return whether a task got its intent, two tasks both, and anything else no task.

    What was never routed, for an error, is wrong.
    """
    if outcome.route is None:
        return False
    if len(row.intents) > 1:
        return set(outcome.intents) == set(row.intents)
    return outcome.intents[:1] == row.intents


def same_arguments(tool: Tool, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two calls would do the same: what the tool makes of the arguments is compared,
    its defaults filled in; texts regardless of case and spaces, numbers by value.
    """
    return bool(_settled(tool, one) == _settled(tool, other))


def _settled(tool: Tool, arguments: Mapping[str, Any]) -> Any:
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    defaults = {n: schema["default"] for n, schema in properties.items() if "default" in schema}
    whole = {**defaults, **arguments}
    try:
        return _folded({**defaults, **tool.validate(whole)})
    except InvalidArguments:
        return _folded(whole)


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"\s+", " ", value.strip()).casefold()
    if isinstance(value, Mapping):
        # A parameter that is null is one that was left out.
        return {key: _folded(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_folded(item) for item in value]
    return value


def _classification(
    done: Sequence[tuple[Row, RowResult]], intents: Collection[str]
) -> ClassificationMetrics:
    tasks = [(row, outcome) for row, outcome in done if row.intents]
    given = [(row, outcome) for row, outcome in tasks if outcome.intents]
    talk = [outcome for row, outcome in done if not row.intents and row.route == "small_talk"]
    routed = [(row, outcome) for row, outcome in done if row.route is not None]
    per_intent = _per_intent(done, intents)
    f1 = [one.f1 for one in per_intent.values() if one.support and one.f1 is not None]
    return ClassificationMetrics(
        rows=len(done),
        tasks=len(tasks),
        accuracy=_share(is_right(*pair) for pair in tasks),
        coverage=_share(bool(outcome.intents) for _, outcome in tasks),
        covered_accuracy=_share(is_right(*pair) for pair in given),
        out_of_scope_recall=_share(not outcome.intents for outcome in _strangers(done)),
        small_talk_recall=_share(not outcome.intents for outcome in talk),
        route_accuracy=_share(_same_route(row, outcome) for row, outcome in routed),
        macro_f1=sum(f1) / len(f1) if f1 else None,
        too_many=sum(len(outcome.intents) > len(row.intents) for row, outcome in tasks),
        per_intent=per_intent,
        matrix=Counter((row.expected, outcome.decided) for row, outcome in done),
        right=frozenset(
            (row.expected, outcome.decided) for row, outcome in done if is_right(row, outcome)
        ),
        curve=tuple(_point(tasks, _strangers(done), threshold) for threshold in THRESHOLDS),
        calibration=_calibration(done),
    )


def _calibration(done: Sequence[tuple[Row, RowResult]]) -> Calibration | None:
    """Judge the confidence of every row that was given an intent, rightly or not."""
    given = [
        (outcome.confidence, is_right(row, outcome))
        for row, outcome in done
        if outcome.intents and outcome.confidence is not None
    ]
    if not given:
        return None
    confidences, right = [c for c, _ in given], [ok for _, ok in given]
    return Calibration(
        rows=len(given),
        error=expected_calibration_error(confidences, right),
        brier=sum((c - ok) ** 2 for c, ok in given) / len(given),
        bins=tuple(reliability(confidences, right)),
    )


def _strangers(done: Sequence[tuple[Row, RowResult]]) -> list[RowResult]:
    """Return the outcomes of the rows that are no task and not labelled otherwise."""
    return [
        outcome for row, outcome in done if not row.intents and row.route in (None, "out_of_scope")
    ]


def _same_route(row: Row, outcome: RowResult) -> bool:
    if row.route in TASK_ROUTES and not row.before:
        return outcome.route in TASK_ROUTES  # there is nothing to continue, so both are right
    return outcome.route == row.route


def _per_intent(
    done: Sequence[tuple[Row, RowResult]], intents: Collection[str]
) -> dict[str, PerIntent]:
    support: Counter[str] = Counter()
    decided: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row, outcome in done:
        support.update(row.intents)
        decided.update(set(outcome.intents))
        right.update(set(row.intents) & set(outcome.intents))
    found = {}
    for key in sorted(intents or support | decided):
        recall = right[key] / support[key] if support[key] else 0.0
        precision = f1 = None
        if not intents:
            precision = right[key] / decided[key] if decided[key] else 0.0
            f1 = 2 * precision * recall / (precision + recall) if right[key] else 0.0
        found[key] = PerIntent(precision, recall, f1, support[key])
    return found


def _point(
    tasks: Sequence[tuple[Row, RowResult]], strangers: Sequence[RowResult], threshold: float
) -> Point:
    def is_given(outcome: RowResult) -> bool:
        # A router without a confidence is taken at its word.
        sure = 1.0 if outcome.confidence is None else outcome.confidence
        return bool(outcome.intents) and sure >= threshold

    given = [(row, outcome) for row, outcome in tasks if is_given(outcome)]
    return Point(
        threshold=threshold,
        coverage=len(given) / len(tasks) if tasks else 0.0,
        accuracy=_share(is_right(*pair) for pair in given),
        out_of_scope_recall=_share(not is_given(outcome) for outcome in strangers),
    )


def _tools(done: Sequence[tuple[Row, RowResult]], known: Mapping[str, Tool]) -> ToolMetrics:
    rows = [(row, outcome) for row, outcome in done if row.tool and not row.missing]
    exact = [(row, outcome) for row, outcome in rows if row.arguments is not None]
    lacking = [(row, outcome) for row, outcome in done if row.missing]
    return ToolMetrics(
        rows=len(rows),
        name_accuracy=_share(_named(row, outcome.acted) for row, outcome in rows),
        argument_accuracy=_share(_exact(row, outcome.acted, known) for row, outcome in exact),
        given_name_accuracy=_share(_named(row, _given(outcome)) for row, outcome in rows),
        given_argument_accuracy=_share(
            _exact(row, _given(outcome), known) for row, outcome in exact
        ),
        missing_rows=len(lacking),
        asked_when_missing=_share(_asked(row, outcome.acted) for row, outcome in lacking),
        unwanted_changes=_unwanted_changes(done, known),
    )


def _unwanted_changes(
    done: Sequence[tuple[Row, RowResult]], known: Mapping[str, Tool]
) -> UnwantedChanges:
    rows = [outcome for row, outcome in done if not row.changes]
    return UnwantedChanges(len(rows), sum(bool(_changes(outcome, known)) for outcome in rows))


def _changes(outcome: RowResult, known: Mapping[str, Tool]) -> list[str]:
    """Return the tools of the proposed calls that could have run and change something."""
    calls = outcome.acted.calls if outcome.acted else ()
    return [
        call.tool
        for call in calls
        if not call.problems and call.tool in known and known[call.tool].effect != "read"
    ]


def _given(outcome: RowResult) -> ToolPhase | None:
    return outcome.given or outcome.acted


def _named(row: Row, acted: ToolPhase | None) -> bool:
    return acted is not None and bool(acted.calls) and acted.calls[0].tool == row.tool


def _exact(row: Row, acted: ToolPhase | None, known: Mapping[str, Tool]) -> bool:
    tool = known.get(row.tool or "")
    if acted is None or tool is None or not _named(row, acted):
        return False
    return same_arguments(tool, acted.calls[0].arguments, row.arguments or {})


def _asked(row: Row, acted: ToolPhase | None) -> bool:
    if acted is None or acted.calls or not acted.asked:
        return False
    # A hosted model asks in prose and does not say for which parameter.
    return not acted.tool or (acted.tool, set(acted.missing)) == (row.tool, set(row.missing))


def _change_miss(row: Row, outcome: RowResult, known: Mapping[str, Tool]) -> Miss | None:
    changes = [] if row.changes else _changes(outcome, known)
    return Miss("change", row, outcome, "no change", ", ".join(changes)) if changes else None


def _routing_miss(row: Row, outcome: RowResult) -> Miss | None:
    if not row.labelled:
        return None
    if outcome.error and outcome.route is None:
        return _error(row, outcome)
    if not is_right(row, outcome):
        return Miss("intent", row, outcome, row.expected, outcome.decided)
    if row.route is not None and not _same_route(row, outcome):
        return Miss("route", row, outcome, row.route, outcome.route or "")
    return None


def _error(row: Row, outcome: RowResult) -> Miss:
    return Miss("error", row, outcome, row.expected, outcome.message)


def _tool_miss(row: Row, outcome: RowResult, known: Mapping[str, Tool]) -> Miss | None:
    """Return what the model got wrong although it knew the right intent."""
    if row.tool is None:
        return None
    acted = _given(outcome)
    if row.missing:
        wanted = f"a question for {' and '.join(row.missing)}"
        right = _asked(row, acted)
        return None if right else Miss("question", row, outcome, wanted, _told(acted, outcome))
    if not _named(row, acted):
        return Miss("tool", row, outcome, row.tool, _told(acted, outcome))
    if row.arguments is not None and not _exact(row, acted, known):
        wanted = _call(row.tool, row.arguments)
        return Miss("arguments", row, outcome, wanted, _told(acted, outcome))
    return None


def _told(acted: ToolPhase | None, outcome: RowResult) -> str:
    if outcome.error:
        return outcome.message
    if acted is None:
        return f"no call, the route was {outcome.decided}"
    if acted.calls:
        return _call(acted.calls[0].tool, acted.calls[0].arguments)
    if acted.missing:
        return f"a question for {' and '.join(acted.missing)} of {acted.tool}"
    return "a question" if acted.asked else "no call"


def _call(tool: str, arguments: Mapping[str, Any]) -> str:
    return f"{tool}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"


def _share(hits: Iterable[bool]) -> float | None:
    found = list(hits)
    return sum(found) / len(found) if found else None

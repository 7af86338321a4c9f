"""Chooses a catalogue's thresholds on its evaluation set: how much is refused, when it is asked.

The local router reads every message once; each candidate decides anew on these readings, with
the router's own code. So that no figure is about the messages it was chosen on, the set is cut
into `FOLDS` parts: the thresholds are chosen on all but one part and judged on that one, in turn.
What is proposed is then chosen on the whole set, and dropped unless choosing so has gained
something on the parts left out.

The aim is the share of all messages that become what they should: a task its intent, anything
else no task. A message about which the person is asked, its intent among those named, counts
half: it costs an answer, and a wrong guess costs more. Refusing more gains out-of-scope messages
and loses tasks, and the set's own mixture weighs them; no candidate may deny more than
`MOST_DENIED` of the tasks any intent. A gain must be worth `WORTH` or the present thresholds
stay, since small differences on small sets are chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace

from engine.builder import Engine
from engine.conversation import Conversation
from engine.evaluation.dataset import Row, spread
from engine.evaluation.metrics import ClassificationMetrics, is_right, score
from engine.evaluation.prediction_cache import CachedReader, prefetch, router_with_thresholds
from engine.evaluation.result import RowResult
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.routing import Routing
from engine.intents.thresholds import Thresholds

FOLDS = 5
LEAST_ROWS = 50
MOST_DENIED = 0.05
WORTH = 0.005
ASKED = 0.5

REFUSED = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
CLEAR = (0.4, 0.5, 0.6)
# How close, with the share below which two close intents are asked about; (0, 0) never asks.
ASKING = ((0.0, 0.0), (0.05, 0.4), (0.1, 0.5))
MOST_ROWS = 1500  # a larger set is sampled evenly


class CannotFit(CatalogueError):
    """Why thresholds cannot be chosen, in one line."""


@dataclass(frozen=True)
class ThresholdFit:
    """`present` and `proposed` with their figures on all `rows`.

    `worth_*` is the aim, as a share of the rows. `held_out` is what choosing so comes to: the
    figures of thresholds chosen without the row in question. `folds` has what was chosen without
    each part.
    """

    rows: int
    present: Thresholds
    proposed: Thresholds
    before: ClassificationMetrics
    after: ClassificationMetrics
    held_out: ClassificationMetrics
    worth_before: float
    worth_after: float
    worth_held_out: float
    folds: tuple[Thresholds, ...]

    @property
    def changes(self) -> dict[str, tuple[float, float]]:
        """Each threshold that would change: what it is, and what it would be."""
        old, new = vars(self.present), vars(self.proposed)
        return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


async def search_thresholds(engine: Engine, rows: Sequence[Row]) -> ThresholdFit:
    """Choose thresholds on these rows without asking a server.

    Raises `CannotFit` and `ModelError`.
    """
    alone = [row for row in rows if not row.before]
    rows = spread(alone, MOST_ROWS)
    if len(rows) < LEAST_ROWS:
        raise CannotFit(f"too few messages to choose by: {len(rows)}, and {LEAST_ROWS} are needed")
    if not any(row.intents for row in rows) or all(row.intents for row in rows):
        raise CannotFit(
            "the set needs both messages with an intent and messages that are no task "
            "(intent null): refusing is weighed against accepting"
        )
    ahead = prefetch(engine)
    if ahead is None:
        raise CannotFit("the thresholds are the local router's: use --provider embedded")
    engine, reader = ahead
    await reader.ahead([row.text for row in rows])
    present = engine.catalogue.thresholds
    candidates = list(dict.fromkeys([present, *_candidates(present)]))
    decided = [await _decide(engine, reader, candidate, rows) for candidate in candidates]
    worth = [[_worth(*pair) for pair in zip(rows, found, strict=True)] for found in decided]
    denied = [
        [bool(row.intents) and not one.intents for row, one in zip(rows, found, strict=True)]
        for found in decided
    ]
    tasks = [bool(row.intents) for row in rows]
    numbers = range(len(rows))
    folds = [
        _best(worth, denied, tasks, [n for n in numbers if n % FOLDS != part])
        for part in range(FOLDS)
    ]
    held_out = sum(worth[folds[n % FOLDS]][n] for n in numbers)
    gains = held_out > sum(worth[0])
    proposed = _best(worth, denied, tasks, numbers) if gains else 0

    def figures(outcomes: Sequence[RowResult]) -> ClassificationMetrics:
        results = zip(rows, outcomes, strict=True)
        return score(results, engine.catalogue, only_route=True).classification

    return ThresholdFit(
        rows=len(rows),
        present=present,
        proposed=candidates[proposed],
        before=figures(decided[0]),
        after=figures(decided[proposed]),
        held_out=figures([decided[folds[n % FOLDS]][n] for n in numbers]),
        worth_before=sum(worth[0]) / len(rows),
        worth_after=sum(worth[proposed]) / len(rows),
        worth_held_out=held_out / len(rows),
        folds=tuple(candidates[number] for number in folds),
    )


def _candidates(present: Thresholds) -> Iterable[Thresholds]:
    """Return every combination, the present one included, nearest to it first."""
    refusing = {present.refused, *REFUSED}
    clear = {present.clear, *CLEAR}
    asking = {(present.margin, present.unclear), *ASKING}
    combined = [
        replace(present, refused=refused, clear=clear, margin=margin, unclear=unclear)
        for refused, clear, (margin, unclear) in itertools.product(refusing, clear, asking)
    ]
    return sorted(combined, key=lambda other: (_distance(present, other), astuple(other)))


def _distance(one: Thresholds, other: Thresholds) -> float:
    return float(sum(abs(value - getattr(other, name)) for name, value in vars(one).items()))


def _best(
    worth: Sequence[Sequence[float]],
    denied: Sequence[Sequence[bool]],
    tasks: Sequence[bool],
    numbers: Sequence[int],
) -> int:
    """Return the candidate worth most on these rows, if it gains enough for a change.

    Candidate 0 is the present one; of equally good ones the first counts.
    """
    most = MOST_DENIED * sum(tasks[n] for n in numbers)
    hits = [sum(own[n] for n in numbers) for own in worth]
    refusals = [sum(own[n] for n in numbers) for own in denied]
    # Where the present ones deny more than may be, what denies no more than they is allowed.
    allowed = [c for c in range(len(worth)) if refusals[c] <= max(most, refusals[0])]
    found = max(allowed, key=lambda c: (hits[c], -c))
    return found if hits[found] - hits[0] >= WORTH * len(numbers) else 0


def _worth(row: Row, outcome: RowResult) -> float:
    if outcome.route == "clarify" and row.route != "clarify":
        named = {other.intent for other in outcome.alternatives}
        return ASKED if not row.intents or row.intents[0] in named else 0.0
    return float(is_right(row, outcome))


async def _decide(
    engine: Engine, reader: CachedReader, thresholds: Thresholds, rows: Sequence[Row]
) -> list[RowResult]:
    """Route the rows with these thresholds."""
    router = router_with_thresholds(engine, reader, thresholds)
    found = []
    for row in rows:
        async for item in router.route(row.text, Conversation()):
            if isinstance(item, Routing):
                intents = tuple(task.intent for task in item.tasks)
                found.append(
                    RowResult(
                        route=item.route,
                        intents=intents,
                        confidence=item.confidence,
                        alternatives=item.alternatives,
                    )
                )
    return found

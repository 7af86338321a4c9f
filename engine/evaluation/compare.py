"""Compare a run with an earlier one: what got better, what got worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.evaluation.dataset import Row
from engine.evaluation.metrics import Miss, Report, score
from engine.evaluation.report import miss_to_dict
from engine.evaluation.result import RowResult
from engine.intents.intent import Catalogue

Results = Sequence[tuple[Row, RowResult]]


@dataclass(frozen=True)
class Comparison:
    """Over the `rows` that both runs have. A miss is described as in the run that has it.

    `f1` has, for each intent, what it was and what it is.
    """

    rows: int
    before: Report
    after: Report
    newly_wrong: tuple[Miss, ...]
    newly_right: tuple[Miss, ...]

    @property
    def f1(self) -> Mapping[str, tuple[float, float]]:
        old = self.before.classification.per_intent
        new = self.after.classification.per_intent
        return {
            key: (was, now)
            for key in new
            if key in old and (was := old[key].f1) is not None and (now := new[key].f1) is not None
        }


def compare(
    before: Results,
    after: Results,
    catalogue: Catalogue,
    *,
    only_route: bool = False,
    intents: Collection[str] = (),
) -> Comparison:
    """Compare two runs by the rows that are through in both.

    Both are held against what the newer run expects, should the sets have been corrected.
    `intents`: one of the runs tried only rows of these.
    """
    old, new = _by_message(before), _by_message(after)
    shared = [(row, old[key][1], outcome) for key, (row, outcome) in new.items() if key in old]
    told = partial(score, catalogue=catalogue, only_route=only_route, intents=intents)
    was = told([(row, one) for row, one, _ in shared])
    now = told([(row, other) for row, _, other in shared])
    wrong_before = {miss.number for miss in was.misses}
    wrong_now = {miss.number for miss in now.misses}
    return Comparison(
        rows=len(shared),
        before=was,
        after=now,
        newly_wrong=_first(miss for miss in now.misses if miss.number not in wrong_before),
        newly_right=_first(miss for miss in was.misses if miss.number not in wrong_now),
    )


def _by_message(results: Results) -> dict[tuple[str, int], tuple[Row, RowResult]]:
    """Return what is done, by the message and how often it came before."""
    often: Counter[str] = Counter()
    found = {}
    for row, outcome in results:
        if outcome.state == "done":
            found[row.key, often[row.key]] = row, outcome
        often[row.key] += 1
    return found


def to_dict(found: Comparison) -> dict[str, Any]:
    """Return the JSON form."""
    old, new = found.before, found.after
    return {
        "rows": found.rows,
        "accuracy": [old.classification.accuracy, new.classification.accuracy],
        "out_of_scope_recall": [
            old.classification.out_of_scope_recall,
            new.classification.out_of_scope_recall,
        ],
        "f1": {key: list(pair) for key, pair in found.f1.items()},
        "newly_wrong": [miss_to_dict(miss) for miss in found.newly_wrong],
        "newly_right": [miss_to_dict(miss) for miss in found.newly_right],
    }


def _first(misses: Iterable[Miss]) -> tuple[Miss, ...]:
    """Return one miss per message."""
    kept: dict[int, Miss] = {}
    for miss in misses:
        kept.setdefault(miss.number, miss)
    return tuple(kept.values())

"""A run against an earlier one: what got better, what got worse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.evaluation.dataset import Row
from engine.evaluation.outcome import Outcome
from engine.evaluation.report import miss_to_dict
from engine.evaluation.score import Miss, Report, score
from engine.intents.intent import Catalogue

Results = Sequence[tuple[Row, Outcome]]


@dataclass(frozen=True)
class Comparison:
    """Over the `rows` that both runs have. Misses are told as they are in the run that has them.

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
        return {key: (old[key].f1, new[key].f1) for key in new if key in old}


def compare(
    before: Results, after: Results, catalogue: Catalogue, *, only_route: bool = False
) -> Comparison:
    """Compare two runs by the rows that are through in both.

    Both are held against what the newer run expects, should the sets have been corrected.
    """
    old = {row.key: outcome for row, outcome in before if outcome.state == "done"}
    rows = {row.key: (row, outcome) for row, outcome in after if outcome.state == "done"}
    shared = [(rows[key][0], old[key], rows[key][1]) for key in rows if key in old]
    was = score([(row, one) for row, one, _ in shared], catalogue, only_route=only_route)
    now = score([(row, other) for row, _, other in shared], catalogue, only_route=only_route)
    wrong_before = {miss.row.key for miss in was.misses}
    wrong_now = {miss.row.key for miss in now.misses}
    return Comparison(
        rows=len(shared),
        before=was,
        after=now,
        newly_wrong=_first(miss for miss in now.misses if miss.row.key not in wrong_before),
        newly_right=_first(miss for miss in was.misses if miss.row.key not in wrong_now),
    )


def to_dict(found: Comparison) -> dict[str, Any]:
    """The JSON form."""
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
    """One miss a message."""
    kept: dict[str, Miss] = {}
    for miss in misses:
        kept.setdefault(miss.row.key, miss)
    return tuple(kept.values())

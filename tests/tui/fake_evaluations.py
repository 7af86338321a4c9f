"""Evaluation runs that live in a list, and what was measured in them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tui.services.evaluation_results import IntentScore, MissRow, RunComparison, RunRow, RunView

AT = "2026-03-02T14:03:00+00:00"


def run(number: int, accuracy: float | None = 0.9, state: str = "finished") -> RunRow:
    return RunRow(
        f"01run{number}",
        AT,
        "ACME Mobile",
        "embedded",
        "offline models",
        state,
        240,
        accuracy,
        "routing, roaming, limit 240",
    )


RUNS = [run(3, 0.963), run(2, 0.941, "interrupted"), run(1, None, "running")]
TELECOM = ("balance", "contract", "data", "payment", "roaming")


def measured(
    row: RunRow, intents: Sequence[str] = TELECOM, *, each: int = 40, seed: int = 1
) -> RunView:
    """Figures that fit each other: some messages of each intent go to its neighbours."""
    chance = random.Random(seed)
    labels = [*intents, "out_of_scope", "small_talk"]
    matrix: Counter[tuple[str, str]] = Counter()
    misses = []
    for place, expected in enumerate(labels):
        for number in range(each):
            decided = expected
            if chance.random() < 0.12:
                decided = labels[(place + chance.choice((1, 1, 1, 2, -1))) % len(labels)]
                text = f"message {number} of {expected}, [b]not[/b] for {decided}"
                went = (decided,) if decided in intents else ()
                cell = (expected, decided)
                misses.append(MissRow(text, *cell, "intent", went, 0.4, cell=cell))
            matrix[expected, decided] += 1
    misses.append(
        MissRow(
            "top up",
            intents[0],
            "no call",
            "tool",
            (intents[0],),
            cell=(intents[0], intents[0]),
        ),
    )
    scores = []
    for key in intents:
        right = matrix[key, key]
        given = sum(count for (_, decided), count in matrix.items() if decided == key)
        precision, recall = right / max(1, given), right / each
        f1 = 2 * precision * recall / max(0.01, precision + recall)
        scores.append(IntentScore(key, precision, recall, f1, each))
    figures = {
        "right intent": row.accuracy,
        "out of scope": 1.0,
        "coverage": 1.0,
        "F1": 1.0,
        "right tool": 0.951,
        "arguments exact": 0.902,
        "clarified": 0.853,
    }
    diagonal = frozenset((label, label) for label in labels)
    return RunView(row, figures, tuple(scores), dict(matrix), diagonal, tuple(misses))


class FakeEvaluations:
    """The part of a backstage that has evaluation runs; `intents_measured` are what it tells of."""

    runs: Sequence[RunRow] = RUNS
    intents_measured: Sequence[str] = TELECOM

    async def evaluations(self) -> list[RunRow]:
        return list(self.runs)

    evaluation_progress: tuple[int, int] | None = None
    started: str = ""

    async def start_evaluation(self, kind: str) -> None:
        self.started, self.evaluation_progress = kind, (3, 12)

    async def cancel_evaluation(self) -> None:
        self.evaluation_progress = None

    async def delete_evaluation(self, run_id: str) -> None:
        self.runs = [row for row in self.runs if row.id != run_id]

    async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
        found = {row.id: row for row in self.runs}
        whole = measured(found[run_id], self.intents_measured)
        if against is None:
            return whole
        scores = [
            replace(one, f1_before=one.f1 - 0.02) for one in whole.intents if one.f1 is not None
        ]
        other = RunComparison(
            found[against], 240, (0.941, 0.963), whole.misses[:2], whole.misses[2:5]
        )
        return replace(whole, intents=tuple(scores), against=other)

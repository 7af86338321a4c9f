"""Read evaluation runs from the database for the screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.evaluation import compare, report
from engine.evaluation.metrics import Miss, score
from engine.intents.intent import Catalogue
from storage.database import Database
from storage.evaluations import Evaluations, RunRecord
from tui.services.evaluation_results import IntentScore, MissRow, RunComparison, RunRow, RunView
from tui.services.evaluation_runs import choice_of, results_of

# What the screen says of a run, by where its report has it.
FIGURES = {
    "right intent": ("classification", "accuracy"),
    "out of scope": ("classification", "out_of_scope_recall"),
    "coverage": ("classification", "coverage"),
    "F1": ("classification", "macro_f1"),
    "right tool": ("tools", "name_accuracy"),
    "arguments exact": ("tools", "argument_accuracy"),
    "clarified": ("tools", "asked_when_missing"),
}


def runs(database: Database, limit: int) -> list[RunRow]:
    """Newest first. Raises `StorageError`."""
    return [_row(found) for found in Evaluations(database).runs(limit)]


def delete(database: Database, run_id: str) -> None:
    """Remove a run for good. Raises `StorageError`."""
    Evaluations(database).delete(run_id)


def measured(database: Database, catalogue: Catalogue, run_id: str, against: str | None) -> RunView:
    """Return one run, compared with another if one is named. Raises `StorageError`.

    The report was made when the run ended; of one that has not ended it is made now. One that was
    kept before cells said what is right has it where both are the same.
    """
    evaluations = Evaluations(database)
    run = evaluations.run(run_id)
    data = run.report
    if data is None:
        choice = choice_of(run)
        found = score(
            results_of(evaluations, run.id),
            catalogue,
            only_route=choice.only_route,
            intents=choice.intents,
        )
        data = report.to_dict(found)
    held = None if against is None else _against(evaluations, catalogue, run, against)
    before = held[1] if held else {}
    classification: Mapping[str, Any] = data["classification"]
    return RunView(
        run=_row(run, data),
        figures={
            name: (data.get(part) or {}).get(figure) for name, (part, figure) in FIGURES.items()
        },
        intents=tuple(
            IntentScore(
                key, one["precision"], one["recall"], one["f1"], one["support"], before.get(key)
            )
            for key, one in sorted(classification["per_intent"].items())
        ),
        matrix={
            (cell["expected"], cell["decided"]): cell["count"] for cell in classification["matrix"]
        },
        right=frozenset(
            (cell["expected"], cell["decided"])
            for cell in classification["matrix"]
            if cell.get("right", cell["expected"] == cell["decided"])
        ),
        misses=tuple(_told(miss) for miss in data["misses"]),
        against=held[0] if held else None,
    )


def _against(
    evaluations: Evaluations, catalogue: Catalogue, run: RunRecord, against: str
) -> tuple[RunComparison, dict[str, float]]:
    """Return the comparison of the routing, and the earlier F1 of each intent."""
    old, new = (results_of(evaluations, one) for one in (against, run.id))
    older = evaluations.run(against)
    found = compare.compare(
        old,
        new,
        catalogue,
        only_route=True,
        intents=choice_of(run).intents or choice_of(older).intents,
    )
    accuracy = found.before.classification.accuracy, found.after.classification.accuracy
    shown = RunComparison(
        run=_row(older),
        rows=found.rows,
        accuracy=accuracy,
        newly_wrong=_all(found.newly_wrong),
        newly_right=_all(found.newly_right),
    )
    return shown, {key: was for key, (was, _) in found.f1.items()}


def _row(run: RunRecord, data: Mapping[str, Any] | None = None) -> RunRow:
    known = data or run.report or {}
    return RunRow(
        id=run.id,
        at=run.started_at,
        catalogue=run.catalogue,
        router=run.router,
        model=run.model,
        state=run.state,
        done=run.done,
        accuracy=(known.get("classification") or {}).get("accuracy"),
        what=choice_of(run).words,
    )


def _all(misses: Iterable[Miss]) -> tuple[MissRow, ...]:
    return tuple(_told(report.miss_to_dict(miss)) for miss in misses)


def _told(miss: Mapping[str, Any]) -> MissRow:
    cell = miss.get("cell", (miss["expected"], miss["got"]))
    return MissRow(
        text=miss["text"],
        expected=miss["expected"],
        got=miss["got"],
        kind=miss["kind"],
        intents=tuple(miss["intents"]),
        confidence=miss["confidence"],
        where=miss["where"],
        cell=(cell[0], cell[1]),
    )

"""Evaluation runs: rows, engine and database; each result is stored at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from engine.builder import Engine, build_engine_for
from engine.evaluation import dataset, result
from engine.evaluation import report as reports
from engine.evaluation.dataset import DatasetError, Row
from engine.evaluation.metrics import Report
from engine.evaluation.prediction_cache import prefetch
from engine.evaluation.result import RowResult
from engine.evaluation.row_runner import RowRunner, dry_run
from engine.evaluation.runner import Result, Runner
from engine.events import NO_TASK
from engine.ids import new_id
from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue
from engine.settings import Settings, SettingsError
from storage.corrections import corrections
from storage.database import Database
from storage.errors import StorageError
from storage.evaluations import Evaluations, ResultRecord, RunRecord
from tui.commands.output import talk_aside

# Rows with a server take as long as its answers; with the offline models one at a time is quickest.
PARALLEL, PARALLEL_OFFLINE = 4, 1


@dataclass(frozen=True)
class RunSelection:
    """Which rows a run has, and how much is asked of them; kept with the run."""

    intents: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    limit: int | None = None
    only_route: bool = False
    from_corrections: bool = False

    @property
    def words(self) -> str:
        """Which messages are tried, and how, as a listing says it."""
        parts = [*self.intents, *(Path(path).name for path in self.data)]
        if self.only_route:
            parts.insert(0, "routing")
        if self.from_corrections:
            parts.append("corrections")
        if self.limit is not None:
            parts.append(f"limit {self.limit:,}")
        return ", ".join(parts) or "whole set"

    def rows(self, catalogue: Catalogue, database: Database, until: str = "") -> list[Row]:
        """Return the rows, always in the same order. Raises `DatasetError`.

        `until` leaves out the corrections that came later, ISO 8601 in UTC.
        """
        if unknown := [key for key in self.intents if key not in catalogue.intents]:
            raise DatasetError(f"the catalogue has no intent {unknown[0]!r}")
        if self.from_corrections:
            rows = _corrected(catalogue, database, until)
        else:
            rows = dataset.load(catalogue, [Path(path) for path in self.data])
        if self.intents:
            rows = [row for row in rows if set(row.intents) & set(self.intents)]
        if not rows:
            raise DatasetError(f"no message is expected to be {' or '.join(self.intents)}")
        return rows if self.limit is None else dataset.spread(rows, self.limit)


@dataclass(frozen=True)
class ResumableRun:
    """An interrupted run that fits the present catalogue, sets and model.

    `rows` are all of its rows, by number, and `known` what is known of some.
    """

    record: RunRecord
    choice: RunSelection
    rows: dict[int, Row]
    known: Mapping[int, RowResult]


@dataclass
class Run:
    """One run with the parts it needs; `record` is how the database knows it."""

    record: RunRecord
    choice: RunSelection
    runner: Runner
    evaluations: Evaluations

    @property
    def engine(self) -> Engine:
        return self.runner.trial.engine

    @property
    def done(self) -> list[RowResult]:
        """What became of the rows that are through."""
        return [found for found in self.runner.outcomes.values() if found.state == "done"]

    @property
    def results(self) -> list[tuple[Row, RowResult]]:
        """What is known so far, in the order of the sets."""
        runner = self.runner
        return [
            (row, runner.outcomes[number])
            for number, row in runner.rows.items()
            if number in runner.outcomes
        ]


def dry_engine(settings: Settings) -> Engine:
    """Return the engine that the settings describe, with tools that cannot run."""
    if settings.provider == "scripted":
        raise SettingsError("the scripted model plays demos; choose another --provider for this")
    with talk_aside():
        catalogue = catalogues.load(*settings.catalogues)
    if catalogue.router == "bypass":
        problem = 'router = "bypass" is ignored here: an evaluation is about the intents'
        catalogue = replace(catalogue, router="", problems=(*catalogue.problems, problem))
    return build_engine_for(settings, dry_run(catalogue))


def summary(run: Run, report: Report, *, finished: bool, wall_seconds: float) -> dict[str, Any]:
    """Return what is kept of a run that is over, as the database and `eval --json` have it."""
    return {
        "run": run.record.id,
        "state": "finished" if finished else "interrupted",
        "catalogue": run.record.catalogue,
        "router": run.record.router,
        "model": run.record.model,
        "wall_seconds": round(wall_seconds, 2),
        **reports.to_dict(report),
    }


def begin(
    settings: Settings,
    engine: Engine,
    database: Database,
    choice: RunSelection,
    parallel: int | None,
) -> Run:
    """Begin a new run.

    Raises `DatasetError`, before anything is written down, and `StorageError`.
    """
    rows = dict(enumerate(choice.rows(engine.catalogue, database)))
    evaluations = Evaluations(database)
    record = replace(_record(settings, engine), id=new_id(), options=asdict(choice))
    evaluations.begin(record)
    return _run(record, choice, engine, evaluations, rows, {}, parallel)


def find_resumable(
    settings: Settings, engine: Engine, database: Database, run_id: str
) -> ResumableRun:
    """Return the run `run_id`, or with `last` the newest that was cut and can be resumed.

    Raises `StorageError` where the catalogue, the sets or the model have changed since it began,
    and `DatasetError` where a set is gone.
    """
    evaluations = Evaluations(database)
    if run_id != "last":
        return _cut(settings, engine, database, evaluations.run(run_id))
    faults = []
    for record in evaluations.runs():
        if record.state == "interrupted":
            try:
                return _cut(settings, engine, database, record)
            except (StorageError, DatasetError) as error:
                faults.append(str(error))
    if not faults:
        raise StorageError("there is no interrupted evaluation run")
    raise StorageError(f"no interrupted run can be resumed: {'; '.join(faults)}")


def resume(engine: Engine, database: Database, cut: ResumableRun, parallel: int | None) -> Run:
    """Resume the run where it stopped. Raises `StorageError` where it is done or still running."""
    evaluations = Evaluations(database)
    record = evaluations.resume(cut.record.id)
    return _run(record, cut.choice, engine, evaluations, cut.rows, dict(cut.known), parallel)


def _cut(settings: Settings, engine: Engine, database: Database, record: RunRecord) -> ResumableRun:
    same = _record(settings, engine)
    for what, was, now in (
        ("catalogue", record.catalogue_hash, same.catalogue_hash),
        ("router", record.router, same.router),
        ("model", record.model, same.model),
    ):
        if was != now:
            raise StorageError(f"the {what} is not the one that run {record.id} began with")
    choice = choice_of(record)
    rows = dict(enumerate(choice.rows(engine.catalogue, database, until=record.started_at)))
    known = {found.number: found for found in Evaluations(database).results(record.id)}
    for number, found in known.items():
        if number not in rows or rows[number] != dataset.from_dict(found.row):
            raise StorageError(f"the sets have changed since run {record.id} began")
    done = {number: result.from_dict(found.outcome) for number, found in known.items()}
    return ResumableRun(record, choice, rows, done)


def choice_of(record: RunRecord) -> RunSelection:
    """Return what a run was begun with."""
    return RunSelection(**{name: _frozen(value) for name, value in record.options.items()})


def results_of(evaluations: Evaluations, run_id: str) -> list[tuple[Row, RowResult]]:
    """Return what a run found, in the order of its sets. Raises `StorageError`."""
    return [
        (dataset.from_dict(found.row), result.from_dict(found.outcome))
        for found in evaluations.results(run_id)
    ]


def digest(catalogue: Catalogue) -> str:
    """Return a hash of everything in a catalogue that routing and acting may depend on."""
    content = [
        catalogue.persona,
        [asdict(talk) for talk in catalogue.small_talk],
        catalogue.cancel_examples,
        catalogue.out_of_scope_examples,
        catalogue.strange_examples,
        asdict(catalogue.thresholds),
        [
            {
                # Not what is computed from these when it is wanted.
                **{f.name: getattr(intent, f.name) for f in fields(intent) if f.name != "tools"},
                "tools": [(t.name, t.description, t.parameters, t.effect) for t in intent.tools],
            }
            for intent in catalogue.intents.values()
        ],
    ]
    text = json.dumps(content, default=_plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _run(
    record: RunRecord,
    choice: RunSelection,
    engine: Engine,
    evaluations: Evaluations,
    rows: dict[int, Row],
    known: dict[int, RowResult],
    parallel: int | None,
) -> Run:
    ahead = prefetch(engine)
    if ahead is not None:
        engine, reader = ahead
    runner = Runner(
        trial=RowRunner(engine, choice.only_route),
        rows=rows,
        keep=_keeper(evaluations, record.id),
        parallel=parallel or (PARALLEL_OFFLINE if engine.offline else PARALLEL),
        outcomes=known,
        ahead=reader.ahead if ahead is not None else None,
    )
    return Run(record, choice, runner, evaluations)


def _keeper(evaluations: Evaluations, run_id: str) -> Callable[[Sequence[Result]], None]:
    def keep(results: Iterable[Result]) -> None:
        evaluations.keep(
            run_id,
            [
                ResultRecord(number, dataset.to_dict(row), result.to_dict(found))
                for number, row, found in results
            ],
        )

    return keep


def _record(settings: Settings, engine: Engine) -> RunRecord:
    router = "embedded"
    if settings.server is not None:
        asks = settings.router != "embedded"
        router = f"{settings.router}, {settings.classifier_model}" if asks else settings.router
    return RunRecord(
        id="",
        catalogue=engine.catalogue.title,
        catalogue_hash=digest(engine.catalogue),
        router=router,
        model=engine.label,
    )


def _corrected(catalogue: Catalogue, database: Database, until: str) -> list[Row]:
    """Return the messages whose routing the person corrected, oldest first, each once."""
    said = [c for c in corrections(database) if not until or c.at <= until]
    newest = {c.text: c for c in reversed(said) if c.to_intent in (NO_TASK, *catalogue.intents)}
    if not newest:
        raise DatasetError("there are no corrections yet for an intent of this catalogue")
    return [
        Row(text, (c.to_intent,) if c.to_intent else (), where=f"turn {c.turn_id}")
        for text, c in newest.items()
    ]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Convert what JSON does not know: read-only mappings, sets and others."""
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value) if isinstance(value, frozenset | set) else str(value)

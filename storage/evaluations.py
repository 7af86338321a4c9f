"""Evaluation runs, stored row by row, so that nothing is paid for twice.

Plain calls, from any thread. Every method raises `StorageError` when the database cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmodel import Session, col, func, select

from storage.clock import utc_now
from storage.database import Database
from storage.errors import StorageError
from storage.history import beginning_with
from storage.process_identity import is_alive, this_process
from storage.tables import EvaluationResult, EvaluationRun

RunState = Literal["running", "finished", "interrupted"]


class UnknownRun(StorageError):
    """No run has this id, or several begin with it."""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run. `dataclasses.asdict` gives its JSON form.

    `catalogue` is its title, `catalogue_hash` a digest of its content, `router` and `model` name
    what routed and what answered, `options` is what else the run was started with. `done` counts
    the rows that have a result.
    """

    id: str
    catalogue: str
    catalogue_hash: str
    router: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    started_at: str = ""
    finished_at: str | None = None
    state: RunState = "running"
    report: Mapping[str, Any] | None = None
    done: int = 0


@dataclass(frozen=True)
class ResultRecord:
    """What became of one row; `number` is its place in the sets of the run."""

    number: int
    row: Mapping[str, Any]
    outcome: Mapping[str, Any]


@dataclass(frozen=True)
class Evaluations:
    """All runs of one database."""

    database: Database

    def begin(self, run: RunRecord) -> str:
        """Record that a run begins now, in this process; return its id."""
        with self.database.write() as rows:
            rows.add(
                EvaluationRun(
                    id=run.id,
                    started_at=run.started_at or utc_now(),
                    catalogue=run.catalogue,
                    catalogue_hash=run.catalogue_hash,
                    router=run.router,
                    model=run.model,
                    options=dict(run.options),
                    state="running",
                    owner=this_process(),
                )
            )
        return run.id

    def keep(self, run_id: str, results: Iterable[ResultRecord]) -> None:
        """Commit results, replacing those that are there already."""
        with self.database.write() as rows:
            for result in results:
                row, outcome = dict(result.row), dict(result.outcome)
                rows.merge(
                    EvaluationResult(run_id=run_id, number=result.number, row=row, outcome=outcome)
                )

    def finish(self, run_id: str, report: Mapping[str, Any]) -> None:
        self._end(run_id, "finished", report)

    def interrupt(self, run_id: str, report: Mapping[str, Any] | None = None) -> None:
        """Record that the run was stopped and may be resumed; `report` covers what is done."""
        self._end(run_id, "interrupted", report)

    def resume(self, run_id: str) -> RunRecord:
        """Resume an interrupted run in this process. Raises `UnknownRun`.

        Raises `StorageError` while another process is at it, or where it has been finished.
        """
        self.close_interrupted()
        with self.database.write() as rows:
            run = _find(rows, run_id)
            if run.state != "interrupted":
                raise StorageError(f"The run {run.id} cannot be resumed: it is {run.state}.")
            run.state, run.owner, run.finished_at, run.report = (
                "running",
                this_process(),
                None,
                None,
            )
            return _record(run, _done(rows, [run.id]))

    def close_interrupted(self) -> None:
        """Mark the runs of dead processes as interrupted."""
        running = select(EvaluationRun).where(EvaluationRun.state == "running")
        with self.database.read() as rows:
            dead = [run.id for run in rows.exec(running) if not is_alive(run.owner)]
        if dead:
            with self.database.write() as rows:
                for run in rows.exec(running.where(col(EvaluationRun.id).in_(dead))):
                    run.state = "interrupted"

    def runs(self, limit: int = 50) -> list[RunRecord]:
        """Newest first."""
        self.close_interrupted()
        with self.database.read() as rows:
            found = rows.exec(_NEWEST_FIRST.limit(limit)).all()
            done = _done(rows, [run.id for run in found])
            return [_record(run, done) for run in found]

    def run(self, id: str) -> RunRecord:
        """Return the run with this id, the only one whose id begins so, or the `last`.

        Raises `UnknownRun`.
        """
        self.close_interrupted()
        with self.database.read() as rows:
            run = _find(rows, id)
            return _record(run, _done(rows, [run.id]))

    def results(self, run_id: str) -> list[ResultRecord]:
        """Return the results of a run so far, in the order of its sets. Raises `UnknownRun`."""
        with self.database.read() as rows:
            query = select(EvaluationResult).where(
                EvaluationResult.run_id == _find(rows, run_id).id
            )
            return [
                ResultRecord(found.number, found.row, found.outcome)
                for found in rows.exec(query.order_by(col(EvaluationResult.number)))
            ]

    def delete(self, run_id: str) -> None:
        """Remove a run with its results, for good. Raises `UnknownRun`."""
        with self.database.write() as rows:
            rows.delete(_find(rows, run_id))

    def _end(self, run_id: str, state: RunState, report: Mapping[str, Any] | None) -> None:
        with self.database.write() as rows:
            run = _find(rows, run_id)
            run.state, run.finished_at = state, utc_now()
            run.report = None if report is None else dict(report)


_NEWEST_FIRST = select(EvaluationRun).order_by(
    col(EvaluationRun.started_at).desc(), col(EvaluationRun.id).desc()
)


def _find(rows: Session, id: str) -> EvaluationRun:
    if id == "last":
        found = rows.exec(_NEWEST_FIRST.limit(1)).all()
    else:
        found = beginning_with(rows, EvaluationRun, id)
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownRun(f"Several evaluation runs begin with {id!r}: give more of the id.")
    raise UnknownRun(f"There is no evaluation run {id!r}.")


def _done(rows: Session, ids: Sequence[str]) -> dict[str, int]:
    """Return how many results each of these runs has."""
    query = (
        select(EvaluationResult.run_id, func.count())
        .where(col(EvaluationResult.run_id).in_(ids))
        .group_by(EvaluationResult.run_id)
    )
    return dict(rows.exec(query).all())


def _record(run: EvaluationRun, done: Mapping[str, int]) -> RunRecord:
    names = RunRecord.__dataclass_fields__.keys() - {"done"}
    return RunRecord(**{name: getattr(run, name) for name in names}, done=done.get(run.id, 0))

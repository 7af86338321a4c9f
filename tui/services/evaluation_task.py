"""An evaluation run behind the screen."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from engine.chat_model import ModelError
from engine.evaluation.metrics import score
from engine.evaluation.runner import End
from engine.settings import Settings
from storage.database import Database
from tui.services import evaluation_runs
from tui.services.evaluation_runs import Run, RunSelection

KINDS = {
    "routing": RunSelection(only_route=True),
    "whole": RunSelection(),
    "corrections": RunSelection(only_route=True, from_corrections=True),
}


class EvaluationTask:
    """At most one run at a time; what is done is kept, also of one that is cancelled."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many messages are done, of how many; None: nothing runs."""
        if self._run is None:
            return None
        return len(self._run.done), len(self._run.runner.rows)

    async def start(self, kind: str) -> None:
        """Begin a run of this kind. Raises `DatasetError`, `SettingsError` and `StorageError`."""
        if self._run is not None:
            raise ValueError("an evaluation is running already")
        self._run = await asyncio.to_thread(self._begin, KINDS[kind])
        self._task = asyncio.create_task(self._go(self._run))

    def _begin(self, choice: RunSelection) -> Run:
        engine = evaluation_runs.dry_engine(self._settings)
        try:
            return evaluation_runs.begin(self._settings, engine, self._database, choice, None)
        except BaseException:
            asyncio.run(engine.close())
            raise

    async def _go(self, run: Run) -> None:
        began = time.monotonic()
        try:
            try:
                await run.engine.warm_up()
                end = await run.runner.run()
            except ModelError as error:
                end = End("cannot_run", str(error), error.code)
            await asyncio.to_thread(self._conclude, run, end, time.monotonic() - began)
        except BaseException:
            run.evaluations.interrupt(run.record.id)
            raise
        finally:
            self._run = None
            await run.engine.close()

    def _conclude(self, run: Run, end: End, took_s: float) -> None:
        report = score(run.results, run.engine.catalogue, only_route=run.choice.only_route)
        finished = end.reason == "finished" and not report.failed
        data = evaluation_runs.summary(run, report, finished=finished, wall_seconds=took_s)
        evaluations = run.evaluations
        (evaluations.finish if finished else evaluations.interrupt)(run.record.id, data)

    async def cancel(self) -> None:
        """End the run early and wait for that."""
        if self._run is not None and self._task is not None:
            self._run.runner.stop()
            with suppress(Exception):
                await self._task

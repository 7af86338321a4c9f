"""Run the rows of a set in parallel and store each result as it comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.evaluation.dataset import Row
from engine.evaluation.result import RowResult
from engine.evaluation.row_runner import CannotRun, RowRunner

Result = tuple[int, Row, RowResult]
Reason = Literal["finished", "interrupted", "network", "cannot_run"]

# So many rows in a row that could not be reached mean that the server is away.
FAILURES = 5
# Results that cost nothing are written down together, at most so much later.
LAG_S = 0.5
CHUNK = 16  # rows that are looked at ahead together
# A run that is stopped waits so long for answers that are on their way: they are paid for.
GRACE_S = 5.0


@dataclass(frozen=True)
class End:
    """Why a run ended, in words where it was not finished; `code` is that of the failure."""

    reason: Reason
    message: str = ""
    code: str = ""


@dataclass
class Runner:
    """One run. `rows` are numbered; `outcomes` has what an earlier part of the run found, and in
    the end everything.

    `keep` commits results and is called from another thread: at once where they were paid for.
    `on_done` gets each row that is done, `ahead` the messages that come next.
    """

    trial: RowRunner
    rows: Mapping[int, Row]
    keep: Callable[[Sequence[Result]], None]
    parallel: int
    outcomes: dict[int, RowResult] = field(default_factory=dict)
    on_done: Callable[[Row, RowResult], None] = lambda row, outcome: None
    ahead: Callable[[Sequence[str]], Coroutine[Any, Any, None]] | None = None
    _held: list[Result] = field(default_factory=list)
    _kept_at: float = field(default_factory=time.monotonic)
    _keeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    _failures: int = 0
    _end: End = field(default_factory=lambda: End("finished"))
    _workers: list[asyncio.Task[None]] = field(default_factory=list)

    async def run(self) -> End:
        """Until every row is through, or `stop`, or nothing can be reached. What is done is kept.

        Raises what `keep` raises.
        """
        todo = [number for number in self.rows if not self._is_through(number)]
        size = CHUNK if self.ahead is not None else max(len(todo), 1)
        try:
            for start in range(0, len(todo), size):
                chunk = todo[start : start + size]
                if self.ahead is not None:
                    await self._together(self.ahead([self.rows[n].text for n in chunk]))
                if self._end.reason != "finished":
                    break
                waiting = iter(chunk)
                await self._together(*(self._work(waiting) for _ in range(self.parallel)))
        finally:
            await self._cancel()
            await self._commit()
        return self._end

    async def _together(self, *work: Coroutine[Any, Any, None]) -> None:
        """Do all of this, unless `stop` ends it. Raises the first error."""
        self._workers = [asyncio.create_task(each) for each in work]
        for result in await asyncio.gather(*self._workers, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    def stop(self) -> bool:
        """End early; what is done stays. Returns whether something that is paid for is waited for:
        it is given up after `GRACE_S`, or when this is called again."""
        again = self._end.reason != "finished"
        if again or self.trial.engine.offline:
            self._finish(End("interrupted"))
            return False
        self._end = End("interrupted")
        asyncio.get_running_loop().call_later(GRACE_S, self._give_up)
        return any(not worker.done() for worker in self._workers)

    def _is_through(self, number: int) -> bool:
        return number in self.outcomes and self.outcomes[number].state == "done"

    async def _work(self, waiting: Iterator[int]) -> None:
        for number in waiting:
            if self._end.reason != "finished":
                return
            row = self.rows[number]

            async def keep(outcome: RowResult, number: int = number, row: Row = row) -> None:
                self._hold(number, row, outcome)
                await self._commit()

            try:
                outcome = await self.trial.run(row, keep, self.outcomes.get(number))
            except CannotRun as error:
                self._finish(End("cannot_run", str(error), error.code))
                return
            self._hold(number, row, outcome)
            if not self.trial.engine.offline or time.monotonic() - self._kept_at > LAG_S:
                await self._commit()
            self.on_done(row, outcome)
            self._failures = self._failures + 1 if outcome.state == "failed" else 0
            if self._failures >= FAILURES:
                self._finish(End("network", outcome.message, outcome.error))

    def _hold(self, number: int, row: Row, outcome: RowResult) -> None:
        self.outcomes[number] = outcome
        self._held.append((number, row, outcome))

    async def _commit(self) -> None:
        """Write down what is held. A cancelled call has written it all the same."""
        writing = asyncio.ensure_future(self._write())
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await writing
            raise

    async def _write(self) -> None:
        async with self._keeping:
            held, self._held = self._held, []
            if held:
                await asyncio.to_thread(self.keep, held)
            self._kept_at = time.monotonic()

    def _finish(self, end: End) -> None:
        if self._end.reason == "finished":
            self._end = end
        self._give_up()

    def _give_up(self) -> None:
        for worker in self._workers:
            worker.cancel()

    async def _cancel(self) -> None:
        self._give_up()
        for worker in self._workers:
            with suppress(asyncio.CancelledError, Exception):
                await worker

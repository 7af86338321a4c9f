"""Writes down what happens, as it happens: the engine's `Recorder`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from engine.events import ActionSettled, Event, TextDelta, ToolStarted
from engine.ports import RecordingError
from storage.database import Database
from storage.errors import StorageError
from storage.history import ActionRecord
from storage.projection import project
from storage.recovery import close_interrupted, dead_owners, settle

# Text may be written down this much later than it is seen.
TEXT_LAG_S = 1.0


class SqliteRecorder:
    """Keeps events, each in one transaction, in the order they come.

    One thread writes, so that the screen never waits for the disk. Text that streams in is held
    back and written as one `text_delta` under the number of its first, at most once a second
    and before anything else. `model` names the chat model for the person. `data_dir` is where
    back ends keep their files; None: beside the database, wherever that is moved.
    """

    def __init__(self, database: Database, model: str = "", data_dir: Path | None = None) -> None:
        self._database = database
        self._model = model
        self._data_dir = None if data_dir is None else str(data_dir)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._timer: asyncio.TimerHandle | None = None
        self._held: TextDelta | None = None  # touched by the writer's thread only

    async def record(self, event: Event) -> None:
        """Keep one event; on return it is committed, except text.

        A cancelled call has been kept all the same. Raises `RecordingError`: nothing of the
        event was kept, and text still held will be tried again with the next of its turn.
        """
        loop = asyncio.get_running_loop()
        if isinstance(event, TextDelta) and self._timer is None:
            self._timer = loop.call_later(TEXT_LAG_S, self._text_is_due)
        await asyncio.shield(loop.run_in_executor(self._writer, self._take, event))

    def settle_interrupted(self) -> list[ActionRecord]:
        """To be called once at start-up: end the turns that a dead process left running.

        Returns the actions that may or may not have been done: the person is to be told, and
        they are never run again by themselves. Where nothing can be written, nothing is ended.
        Raises `StorageError`.
        """
        if self._database.read_only:
            return []
        with self._database.read() as view:
            if not dead_owners(view.connection()):
                return []  # the usual case takes no lock
        with self._database.write(durable=True) as rows:
            return close_interrupted(rows.connection())

    def settle(self, found: ActionSettled) -> ActionSettled:
        """Keep what was found about an unknown action; returns the event as it was kept.

        Raises `StorageError`, `NothingToCheck` where somebody else has settled it meanwhile.
        """
        with self._database.write(durable=True) as rows:
            return settle(rows, found)

    async def close(self) -> None:
        """Write down what is held and stop. Raises `RecordingError`."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, self._write_held)
        finally:
            self._writer.shutdown()

    def _text_is_due(self) -> None:
        self._timer = None
        # Where this fails, the text stays held and the next event says why.
        self._writer.submit(self._write_held)

    def _take(self, event: Event) -> None:
        if self._held is not None and self._held.turn_id != event.turn_id:
            # Its turn ended with an error, perhaps because its session was deleted meanwhile:
            # it is tried once more, and no other turn may fail for it.
            with suppress(RecordingError):
                self._write_held()
            self._held = None
        held = self._held
        if not isinstance(event, TextDelta):
            self._write([event] if held is None else [held, event])
        else:
            self._held = event if held is None else replace(held, text=held.text + event.text)

    def _write_held(self) -> None:
        if self._held is not None:
            self._write([self._held])

    def _write(self, batch: Sequence[Event]) -> None:
        # A tool may be about to spend money: that it began must outlast even a loss of power.
        durable = any(isinstance(event, ToolStarted) for event in batch)
        try:
            with self._database.transaction(durable=durable) as rows:
                for event in batch:
                    project(rows, event, self._model, self._data_dir)
        except (StorageError, ValueError, TypeError, OverflowError) as error:
            raise RecordingError(
                f"What happens cannot be written down, so nothing more is done. {error}"
            ) from error
        self._held = None

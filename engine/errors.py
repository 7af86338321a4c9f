"""Turn exceptions into the message and the code of `turn_failed`."""

from __future__ import annotations

import logging

from engine.chat_model import ModelError
from engine.events import Event, TurnFailed
from engine.ports import Recorder, RecordingError
from engine.tools.executor import TooManyCorrections

DONE_BEFORE = "actions already taken are not undone: see the actions"

log = logging.getLogger(__name__)


class StickyRecorder:
    """A recorder for one turn. Once it has failed it says why it did the first time.

    What comes after an event that is not on record may fail only because that one is missing.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._first: RecordingError | None = None

    async def record(self, event: Event) -> None:
        try:
            await self._recorder.record(event)
        except RecordingError as error:
            self._first = self._first or error
            raise self._first from None


def turn_failed(error: Exception, *, changed: bool) -> TurnFailed:
    """Return the last event of a turn that ended in `error`; `changed`: something was done."""
    code, message, retryable = _explain(error)
    if changed:
        # Tried again, the turn would do it again.
        return TurnFailed(error=code, message=f"{message} ({DONE_BEFORE})")
    return TurnFailed(error=code, message=message, retryable=retryable)


def _explain(error: Exception) -> tuple[str, str, bool]:
    """Return the code, the message, and whether a retry may succeed."""
    match error:
        case ModelError():
            return error.code, str(error), error.retryable
        case TooManyCorrections():
            return "model", f"the model found no arguments that fit {error}", False
        case RecordingError():
            return "storage", str(error), False
    log.error("a turn failed", exc_info=error)
    return "internal", "something went wrong inside the program; the details are in its log", False

"""Exit codes of the command line: an interface that scripts rely on."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from engine.events import ApprovalResolved, Event, ToolFinished, TurnFailed, TurnFinished


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1  # the model or a tool failed
    USAGE = 2  # usage or configuration
    NETWORK = 3  # may be tried again
    LIMIT = 4  # a limit or a time-out
    APPROVAL_NEEDED = 5  # and nobody could be asked
    INTERRUPTED = 130


_OF_ERRORS = {
    "network": ExitCode.NETWORK,
    "rate_limit": ExitCode.NETWORK,
    "incomplete": ExitCode.NETWORK,
    "limit": ExitCode.LIMIT,
    "context_overflow": ExitCode.LIMIT,
    "auth": ExitCode.USAGE,
    "configuration": ExitCode.USAGE,
}


def of_error(code: str) -> ExitCode:
    """Return the exit code for the code of a failure, as `turn_failed` has it."""
    return _OF_ERRORS.get(code, ExitCode.FAILED)


def of_turn(events: Sequence[Event]) -> ExitCode:
    """Return the exit code that tells how a turn went."""
    if any(isinstance(e, ApprovalResolved) and e.decision == "unanswered" for e in events):
        return ExitCode.APPROVAL_NEEDED
    last = events[-1] if events else None
    if isinstance(last, TurnFailed):
        code = of_error(last.error)
        # What may not be tried again must not say that it may.
        return ExitCode.FAILED if code is ExitCode.NETWORK and not last.retryable else code
    if isinstance(last, TurnFinished) and last.status != "completed":
        return ExitCode.INTERRUPTED if last.status == "cancelled" else ExitCode.DONE
    outcomes = [event.outcome for event in events if isinstance(event, ToolFinished)]
    if outcomes and outcomes[-1] in ("error", "unknown"):
        return ExitCode.FAILED
    if outcomes and outcomes[-1] == "timed_out":
        return ExitCode.LIMIT
    return ExitCode.DONE

"""What the engine asks of the outside. `tui.cli` plugs the parts in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.events import ApprovalRequested, Decision, Event

TOOL_TIME_LIMIT_S = 30.0  # a change that began is waited for as long, even by a cancelled turn


class Recorder(Protocol):
    """Keeps what happened. Nothing leaves a turn, and no tool runs, before this returned."""

    async def record(self, event: Event) -> None:
        """Keep one event; on return it is committed (text deltas may lag by a second).

        Raises `RecordingError` when it cannot be kept: the turn then ends, nothing more runs.
        """


class RecordingError(Exception):
    """What could not be written down, why, and what to do, in one line for the person."""


@dataclass(frozen=True)
class Answer:
    """The person's word on one call. `arguments` only where they were edited before approval."""

    decision: Decision
    by: str
    arguments: Mapping[str, Any] | None = None
    for_session: bool = False


class Approver(Protocol):
    """Asks the person. With nobody there it answers `unanswered`, which never runs anything."""

    async def decide(self, request: ApprovalRequested) -> Answer: ...

"""What the engine asks of the outside, and ready parts for programs that need no more.

The app keeps events in a database and asks on its screen: `tui.services.runtime` puts it together.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from engine.events import ApprovalRequested, Decision, Event, InputAction, InputRequested
from engine.text import show_controls

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


@dataclass(frozen=True)
class InputAnswer:
    """What is sent to a tool that asked in the middle of a call, `values` where it has a form."""

    action: InputAction
    by: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@runtime_checkable
class InputProvider(Protocol):
    """An `Approver` that can also have the person fill in a form or open a page.

    With any other approver, what a tool asks for is declined.
    """

    async def provide(self, request: InputRequested) -> InputAnswer:
        """Ask the person. Being cancelled takes the question away."""


@dataclass
class MemoryRecorder:
    """A `Recorder` that keeps events in a list, in the order in which they were recorded."""

    events: list[Event] = field(default_factory=list)

    async def record(self, event: Event) -> None:
        """See `Recorder.record`."""
        self.events.append(event)


@dataclass(frozen=True)
class ApproveAll:
    """An `Approver` that says yes to writes, and to destructive calls only where told so."""

    destructive: bool = False

    async def decide(self, request: ApprovalRequested) -> Answer:
        """See `Approver.decide`."""
        if request.effect == "destructive" and not self.destructive:
            return Answer("unanswered", "nobody")
        return Answer("approved", "flag")


class DenyAll:
    """An `Approver` that says no: the assistant reads, and changes nothing."""

    async def decide(self, request: ApprovalRequested) -> Answer:
        """See `Approver.decide`."""
        return Answer("denied", "flag")


class AskOnConsole:
    """An `Approver` that shows the whole call on the terminal and reads y or n.

    A question that is being asked cannot be taken back: a program that ends meanwhile waits for
    the enter key.
    """

    async def decide(self, request: ApprovalRequested) -> Answer:
        """See `Approver.decide`."""
        call = json.dumps(request.arguments, ensure_ascii=False, default=str)
        shown = show_controls(f"{request.summary or request.tool} ({request.effect}: {call})")
        try:
            said = await asyncio.to_thread(input, f"{shown}\nDo it? [y/N] ")
        except EOFError:
            return Answer("unanswered", "nobody")
        return Answer("approved" if said.strip().lower() in ("y", "yes") else "denied", "person")

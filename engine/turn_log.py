"""A turn as its events tell it: one fold for the screen, exports and the evaluation.

The rules that every reader of events needs are here alone: what a repeated call id means, which
state an outcome leads to, and what became of an action whose end was never recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from engine import events
from engine.events import Event, ToolCallProposed

ActionState = Literal[
    "proposed",
    "awaiting_approval",
    "approved",
    "started",
    "succeeded",
    "failed",
    "denied",
    "timed_out",
    "cancelled",
    "unknown",
]
# A turn that another program runs is `elsewhere`; `interrupted` is one whose program stopped.
TurnState = Literal[
    "running", "elsewhere", "completed", "needs_input", "cancelled", "failed", "interrupted"
]

OUTCOME_STATES: Mapping[events.Outcome, ActionState] = MappingProxyType(
    {
        "ok": "succeeded",
        "error": "failed",
        "denied": "denied",
        "timed_out": "timed_out",
        "cancelled": "cancelled",
        "unknown": "unknown",
    }
)
OPEN_STATES: tuple[ActionState, ...] = ("proposed", "awaiting_approval", "approved", "started")


def may_have_changed(state: str, effect: str) -> bool:
    """Whether an action without an end may have done something: it began, and was no read."""
    return state == "started" and effect != "read"


@dataclass(eq=False, kw_only=True)
class ActionLog:
    """One call and its fate; `at` is when it was proposed, ISO 8601 in UTC.

    `proposed` are the model's arguments where the person changed them; `summary` is then of the
    changed ones, or empty. `sources` say where each value comes from, `wanted` how likely it is
    that the person asked for this (0 to 1). `settled_by` is who found out what became of it, if
    that was unknown. `progress` is how far it was when its tool last said so.
    """

    call_id: str
    action_id: str
    tool: str
    arguments: Mapping[str, Any]
    effect: events.EffectName
    summary: str
    at: str = ""
    problems: tuple[str, ...] = ()
    sources: Mapping[str, events.ValueSource] = field(default_factory=dict)
    wanted: float | None = None
    state: ActionState = "proposed"
    decision: str = ""
    decided_by: str = ""
    settled_by: str = ""
    proposed: Mapping[str, Any] | None = None
    result: Any = None
    duration_ms: int = 0
    progress: events.ToolProgress | None = None

    @property
    def settled(self) -> bool:
        return self.state not in OPEN_STATES

    def apply(self, event: Event) -> None:
        """Fold in one event of this call."""
        match event:
            case events.ApprovalRequested():
                self.state = "awaiting_approval"
                self.sources, self.wanted = event.sources or self.sources, event.wanted
            case events.ApprovalResolved():
                self.decision, self.decided_by = event.decision, event.by
                self.state = "approved" if event.decision == "approved" else "denied"
                if event.arguments is not None:
                    self.proposed, self.arguments = self.arguments, event.arguments
                    self.summary = event.summary
            case events.ToolStarted():
                self.state, self.action_id = "started", event.action_id
            case events.ToolProgress():
                self.progress = event
            case events.ToolFinished():
                self.state = OUTCOME_STATES[event.outcome]
                self.result, self.duration_ms = event.result, event.duration_ms
            case events.ActionSettled():
                self.state, self.result = OUTCOME_STATES[event.outcome], event.result
                self.settled_by = event.by

    def close(self) -> None:
        """Say what became of it where its end was never recorded."""
        if not self.settled:
            changed = may_have_changed(self.state, self.effect)
            self.state = "unknown" if changed else "cancelled"


@dataclass(eq=False)
class TurnLog:
    """One message and all that followed.

    `pieces` are the words of the reply as they came, and the actions, in order. `cut` says that
    the server ended the reply before its end.
    """

    turn_id: str = ""
    text: str = ""
    at: str = ""
    route: events.IntentClassified | None = None
    intents: tuple[str, ...] = ()
    calls: list[events.UsageUpdated] = field(default_factory=list)
    actions: dict[str, ActionLog] = field(default_factory=dict)
    judged: list[events.ChangeJudged] = field(default_factory=list)
    pieces: list[str | ActionLog] = field(default_factory=list)
    reply: str = ""
    pending: tuple[str, ...] = ()
    cut: bool = False
    failure: events.TurnFailed | None = None
    state: TurnState = "running"

    @classmethod
    def of(cls, happened: Iterable[Event]) -> TurnLog:
        """Return the turn of these events, which may be a part of it."""
        log = cls()
        for event in happened:
            log.apply(event)
        return log

    @property
    def said(self) -> str:
        """All words that came while the turn ran."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    def apply(self, event: Event) -> None:
        """Fold in one event of this turn."""
        match event:
            case events.TurnStarted():
                self.turn_id, self.text, self.at = event.turn_id, event.text, event.at
            case events.IntentClassified():
                self.route, self.intents = event, event.intents
            case events.IntentSwitched():
                self.intents = (event.to_intent,)
            case events.TextDelta():
                self.pieces.append(event.text)
            case events.ToolCallProposed():
                self._propose(event)
            case events.ChangeJudged():
                self.judged.append(event)
            case events.UsageUpdated():
                self.calls.append(event)
            case events.TurnFinished():
                self.state, self.pending = event.status, event.pending
                self.reply, self.cut = event.reply, event.cut
                self.close_actions()
            case events.TurnFailed():
                self.state, self.failure = "failed", event
                self.close_actions()
            case events.ActionSettled():
                for settled in self.actions.values():
                    if settled.action_id == event.action_id:
                        settled.apply(event)
            case (
                events.ApprovalRequested(call_id=call_id)
                | events.ApprovalResolved(call_id=call_id)
                | events.ToolStarted(call_id=call_id)
                | events.ToolProgress(call_id=call_id)
                | events.ToolFinished(call_id=call_id)
            ):
                if action := self.actions.get(call_id):
                    action.apply(event)

    def close_actions(self) -> None:
        """End the actions whose end was never recorded: nothing more of this turn will come."""
        for action in self.actions.values():
            action.close()

    def _propose(self, event: events.ToolCallProposed) -> None:
        if earlier := self.actions.pop(event.call_id, None):
            # Some servers use a call id twice: the newest goes by it.
            self.actions[f"{event.call_id} {earlier.action_id}"] = earlier
        action = self.actions[event.call_id] = self.make_action(event)
        self.pieces.append(action)

    def make_action(self, event: events.ToolCallProposed) -> ActionLog:
        """Return the log of a call that is proposed."""
        return ActionLog(**proposal_fields(event))


def proposal_fields(event: events.ToolCallProposed) -> dict[str, Any]:
    """Return the fields of `ActionLog` that a proposal has."""
    return {name: getattr(event, name) for name in _PROPOSED}


_PROPOSED = (
    *("call_id", "action_id", "tool", "arguments", "effect", "summary", "at", "problems"),
    "sources",
)


def session_title(text: str, call: ToolCallProposed | ActionLog) -> str:
    """Return what a session is called after its first tool call.

    That is the call in words where it has values or changes something; else the message that led
    to it, which says more than the tool's name does.
    """
    telling = call.effect != "read" or call.arguments
    return call.summary if telling and call.summary else text

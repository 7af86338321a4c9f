"""A session as a person reads it: turn by turn, what was said and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine import events
from engine.events import Event

_ENDS = {"ok": "succeeded", "error": "failed", "timed_out": "timed out"}


@dataclass
class ActionEntry:
    """An action. `state` is its fate in plain words, `decided` by whom it was allowed or not."""

    tool: str
    summary: str
    arguments: Mapping[str, Any]
    effect: str
    state: str = "proposed"
    decided: str = ""
    result: Any = None


@dataclass
class TurnSection:
    """A turn. `parts` are pieces of the reply and deeds, in order.

    `end` is how it ended, if not well.
    """

    said: str
    at: str
    intents: tuple[str, ...] = ()
    parts: list[str | ActionEntry] = field(default_factory=list)
    end: str = ""


def sections_of(happened: Iterable[Event]) -> list[TurnSection]:
    told: list[TurnSection] = []
    deeds: dict[tuple[str, str], ActionEntry] = {}
    for event in happened:
        if isinstance(event, events.TurnStarted):
            told.append(TurnSection(said=event.text, at=event.at))
        elif told:
            _tell(told[-1], event, deeds)
    return told


def _tell(chapter: TurnSection, event: Event, deeds: dict[tuple[str, str], ActionEntry]) -> None:
    match event:
        case events.IntentClassified():
            chapter.intents = event.intents
        case events.IntentSwitched():
            chapter.intents = (event.to_intent,)
        case events.TextDelta():
            if chapter.parts and isinstance(last := chapter.parts[-1], str):
                chapter.parts[-1] = last + event.text
            else:
                chapter.parts.append(event.text)
        case events.ToolCallProposed():
            deed = ActionEntry(event.tool, event.summary, event.arguments, event.effect)
            deeds[event.turn_id, event.call_id] = deed
            chapter.parts.append(deed)
        case events.ApprovalResolved() | events.ToolFinished() | events.ActionSettled():
            if (known := deeds.get((event.turn_id, event.call_id))) is not None:
                _decide(known, event)
        case events.TurnFinished():
            if event.reply and not any(isinstance(part, str) for part in chapter.parts):
                chapter.parts.append(event.reply)
            cut = "cut short by the server" if event.cut else ""
            chapter.end = "cancelled" if event.status == "cancelled" else cut
        case events.TurnFailed():
            chapter.end = f"failed: {event.message}"


def _decide(
    deed: ActionEntry, event: events.ApprovalResolved | events.ToolFinished | events.ActionSettled
) -> None:
    if isinstance(event, events.ApprovalResolved):
        deed.decided = f"{event.decision} by {event.by}"
        deed.state = event.decision
        if event.arguments is not None:
            deed.arguments, deed.decided = event.arguments, f"edited and {deed.decided}"
            deed.summary = event.summary or deed.summary
        return
    deed.state, deed.result = _ENDS.get(event.outcome, event.outcome), event.result
    if isinstance(event, events.ActionSettled):
        deed.state += f", found by a {event.by}"

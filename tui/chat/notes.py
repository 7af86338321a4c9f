"""What the program itself remarks on what happened, between the words of a conversation."""

from __future__ import annotations

from collections.abc import Mapping

from engine import events
from engine.events import NO_TASK, Event
from tui.formatting.text import one_line
from tui.formatting.values import count, money


def remark(event: Event, titles: Mapping[str, str]) -> str:
    """Return the line for an event, empty if there is none; `titles` are the intents'."""

    def title(key: str) -> str:
        return titles.get(key, key)

    match event:
        case events.IntentCorrected():
            meant = "no task" if event.to_intent == NO_TASK else f"about {title(event.to_intent)}"
            taken = " and ".join(map(title, event.from_intents))
            return f"Corrected: this was {meant}" + (f", not {taken}" if taken else "")
        case events.DeciderUnavailable():
            return f"{event.model} cannot decide here ({event.reason}): {event.instead} does"
        case events.IntentSwitched():
            return f"Handed over from {title(event.from_intent)} to {title(event.to_intent)}"
        case events.HistoryTrimmed():
            left_out = count(event.messages, "message")
            return f"Left out of the request: the first {left_out} of this long session"
        case events.CostWarning():
            cost, limit = money(event.cost_usd), money(event.limit_usd)
            return f"This session has cost {cost} of at most {limit}"
        case events.InputRequested():
            page = f" ({one_line(event.url, 500)})" if event.url else ""
            return f"{one_line(event.asker, 60)} asks: {one_line(event.message, 300)}{page}"
        case events.InputResolved():
            return f"{one_line(event.asker, 60)} {_answered(event)}"
    return ""


def _answered(event: events.InputResolved) -> str:
    """Return what a tool was told when it asked for something."""
    sent = ", ".join(f"{name} = {value}" for name, value in event.values.items())
    match event.action, event.by:
        case "accept", _:
            return f"was sent: {one_line(sent, 300)}" if sent else "was told that you agree"
        case _, "policy":
            return f"was told no: {one_line(event.reason, 300)}"
        case _, "nobody":
            return "was told no: nobody could be asked"
        case "cancel", _:
            return "was told that you do not want to answer"
    return "was told no"

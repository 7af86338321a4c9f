"""A session as a person reads it: turn by turn, what was said and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine import events
from engine.events import Event
from engine.turn_log import ActionLog, TurnLog


def turns_of(happened: Iterable[Event]) -> list[TurnLog]:
    """Return the turns of a session's events, with what became of their actions later."""
    turns: dict[str, TurnLog] = {}
    for event in happened:
        if isinstance(event, events.TurnStarted):
            turns[event.turn_id] = TurnLog()
        if (turn := turns.get(event.turn_id)) is not None:
            turn.apply(event)
    return list(turns.values())


def about(session: Mapping[str, Any], turns: Sequence[TurnLog]) -> str:
    """Return the line below the title; `session` as in the JSON form."""
    number = f"{len(turns)} {'turn' if len(turns) == 1 else 'turns'}"
    return " · ".join(filter(None, (number, moment(session["updated_at"]), session["model"])))


def moment(at: str) -> str:
    """Return a time of an event, ISO 8601 in UTC, to the minute."""
    return f"{at[:16].replace('T', ' ')} UTC"


def parts_of(turn: TurnLog) -> list[str | ActionLog]:
    """Return the pieces of the reply, each stretch of words as one, and the actions, in order."""
    parts: list[str | ActionLog] = []
    for words in _stretches(turn.pieces):
        parts += [words] if isinstance(words, ActionLog) else ["".join(words)]
    if turn.reply and not any(isinstance(part, str) for part in parts):
        parts.append(turn.reply)
    return parts


def _stretches(pieces: Iterable[str | ActionLog]) -> Iterator[list[str] | ActionLog]:
    words: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            words.append(piece)
            continue
        if words:
            yield words
        words = []
        yield piece
    if words:
        yield words


def end_of(turn: TurnLog) -> str:
    """Return how the turn ended, if not well."""
    if turn.failure is not None:
        return f"failed: {turn.failure.message}"
    return "cancelled" if turn.state == "cancelled" else "cut short by the server" * turn.cut


def decision_on(action: ActionLog) -> str:
    """Return who allowed the call or did not, in words; empty where nobody was asked."""
    if not action.decision:
        return ""
    edited = "edited and " if action.proposed is not None else ""
    return f"{edited}{action.decision} by {action.decided_by}"


def state_of(action: ActionLog) -> str:
    """Return what became of the call, in words."""
    found = f", found by a {action.settled_by}" if action.settled_by else ""
    return action.state.replace("_", " ") + found

"""Tells the truth about turns that a dead process left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlmodel import Session, func, select

from engine.events import Event, ToolFinished, TurnFailed
from storage import tables
from storage.owner import is_alive
from storage.projection import INTERRUPTED, open_actions, project

_ENDED = "The program ended in the middle of this turn."
_UNKNOWN = "The program ended while this ran. It may or may not have been done: check first."
_NOT_RUN = "The program ended before this ran; nothing was changed."


def close_interrupted(rows: Session) -> list[tables.Action]:
    """End every turn whose process is dead, by the events that should have ended it.

    A call that had begun becomes `unknown`, one that had not `cancelled`. Turns of a living
    process are left alone. Returns the unknown actions, oldest first.
    """
    running = select(tables.Turn).where(tables.Turn.status == "running")
    turns = rows.exec(running.order_by(tables.Turn.started_at)).all()
    dead = {owner for owner in {turn.owner for turn in turns} if not is_alive(owner)}
    unknown = []
    for turn in turns:
        if turn.owner in dead:
            actions = list(rows.exec(open_actions(turn.id)))
            unknown += [action for action in actions if action.state == "started"]
            _close(rows, turn, actions)
    return unknown


def _close(rows: Session, turn: tables.Turn, actions: list[tables.Action]) -> None:
    last = select(func.max(tables.Event.seq)).where(tables.Event.turn_id == turn.id)
    seq = rows.exec(last).one()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    closing: list[Event] = [_end_of(action) for action in actions]
    closing.append(TurnFailed(error=INTERRUPTED, message=_ENDED))
    for number, event in enumerate(closing, start=seq + 1):
        project(rows, replace(event, turn_id=turn.id, seq=number, at=now))
        rows.flush()


def _end_of(action: tables.Action) -> ToolFinished:
    began = action.state == "started"
    return ToolFinished(
        call_id=action.call_id,
        outcome="unknown" if began else "cancelled",
        result={"error": _UNKNOWN if began else _NOT_RUN},
    )

"""Tells the truth about turns that a dead process left behind, and about what they began."""

from __future__ import annotations

from dataclasses import replace

from sqlmodel import Session, func, select

from engine.events import ActionSettled, Event, ToolFinished, TurnFailed
from storage import tables
from storage.errors import NoSuchAction, NothingToCheck
from storage.moment import now
from storage.owner import is_alive
from storage.projection import INTERRUPTED, may_have_changed, open_actions, project

_ENDED = "The program ended in the middle of this turn."
_UNKNOWN = "The program ended while this ran. It may or may not have been done: check first."
_CUT = "The program ended while this was looked up; nothing was changed."
_NOT_RUN = "The program ended before this ran; nothing was changed."


def close_interrupted(rows: Session) -> list[tables.Action]:
    """End every turn whose process is dead, by the events that should have ended it.

    A change that had begun becomes `unknown`; what had not begun, or changes nothing, becomes
    `cancelled`. Turns of a living process are left alone. Returns the unknown actions, oldest
    first.
    """
    running = select(tables.Turn).where(tables.Turn.status == "running")
    turns = rows.exec(running.order_by(tables.Turn.started_at)).all()
    dead = {owner for owner in {turn.owner for turn in turns} if not is_alive(owner)}
    unknown = []
    for turn in turns:
        if turn.owner in dead:
            actions = list(rows.exec(open_actions(turn.id)))
            unknown += [action for action in actions if may_have_changed(action)]
            _close(rows, turn, actions)
    return unknown


def must_be_unknown(rows: Session, action: tables.Action) -> None:
    """Raises `NothingToCheck` unless nobody knows what became of the action."""
    if action.state != "unknown":
        state = action.state.replace("_", " ")
        raise NothingToCheck(
            f"Of action {action.id} nothing is unknown: its state is {state!r}, see `actions show`."
        )
    if rows.get_one(tables.Turn, action.turn_id).status == "running":
        raise NothingToCheck(f"The turn of action {action.id} is still running: wait for its end.")


def settle(rows: Session, found: ActionSettled) -> ActionSettled:
    """Put what was found about an unknown action behind its turn; returns the event as kept.

    Raises `NoSuchAction` and what `must_be_unknown` does.
    """
    action = rows.get(tables.Action, found.action_id)
    if action is None:
        raise NoSuchAction(f"Action {found.action_id} has been deleted meanwhile.")
    must_be_unknown(rows, action)
    seq = _next_seq(rows, action.turn_id)
    settled = replace(found, turn_id=action.turn_id, seq=seq, at=now())
    project(rows, settled)
    return settled


def _close(rows: Session, turn: tables.Turn, actions: list[tables.Action]) -> None:
    ended = now()
    closing: list[Event] = [_end_of(action) for action in actions]
    closing.append(TurnFailed(error=INTERRUPTED, message=_ENDED))
    for number, event in enumerate(closing, start=_next_seq(rows, turn.id)):
        project(rows, replace(event, turn_id=turn.id, seq=number, at=ended))
        rows.flush()


def _next_seq(rows: Session, turn_id: str) -> int:
    last = select(func.max(tables.Event.seq)).where(tables.Event.turn_id == turn_id)
    return (rows.exec(last).one() or 0) + 1


def _end_of(action: tables.Action) -> ToolFinished:
    unknown = may_have_changed(action)
    told = _UNKNOWN if unknown else _CUT if action.state == "started" else _NOT_RUN
    return ToolFinished(
        call_id=action.call_id,
        outcome="unknown" if unknown else "cancelled",
        result={"error": told},
    )

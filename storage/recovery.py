"""Tells the truth about turns that a dead process left behind, and about what they began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, func, select
from sqlmodel import Session, col

from engine.events import ActionSettled, Event, ToolFinished, TurnFailed
from engine.turn_log import OPEN_STATES, may_have_changed
from storage import tables
from storage.clock import utc_now
from storage.errors import NoSuchAction, NothingToCheck
from storage.process_identity import is_alive
from storage.projection import INTERRUPTED, project
from storage.records import ActionRecord
from storage.tables import Action, Turn

_ENDED = "The program ended in the middle of this turn."
_UNKNOWN = "The program ended while this ran. It may or may not have been done: check first."
_CUT = "The program ended while this was looked up; nothing was changed."
_NOT_RUN = "The program ended before this ran; nothing was changed."

_KEY: BindParameter[str] = bindparam("key")
_ACTIONS: Any = Action.__table__  # type: ignore[attr-defined]
_ACTION = select(_ACTIONS).where(col(Action.id) == _KEY)
_RUNNING = col(Turn.status) == "running"
_OWNERS = select(col(Turn.owner)).where(_RUNNING).distinct()
_LEFT_BEHIND = (
    select(col(Turn.id))
    .where(_RUNNING, col(Turn.owner).in_(bindparam("owners", expanding=True)))
    .order_by(col(Turn.started_at))
)
_OPEN_ACTIONS = select(_ACTIONS).where(
    col(Action.turn_id) == _KEY, col(Action.state).in_(OPEN_STATES)
)
_LAST_SEQ = select(func.max(tables.Event.seq)).where(col(tables.Event.turn_id) == _KEY)


def dead_owners(rows: Connection) -> list[str]:
    """The processes that left turns behind. Usually none: to see that takes no lock."""
    return [owner for owner in rows.execute(_OWNERS).scalars() if not is_alive(owner)]


def close_interrupted(rows: Connection) -> list[ActionRecord]:
    """End every turn whose process is dead, by the events that should have ended it.

    A change that had begun becomes `unknown`; what had not begun, or changes nothing, becomes
    `cancelled`. Turns of a living process are left alone. Returns the unknown actions, oldest
    first.
    """
    unknown = []
    for turn_id in rows.execute(_LEFT_BEHIND, {"owners": dead_owners(rows)}).scalars().all():
        actions = rows.execute(_OPEN_ACTIONS, {"key": turn_id}).all()
        _close(rows, turn_id, actions)
        unknown += [
            ActionRecord.of(rows.execute(_ACTION, {"key": action.id}).one())
            for action in actions
            if may_have_changed(action.state, action.effect)
        ]
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
    seq = _next_seq(rows.connection(), action.turn_id)
    settled = replace(found, turn_id=action.turn_id, seq=seq, at=utc_now())
    project(rows.connection(), settled)
    return settled


def _close(rows: Connection, turn_id: str, actions: Sequence[Row[Any]]) -> None:
    ended = utc_now()
    closing: list[Event] = [_end_of(action) for action in actions]
    closing.append(TurnFailed(error=INTERRUPTED, message=_ENDED))
    for number, event in enumerate(closing, start=_next_seq(rows, turn_id)):
        project(rows, replace(event, turn_id=turn_id, seq=number, at=ended))


def _next_seq(rows: Connection, turn_id: str) -> int:
    return (rows.execute(_LAST_SEQ, {"key": turn_id}).scalar_one() or 0) + 1


def _end_of(action: Row[Any]) -> ToolFinished:
    unknown = may_have_changed(action.state, action.effect)
    told = _UNKNOWN if unknown else _CUT if action.state == "started" else _NOT_RUN
    return ToolFinished(
        call_id=action.call_id,
        outcome="unknown" if unknown else "cancelled",
        result={"error": told},
    )

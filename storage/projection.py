"""From events to rows: what each event changes in the tables.

These are prepared statements rather than mapped objects. Every step of a turn waits for them, and
so does every other program that wants to write meanwhile; a unit of work takes several times as
long for the same rows.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    bindparam,
    case,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlmodel import SQLModel

from engine import events
from engine.events import Event
from engine.turn_log import OPEN_STATES, OUTCOME_STATES, TurnState, session_title
from storage import tables
from storage.process_identity import this_process
from storage.search.fts_index import index_action, index_title, index_turn
from storage.search.tokenizer import truncate

TITLE_CHARACTERS = 60
PREVIEW_CHARACTERS = 120
INTERRUPTED = "interrupted"

# A server may name any figure. Beyond these it is a mistake, and sums of a history must stay
# within the 64 bits that SQLite has for an integer, money being summed in picodollars.
MOST_TOKENS, MOST_USD = 10**12, 10_000.0


_SESSION, _TURN, _EVENT, _MESSAGE, _CLASSIFICATION, _ACTION, _MODEL_CALL, _CORRECTION = (
    SQLModel.metadata.tables[name]
    for name in (
        *("session", "turn", "event", "message"),
        *("classification", "action", "model_call", "correction"),
    )
)
_KEY: BindParameter[str] = bindparam("key")
_CHANGE_SESSION, _CHANGE_TURN, _CHANGE_ACTION = (
    update(table).where(table.c.id == _KEY) for table in (_SESSION, _TURN, _ACTION)
)
_SESSION_BY_ID = select(_SESSION).where(_SESSION.c.id == _KEY)
_SESSION_OF_TURN = select(_SESSION).join(_TURN).where(_TURN.c.id == _KEY)
_ACTION_BY_CALL = (
    select(_ACTION)
    .where(_ACTION.c.turn_id == bindparam("turn"), _ACTION.c.call_id == bindparam("call"))
    .order_by(_ACTION.c.proposed_at.desc(), _ACTION.c.id.desc())
    .limit(1)
)
_LAST_SESSION = select(func.max(_SESSION.c.serial))
_LAST_ACTION = select(func.max(_ACTION.c.serial))
_LAST_TURN = select(func.max(_TURN.c.number)).where(_TURN.c.session_id == _KEY)
# What began the task: not an answer to what the turn before it asked.
_BEFORE = _TURN.alias()
_TASK_TEXT = (
    select(_TURN.c.text)
    .where(_TURN.c.session_id == bindparam("session"), _TURN.c.number <= bindparam("number"))
    .where(
        ~exists().where(
            _BEFORE.c.session_id == _TURN.c.session_id,
            _BEFORE.c.number == _TURN.c.number - 1,
            _BEFORE.c.status == "needs_input",
        )
    )
    .order_by(_TURN.c.number.desc())
    .limit(1)
)
_NUMBER = select(_TURN.c.number).where(_TURN.c.id == _KEY)
_FIRST_TEXT = select(_TURN.c.text).where(_TURN.c.session_id == _KEY, _TURN.c.number == 1)
_LAST_KIND = (
    select(_EVENT.c.kind).where(_EVENT.c.turn_id == _KEY).order_by(_EVENT.c.seq.desc()).limit(1)
)
_FIRST_REPLY = (
    select(_MESSAGE.c.id).where(_MESSAGE.c.turn_id == _KEY, _MESSAGE.c.role == "assistant").limit(1)
)
_SAY_MORE = (
    update(_MESSAGE)
    .where(
        _MESSAGE.c.id
        == select(func.max(_MESSAGE.c.id)).where(_MESSAGE.c.turn_id == _KEY).scalar_subquery()
    )
    .values(content=_MESSAGE.c.content + bindparam("more", type_=tables.Words))
)
_END_ACTIONS = (
    update(_ACTION)
    .where(_ACTION.c.turn_id == _KEY, _ACTION.c.state.in_(OPEN_STATES))
    .values(
        state=case(
            ((_ACTION.c.state == "started") & (_ACTION.c.effect != "read"), "unknown"),
            else_="cancelled",
        ),
        finished_at=bindparam("at"),
    )
)


def project(rows: Connection, event: Event, model: str = "", data_dir: str | None = None) -> None:
    """Store one event and update all rows that follow from it.

    `model` is the session's chat model, `data_dir` what `tables.Turn` says of it.

    Raises `ValueError` for an event whose turn or call was never begun.
    """
    match event:
        case events.TurnStarted():
            _begin_turn(rows, event, model, data_dir)
        case events.IntentClassified():
            _classify(rows, event)
        case events.IntentCorrected():
            _correct(rows, event)
        case events.TextDelta():
            _say(rows, event.turn_id, event.text, event.at)
        case events.ToolCallProposed():
            _propose(rows, event)
        case events.ApprovalResolved():
            _resolve(rows, event)
        case events.ToolStarted():
            action = _action(rows, event)
            _change(rows, _CHANGE_ACTION, action.id, state="started", started_at=event.at)
        case events.ToolFinished():
            action = _action(rows, event)
            _change(
                rows,
                _CHANGE_ACTION,
                action.id,
                state=OUTCOME_STATES[event.outcome],
                result=event.result,
                finished_at=event.at,
                duration_ms=_figure(event.duration_ms),
            )
            index_action(rows, action.id)
        case events.ActionSettled():
            state = OUTCOME_STATES[event.outcome]
            _change(rows, _CHANGE_ACTION, event.action_id, state=state, result=event.result)
            index_action(rows, event.action_id)
            index_turn(rows, event.turn_id)
        case events.UsageUpdated():
            _charge(rows, event)
        case events.TurnFinished():
            _end_turn(rows, event, event.status, reply=event.reply)
        case events.TurnFailed():
            status: TurnState = "interrupted" if event.error == INTERRUPTED else "failed"
            _end_turn(rows, event, status, error=event.error)
    _keep(rows, event)


def end_actions(rows: Connection, turn_id: str, at: str) -> None:
    """End the actions of a turn that is over: an end that is not recorded by now never will be."""
    rows.execute(_END_ACTIONS, {"key": turn_id, "at": at})


def _keep(rows: Connection, event: Event) -> None:
    head = {"kind", "turn_id", "seq", "at"}
    body = {key: value for key, value in events.to_dict(event).items() if key not in head}
    rows.execute(
        insert(_EVENT),
        {
            "turn_id": event.turn_id,
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            "body": body,
        },
    )


def _change(rows: Connection, statement: Any, key: str, **values: Any) -> None:
    rows.execute(statement, {"key": key, **values})


def _begin_turn(
    rows: Connection, event: events.TurnStarted, model: str, data_dir: str | None
) -> None:
    session = rows.execute(_SESSION_BY_ID, {"key": event.session_id}).first()
    if session is None:
        serial = (rows.execute(_LAST_SESSION).scalar_one() or 0) + 1
        title = truncate(event.text, TITLE_CHARACTERS)
        _begin_session(rows, event, serial=serial, title=title, model=model or None)
        index_title(rows, serial, title)
    elif session.deleted_at is not None:
        raise ValueError("Its session has been deleted: restore it, or begin a new one.")
    else:
        _change(
            rows,
            _CHANGE_SESSION,
            session.id,
            updated_at=event.at,
            model=model or session.model,
            turns=session.turns + 1,
        )
    rows.execute(
        insert(_TURN),
        {
            "id": event.turn_id,
            "session_id": event.session_id,
            "number": (rows.execute(_LAST_TURN, {"key": event.session_id}).scalar_one() or 0) + 1,
            "status": "running",
            "text": event.text,
            "reply": "",
            "started_at": event.at,
            "owner": this_process(),
            "data_dir": data_dir,
        },
    )
    _add_message(rows, event.turn_id, "user", event.text, event.at)
    index_turn(rows, event.turn_id)


def _begin_session(
    rows: Connection, event: events.TurnStarted, *, serial: int, title: str, model: str | None
) -> None:
    rows.execute(
        insert(_SESSION),
        {
            "id": event.session_id,
            "title": title,
            "created_at": event.at,
            "updated_at": event.at,
            "model": model,
            "archived": False,
            "serial": serial,
            "turns": 1,
            "actions": 0,
            "intents": [],
            "preview": "",
            "cost_usd": 0.0,
            "unpriced": 0,
            "draft": "",
        },
    )


def _session_of(rows: Connection, event: Event) -> Row[Any]:
    session = rows.execute(_SESSION_OF_TURN, {"key": event.turn_id}).first()
    if session is None:
        raise ValueError("The turn is not there; its session may have been deleted meanwhile.")
    return session


def _end_turn(
    rows: Connection,
    event: Event,
    status: TurnState,
    *,
    reply: str = "",
    error: str | None = None,
) -> None:
    session = _session_of(rows, event)
    _change(
        rows,
        _CHANGE_TURN,
        event.turn_id,
        status=status,
        reply=reply,
        error=error,
        finished_at=event.at,
    )
    preview = truncate(reply[:500], PREVIEW_CHARACTERS) or session.preview
    _change(rows, _CHANGE_SESSION, session.id, updated_at=event.at, preview=preview)
    if reply and rows.execute(_FIRST_REPLY, {"key": event.turn_id}).first() is None:
        _say(rows, event.turn_id, reply, event.at)
    end_actions(rows, event.turn_id, event.at)
    index_turn(rows, event.turn_id)


def _say(rows: Connection, turn_id: str, text: str, at: str) -> None:
    """Add to what the assistant says; after anything but text, a new message begins."""
    if rows.execute(_LAST_KIND, {"key": turn_id}).scalar() == events.TextDelta.kind:
        rows.execute(_SAY_MORE, {"key": turn_id, "more": text})
    else:
        _add_message(rows, turn_id, "assistant", text, at)


def _add_message(rows: Connection, turn_id: str, role: str, content: str, at: str) -> None:
    rows.execute(insert(_MESSAGE), {"turn_id": turn_id, "role": role, "content": content, "at": at})


def _classify(rows: Connection, event: events.IntentClassified) -> None:
    session = _session_of(rows, event)
    intents = list(dict.fromkeys((*session.intents, *event.intents)))
    if intents != session.intents:
        _change(rows, _CHANGE_SESSION, session.id, intents=intents)
    rows.execute(
        insert(_CLASSIFICATION),
        {
            "turn_id": event.turn_id,
            "route": event.route,
            "intents": list(event.intents),
            "confidence": event.confidence,
            "alternatives": [
                {"intent": other.intent, "confidence": other.confidence}
                for other in event.alternatives
            ],
            "source": event.source,
            "tools_offered": list(event.tools_offered),
            "duration_ms": _figure(event.duration_ms),
        },
    )


def _correct(rows: Connection, event: events.IntentCorrected) -> None:
    rows.execute(
        insert(_CORRECTION),
        {
            "turn_id": event.turn_id,
            "session_id": _session_of(rows, event).id,
            "text": event.text,
            "from_intents": list(event.from_intents),
            "to_intent": event.to_intent,
            "at": event.at,
        },
    )


def _propose(rows: Connection, event: events.ToolCallProposed) -> None:
    session = _session_of(rows, event)
    title = session.title if session.actions else _title(rows, session, event)
    _change(rows, _CHANGE_SESSION, session.id, actions=session.actions + 1, title=title)
    action_id = event.action_id or f"{event.turn_id}:{event.call_id}"
    rows.execute(
        insert(_ACTION),
        {
            "id": action_id,
            "serial": (rows.execute(_LAST_ACTION).scalar_one() or 0) + 1,
            "turn_id": event.turn_id,
            "session_id": session.id,
            "call_id": event.call_id,
            "intent": event.intent,
            "tool": event.tool,
            "arguments": dict(event.arguments),
            "effect": event.effect,
            "summary": event.summary,
            "state": "proposed",
            "proposed_at": event.at,
        },
    )
    index_action(rows, action_id)


def _title(rows: Connection, session: Row[Any], call: events.ToolCallProposed) -> str:
    """Return the title after the first call, unless somebody gave the session one."""
    began = rows.execute(_FIRST_TEXT, {"key": session.id}).scalar_one()
    if session.title != truncate(began, TITLE_CHARACTERS):
        return str(session.title)
    number = rows.execute(_NUMBER, {"key": call.turn_id}).scalar_one()
    text = rows.execute(_TASK_TEXT, {"session": session.id, "number": number}).scalar_one()
    title = truncate(session_title(text, call), TITLE_CHARACTERS)
    index_title(rows, session.serial, title)
    return title


def _resolve(rows: Connection, event: events.ApprovalResolved) -> None:
    action = _action(rows, event)
    changes: dict[str, Any] = {
        "state": "approved" if event.decision == "approved" else "denied",
        "decided_by": event.by,
        "decided_at": event.at,
    }
    if event.arguments is not None:
        # Events of earlier versions have no new summary.
        changes |= {"arguments": dict(event.arguments), "summary": event.summary or action.summary}
    _change(rows, _CHANGE_ACTION, action.id, **changes)


def _action(
    rows: Connection, event: events.ApprovalResolved | events.ToolStarted | events.ToolFinished
) -> Row[Any]:
    """Return the action of an event. Some servers use a call id twice: the newest counts."""
    action = rows.execute(_ACTION_BY_CALL, {"turn": event.turn_id, "call": event.call_id}).first()
    if action is None:
        raise ValueError(f"The call {event.call_id!r} was never proposed in this turn.")
    return action


def _charge(rows: Connection, event: events.UsageUpdated) -> None:
    session, cost = _session_of(rows, event), _amount(event.cost_usd)
    _change(
        rows,
        _CHANGE_SESSION,
        session.id,
        # Costs are decimal fractions of a dollar: rounding removes what binary sums add to them.
        cost_usd=round(session.cost_usd + (cost or 0.0), events.USD_DIGITS),
        unpriced=session.unpriced + (cost is None),
    )
    rows.execute(
        insert(_MODEL_CALL),
        {
            "turn_id": event.turn_id,
            "stage": event.stage,
            "model": event.model,
            "input_tokens": _figure(event.input_tokens),
            "cached_tokens": _figure(event.cached_tokens),
            "output_tokens": _figure(event.output_tokens),
            "cost_usd": cost,
            "flat_input_tokens": _figure(event.flat_input_tokens),
            "flat_cached_tokens": _figure(event.flat_cached_tokens),
            "flat_cost_usd": _amount(event.flat_cost_usd),
            "flat_warm_cost_usd": _amount(event.flat_warm_cost_usd),
            "duration_ms": _figure(event.duration_ms),
            "at": event.at,
        },
    )


def _figure(number: float) -> int:
    """Return a count or a duration that a column can hold; the event keeps the original."""
    return int(max(0, min(number, MOST_TOKENS))) if number == number else 0


def _amount(cost_usd: float | None) -> float | None:
    """Return US dollars; None for an amount that no single request can cost."""
    if cost_usd is None or not math.isfinite(cost_usd) or abs(cost_usd) > MOST_USD:
        return None
    return cost_usd

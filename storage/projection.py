"""From events to rows: what each event changes in the tables."""

from __future__ import annotations

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from engine import events
from engine.events import Event
from storage import tables
from storage.index import index_action, index_title, index_turn
from storage.owner import this_process
from storage.words import headline

TITLE_CHARACTERS = 60
PREVIEW_CHARACTERS = 120
INTERRUPTED = "interrupted"

_FATES: dict[events.Outcome, tables.ActionState] = {
    "ok": "succeeded",
    "error": "failed",
    "denied": "denied",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
    "unknown": "unknown",
}


def project(rows: Session, event: Event, model: str = "") -> None:
    """Keep one event and all that follows from it; `model` is the session's chat model.

    Raises `ValueError` for an event whose turn or call was never begun.
    """
    match event:
        case events.TurnStarted():
            _begin_turn(rows, event, model)
        case events.IntentClassified():
            _classify(rows, event)
        case events.IntentCorrected():
            _correct(rows, event)
        case events.TextDelta():
            _say(rows, event.turn_id, event.text, event.at)
        case events.ToolCallProposed():
            _propose(rows, event)
        case events.ApprovalResolved():
            action = _action(rows, event)
            action.state = "approved" if event.decision == "approved" else "denied"
            action.decided_by, action.decided_at = event.by, event.at
            if event.arguments is not None:
                action.arguments = dict(event.arguments)
                # Earlier versions did not say it anew.
                action.summary = event.summary or action.summary
        case events.ToolStarted():
            action = _action(rows, event)
            action.state, action.started_at = "started", event.at
        case events.ToolFinished():
            action = _action(rows, event)
            action.state, action.finished_at = _FATES[event.outcome], event.at
            action.result, action.duration_ms = event.result, event.duration_ms
            index_action(rows, action)
        case events.ActionSettled():
            settled = rows.get_one(tables.Action, event.action_id)
            settled.state, settled.result = _FATES[event.outcome], event.result
            rows.flush()
            index_action(rows, settled)
            session, turn = _session_and_turn(rows, event)
            index_turn(rows, session, turn)
        case events.UsageUpdated():
            _charge(rows, event)
        case events.TurnFinished():
            _end_turn(rows, event, event.status, reply=event.reply)
        case events.TurnFailed():
            state: tables.TurnState = "interrupted" if event.error == INTERRUPTED else "failed"
            _end_turn(rows, event, state, error=event.error)
    rows.add(_event(event))


def _event(event: Event) -> tables.Event:
    head = {"kind", "turn_id", "seq", "at"}
    body = {key: value for key, value in events.to_dict(event).items() if key not in head}
    return tables.Event(
        turn_id=event.turn_id, seq=event.seq, at=event.at, kind=event.kind, body=body
    )


def _begin_turn(rows: Session, event: events.TurnStarted, model: str) -> None:
    session = rows.get(tables.Session, event.session_id)
    if session is None:
        serials = select(func.max(tables.Session.serial))
        session = tables.Session(
            id=event.session_id,
            serial=(rows.exec(serials).one() or 0) + 1,
            title=headline(event.text, TITLE_CHARACTERS),
            created_at=event.at,
            updated_at=event.at,
        )
        index_title(rows, session)
    elif session.deleted_at is not None:
        raise ValueError("Its session has been deleted: restore it, or begin a new one.")
    session.updated_at, session.model = event.at, model or session.model
    session.turns += 1
    rows.add(session)
    rows.flush()
    numbers = select(func.max(tables.Turn.number)).where(tables.Turn.session_id == session.id)
    turn = tables.Turn(
        id=event.turn_id,
        session_id=session.id,
        number=(rows.exec(numbers).one() or 0) + 1,
        status="running",
        text=event.text,
        started_at=event.at,
        owner=this_process(),
    )
    rows.add(turn)
    rows.flush()
    rows.add(tables.Message(turn_id=event.turn_id, role="user", content=event.text, at=event.at))
    index_turn(rows, session, turn)


def _session_and_turn(rows: Session, event: Event) -> tuple[tables.Session, tables.Turn]:
    turn = _turn(rows, event)
    return rows.get_one(tables.Session, turn.session_id), turn


def _turn(rows: Session, event: Event) -> tables.Turn:
    turn = rows.get(tables.Turn, event.turn_id)
    if turn is None:
        raise ValueError("The turn is not there; its session may have been deleted meanwhile.")
    return turn


def _end_turn(
    rows: Session,
    event: Event,
    status: tables.TurnState,
    *,
    reply: str = "",
    error: str | None = None,
) -> None:
    session, turn = _session_and_turn(rows, event)
    turn.status, turn.reply, turn.error, turn.finished_at = status, reply, error, event.at
    session.updated_at = event.at
    session.preview = headline(reply[:500], PREVIEW_CHARACTERS) or session.preview
    said = select(tables.Message).where(
        tables.Message.turn_id == turn.id, tables.Message.role == "assistant"
    )
    if reply and rows.exec(said).first() is None:
        _say(rows, turn.id, reply, event.at)
    end_actions(rows, turn.id, event.at)
    rows.flush()
    index_turn(rows, session, turn)


def end_actions(rows: Session, turn_id: str, at: str) -> None:
    """An action that has no end by now, because that could not be written down, gets none later."""
    for action in rows.exec(open_actions(turn_id)):
        action.state = "unknown" if may_have_changed(action) else "cancelled"
        action.finished_at = at


def may_have_changed(action: tables.Action) -> bool:
    """Whether an action without an end may have done something: it began, and was no read."""
    return action.state == "started" and action.effect != "read"


def open_actions(turn_id: str) -> SelectOfScalar[tables.Action]:
    """The query for a turn's actions that have not ended."""
    return select(tables.Action).where(
        tables.Action.turn_id == turn_id,
        col(tables.Action.state).in_(("proposed", "approved", "started")),
    )


def _say(rows: Session, turn_id: str, text: str, at: str) -> None:
    """Add to what the assistant says; after anything but text, a new message begins."""
    before = (
        select(tables.Event.kind)
        .where(tables.Event.turn_id == turn_id)
        .order_by(col(tables.Event.seq).desc())
    )
    last = (
        select(tables.Message)
        .where(tables.Message.turn_id == turn_id)
        .order_by(col(tables.Message.id).desc())
    )
    if rows.exec(before).first() == events.TextDelta.kind:
        message = rows.exec(last).first()
        assert message is not None
        message.content += text
    else:
        rows.add(tables.Message(turn_id=turn_id, role="assistant", content=text, at=at))


def _classify(rows: Session, event: events.IntentClassified) -> None:
    session, turn = _session_and_turn(rows, event)
    session.intents = list(dict.fromkeys((*session.intents, *event.intents)))
    rows.add(
        tables.Classification(
            turn_id=turn.id,
            route=event.route,
            intents=list(event.intents),
            confidence=event.confidence,
            alternatives=[
                {"intent": other.intent, "confidence": other.confidence}
                for other in event.alternatives
            ],
            source=event.source,
            tools_offered=list(event.tools_offered),
            duration_ms=event.duration_ms,
        )
    )


def _correct(rows: Session, event: events.IntentCorrected) -> None:
    turn = _turn(rows, event)
    rows.add(
        tables.Correction(
            turn_id=turn.id,
            session_id=turn.session_id,
            text=event.text,
            from_intents=list(event.from_intents),
            to_intent=event.to_intent,
            at=event.at,
        )
    )


def _propose(rows: Session, event: events.ToolCallProposed) -> None:
    session, turn = _session_and_turn(rows, event)
    session.actions += 1
    serials = select(func.max(tables.Action.serial))
    action = tables.Action(
        id=event.action_id or f"{event.turn_id}:{event.call_id}",
        serial=(rows.exec(serials).one() or 0) + 1,
        turn_id=turn.id,
        session_id=session.id,
        call_id=event.call_id,
        intent=event.intent,
        tool=event.tool,
        arguments=dict(event.arguments),
        effect=event.effect,
        summary=event.summary,
        state="proposed",
        proposed_at=event.at,
    )
    rows.add(action)
    rows.flush()
    index_action(rows, action)


def _action(
    rows: Session, event: events.ApprovalResolved | events.ToolStarted | events.ToolFinished
) -> tables.Action:
    """The action that an event is about. Some servers use a call id twice: the newest counts."""
    query = (
        select(tables.Action)
        .where(tables.Action.turn_id == event.turn_id, tables.Action.call_id == event.call_id)
        .order_by(col(tables.Action.proposed_at).desc(), col(tables.Action.id).desc())
    )
    action = rows.exec(query).first()
    if action is None:
        raise ValueError(f"The call {event.call_id!r} was never proposed in this turn.")
    return action


def _charge(rows: Session, event: events.UsageUpdated) -> None:
    session, turn = _session_and_turn(rows, event)
    # Costs are decimal fractions of a dollar: rounding takes away what binary sums add to them.
    session.cost_usd = round(session.cost_usd + (event.cost_usd or 0.0), events.USD_DIGITS)
    session.unpriced += event.cost_usd is None
    rows.add(
        tables.ModelCall(
            turn_id=turn.id,
            stage=event.stage,
            model=event.model,
            input_tokens=event.input_tokens,
            cached_tokens=event.cached_tokens,
            output_tokens=event.output_tokens,
            cost_usd=event.cost_usd,
            flat_input_tokens=event.flat_input_tokens,
            flat_cached_tokens=event.flat_cached_tokens,
            flat_cost_usd=event.flat_cost_usd,
            flat_warm_cost_usd=event.flat_warm_cost_usd,
            duration_ms=event.duration_ms,
            at=event.at,
        )
    )

"""Actions from the history as the screen shows them."""

from __future__ import annotations

from typing import cast

from engine.events import EffectName
from engine.turn_log import ActionState
from storage.history import ActionFilter, History
from tui.services.backend import ActionQuery, ActionRow


def read(history: History, query: ActionQuery, limit: int, offset: int) -> list[ActionRow]:
    """A page of the actions that are asked for, newest first. Raises `StorageError`."""
    which = ActionFilter(
        intent=query.intent,
        tool=query.tool,
        state=query.state,
        since=query.since,
        containing=query.containing,
    )
    return [
        ActionRow(
            id=action.id,
            session_id=action.session_id,
            turn_id=action.turn_id,
            call_id=action.call_id,
            intent=action.intent,
            tool=action.tool,
            arguments=action.arguments,
            # The tables have the same words in text columns.
            effect=cast(EffectName, action.effect),
            summary=action.summary,
            state=cast(ActionState, action.state),
            at=action.proposed_at,
            decided_by=action.decided_by or "",
            result=action.result,
            duration_ms=action.duration_ms or 0,
        )
        for action in history.actions(which, limit, offset)
    ]

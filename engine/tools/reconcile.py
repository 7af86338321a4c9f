"""Asks the back end what became of an action, where nobody knows. Nothing is done again."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import TypeAdapter

from engine.events import ActionSettled
from engine.tools.executor import truncate_result
from engine.tools.tool import Tool, ToolContext

TIME_LIMIT_S = 30.0
NOT_DONE = "This was not done; nothing was changed."

log = logging.getLogger(__name__)


async def reconcile_action(
    tools: Iterable[Tool], context: ToolContext, *, tool: str, call_id: str
) -> ActionSettled | None:
    """Return what became of a call to `tool`; None if the back end cannot tell.

    `tools` are those of the catalogue; `context` names the action.
    """
    # Another back end would know nothing of it, which must not read as "not done".
    known = next((known for known in tools if known.name == tool), None)
    if known is None or known.outcome_of is None:
        return None
    try:
        result = await asyncio.wait_for(_ask(known.outcome_of, context), TIME_LIMIT_S)
    except Exception:
        log.warning("action %s could not be checked", context.action_id, exc_info=True)
        return None
    return ActionSettled(
        call_id=call_id,
        action_id=context.action_id,
        outcome="cancelled" if result is None else "ok",
        result={"error": NOT_DONE} if result is None else truncate_result(result),
        untrusted=known.untrusted and result is not None,
    )


async def _ask(outcome_of: Callable[[ToolContext], Any], context: ToolContext) -> Any:
    if inspect.iscoroutinefunction(outcome_of):
        result = await outcome_of(context)
    else:
        result = await asyncio.to_thread(outcome_of, context)
        if inspect.isawaitable(result):
            result = await result
    return TypeAdapter(Any).dump_python(result, mode="json")

"""What became of a call that a crash left unknown."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from engine.events import Event
from tui.chat.transcript import ActionBlock
from tui.formatting.text import one_line
from tui.services.backend import AppBackend


async def check(screen: Screen[Any], backstage: AppBackend, action: ActionBlock) -> Event | None:
    """Ask the back end. None where that brings nothing new, which is said on the screen."""
    if action.state != "unknown":
        screen.notify("It is known what became of this call", markup=False)
        return None
    try:
        settled = await backstage.check(action.action_id)
    except Exception as error:
        text = one_line(f"This call cannot be checked: {error}", 400)
        screen.notify(text, severity="error", markup=False)
        return None
    if settled is None:
        text = "The back end cannot tell what became of this call; it stays unknown"
        screen.notify(text, severity="warning", markup=False)
    return settled

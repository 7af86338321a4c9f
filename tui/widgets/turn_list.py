"""The turns of a recording, to go to one of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.chat.transcript import TurnView
from tui.formatting.text import one_line
from tui.formatting.values import count

_STYLES = {"failed": "$error", "cancelled": "$warning", "needs_input": "$warning"}


class TurnList(OptionList, can_focus=True):
    """`ids` are those of the turns, in their order; the one that is read is marked."""

    BORDER_TITLE = "Turns"

    def __init__(self) -> None:
        super().__init__(id="turns", markup=False)
        self.ids: list[str] = []

    def show(self, turns: Sequence[TurnView], read: TurnView | None) -> None:
        """List these turns and mark the one that is read, or the newest."""
        ids = [turn.turn_id for turn in turns]
        if ids != self.ids:
            self.ids = ids
            self.set_options([Option(_line(turn)) for turn in turns])
            self.border_subtitle = count(len(ids), "turn")
        if ids:
            self.highlighted = ids.index(read.turn_id) if read else len(ids) - 1


def _line(turn: TurnView) -> Content:
    changed = any(action.effect != "read" for action in turn.actions.values())
    mark = ("+ ", "$accent") if changed else ("· ", _STYLES.get(turn.state, "$quiet"))
    return Content.assemble((f"{turn.number:>3} ", "$quiet"), mark, one_line(turn.text, 80))

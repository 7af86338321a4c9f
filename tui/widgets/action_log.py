"""Every tool call of the session, newest last; enter opens its details."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.chat.transcript import ActionBlock, TurnView
from tui.formatting.call_text import folded, shown_name
from tui.formatting.text import exact_line, one_line
from tui.formatting.values import STATE_STYLES, action_state, clock_time, progress, seconds
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.widgets.tool_card import CheckRequested, details


class ActionLog(OptionList):
    PLACE: Context = "actions"
    BINDINGS = registry.bindings("actions")
    BORDER_TITLE = "Tool calls"

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._actions: list[ActionBlock] = []
        self._open: set[ActionBlock] = set()

    def show(self, actions: list[ActionBlock]) -> None:
        """Show these calls instead of what is there."""
        self._actions, self._open = list(actions), set()
        self.set_options([Option(self._prompt(action)) for action in actions])
        self._count()

    def add(self, action: ActionBlock) -> None:
        self._actions.append(action)
        self.add_option(Option(self._prompt(action)))
        self._count()
        if not self.has_focus:
            self.highlighted = None
            self.scroll_end(animate=False)

    def changed(self, action: ActionBlock) -> None:
        if action in self._actions:
            index = self._actions.index(action)
            self.replace_option_prompt_at_index(index, self._prompt(action))

    def mark(self, turn: TurnView | None) -> None:
        """Mark the first call of this turn; None: no call."""
        calls = (n for n, action in enumerate(self._actions) if action.turn is turn)
        self.highlighted = next(calls, None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        action = self._actions[event.option_index]
        self._open ^= {action}
        self.changed(action)

    @property
    def _to_check(self) -> ActionBlock | None:
        """The marked call, or where none is marked the newest that is unknown."""
        if self.highlighted is not None:
            return self._actions[self.highlighted]
        return next((one for one in reversed(self._actions) if one.state == "unknown"), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "check" or self._to_check is not None

    def action_check(self) -> None:
        if (action := self._to_check) is not None:
            self.post_message(CheckRequested(action))

    def _count(self) -> None:
        self.border_subtitle = str(len(self._actions) or "")

    def _prompt(self, action: ActionBlock) -> Content:
        style = STATE_STYLES[action.state]
        took = seconds(action.duration_ms) if action.duration_ms else ""
        far = progress(action.progress) if action.progress and not action.settled else ""
        told = (action_state(action.state), far, took, clock_time(action.at))
        facts = " · ".join(filter(None, told))
        lines = [
            Content.assemble(("● ", style), (exact_line(action.tool, 60), "bold")),
            Content.assemble("  ", (facts, style)),
        ]
        if action in self._open:
            lines += [
                Content("  ") + line for entry in details(action) for line in entry.split("\n")
            ]
        elif action.arguments:
            given = ", ".join(
                f"{shown_name(name)}={folded(data, 90)}" for name, data in action.arguments.items()
            )
            lines.append(Content.styled(f"  {one_line(given, 90)}", "$quiet"))
        return Content("\n").join(lines)

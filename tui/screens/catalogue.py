"""What the assistant can do: intents, their tools and schemas; filter as you type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count
from tui.keybindings import registry
from tui.screens.list_screen import ListScreen
from tui.services.backend import IntentRow, ToolRow
from tui.widgets.tool_details import EFFECT_COLOURS, ToolDetails

Entry = tuple[IntentRow, ToolRow | None]


class CatalogueScreen(ListScreen[str | None, Entry]):
    """The list and, beside it or (where it is narrow) instead of it, the details.

    Gives back "evaluations" where the person wants to see those instead.
    """

    CSS_PATH = [theme.style("lists"), theme.style("catalogue")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("catalogue")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012
    PLACE = "catalogue"
    FILTER = "Filter intents and tools"
    LIST_ID = "capabilities"

    def __init__(self, intents: tuple[IntentRow, ...]) -> None:
        super().__init__()
        self._searched = [
            (entry, _haystack(*entry))
            for intent in intents
            for entry in ((intent, None), *((intent, tool) for tool in intent.tools))
        ]
        self._first = 0

    def compose_list(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield from super().compose_list()
            yield ToolDetails()
        yield Static(id="legend", markup=False)

    def on_mount(self) -> None:
        self.listed.border_title = "Catalogue"
        marks = (_mark(effect) + Content.styled(effect, "$quiet") for effect in EFFECT_COLOURS)
        self.query_one("#legend", Static).update(Content("   ").join(marks))

    async def read(self, words: str, offset: int) -> Sequence[Entry]:
        """Return what matches; an intent is the heading of its tools, and shown with any of them.

        What was looked for is rather the first tool that matches than its heading.
        """
        wanted = words.casefold().split()
        matches = [all(word in haystack for word in wanted) for _, haystack in self._searched]
        heading, shown = 0, list[int]()
        for number, ((_, tool), _) in enumerate(self._searched):
            if tool is None:
                heading = number
            elif matches[number] and (not shown or shown[-1] < heading):
                shown.append(heading)
            if matches[number] and (not shown or shown[-1] != number):
                shown.append(number)
        self._first = next((at for at, n in enumerate(shown) if words and matches[n]), 0)
        return [self._searched[number][0] for number in shown]

    def first_marked(self) -> int:
        return self._first

    def line(self, row: Entry) -> Content:
        intent, tool = row
        return _heading(intent) if tool is None else _line(tool)

    def count_rows(self) -> None:
        tools = sum(tool is not None for _, tool in self.rows)
        intents = len(self.rows) - tools
        self.listed.border_subtitle = f"{count(intents, 'intent')}, {count(tools, 'tool')}"

    def row_marked(self) -> None:
        if self.row is not None:
            self.query_one(ToolDetails).show(*self.row)

    def action_move(self, step: int) -> None:
        if self._details_focused:
            self.query_one(ToolDetails).scroll_relative(y=step, animate=False)
        else:
            super().action_move(step)

    def chosen(self) -> None:
        """Into the details, to read on; or back to the list."""
        if self.row is None:
            return
        if self._details_focused:
            self._to_list()
        else:
            self.add_class("-reading")  # where it is narrow, it is not shown before
            self.query_one(ToolDetails).focus()

    action_details = chosen

    def action_close(self) -> None:
        if self._details_focused:
            self._to_list()
        elif (search := self.query_one(Input)).value:
            search.value = ""
        else:
            self.dismiss(None)

    def on_descendant_focus(self) -> None:
        self.set_class(self._details_focused, "-reading")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_evaluations(self) -> None:
        self.dismiss("evaluations")

    def _to_list(self) -> None:
        self.remove_class("-reading")
        self.query_one(Input).focus()

    @property
    def _details_focused(self) -> bool:
        return isinstance(self.focused, ToolDetails)


def _haystack(intent: IntentRow, tool: ToolRow | None) -> str:
    said = (intent.key, intent.title)
    if tool is None:
        return " ".join((*said, intent.description)).casefold()
    return " ".join((*said, tool.name, tool.effect, tool.description)).casefold()


def _heading(intent: IntentRow) -> Content:
    source = "" if intent.source == "python" else f"  {intent.source}"
    return Content.assemble(
        (one_line(intent.title, 60), "bold"),
        (f"  {count(len(intent.tools), 'tool')}{source}", "$quiet"),
    )


def _line(tool: ToolRow) -> Content:
    return Content("  ") + _mark(tool.effect) + one_line(tool.name, 64)


def _mark(effect: str) -> Content:
    mark = {"read": "·", "write": "+", "destructive": "!"}.get(effect, "?")
    return Content.styled(f"{mark} ", EFFECT_COLOURS.get(effect, "$error"))

"""What the assistant can do: intents, their tools and schemas; filter as you type."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count
from tui.keybindings import registry
from tui.services.backend import IntentRow, ToolRow
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar
from tui.widgets.tool_details import EFFECT_COLOURS, ToolDetails

Entry = tuple[IntentRow, ToolRow | None]


class CatalogueScreen(Screen[str | None]):
    """The list and, beside it or (where it is narrow) instead of it, the details.

    Gives back "evaluations" where the person wants to see those instead.
    """

    CSS_PATH = theme.style("catalogue")
    BINDINGS = registry.bindings("catalogue")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]  # noqa: RUF012

    def __init__(self, intents: tuple[IntentRow, ...]) -> None:
        super().__init__()
        self._intents = intents
        self._searched = [
            (entry, _haystack(*entry))
            for intent in intents
            for entry in ((intent, None), *((intent, tool) for tool in intent.tools))
        ]
        self._options: dict[int, Option] = {}
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield LineInput(placeholder="Filter intents and tools", id="filter")
        with Horizontal(id="body"):
            listed = OptionList(id="capabilities", markup=False)
            listed.can_focus = False
            yield listed
            yield ToolDetails()
        yield Static(Content("Nothing matches."), id="none", markup=False)
        bar = FooterBar()
        bar.places = ("catalogue", "anywhere")
        yield bar

    def on_mount(self) -> None:
        self.query_one("#capabilities").border_title = "Catalogue"
        self._filter("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        matching = {
            number
            for number, (_, haystack) in enumerate(self._searched)
            if all(word in haystack for word in words)
        }
        # An intent is the heading of its tools, and is shown with any of them.
        heading = 0
        chosen: list[int] = []
        for number, ((_, tool), _) in enumerate(self._searched):
            if tool is None:
                heading = number
            elif number in matching and (not chosen or chosen[-1] < heading):
                chosen.append(heading)
            if number in matching and (not chosen or chosen[-1] != number):
                chosen.append(number)
        self._entries = [self._searched[number][0] for number in chosen]
        listed = self.query_one("#capabilities", OptionList)
        listed.set_options([self._option(number) for number in chosen])
        tools = sum(tool is not None for _, tool in self._entries)
        intents = len(self._entries) - tools
        listed.border_subtitle = f"{count(intents, 'intent')}, {count(tools, 'tool')}"
        self.query_one("#none").display = not chosen
        self.query_one("#body").display = bool(chosen)
        # What was looked for is rather the first tool that matches than its heading.
        first = next((at for at, n in enumerate(chosen) if words and n in matching), 0)
        listed.highlighted = first if chosen else None
        self._show()

    def _option(self, number: int) -> Option:
        if number not in self._options:
            intent, tool = self._searched[number][0]
            self._options[number] = Option(_heading(intent) if tool is None else _line(tool))
        return self._options[number]

    def on_option_list_option_highlighted(self) -> None:
        self._show()

    def _show(self) -> None:
        highlighted = self.query_one("#capabilities", OptionList).highlighted
        if highlighted is not None and highlighted < len(self._entries):
            self.query_one(ToolDetails).show(*self._entries[highlighted])

    def action_move(self, step: int) -> None:
        if self._details_focused:
            self.query_one(ToolDetails).scroll_relative(y=step, animate=False)
            return
        listed = self.query_one("#capabilities", OptionList)
        if self._entries:
            place = (listed.highlighted or 0) + step
            listed.highlighted = min(max(place, 0), len(self._entries) - 1)

    def on_input_submitted(self) -> None:
        self.action_details()

    def on_option_list_option_selected(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        """Into the details, to read on; or back to the list."""
        if not self._entries:
            return
        if self._details_focused:
            self._to_list()
        else:
            self.add_class("-reading")  # where it is narrow, it is not shown before
            self.query_one(ToolDetails).focus()

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
        (one_line(intent.title, 60), "bold"), (f"  {len(intent.tools)}{source}", "$quiet")
    )


def _line(tool: ToolRow) -> Content:
    mark = {"read": "·", "write": "+", "destructive": "!"}.get(tool.effect, "?")
    return Content.assemble(
        (f"  {mark} ", EFFECT_COLOURS.get(tool.effect, "$error")), one_line(tool.name, 64)
    )

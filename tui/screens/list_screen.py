"""A list that one filters as one types: what all lists of the app have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events, work
from textual._path import CSSPathType
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui import theme
from tui.formatting.text import one_line
from tui.formatting.values import count
from tui.keybindings import registry
from tui.keybindings.command import Command, Context
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar

Result = TypeVar("Result")
Row = TypeVar("Row")

READS_AHEAD = 10  # rows before the end of what was read


class ListScreen(Screen[Result], Generic[Result, Row]):
    """A filter, the rows that match it, and one of them marked.

    A subclass reads the rows and draws each of them. The filter has the focus, so that typing
    filters; where `TABBED`, tab moves the focus to the list, whose letters are then commands.
    """

    CSS_PATH: ClassVar[CSSPathType | None] = theme.style("lists")
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("lists")
    PLACE: ClassVar[Context] = "lists"
    TABBED: ClassVar[bool] = False
    FILTER: ClassVar[str] = ""  # says what is searched; empty: nothing can be
    PAGE: ClassVar[int] = 0  # rows that are read at a time; 0: all of them
    LIST_ID: ClassVar[str] = "rows"
    MORE_PLACES: ClassVar[tuple[Context, ...]] = ("anywhere",)  # in the footer
    OF: ClassVar[str] = "line"  # what a row is, for their number
    FOR_A_ROW: ClassVar[frozenset[str]] = frozenset()  # commands that need one
    NO_MATCH: ClassVar[str] = "Nothing matches."
    NOTHING: ClassVar[str] = "There is nothing yet."
    UNREADABLE: ClassVar[str] = "The list cannot be read"

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.more = False
        self.reading = asyncio.Lock()
        self._in_list = False  # whether letters act; a list without rows cannot have the focus

    # What a subclass says.

    async def read(self, words: str, offset: int) -> Sequence[Row]:
        """Return the rows that match, from this one on."""
        raise NotImplementedError

    def line(self, row: Row) -> Content:
        raise NotImplementedError

    def first_marked(self) -> int:
        """Return the row that is marked when the list is shown anew."""
        return 0

    def row_marked(self) -> None:
        """Another row is marked, or none."""

    def chosen(self) -> None:
        """The person took the marked row."""

    def compose_list(self) -> ComposeResult:
        listed = OptionList(id=self.LIST_ID, classes="list", markup=False)
        listed.can_focus = self.TABBED or not self.FILTER
        yield listed

    def compose_below(self) -> Iterable[Widget]:
        return ()

    def compose(self) -> ComposeResult:
        if self.FILTER:
            yield LineInput(placeholder=self.FILTER, id="filter")
        yield from self.compose_list()
        yield Static(id="none", markup=False)
        yield from self.compose_below()
        bar = FooterBar()
        bar.places = (self.PLACE, "lists", *self.MORE_PLACES)
        yield bar

    # The list.

    def on_mount(self) -> None:
        self.watch(self, "focused", self._focus_moved)
        self.load_rows()

    def offers(self, command: Command) -> bool:
        """Whether there is something that this could be done to."""
        return bool(self.rows) or command.name not in self.FOR_A_ROW

    @property
    def listed(self) -> OptionList:
        return self.query_one(f"#{self.LIST_ID}", OptionList)

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.query_one("#filter", Input).value.strip() if self.FILTER else ""

    @property
    def place(self) -> int | None:
        place = self.listed.highlighted
        return None if place is None or place >= len(self.rows) else place

    @property
    def row(self) -> Row | None:
        """The row that is marked."""
        place = self.place
        return None if place is None else self.rows[place]

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def load_rows(self, keep: int | None = None) -> None:
        """Read from the beginning what is looked for, and mark the row at `keep`."""
        async with self.reading:
            nothing = self.NO_MATCH if self.words else self.NOTHING
            try:
                rows = [*await self.read(self.words, 0)]
            except Exception as error:
                rows, nothing = [], f"{self.UNREADABLE}: {one_line(str(error), 400)}"
            self.rows, self.more = rows, bool(self.PAGE) and len(rows) == self.PAGE
            listed = self.listed
            listed.set_options([Option(self.line(row)) for row in rows])
            marked = self.first_marked() if keep is None else keep
            listed.highlighted = min(marked, len(rows) - 1) if rows else None
            self.set_class(not rows, "-empty")
            self.query_one(FooterBar).impossible = frozenset() if rows else self.FOR_A_ROW
            self.query_one("#none", Static).update(Content(nothing))
            self.count_rows()
            self.row_marked()
            if rows and self._in_list:
                listed.focus()

    def draw_rows(self) -> None:
        """Draw the rows anew, for another width say."""
        marked = self.listed.highlighted
        self.listed.set_options([Option(self.line(row)) for row in self.rows])
        self.listed.highlighted = marked
        self.count_rows()

    def count_rows(self) -> None:
        """Say how many rows there are."""
        more = "+" if self.more else ""
        self.listed.border_subtitle = count(len(self.rows), self.OF) + more

    # In a group of its own: a step of the cursor must not end a search.
    @work(exclusive=True, group="more", exit_on_error=False)
    async def _read_on(self) -> None:
        known = self.rows
        rows = await self.read(self.words, len(known))
        if known is self.rows:
            self.rows += rows
            self.more = len(rows) == self.PAGE
            self.listed.add_options([Option(self.line(row)) for row in rows])
            self.count_rows()

    # What the widgets say.

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "filter":
            self._in_list = False
            self.load_rows()

    @work(exit_on_error=False)
    async def on_input_submitted(self) -> None:
        """Take what was looked for, which may not be found yet."""
        async with self.reading:
            self.chosen()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show it; near the end of what was read, read on."""
        if event.option_list is not self.listed:
            return
        if self.more and event.option_index >= len(self.rows) - READS_AHEAD:
            self._read_on()
        self.row_marked()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list is self.listed:
            self.chosen()

    def on_key(self, event: events.Key) -> None:
        """What is typed over the list, and is no command there, is meant for the filter."""
        if not (self.FILTER and event.is_printable) or isinstance(self.focused, Input):
            return
        bound = self.active_bindings.get(event.key)
        if bound is None or not bound.enabled:
            event.stop()
            event.prevent_default()
            search = self.query_one("#filter", Input)
            search.focus()
            search.post_message(events.Key(event.key, event.character))

    def _focus_moved(self, focused: Widget | None) -> None:
        written_in = {self.PLACE} if self.FILTER and isinstance(focused, Input) else set()
        self.query_one(FooterBar).written_in = frozenset(written_in)

    # Actions; the registry has their keys.

    def action_move(self, step: int) -> None:
        if self.rows:
            place = (self.listed.highlighted or 0) + step
            self.listed.highlighted = min(max(place, 0), len(self.rows) - 1)

    def action_switch(self) -> None:
        """From the filter to the list, or back."""
        search = self.query_one("#filter", Input)
        self._in_list = search.has_focus
        (self.listed if self._in_list else search).focus()

    def action_close(self) -> None:
        self.dismiss(None)


class ListDialog(ListScreen[Result, Row], ModalScreen[Result]):
    """The same as a panel over the screen, whose footer has its own keys only."""

    MORE_PLACES = ()
    TITLE_TEXT: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="panel") as panel:
            panel.border_title = self.TITLE_TEXT
            yield from self.compose_above()
            yield from super().compose()

    def compose_above(self) -> Iterable[Widget]:
        return ()

    def count_rows(self) -> None:
        self.query_one("#panel").border_subtitle = count(len(self.rows), self.OF)


class ChoiceDialog(ListDialog[str | None, str]):
    """One of some values; gives back its key, or None. `choices` are lines by their keys.

    With `free`, a verb, what is typed may be taken as it is. `on_marked` hears of each that is
    marked.
    """

    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("choice")
    PLACE = "choice"
    FILTER = "Filter"
    OF = "choice"

    def __init__(
        self,
        title: str,
        choices: dict[str, Content],
        *,
        marked: str | None = None,
        on_marked: Callable[[str], None] | None = None,
        free: str = "",
    ) -> None:
        super().__init__()
        self._free = free
        self._title, self._choices = title, choices
        self._marked, self._on_marked = marked, on_marked

    def on_mount(self) -> None:
        self.query_one("#panel").border_title = self._title

    async def read(self, words: str, offset: int) -> Sequence[str]:
        found = matching(words, {key: f"{key} {line.plain}" for key, line in self._choices.items()})
        if self._free and words and words not in found:
            found.append(words)
        return found

    def line(self, row: str) -> Content:
        return self._choices.get(row) or Content(f"{self._free} “{one_line(row, 60)}”")

    def first_marked(self) -> int:
        return self.rows.index(self._marked) if self._marked in self.rows else 0

    def row_marked(self) -> None:
        if self._on_marked and self.row is not None:
            self._on_marked(self.row)

    def chosen(self) -> None:
        if self.row is not None:
            self.dismiss(self.row)

    action_choose = chosen


Key = TypeVar("Key")


def matching(words: str, texts: dict[Key, str]) -> list[Key]:
    """Return the keys of the texts that contain all the words, those they begin first."""
    wanted = words.casefold().split()
    found = [
        (not text.casefold().lstrip().startswith(words.casefold()), number, key)
        for number, (key, text) in enumerate(texts.items())
        if all(word in text.casefold() for word in wanted)
    ]
    return [key for _, _, key in sorted(found, key=lambda one: one[:2])]

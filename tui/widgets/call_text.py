"""What a question for approval shows of its call, laid out for the width there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from engine.events import ApprovalRequested, InputRequested
from engine.tools.form_fields import FormField
from tui.formatting.call_text import (
    BAR,
    LABEL,
    Row,
    arguments_rows,
    fitted,
    input_rows,
    labelled_rows,
    shown_line,
    title_lines,
    told_of_sources,
    told_of_wish,
)
from tui.formatting.text import one_line
from tui.formatting.values import EFFECT_STYLES

# Of the height of the terminal; approval_bar.tcss has the same. Below 20 lines it is 5.
SHARE, SHORT, SHORT_ROOM = 0.31, 20, 5


class CallText(Widget):
    """All of the call once it is `whole`; before that, of long values both ends."""

    DEFAULT_CSS = "CallText { height: auto; }"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.whole = False
        self._title = ""
        self._mark: tuple[str, str] = ("", "")  # behind the title, and its style
        self._above: list[tuple[str, str]] = []
        self._arguments: Mapping[str, Any] = {}
        self._below: list[tuple[str, str]] = []
        self._laid_out: tuple[tuple[int, int, bool], list[Content], bool] | None = None

    def ask(
        self, request: ApprovalRequested, title: str, arguments: Mapping[str, Any], *, edited: bool
    ) -> None:
        """Show this call, from its beginning."""
        self._title, self._mark = title, (request.effect, EFFECT_STYLES[request.effect])
        would = [("result", one_line(request.would, 300))] if request.would and not edited else []
        told = told_of_wish(request)
        wish = [("asked for", told)] if told and not edited else []
        self._above = [*wish, *would, ("tool", shown_line(request.tool))]
        self._arguments = arguments
        self._below = [("done before", one_line(request.before, 300))] if request.before else []
        if (told := told_of_sources(request.sources)) and not edited:
            self._below.insert(0, ("values", told))
        self._begin()

    def ask_input(
        self, request: InputRequested, fields: Sequence[FormField], values: Mapping[str, Any]
    ) -> None:
        """Show what a tool asks, with these values in its form."""
        self._title = "Go to this page?" if request.url else "Fill this in?"
        self._mark = ("by a tool", "$warning")
        self._above, self._arguments, self._below = input_rows(request, fields, values)
        self._begin()

    def _begin(self) -> None:
        self.whole, self._laid_out = False, None
        self.refresh(layout=True)

    def show_whole(self) -> None:
        self.whole = True
        self.refresh(layout=True)

    @property
    def lines(self) -> int:
        """How many there are, as it is laid out now."""
        return len(self._lines(self.content_size.width))

    @property
    def complete(self) -> bool:
        """Whether nothing is left out, as it is laid out now."""
        self._lines(self.content_size.width)
        return self._laid_out is not None and self._laid_out[2]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        height = self.app.size.height
        key = (width, height, self.whole)
        if self._laid_out is None or self._laid_out[0] != key:
            self._laid_out = (key, *self._lay_out(max(20, width), height))
        return self._laid_out[1]

    def _lay_out(self, width: int, height: int) -> tuple[list[Content], bool]:
        mark, style = self._mark
        titled = title_lines(self._title, mark, width)
        above = [row for pair in self._above for row in labelled_rows(*pair, width)]
        below = [row for pair in self._below for row in labelled_rows(*pair, width)]
        arguments = arguments_rows(self._arguments, width)
        complete = True
        if self.whole:
            rows = [row for own in arguments for row in own]
        else:
            room = SHORT_ROOM if height < SHORT else int(height * SHARE)
            left = room - len(titled) - len(above) - len(below)
            rows, complete = fitted(arguments, left)
        *first, last = titled
        name = last.removesuffix(mark)
        title = [*(Content.styled(line, "bold") for line in first)]
        title.append(Content.assemble((name, "bold"), (last[len(name) :], style)))
        return [*title, *map(_line, [*above, *rows, *below])], complete


def _line(row: Row) -> Content:
    if row.note:
        return Content.styled(row.plain, "italic $warning")
    label = f"{row.label:<{LABEL}} " if row.label else BAR
    return Content.assemble((label, "$quiet"), row.plain[len(label) :])

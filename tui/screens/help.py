"""All keys, by where they work."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui import keys, theme

_ABOUT = (
    "Each message is first given to one intent; only that intent's tools are offered to the "
    "model. Calls that change something ask you first."
)


class HelpScreen(ModalScreen[None]):
    CSS_PATH = theme.style("help")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "close")
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll() as panel:
            panel.border_title = "Help"
            panel.border_subtitle = "esc closes"
            yield Static(Content("\n").join(_lines()), markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def _lines() -> list[Content]:
    lines = [Content.styled(_ABOUT, "$quiet")]
    for place, title in keys.PLACES.items():
        lines += [Content(""), Content.styled(title, "bold $primary")]
        for command in keys.of(place):
            lines.append(Content.assemble((f"{command.shown_keys:<21}", "bold"), command.help))
    return lines

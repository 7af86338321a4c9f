"""All keys, by where they work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui import theme
from tui.keybindings import registry

_ABOUT = (
    "Each message is first given to one intent; only that intent's tools are offered to the "
    "model. Calls that change something ask you first."
)


class HelpScreen(ModalScreen[None]):
    """All keys; those that work where the person is come first."""

    CSS_PATH = theme.style("help")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q,question_mark", "dismiss", "close")
    ]

    def __init__(self, here: Sequence[registry.Context] = ()) -> None:
        super().__init__()
        self._here = here

    def compose(self) -> ComposeResult:
        with VerticalScroll() as panel:
            panel.border_title = "Help"
            panel.border_subtitle = "esc closes"
            yield Static(Content("\n").join(_lines(self._here)), markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def _lines(here: Sequence[registry.Context]) -> list[Content]:
    lines = [Content.styled(_ABOUT, "$quiet")]
    places = dict.fromkeys((*here, *registry.PLACES))
    for place in places:
        title = Content.styled(registry.PLACES[place], "bold $primary")
        marked = Content.styled("  here", "$accent") if place in here else Content("")
        lines += [Content(""), title + marked]
        for command in registry.of(place):
            lines.append(Content.assemble((f"{command.shown_keys:<21}", "bold"), command.help))
    return lines

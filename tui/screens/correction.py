"""What a message should have been taken for: the intents, the runners-up of its turn first."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.events import NO_TASK
from tui import theme
from tui.chat.transcript import TurnView
from tui.formatting.text import one_line
from tui.formatting.values import percent
from tui.keybindings import registry
from tui.terminal.key_queue import LineInput
from tui.widgets.intent_chip import destination

NONE_OF_THESE = "No task: small talk, or nothing I can do"


class CorrectionScreen(ModalScreen[str | None]):
    """Gives back the intent's key, or `NO_TASK`; None: it was right after all."""

    CSS_PATH = theme.style("correction")
    BINDINGS = registry.bindings("correction")

    def __init__(self, turn: TurnView, titles: Mapping[str, str]) -> None:
        super().__init__()
        self._turn, self._titles = turn, titles
        self._choices = _choices(turn, titles)
        self._shown: list[str] = []

    def compose(self) -> ComposeResult:
        route = self._turn.route
        taken = destination(route, self._titles) if route else "nothing"
        sure = route.confidence if route else None
        with Vertical() as panel:
            panel.border_title = "Wrong intent?"
            panel.border_subtitle = "enter choose · esc leave"
            yield Static(Content(f"“{one_line(self._turn.text, 150)}”"), id="said", markup=False)
            told = Content.assemble(("was taken for ", "$quiet"), (taken, "bold $primary"))
            if sure is not None:
                told += Content.styled(f" · confidence {percent(sure)}", "$quiet")
            yield Static(told, markup=False)
            for change in changes(self._turn):
                told = Content.assemble(("! done already, and stays done: ", "$warning"), change)
                yield Static(told, markup=False)
            yield LineInput(placeholder="It was about …")
            listed = OptionList(markup=False)
            listed.can_focus = False
            yield listed

    def on_mount(self) -> None:
        self._filter("")
        self.query_one(Input).focus()

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        found = {
            key: line
            for key, line in self._choices.items()
            if all(word in f"{key} {line.plain}".casefold() for word in words)
        }
        self._shown = list(found)
        self._list.set_options([Option(line) for line in found.values()])
        self._list.highlighted = 0 if found else None

    def on_input_submitted(self) -> None:
        self.action_choose()

    def on_option_list_option_selected(self) -> None:
        self.action_choose()

    # Actions; keys.py has their keys.

    def action_choose(self) -> None:
        place = self._list.highlighted
        if place is not None and place < len(self._shown):
            self.dismiss(self._shown[place])

    def action_move(self, step: int) -> None:
        if self._shown:
            place = (self._list.highlighted or 0) + step
            self._list.highlighted = min(max(place, 0), len(self._shown) - 1)

    def action_close(self) -> None:
        self.dismiss(None)


def changes(turn: TurnView) -> list[str]:
    """What a turn has changed, or may have, in words."""
    return [
        one_line(action.summary or action.tool, 80)
        + (" (perhaps)" if action.state == "unknown" else "")
        for action in turn.actions.values()
        if action.effect != "read" and action.state in ("succeeded", "unknown")
    ]


def _choices(turn: TurnView, titles: Mapping[str, str]) -> dict[str, Content]:
    """Every key that can be chosen with its line: runners-up, no task, and the other intents."""
    route = turn.route
    went = route.intents if route else ()
    near = {other.intent: other.confidence for other in route.alternatives} if route else {}
    others = sorted(titles, key=lambda key: (titles[key].casefold(), key))
    lines: dict[str, Content] = {}
    for key in [*near, *((NO_TASK,) if went else ()), *others]:
        if key == NO_TASK:
            lines[key] = Content.styled(NONE_OF_THESE, "$quiet")
        elif key in titles and (went != (key,)) and key not in lines:
            line = Content(one_line(titles[key], 50))
            if (sure := near.get(key)) is not None:
                line += Content.styled(f"  {percent(sure)}", "$quiet")
            lines[key] = line
    return lines

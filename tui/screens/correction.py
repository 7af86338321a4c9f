"""What a message should have been taken for: the intents, the runners-up of its turn first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from engine.events import NO_TASK
from tui import theme
from tui.chat.transcript import TurnView
from tui.formatting.text import one_line
from tui.formatting.values import percent
from tui.keybindings import registry
from tui.screens.list_screen import ListDialog, matching
from tui.widgets.intent_chip import destination

NONE_OF_THESE = "No task: small talk, or nothing I can do"


class CorrectionScreen(ListDialog[str | None, str]):
    """Gives back the intent's key, or `NO_TASK`; None: it was right after all."""

    CSS_PATH = [theme.style("lists"), theme.style("correction")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("correction")
    PLACE = "correction"
    TITLE_TEXT = "Wrong intent?"
    FILTER = "It was about …"
    OF = "intent"

    def __init__(self, turn: TurnView, titles: Mapping[str, str]) -> None:
        super().__init__()
        self._turn, self._titles = turn, titles
        self._choices = _choices(turn, titles)

    def compose_above(self) -> Iterable[Widget]:
        route = self._turn.route
        taken = destination(route, self._titles) if route else "nothing"
        sure = route.confidence if route else None
        yield Static(Content(f"“{one_line(self._turn.text, 150)}”"), id="said", markup=False)
        told = Content.assemble(("was taken for ", "$quiet"), (taken, "bold $primary"))
        if sure is not None:
            told += Content.styled(f" · confidence {percent(sure)}", "$quiet")
        yield Static(told, markup=False)
        for change in changes(self._turn):
            told = Content.assemble(("! already done, cannot be undone: ", "$warning"), change)
            yield Static(told, markup=False)

    async def read(self, words: str, offset: int) -> Sequence[str]:
        return matching(words, {key: f"{line.plain} {key}" for key, line in self._choices.items()})

    def line(self, row: str) -> Content:
        return self._choices[row]

    def chosen(self) -> None:
        if self.row is not None:
            self.dismiss(self.row)

    action_choose = chosen


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

"""For each intent: precision, recall, F1 and how many messages there were of it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.formatting.text import one_line
from tui.formatting.values import change
from tui.services.evaluation_results import IntentScore, RunView

NAME = 18
HEAD = f"{'Intents':<{NAME}} prec. recall     F1     n"


class IntentScores(OptionList):
    """One line an intent; the border is the heading. `marked` is the intent of the cursor."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._keys: list[str] = []
        self.border_title = HEAD

    @property
    def marked(self) -> str | None:
        place = self.highlighted
        return self._keys[place] if place is not None and place < len(self._keys) else None

    def show(self, measured: RunView) -> None:
        """Show a run's figures, the mark where it is."""
        place = self.highlighted or 0
        self._keys = [score.key for score in measured.intents]
        self.border_title = HEAD + ("  change" if measured.against else "")
        self.set_class(measured.against is not None, "-compared")
        self.set_options([Option(_line(score)) for score in measured.intents])
        self.highlighted = min(place, len(self._keys) - 1) if self._keys else None


def _line(score: IntentScore) -> Content:
    f1 = score.f1 or 0.0
    style = "$success" if f1 >= 0.9 else "$warning" if f1 >= 0.7 else "$error"
    line = Content.assemble(
        f"{one_line(score.key, NAME):<{NAME}}",
        (f" {_share(score.precision)}  {_share(score.recall)}", "$quiet"),
        (f"  {_share(score.f1)}", f"bold {style}" if score.f1 is not None else "$quiet"),
        (f" {score.support:5,}", "$quiet"),
    )
    if score.f1 is not None and score.f1_before is not None:
        gained, style = change(score.f1 - score.f1_before)
        line += Content.styled(f"  {gained:>6}", style)
    return line


def _share(share: float | None) -> str:
    return f"{'–':>5}" if share is None else f"{100 * share:5.1f}"

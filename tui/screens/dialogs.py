"""A question over the screen: a text to write, or just yes or no."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui import theme
from tui.keybindings import registry
from tui.terminal.key_queue import LineInput, in_burst


class _Answer(LineInput):
    """What arrives at once is text; whoever pasted it has not yet given it as the answer."""

    async def on_key(self, event: events.Key) -> None:
        if event.key == "enter" and in_burst(event):
            event.stop()
            event.prevent_default()


class ConfirmDialog(ModalScreen[str | None]):
    """Gives back the text, or "" for a yes; None: the person thought better of it."""

    CSS_PATH = theme.style("question")
    BINDINGS = registry.bindings("question")

    def __init__(self, question: str, text: str | None = None) -> None:
        super().__init__()
        self._question, self._text = question, text

    def compose(self) -> ComposeResult:
        with Vertical() as panel:
            panel.border_title = "Question"
            yield Static(self._question, markup=False)
            if self._text is not None:
                yield _Answer(self._text)
            hint = "enter takes it, esc leaves" if self._text is not None else "y yes, n no"
            yield Static(hint, id="hint", markup=False)

    @property
    def asks(self) -> bool:
        """Whether a key may answer; see `tui.terminal.key_queue`."""
        return self._text is None

    def on_key(self, event: events.Key) -> None:
        if self.asks and in_burst(event):
            event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_yes(self) -> None:
        if self._text is None:
            self.dismiss("")

    def action_no(self) -> None:
        self.dismiss(None)

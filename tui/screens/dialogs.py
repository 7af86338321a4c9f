"""A question over the screen: a text to write, or just yes or no."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.style import Style
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
    """Gives back the text, or "" for a yes; None: the person thought better of it.

    With `text` that is what they may change; else `yes` says what a yes does, which is shown in
    red where it is `dangerous`.
    """

    CSS_PATH = theme.style("question")
    BINDINGS = registry.bindings("question")

    def __init__(
        self,
        title: str,
        question: str,
        text: str | None = None,
        *,
        yes: str = "Yes",
        dangerous: bool = False,
    ) -> None:
        super().__init__()
        self._title, self._question, self._text = title, question, text
        self._yes, self._dangerous = yes, dangerous

    def compose(self) -> ComposeResult:
        with Vertical() as panel:
            panel.border_title = self._title
            panel.set_class(self._dangerous, "-dangerous")
            yield Static(self._question, markup=False)
            if self._text is not None:
                yield _Answer(self._text)
            yield Static(self._hint(), id="hint", markup=False)

    def _hint(self) -> Content:
        if self._text is not None:
            return Content("Enter to confirm · Esc to cancel")
        style = "bold $error" if self._dangerous else "bold $primary"
        yes = Content.styled(f"[y] {self._yes}", style).stylize(Style.from_meta({"answer": "yes"}))
        no = Content("[n] Cancel").stylize(Style.from_meta({"answer": "no"}))
        return Content("   ").join([yes, no])

    def on_click(self, event: events.Click) -> None:
        match event.style.meta.get("answer"):
            case "yes":
                self.action_yes()
            case "no":
                self.action_no()

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

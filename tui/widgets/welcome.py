"""An empty session: who is here, what to try, and whether anything leaves the machine."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widgets import Static

from tui.formatting.text import one_line
from tui.services.backend import AppBackend


class Welcome(Static):
    """`picked` is the suggestion that the prompt holds, if any."""

    picked: reactive[int | None] = reactive(None)

    class Chosen(Message):
        """A suggestion was clicked, by its number."""

        def __init__(self, suggestion: int) -> None:
            super().__init__()
            self.suggestion = suggestion

    def __init__(self) -> None:
        super().__init__(Content.styled("Starting. You can already type.", "$quiet"), markup=False)
        self._backstage: AppBackend | None = None

    def introduce(self, backstage: AppBackend) -> None:
        self._backstage = backstage
        self._draw()

    def watch_picked(self) -> None:
        self._draw()

    def on_click(self, event: Click) -> None:
        if (number := event.style.meta.get("suggestion")) is not None:
            self.post_message(self.Chosen(number))

    def _draw(self) -> None:
        stage = self._backstage
        if stage is None:
            return
        name = one_line(stage.assistant_name, 40)
        lines = [
            Content.assemble(("Hello, I am ", ""), (name, "bold $primary"), "."),
            Content.styled(one_line(stage.title, 120), "$quiet"),
            Content(""),
        ]
        if stage.suggestions:
            lines.append(Content.styled("You could ask", "$quiet"))
        for number, suggestion in enumerate(stage.suggestions):
            chosen = number == self.picked
            lines.append(
                Content.assemble(
                    ("► " if chosen else "  ", "$accent"),
                    (one_line(suggestion, 160), "bold" if chosen else ""),
                ).stylize(Style.from_meta({"suggestion": number}))
            )
        if stage.suggestions:
            lines += [
                Content(""),
                Content.styled("down or a click picks one, enter sends it", "$quiet"),
            ]
        lines += [Content(""), self._privacy(stage)]
        self.update(Content("\n").join(lines))

    def _privacy(self, stage: AppBackend) -> Content:
        label = one_line(stage.model_label, 100)
        if stage.offline:
            return Content.assemble(
                ("● ", "$success"),
                (f"{label}: no key, nothing leaves this machine", "$quiet"),
            )
        return Content.assemble(("● ", "$primary"), (f"Answers come from {label}", "$quiet"))

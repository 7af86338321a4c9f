"""An empty session: who is here, what to try, what answers and how to change that."""

from __future__ import annotations

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widgets import Static

from tui.formatting.text import one_line
from tui.services.backend import AppBackend

HIGH = 22  # rows from which on all of it is shown
ABOUT = "Say what you want in your own words. It asks before changing anything."
HOW = "For example (↓ to choose, Enter to send, or click)"
COMMANDS = {"sessions": "past sessions", "help": "keys", "quit": "leave"}


class Welcome(Static):
    """`picked` is the suggestion that the prompt holds, if any."""

    picked: reactive[int | None] = reactive(None)

    class Chosen(Message):
        """A suggestion was clicked, by its number."""

        def __init__(self, suggestion: int) -> None:
            super().__init__()
            self.suggestion = suggestion

    class CommandChosen(Message):
        """A command was clicked."""

        def __init__(self, typed: str) -> None:
            super().__init__()
            self.typed = typed

    def __init__(self) -> None:
        super().__init__(Content.styled("Starting… you can type now.", "$quiet"), markup=False)
        self._backstage: AppBackend | None = None

    def introduce(self, backstage: AppBackend) -> None:
        self._backstage = backstage
        self._draw()

    def watch_picked(self) -> None:
        self._draw()

    def on_click(self, event: Click) -> None:
        if (number := event.style.meta.get("suggestion")) is not None:
            self.post_message(self.Chosen(number))
        elif (typed := event.style.meta.get("typed")) is not None:
            self.post_message(self.CommandChosen(typed))

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        stage = self._backstage
        if stage is None:
            return
        high = self.app.size.height >= HIGH
        lines = [
            Content.assemble(
                (one_line(stage.assistant_name, 40), "bold $primary"),
                (f"  {one_line(stage.title, 120)}", "$quiet"),
            )
        ]
        if high:
            lines += [Content(""), Content(ABOUT)]
        if stage.suggestions:
            lines += [Content(""), Content.styled(HOW, "$quiet")]
        for number, suggestion in enumerate(stage.suggestions):
            chosen = number == self.picked
            lines.append(
                Content.assemble(
                    ("► " if chosen else "  ", "$accent"),
                    (one_line(suggestion, 160), "bold" if chosen else ""),
                ).stylize(Style.from_meta({"suggestion": number}))
            )
        lines += [Content(""), *self._model(stage)]
        if high:
            lines += [Content(""), _keys()]
        self.update(Content("\n").join(lines))

    def _model(self, stage: AppBackend) -> list[Content]:
        """What answers, where what is written goes, and how to change it."""
        label = one_line(stage.model_label, 100)
        change = _typed("/model", "changes it")
        if stage.offline:
            where = "Runs offline: no data leaves this machine."
            return [
                Content.assemble(("● ", "$success"), f"{label[:1].upper()}{label[1:]}"),
                _indented(where, change),
            ]
        where = "What you write is sent there."
        return [
            Content.assemble(("● ", "$primary"), f"Answered by {label}"),
            _indented(where, change),
        ]


def _indented(text: str, more: Content) -> Content:
    return Content.assemble((f"  {text}  ", "$quiet")) + more


def _typed(command: str, does: str) -> Content:
    """A command that a click gives, and what it does."""
    shown = Content.assemble((command, "$primary"), (f" {does}", "$quiet"))
    return shown.stylize(Style.from_meta({"typed": command}))


def _keys() -> Content:
    shown = [_typed(f"/{name}", does) for name, does in COMMANDS.items()]
    return Content("   ").join(
        [Content.assemble(("/", "$primary"), (" commands", "$quiet")), *shown]
    )

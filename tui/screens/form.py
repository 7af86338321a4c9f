"""A form over the screen: some lines to write, tried before they are taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from tui import theme
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.terminal.key_queue import LineInput
from tui.widgets.footer import FooterBar

# What a line may become, the likeliest first.
Suggest = Callable[[str], Awaitable[Sequence[str]]]


class _Suggester(Suggester):
    def __init__(self, suggest: Suggest) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suggest = suggest

    async def get_suggestion(self, value: str) -> str | None:
        """See `Suggester.get_suggestion`."""
        found = await self._suggest(value)
        return next((one for one in found if one.startswith(value)), None)


@dataclass(frozen=True)
class Field:
    """A line of a form. A `secret` is not shown; one that is not `needed` may stay empty."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    secret: bool = False
    needed: bool = False
    suggest: Suggest | None = None


# Tries what was written; returns what is wrong with it, or nothing.
Check = Callable[[Mapping[str, str]], Awaitable[str]]


class FormScreen(ModalScreen[dict[str, str] | None]):
    """Gives back what was written, by the names of the fields; None: the person left it."""

    CSS_PATH = theme.style("form")
    BINDINGS: ClassVar[list[BindingType]] = registry.bindings("form")

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        about: str = "",
        check: Check | None = None,
        checking: str = "Testing the connection …",
    ) -> None:
        super().__init__()
        self._title, self._about, self._fields, self._check = title, about, fields, check
        self._checking = checking

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="panel", can_focus=False) as panel:
            panel.border_title = self._title
            if self._about:
                yield Static(Content.styled(self._about, "$quiet"), id="about", markup=False)
            for field in self._fields:
                yield Static(Content(field.label), classes="label", markup=False)
                line = LineInput(field.value, placeholder=field.hint, id=field.name)
                line.password = field.secret
                if field.suggest is not None:
                    line.suggester = _Suggester(field.suggest)
                yield line
            yield Static(id="said", markup=False)
            bar = FooterBar()
            bar.places = ("form",)
            yield bar

    def on_mount(self) -> None:
        self.query(LineInput).first().focus()

    @property
    def values(self) -> dict[str, str]:
        """What is written now."""
        return {
            field.name: self.query_one(f"#{field.name}", Input).value.strip()
            for field in self._fields
        }

    def on_paste(self, event: events.Paste) -> None:
        event.text = event.text.strip()

    def on_input_submitted(self) -> None:
        self.action_next()

    # Actions; the registry has their keys.

    def _step(self, step: int) -> bool:
        lines = list(self.query(LineInput))
        place = lines.index(self.focused) + step if self.focused in lines else 0
        if 0 <= place < len(lines):
            lines[place].focus()
            return True
        return False

    def action_next(self) -> None:
        if not self._step(1):
            self._try(leave=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be tested where nothing is connected to."""
        return action != "test" or bool(self._checking)

    def action_previous(self) -> None:
        self._step(-1)

    def action_test(self) -> None:
        self._try(leave=False)

    def action_back(self) -> None:
        self.dismiss(None)

    @work(exclusive=True, group="try", exit_on_error=False)
    async def _try(self, *, leave: bool) -> None:
        """Try what is written, say what came of it, and give it back."""
        values = self.values
        missing = next((f for f in self._fields if f.needed and not values[f.name]), None)
        if missing is not None:
            self._say(f"{missing.label} is needed", "$error")
            self.query_one(f"#{missing.name}").focus()
            return
        if self._check is not None:
            self._say(self._checking, "$quiet")
            if wrong := await self._check(values):
                self._say(wrong, "$error")
                return
        self._say("It works." if self._checking else "", "$success")
        if leave:
            self.dismiss(values)

    def _say(self, text: str, style: str) -> None:
        self.query_one("#said", Static).update(Content.styled(one_line(text, 400), style))

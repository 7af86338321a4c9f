"""What the chat and the playback have in common: conversation, intent inspector, tool-call log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.chat.presenter import Presenter
from tui.keybindings import registry
from tui.keybindings.command import Command, Context
from tui.terminal import clipboard
from tui.widgets.action_log import ActionLog
from tui.widgets.banner import Banner
from tui.widgets.find_bar import FindBar
from tui.widgets.footer import FooterBar
from tui.widgets.inspector import Inspector
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript

Pane = Literal["chat", "inspector", "actions"]


class BaseScreen(Screen[None]):
    """Which panes are seen follows from the width (class names) and the pane that is asked for.

    `places` have the screen's own commands, `top` is what an empty transcript shows.
    """

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (Textual declares it as an instance variable)
        (0, "-tiny-width"),
        (60, "-narrow"),
        (80, "-medium"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (14, "-short"), (20, "-high")]  # noqa: RUF012
    BINDINGS = registry.bindings("panes")

    def __init__(
        self,
        places: Sequence[Context],
        top: Widget,
        clock: Callable[[], float],
        *,
        low_bandwidth: bool,
    ) -> None:
        super().__init__()
        self._places = tuple(places)
        self.banner = Banner(id="banner")
        self.transcript = Transcript(top, id="transcript")
        self.find = FindBar(self.transcript)
        self.inspector = Inspector(id="inspector")
        self.action_log = ActionLog(id="actions")
        interval = 1.0 if low_bandwidth else 0.25
        self.status = StatusLine(clock, interval, blink=not low_bandwidth)
        self.presenter = Presenter(
            self.banner, self.transcript, self.inspector, self.action_log, self.status
        )
        self.pane: Pane = "chat"

    def panes(self, *below: Widget, beside: Widget | None = None) -> ComposeResult:
        """The screen's widgets, with these below the transcript, and one before it."""
        yield Static("Make the terminal larger, 60 columns by 14 rows at least", id="too-small")
        yield self.banner
        with Horizontal(id="body"):
            if beside is not None:
                yield beside
            with Vertical(id="chat"):
                yield from (self.transcript, self.find, *below)
            with Vertical(id="side"):
                yield from (self.inspector, self.action_log)
        yield self.status
        yield FooterBar()

    def on_mount(self) -> None:
        self.watch(self, "focused", self._focus_moved)
        self.show_pane("chat")

    @property
    def completing(self) -> bool:
        """Whether a command is being written, with a menu of what it may become."""
        return False

    def home(self) -> Widget:
        """What has the focus when nothing else wants it."""
        return self.transcript

    def holders(self) -> Mapping[Context, DOMNode]:
        """The places of this screen, and what has their actions."""
        return {
            **dict.fromkeys(self._places, self),
            "panes": self,
            "transcript": self.transcript,
            "actions": self.action_log,
        }

    def offers(self, command: Command) -> bool:
        """Whether there is something that this could be done to."""
        record, transcript = self.presenter.record, self.transcript
        needed: Mapping[str, object] = {
            "panes.copy_reply": transcript.last_reply(),
            "panes.find": record.turns,
            "transcript.copy": transcript.cursor,
            "transcript.check": any(action.state == "unknown" for action in record.actions),
            "transcript.earlier": transcript.has_earlier,
        }
        return bool(needed.get(command.id, True))

    # What the widgets say.

    def on_resize(self) -> None:
        """A pane that no longer fits lost the focus: give it back."""
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        if self.focused is None and self.app.app_focus and self.home().is_on_screen:
            self.home().focus()

    def on_transcript_selected(self, message: Transcript.Selected) -> None:
        self.presenter.inspect(message.turn)

    async def on_transcript_copy_requested(self, message: Transcript.CopyRequested) -> None:
        await self.copy(message.text)

    def on_find_bar_closed(self) -> None:
        self.transcript.focus()

    def _focus_moved(self, focused: Widget | None) -> None:
        place: Context = getattr(focused, "PLACE", "anywhere")
        own = () if place == "find" else self._places  # most of their keys are letters there
        menu = ("menu",) if place == "prompt" and self.completing else ()
        places: tuple[Context, ...] = (*menu, place, *own, "panes", "anywhere")
        self.query_one(FooterBar).places = tuple(dict.fromkeys(places))

    # Actions; keys.py has their keys.

    async def action_find(self, words: str = "") -> None:
        self.show_pane("chat")
        self.find.open(words)

    async def action_copy_reply(self) -> None:
        if text := self.transcript.last_reply():
            await self.copy(text)
        else:
            self.notify("There is no reply to copy yet", markup=False)

    async def copy(self, text: str) -> None:
        """Copy, and say where the text went."""
        self.notify(await clipboard.copy(self.app, text), markup=False)

    def action_inspector(self) -> None:
        if self.has_class("-wide"):
            self.toggle_class("-no-side")
        else:
            self.show_pane("chat" if self.pane == "inspector" else "inspector")
        if not self.query_one("#side").display or self.pane == "chat":
            self.home().focus()

    def action_pane(self, pane: Pane) -> None:
        self.find.hide()
        self.show_pane(pane)
        if pane == "chat":
            self.home().focus()
        else:
            self.remove_class("-no-side")
            self.query_one(f"#{pane}").focus()

    def show_pane(self, pane: Pane) -> None:
        """Show this pane, on a screen too narrow for all."""
        self.pane = pane
        for name in ("chat", "inspector", "actions"):
            self.set_class(name == pane, f"-pane-{name}")

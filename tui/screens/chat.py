"""The main screen: conversation, intent inspector, tool-call log, and the prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static, TextArea

from tui import clipboard, keys
from tui.dialogue import Dialogue
from tui.ports import Backstage
from tui.presenter import Presenter
from tui.record import Failure, Note, Turn
from tui.text import one_line
from tui.widgets.action_log import ActionLog
from tui.widgets.approval_bar import ApprovalBar
from tui.widgets.banner import Banner
from tui.widgets.choice_bar import ChoiceBar
from tui.widgets.inspector import Inspector
from tui.widgets.key_bar import KeyBar
from tui.widgets.prompt import Prompt
from tui.widgets.queue_bar import QueueBar
from tui.widgets.status_line import StatusLine
from tui.widgets.tool_card import CheckRequested
from tui.widgets.transcript import Transcript
from tui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from tui.app import IntentBotApp

Pane = Literal["chat", "inspector", "actions"]
QUIT_WITHIN_S = 1.0


class ChatScreen(Screen[None]):
    """Which panes are seen follows from the width (class names) and the pane that is asked for."""

    BINDINGS = keys.bindings("chat")
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (Textual declares it as an instance variable)
        (0, "-tiny-width"),
        (60, "-narrow"),
        (80, "-medium"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (14, "-short"), (20, "-high")]  # noqa: RUF012
    app: IntentBotApp

    def __init__(self, clock: Callable[[], float], *, low_bandwidth: bool) -> None:
        super().__init__()
        self._clock = clock
        self._quit_armed_at = float("-inf")
        self._backstage: Backstage | None = None
        self._checking = asyncio.Lock()
        self.banner = Banner(id="banner")
        self.welcome = Welcome()
        self.transcript = Transcript(self.welcome, id="transcript")
        self.queue = QueueBar()
        self.choices = ChoiceBar()
        self.approval = ApprovalBar(clock)
        self.prompt = Prompt(id="prompt")
        self.inspector = Inspector(id="inspector")
        self.action_log = ActionLog(id="actions")
        interval = 1.0 if low_bandwidth else 0.25
        self.status = StatusLine(clock, interval, blink=not low_bandwidth)
        self.presenter = Presenter(
            self.banner, self.transcript, self.inspector, self.action_log, self.status
        )
        self.dialogue = Dialogue(self.presenter, self._turn_changed, self._complain)

    def compose(self) -> ComposeResult:
        yield Static("Make the terminal larger, 60 columns by 14 rows at least", id="too-small")
        yield self.banner
        with Horizontal(id="body"):
            with Vertical(id="chat"):
                yield from (self.transcript, self.queue, self.choices)
                yield from (self.approval, self.prompt)
            with Vertical(id="side"):
                yield from (self.inspector, self.action_log)
        yield self.status
        yield KeyBar()

    def on_mount(self) -> None:
        self.prompt.placeholder = "Write a message"
        self.watch(self, "focused", self._focus_moved)
        self._show_pane("chat")
        self.prompt.focus()

    # What the app calls.

    async def begin(self, backstage: Backstage, session_id: str | None) -> None:
        """Everything behind the screen is ready: open the session and send what waited."""
        self._backstage = backstage
        self.banner.name_text = backstage.assistant_name
        self.banner.model_text = backstage.model_label
        titles = backstage.intent_titles
        self.presenter.titles = self.transcript.titles = self.inspector.titles = titles
        self.prompt.suggestions = backstage.suggestions
        self.welcome.introduce(backstage)
        await self.open(session_id)
        for notice in backstage.notices:
            await self.presenter.tell(Note(Turn(""), notice))

    async def open(self, session_id: str | None) -> None:
        """Show this session and go on with it; None begins a new one.

        Where that fails, the session before it stays.
        """
        if self._backstage is None:
            return
        before = await self.dialogue.detach()
        try:
            past = await self._backstage.past(session_id) if session_id else []
            chat = await self._backstage.open(session_id, self.approval)
        except Exception:
            if before is not None:
                self.dialogue.attach(before)
            raise
        await self.presenter.load(past)
        self.prompt.sent = [turn.text for turn in self.presenter.record.turns]
        self.dialogue.attach(chat)
        self.prompt.focus()

    async def fail_to_start(self, message: str) -> None:
        """Nothing can be sent, but everything stays alive."""
        self.welcome.display = False
        self.status.idle("not started", "$error")
        await self.presenter.tell(Failure(Turn(""), "start", message, retryable=True))

    def holder(self, place: keys.Place) -> DOMNode:
        """What has the actions of this place."""
        nodes: dict[keys.Place, DOMNode] = {
            "prompt": self.prompt,
            "transcript": self.transcript,
            "actions": self.action_log,
            "chat": self,
        }
        return nodes.get(place, self.app)

    # What the widgets say.

    def on_resize(self) -> None:
        """A pane that no longer fits lost the focus: give it back."""
        self.call_after_refresh(self._keep_focus)

    def _keep_focus(self) -> None:
        if self.focused is None and self.app.app_focus and self.prompt.is_on_screen:
            self._focus_chat()

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        self.transcript.follow()
        self.dialogue.submit(message.text)

    def on_prompt_recalled(self, message: Prompt.Recalled) -> None:
        self.welcome.picked = message.suggestion

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._quit_armed_at = float("-inf")

    def on_transcript_selected(self, message: Transcript.Selected) -> None:
        self.presenter.inspect(message.turn)

    async def on_transcript_copy_requested(self, message: Transcript.CopyRequested) -> None:
        await self._copy(message.text)

    @work(exit_on_error=False)
    async def on_check_requested(self, message: CheckRequested) -> None:
        """Ask what became of an unknown call, one question at a time."""
        action = message.action
        async with self._checking:
            if action.state != "unknown" or self._backstage is None:
                self.notify("It is known what became of this call", markup=False)
                return
            try:
                settled = await self._backstage.check(action.action_id)
            except Exception as error:
                text = one_line(f"This call cannot be checked: {error}", 400)
                self.notify(text, severity="error", markup=False)
                return
            if settled is None:
                text = "The back end cannot tell what became of this call; it stays unknown"
                self.notify(text, severity="warning", markup=False)
            else:
                await self.presenter.apply(settled)

    def _turn_changed(self) -> None:
        """A turn began or ended, or the queue changed."""
        if not self.is_attached:
            return
        record, dialogue = self.presenter.record, self.dialogue
        self.welcome.display = not (record.turns or dialogue.running or dialogue.waiting)
        if not dialogue.running:
            self._give_back_waiting()
        self.queue.show(dialogue.waiting)
        asked = None if dialogue.running else record.newest
        titles = self.presenter.titles
        self.prompt.choices = tuple(titles.get(key, key) for key in asked.choices) if asked else ()
        self.choices.show(self.prompt.choices)
        pending = asked.pending if asked else ()
        answer = one_line(", ".join(pending), 60)
        writing = "Press a number, or write a message" if self.prompt.choices else "Write a message"
        self.prompt.placeholder = f"Your answer: {answer}" if answer else writing

    def _complain(self, error: Exception) -> None:
        if not self.is_attached:
            return
        message = one_line(f"Something could not be shown: {error}", 300)
        self.notify(message, severity="error", markup=False)

    def _give_back_waiting(self) -> None:
        """After a cancelled or failed turn, what waited goes back to where it was written."""
        newest = self.presenter.record.newest
        if newest and newest.state in ("cancelled", "failed"):
            waiting = self.dialogue.take_back()
            if waiting:
                self.prompt.put("\n".join(filter(None, [*waiting, self.prompt.text])))

    # Actions; keys.py has their keys.

    def action_interrupt(self) -> None:
        if text := (self.prompt.selected_text or self.get_selected_text()):
            self.run_worker(self._copy(text), exit_on_error=False)
        elif self._cancel_turn():
            pass
        elif self.prompt.text:
            self.prompt.remember(self.prompt.text)
            self.prompt.put("")
        elif self._clock() - self._quit_armed_at <= QUIT_WITHIN_S:
            self.run_worker(self.app.action_quit(), exit_on_error=False)
        else:
            self._quit_armed_at = self._clock()
            self.notify("ctrl+c once more quits", timeout=QUIT_WITHIN_S, markup=False)

    def action_leave(self) -> None:
        if self._cancel_turn():
            return
        if self.pane != "chat":
            self.action_pane("chat")
        elif self.focused is self.prompt:
            self.transcript.focus()
        else:
            self._focus_chat()

    def _cancel_turn(self) -> bool:
        if not self.dialogue.cancel():
            return False
        self.status.cancel()
        return True

    def action_new_session(self) -> None:
        self._switch(None)

    @work(exit_on_error=False)
    async def action_sessions(self) -> None:
        if self._backstage is None:
            self.notify("Still starting", markup=False)
            return
        # Imported when asked for, like all that the first frame does not show.
        from tui.screens.sessions import SessionsScreen

        chosen = await self.app.push_screen_wait(SessionsScreen(self._backstage, self.app.now))
        if chosen is not None:
            self._switch(chosen)

    @work(exclusive=True, group="switch", exit_on_error=False)
    async def _switch(self, session_id: str | None) -> None:
        try:
            await self.open(session_id)
        except Exception as error:
            message = one_line(f"The session cannot be opened: {error}", 400)
            self.notify(message, severity="error", markup=False)

    def action_retry(self) -> None:
        newest = self.presenter.record.newest
        if not self.dialogue.attached:
            self.app.start()
        elif newest and newest.state in ("failed", "cancelled") and not self.dialogue.running:
            self.dialogue.submit(newest.text)
        else:
            self.notify("Nothing failed that could be tried again", markup=False)

    async def action_copy_reply(self) -> None:
        if text := self.transcript.last_reply():
            await self._copy(text)
        else:
            self.notify("There is no reply to copy yet", markup=False)

    async def _copy(self, text: str) -> None:
        self.notify(await clipboard.copy(self.app, text), markup=False)

    # Panes.

    def action_inspector(self) -> None:
        if self.has_class("-wide"):
            self.toggle_class("-no-side")
        else:
            self._show_pane("chat" if self.pane == "inspector" else "inspector")
        if not self.query_one("#side").display or self.pane == "chat":
            self._focus_chat()

    def action_pane(self, pane: Pane) -> None:
        self._show_pane(pane)
        if pane == "chat":
            self._focus_chat()
        else:
            self.remove_class("-no-side")
            self.query_one(f"#{pane}").focus()

    def _show_pane(self, pane: Pane) -> None:
        self.pane = pane
        for name in ("chat", "inspector", "actions"):
            self.set_class(name == pane, f"-pane-{name}")

    def _focus_chat(self) -> None:
        (self.approval if self.approval.display else self.prompt).focus()

    def _focus_moved(self, focused: Widget | None) -> None:
        place: keys.Place = getattr(focused, "PLACE", "anywhere")
        places: tuple[keys.Place, ...] = (place, "chat", "anywhere")
        self.query_one(KeyBar).places = tuple(dict.fromkeys(places))

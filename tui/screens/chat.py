"""The main screen: the panes, and the prompt to write in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.chat.controller import ChatController
from tui.chat.transcript import FailureBlock, NoteBlock, TurnView
from tui.chat.typed_commands import (
    Offers,
    action_of,
    as_typed,
    prompt_of,
    sent_again,
    unknown_command,
)
from tui.formatting.text import one_line, sanitize
from tui.formatting.values import parameter_list
from tui.host import host
from tui.keybindings import registry
from tui.keybindings.command import Command, Context
from tui.screens.chat_screens import OpensScreens
from tui.screens.reconcile import check
from tui.services.backend import AppBackend, SessionSnapshot
from tui.widgets.approval_bar import ApprovalBar
from tui.widgets.choice_bar import ChoiceBar
from tui.widgets.command_menu import CommandMenu
from tui.widgets.footer import FooterBar
from tui.widgets.prompt import Prompt
from tui.widgets.queue_bar import QueueBar
from tui.widgets.tool_card import CheckRequested
from tui.widgets.welcome import Welcome

QUIT_WITHIN_S = 1.0
DRAFT_AFTER_S = 1.0  # without a key, what is written is kept
RECENT_TURNS = 100  # of a session that is opened; the others are loaded when they are wanted


if TYPE_CHECKING:
    from engine.tools.source import ServerPrompt
    from storage.records import Found


class ChatScreen(OpensScreens):
    """The screen that one writes in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *registry.bindings("chat"),
        *registry.bindings("prompt", "edit", "recall"),
    ]

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        low_bandwidth: bool,
        places: Sequence[Context] = ("chat",),
    ) -> None:
        self.welcome = Welcome()
        super().__init__(places, self.welcome, clock, low_bandwidth=low_bandwidth)
        self._clock = clock
        self._quit_armed_at = float("-inf")
        self._checking = asyncio.Lock()
        self._deleted: list[str] = []  # sessions that can be brought back
        self._prompts: list[str] = []
        self._draft_kept = ""
        self._draft_timer: Timer | None = None
        self.queue = QueueBar()
        self.choices = ChoiceBar()
        self.approval = ApprovalBar(clock)
        self.menu = CommandMenu()
        self.prompt = Prompt(id="prompt", menu=self.menu)
        self.dialogue = ChatController(self.presenter, self._turn_changed, self._complain)

    def compose(self) -> ComposeResult:
        yield from self.panes(self.queue, self.choices, self.approval, self.menu, self.prompt)

    def on_mount(self) -> None:
        self.prompt.placeholder = "Write a message"
        self.prompt.focus()
        self.watch(self.transcript, "walking", self._show_letters)
        self.watch(self, "focused", self._show_letters)

    def _show_letters(self) -> None:
        written_in: set[Context] = set() if self.transcript.walking else {"transcript"}
        self.query_one(FooterBar).written_in = frozenset(written_in)

    @property
    def completing(self) -> bool:
        return self.menu.display

    def home(self) -> Widget:
        return self.approval if self.approval.display else self.prompt

    # What the app calls.

    async def begin(
        self, backstage: AppBackend, session_id: str | None, *, again: bool = False
    ) -> None:
        """Everything behind the screen is ready: open the session and send what waited.

        With `again` something else answers than before.
        """
        self._backstage = backstage
        self.banner.name_text = backstage.assistant_name
        self.banner.model_text = backstage.model_label
        titles = backstage.intent_titles
        self.presenter.titles = self.transcript.titles = self.inspector.titles = titles
        self.prompt.suggestions = backstage.suggestions
        self.welcome.introduce(backstage)
        await self.open(session_id)
        self.menu.offers = Offers(
            {
                "theme": sorted(self.app.available_themes),
                "export": ("markdown", "html", "json"),
                "demo": backstage.demos,
            }
        )
        self._read_material()
        for notice in () if again else backstage.notices:
            await self.presenter.tell(NoteBlock(TurnView(""), notice))

    @work(exclusive=True, group="material", exit_on_error=False)
    async def _read_material(self) -> None:
        """Read which prompts and resources there are to be typed."""
        if self._backstage is not None:
            prompts, attachable = await self._backstage.material()
            values = self.menu.offers.values
            self.menu.offers = Offers(values, tuple(prompts), tuple(attachable))

    @work(exclusive=True, group="changes", exit_on_error=False)
    async def _take_changes(self) -> None:
        """Between turns: read again what servers changed, and say what needs a word of the
        person, since it starts servers anew."""
        changes = await self._backstage.take_changes() if self._backstage is not None else {}
        if any({"prompts", "resources"} & what for what in changes.values()):
            self._read_material()
        for key, what in changes.items():
            if "tools" in what:
                said = f"{one_line(key, 60)} has changed its tools: /reload reads them"
                await self.presenter.tell(NoteBlock(TurnView(""), said))

    async def open(self, session_id: str | None, found: Found | None = None) -> None:
        """Show this session, where something was `found` in it; None begins a new one.

        Where that fails, the session before it stays.
        """
        if self._backstage is None:
            return
        await self.keep_draft()
        before = await self.dialogue.detach()
        try:
            most = None if found and found.turn_id else RECENT_TURNS
            past = (
                await self._backstage.past(session_id, most) if session_id else SessionSnapshot(())
            )
            chat = await self._backstage.open(session_id, self.approval)
            self._prompts = list(map(as_typed, await self._backstage.prompts()))
            draft = await self._backstage.draft(session_id)
        except Exception:
            if before is not None:
                self.dialogue.attach(before)
            raise
        self.find.hide()
        await self.presenter.load(past)
        if found:
            await self.transcript.reveal_turn(found.turn_id, found.first_hit)
        own = [as_typed(turn.text) for turn in self.presenter.record.turns]
        elsewhere = set(self._prompts).difference(own)
        self.prompt.sent = [*(text for text in self._prompts[::-1] if text in elsewhere), *own]
        self.dialogue.attach(chat)
        if self._draft_kept or not self.prompt.text:  # what was typed during the start stays
            self.prompt.put(draft)
            self._draft_kept = draft
        self.prompt.focus()

    async def keep_draft(self) -> None:
        """Keep what is written and not sent, for the next time this session is opened."""
        text, chat = self.prompt.text, self.dialogue.chat
        if chat is not None and text != self._draft_kept:
            await self._keep_draft(chat.session_id, text)

    async def _keep_draft(self, session_id: str | None, text: str) -> None:
        self._draft_kept = text
        if self._backstage is not None:
            # Where it cannot be kept, nothing can, and what is sent next says so.
            with suppress(Exception):
                await self._backstage.keep_draft(session_id, text)

    async def fail_to_start(self, message: str) -> None:
        """Nothing can be sent, but everything stays alive."""
        self.welcome.display = False
        self.status.idle("not started", "$error")
        await self.presenter.tell(FailureBlock(TurnView(""), "start", message, retryable=True))
        await self.presenter.tell(NoteBlock(TurnView(""), "/setup chooses what answers"))

    def holders(self) -> Mapping[Context, DOMNode]:
        return {**super().holders(), "prompt": self.prompt}

    # What the widgets say.

    async def on_prompt_sent(self, message: Prompt.Sent) -> None:
        await self.transcript.follow()
        first = not self.presenter.record.turns
        self.dialogue.submit(message.text)
        if first:
            # Before its first turn a session has no draft of its own, see `AppBackend.draft`.
            await self._keep_draft(None, "")

    async def on_prompt_command_given(self, message: Prompt.CommandGiven) -> None:
        """Do what was typed; what is no command stays in the prompt, to be edited."""
        found = action_of(message.command)
        if found is None and (prompt := prompt_of(message.command, self.menu.offers)):
            self.prompt.remember(message.command.typed)
            self.prompt.put("")
            self._write_prompt(*prompt)
            return
        if found is None:
            notice = unknown_command(message.command)
            self.notify(notice, severity="warning", timeout=10, markup=False)
            return
        command, action = found
        self.prompt.remember(message.command.typed)
        self.prompt.put("")
        node = {**self.holders(), "anywhere": self.app}[command.place]
        await self.app.run_action(action, default_namespace=node)

    @work(exclusive=True, group="prompt", exit_on_error=False)
    async def _write_prompt(self, prompt: ServerPrompt, given: dict[str, str]) -> None:
        """Write a server's prompt where the person writes, for them to read and send."""
        if self._backstage is None:
            return
        from tui.screens.tool_form import ask_arguments

        arguments = await ask_arguments(self.app, self._backstage, prompt, given)
        if arguments is None:
            return
        try:
            text = await self._backstage.prompt_text(prompt, arguments)
        except Exception as error:
            self._complain(error, "The prompt cannot be used")
            return
        self.prompt.remember(self.prompt.text)
        self.prompt.put(as_typed(sanitize(text)))
        self.prompt.focus()
        said = f"Written by {one_line(prompt.key, 60)}: read it, then enter sends it"
        self.notify(said, markup=False)

    def on_command_menu_completed(self, message: CommandMenu.Completed) -> None:
        self.prompt.put(message.text)

    def on_command_menu_picked(self, message: CommandMenu.Picked) -> None:
        if message.text.startswith("/"):
            self.prompt.give(message.text)
        else:
            self.prompt.put(message.text)
        self.prompt.focus()

    def on_command_menu_changed(self) -> None:
        self._focus_moved(self.focused)

    @work(exclusive=True, group="all", exit_on_error=False)
    async def on_transcript_all_wanted(self) -> None:
        """Load the whole session, and go to where it went on before."""
        await self.load_all()
        for block in self.transcript.blocks[:1]:
            await self.transcript.reveal(block)

    async def load_all(self) -> None:
        """Load the turns that are not loaded yet; a running turn must end first."""
        chat, turns = self.dialogue.chat, len(self.presenter.record.turns)
        if not self.transcript.before or chat is None or self._backstage is None:
            return
        if self.dialogue.running:
            self.notify("The whole session can be loaded when this turn has ended", markup=False)
            return
        past = await self._backstage.past(chat.session_id)
        # Unless a turn began meanwhile.
        if not self.dialogue.running and len(self.presenter.record.turns) == turns:
            await self.presenter.load(past)

    async def action_find(self, words: str = "") -> None:
        await self.load_all()
        await super().action_find(words)

    def on_key(self, event: events.Key) -> None:
        """What is typed where nothing is written is meant for the prompt, unless it is a command
        there. Textual looks for commands later, when the key has come up to the app."""
        if not event.is_printable or isinstance(self.focused, TextArea | Input):
            return
        if self.focused is self.approval and event.key in self.approval.letters:
            return  # an answer that this question does not offer is none, but no text either
        bound = self.active_bindings.get(event.key)
        typing = bound and bound.node is self.transcript and not self.transcript.walking
        if bound is None or not bound.enabled or typing:
            event.stop()
            event.prevent_default()
            self.find.hide()
            self.show_pane("chat")
            self.set_focus(self.prompt)
            self.prompt.post_message(events.Key(event.key, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted where nothing is written is meant for the prompt."""
        if not isinstance(self.focused, TextArea | Input):
            self.prompt.insert(event.text)
            (self.approval if self.approval.has_focus else self.prompt).focus()

    def on_prompt_recalled(self, message: Prompt.Recalled) -> None:
        self.welcome.picked = message.suggestion

    def on_welcome_chosen(self, message: Welcome.Chosen) -> None:
        self.prompt.remember(self.prompt.text)  # what was written there can be brought back
        self.prompt.suggest(message.suggestion)
        self.prompt.focus()

    def on_welcome_command_chosen(self, message: Welcome.CommandChosen) -> None:
        self.prompt.give(message.typed)
        self.prompt.focus()

    def on_choice_bar_chosen(self, message: ChoiceBar.Chosen) -> None:
        self.prompt.action_choose(message.number)
        self.prompt.focus()

    def on_approval_bar_asked(self) -> None:
        self.call_for_attention()

    @work(exit_on_error=False)
    async def on_approval_bar_form_wanted(self, message: ApprovalBar.FormWanted) -> None:
        """Have a tool's form filled in, and ask once more with the values."""
        from tui.screens.tool_form import fill_in

        values = await fill_in(self.app, message.request, message.values)
        if values is not None:
            self.approval.fill(message.request, values)

    @work(exit_on_error=False)
    async def on_approval_bar_page_wanted(self, message: ApprovalBar.PageWanted) -> None:
        """Copy the address of a page; this program opens none by itself."""
        from tui.terminal.clipboard import copy

        self.notify(await copy(self.app, message.url), markup=False)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._quit_armed_at = float("-inf")
        if event.text_area is self.prompt:
            self.menu.offer(self.prompt.text)
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_AFTER_S, self.keep_draft)

    @work(exit_on_error=False)
    async def on_prompt_history_wanted(self) -> None:
        from tui.screens.prompt_history import PromptHistoryScreen

        mine = [text for text in reversed(self.prompt.sent) if text not in self._prompts]
        chosen = await self.app.push_screen_wait(PromptHistoryScreen([*mine, *self._prompts]))
        if chosen is not None:
            self.prompt.put(chosen)
            self.prompt.focus()

    @work(exit_on_error=False)
    async def on_check_requested(self, message: CheckRequested) -> None:
        """Ask what became of an unknown call, one question at a time."""
        async with self._checking:
            if self._backstage is not None:
                settled = await check(self, self._backstage, message.action)
                if settled is not None:
                    await self.presenter.apply(settled)

    def _turn_changed(self) -> None:
        """A turn began or ended, or the queue changed."""
        if not self.is_attached:
            return
        record, dialogue = self.presenter.record, self.dialogue
        self.welcome.display = not (record.turns or dialogue.running or dialogue.waiting)
        if not dialogue.running:
            self._give_back_waiting()
            self.call_for_attention()
            self._take_changes()
        self.queue.show(dialogue.waiting)
        asked = None if dialogue.running else record.newest
        titles = self.presenter.titles
        self.prompt.choices = tuple(titles.get(key, key) for key in asked.choices) if asked else ()
        self.choices.show(self.prompt.choices)
        answer = parameter_list(asked.pending if asked else ())
        writing = "Press a number, or write a message" if self.prompt.choices else "Write a message"
        self.prompt.placeholder = f"Your answer: {answer}" if answer else writing

    def call_for_attention(self) -> None:
        """The person looks elsewhere: ring, which terminals and tmux show in their own way."""
        if not self.app.app_focus:
            self.app.bell()

    def _give_back_waiting(self) -> None:
        """After a cancelled or failed turn, what waited goes back to where it was written."""
        newest = self.presenter.record.newest
        if newest and newest.state in ("cancelled", "failed"):
            waiting = list(map(as_typed, self.dialogue.take_back()))
            if waiting:
                self.prompt.put("\n".join(filter(None, [*waiting, self.prompt.text])))

    def offers(self, command: Command) -> bool:
        """See `BaseScreen.offers`."""
        newest = self.presenter.record.newest
        needed: Mapping[str, object] = {
            "chat.export": newest,
            "chat.correct": newest and newest.route,
            "chat.retry": newest and newest.state in ("failed", "cancelled"),
        }
        return bool(needed.get(command.id, True)) and super().offers(command)

    # Actions; keys.py has their keys.

    def action_interrupt(self) -> None:
        if text := (self.prompt.selected_text or self.get_selected_text()):
            self.run_worker(self.copy(text), exit_on_error=False)
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One can go to a question that waits, and where one is not yet. What else is written,
        such as the arguments of a call, is neither edited nor found as the prompt is."""
        if action in ("edit", "recall"):
            return self.focused is self.prompt or not isinstance(self.focused, TextArea | Input)
        return action != "answer" or (self.approval.display and not self.approval.has_focus_within)

    def action_edit(self) -> None:
        self.prompt.action_edit()
        self.prompt.focus()

    def action_recall(self) -> None:
        self.prompt.action_recall()

    def action_answer(self) -> None:
        self.action_pane("chat")

    def action_leave(self) -> None:
        if self.focused is self.prompt and self.approval.display:
            self.action_answer()
        elif self.find.display:
            self.find.hide()
        elif self._cancel_turn():
            return
        elif self.pane != "chat":
            self.action_pane("chat")
        elif self.focused is self.prompt:
            self.transcript.focus()
        else:
            self.home().focus()

    def _cancel_turn(self) -> bool:
        if not self.dialogue.cancel():
            return False
        turn = self.presenter.record.newest
        self.status.cancel(turn.changing if turn else None)
        return True

    def action_retry(self) -> None:
        newest = self.presenter.record.newest
        if not self.dialogue.attached:
            host(self).start()
        elif newest and newest.state in ("failed", "cancelled") and not self.dialogue.running:
            self.dialogue.submit(sent_again(newest.text))
        else:
            self.notify("Nothing failed that could be tried again", markup=False)

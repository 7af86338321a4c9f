"""Asks the person about one call, in line above the prompt.

What is meant for the prompt must not answer: while something is written there, the focus stays
until the person goes to the question; and when the question takes the focus itself, keys do nothing
until none has come for `GRACE_S`. Nor does a burst of keys answer: it is text. Edited arguments are
asked about once more, as they then stand.

A yes counts once the end of the call has been on the screen, with nothing left out before it but
what the person has passed. Before that, the key for yes shows the rest instead, and says so.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Input, Static, TextArea

from engine.events import ApprovalRequested
from engine.ports import Answer
from tui.formatting.text import sanitize
from tui.formatting.values import EDITED, call
from tui.keybindings import registry
from tui.terminal.key_queue import in_burst
from tui.widgets.arguments_editor import ArgumentsEditor
from tui.widgets.call_text import CallText

GRACE_S = 0.4

Choice = Literal["approve", "edit", "allow", "deny"]
_LABELS: dict[Choice, str] = {
    "approve": "y  approve once",
    "edit": "e  edit",
    "allow": "a  always allow exactly this",
    "deny": "n  deny",
}
_SHORT: dict[Choice, str] = {
    "approve": "y approve",
    "edit": "e edit",
    "allow": "a always this",
    "deny": "n deny",
}
DESTRUCTIVE = "DESTRUCTIVE: this cannot be undone. Approve it?"
# Instead of "approve", while there is more to see.
_MORE, _MORE_SHORT = "y  see the end", "y see end"


class ApprovalBar(Vertical, can_focus=True):
    """The `Approver` of the app. Several questions are asked one after another."""

    PLACE: registry.Context = "approval"
    BINDINGS = registry.bindings("approval")
    BORDER_TITLE = "Approve this action?"

    @property
    def letters(self) -> frozenset[str]:
        """The keys that answer some question."""
        return frozenset(self._bindings.key_to_bindings)

    class Asked(Message):
        """The person is wanted."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[Answer] | None = None
        self._request: ApprovalRequested | None = None
        self._edited: Mapping[str, Any] | None = None
        self._editor = ArgumentsEditor()
        self._editor.display = False
        self._choices: tuple[Choice, ...] = ()
        self._marked: Choice = "deny"
        self._last_ignored = 0.0
        self._pressed: Choice | None = None  # by the mouse
        self._call = CallText(id="asked")
        self._end_seen = False
        self.display = False

    def compose(self) -> ComposeResult:
        yield VerticalScroll(self._call, can_focus=False)
        yield self._editor
        yield Static(id="choices", markup=False)

    async def decide(self, request: ApprovalRequested) -> Answer:
        """The person's answer. Being cancelled takes the question away."""
        async with self._one_at_a_time:
            self._answer = asyncio.get_running_loop().create_future()
            self._request, self._edited = request, None
            self._ask()
            self.post_message(self.Asked())
            try:
                return await self._answer
            finally:
                focused = self.has_focus or self._editor.has_focus
                self._answer, self.display, self._editor.display = None, False, False
                if focused:
                    self.screen.set_focus(self._prompt)

    def _ask(self) -> None:
        """Ask about the call as it stands now; only as it was proposed it may be allowed."""
        request, edited = self._request, self._edited
        assert request is not None
        destructive = request.effect == "destructive"
        allowable = request.allowable and edited is None
        self._choices = tuple(choice for choice in _LABELS if choice != "allow" or allowable)
        self._marked = "approve" if request.effect == "read" else "deny"
        if edited is None:
            words, arguments = request.summary or request.tool, request.arguments
        else:  # the summary is of the arguments that were proposed
            words, arguments = f"{call(request.tool, edited, 300)}, {EDITED}", edited
        self._end_seen = False
        self._call.ask(request, words, arguments, edited=edited is not None)
        self._scroll.scroll_home(animate=False)
        self.set_class(destructive, "-destructive")
        self.border_title = DESTRUCTIVE if destructive else self.BORDER_TITLE
        self.display = True
        self._show_choices()

    def _show_choices(self) -> None:
        """Ask, or ask again; the grace begins."""
        again, self._editor.display = self._editor.display, False
        self._scroll.display = True
        self._last_ignored = self._clock()
        writing = self._prompt.text or isinstance(self.screen.focused, Input)
        if again or not writing:
            self.screen.set_focus(self)
        self._draw_choices()
        # Where the call is as long as the one before it, nothing else tells that it is laid out.
        self._look()

    def on_mount(self) -> None:
        self.watch(self._scroll, "scroll_y", self._look, init=False)
        self.watch(self._scroll, "virtual_size", self._look, init=False)

    @property
    def _scroll(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)

    def _look(self) -> None:
        """Say which lines are in view, and keep in mind that the end was."""
        self.call_after_refresh(self._draw_choices)

    def _notice_end(self) -> None:
        lines, place = self._call.lines, round(self._scroll.scroll_y)
        seen = place + self._scroll.size.height
        laid_out = self._call.size.height == lines and self._scroll.size.height > 0
        if laid_out and self._call.complete and seen >= lines:
            self._end_seen = True
        if laid_out and not self._call.complete:
            told = "only the ends of long values · pgdn shows all"
        elif laid_out and lines > self._scroll.size.height:
            told = f"lines {place + 1:,}-{min(seen, lines):,} of {lines:,} · pgup pgdn"
        else:
            told = ""
        self.border_subtitle = told

    @property
    def _prompt(self) -> TextArea:
        return self.screen.query_one("#prompt", TextArea)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = event.style.meta.get("answer")

    def on_click(self, event: events.Click) -> None:
        """An answer was clicked: one that was there when the button went down."""
        answer = event.style.meta.get("answer")
        if answer is not None and answer == self._pressed and self.check_action(answer, ()):
            self._marked = answer
            self.action_choose()

    def on_focus(self) -> None:
        """Whoever gives the question the focus means its editor while that is open."""
        if self._editor.display:
            self._editor.focus()
        self._draw_choices()

    def on_blur(self) -> None:
        self._draw_choices()

    def on_resize(self) -> None:
        self._draw_choices()

    def _draw_choices(self) -> None:
        """The choices side by side, in short where the bar is narrow; or how to get to them."""
        if self._editor.display or not self.display:
            return
        self._notice_end()
        line = self._choices_line(_LABELS, _MORE, "   ")
        if line.cell_length > self.content_size.width:
            line = self._choices_line(_SHORT, _MORE_SHORT, "  ")
        if self.screen.focused is not self:
            stays = ("   what you wrote stays", "$quiet")
            line = Content.assemble((" tab  to answer ", "reverse"), stays)
        self.query_one("#choices", Static).update(line)

    def _choices_line(self, labels: Mapping[Choice, str], more: str, gap: str) -> Content:
        shown = dict(labels) if self._end_seen else {**labels, "approve": more}
        return Content(gap).join(
            Content.styled(
                f" {shown[choice]} ", "reverse" if choice == self._marked else ""
            ).stylize(Style.from_meta({"answer": choice}))
            for choice in self._choices
        )

    @property
    def _unseen(self) -> bool:
        """Whether the terminal is too small to show the question: then no key may answer it."""
        return self.screen.has_class("-tiny-width") or self.screen.has_class("-tiny-height")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While there is no question, or its arguments are being changed, no key answers."""
        if action not in ("approve", "edit", "allow", "deny", "switch", "choose"):
            return True
        if self._answer is None or self._answer.done() or self._editor.display or self._unseen:
            return False
        if self._clock() - self._last_ignored < GRACE_S:  # a key that was pressed elsewhere
            return False
        return action != "allow" or "allow" in self._choices

    @property
    def asks(self) -> bool:
        """Whether a key may answer; see `tui.terminal.key_queue`."""
        return self._answer is not None and not self._editor.display

    def on_key(self, event: events.Key) -> None:
        now = self._clock()
        if in_burst(event):  # pasted without markers: it goes where a paste goes
            event.stop()
            text = "\n" if event.key in ("enter", "ctrl+j") else event.character or ""
            self._prompt.insert(sanitize(text))
        elif now - self._last_ignored < GRACE_S:
            self._last_ignored = now
            event.stop()

    def action_approve(self) -> None:
        if self._has_seen_all():
            self._give(Answer("approved", "person", arguments=self._edited))

    def action_allow(self) -> None:
        if self._has_seen_all():
            self._give(Answer("approved", "person", for_session=True))

    def _has_seen_all(self) -> bool:
        """Whether the end has been in view. If not, it is now; then the grace begins anew."""
        self._notice_end()
        if self._end_seen:
            return True
        self._show_all(lambda: self._scroll.scroll_end(animate=False, force=True))
        self._last_ignored = self._clock()
        return False

    def action_page(self, step: int) -> None:
        scroll = self._scroll
        go = scroll.scroll_page_down if step > 0 else scroll.scroll_page_up
        self._show_all(lambda: go(animate=False, force=True))

    def action_line(self, step: int) -> None:
        self._show_all(lambda: self._scroll.scroll_relative(y=step, animate=False, force=True))

    def action_edge(self, step: int) -> None:
        go = self._scroll.scroll_end if step > 0 else self._scroll.scroll_home
        self._show_all(lambda: go(animate=False, force=True))

    def _show_all(self, then: Callable[[], None]) -> None:
        """Leave nothing out any more, then scroll."""
        if self._call.complete:
            then()
        else:
            self._call.show_whole()
            self.call_after_refresh(then)
        self.call_after_refresh(self._draw_choices)

    def action_deny(self) -> None:
        self._give(Answer("denied", "person"))

    def action_edit(self) -> None:
        if (request := self._request) is None:
            return
        self._editor.put(request.arguments if self._edited is None else self._edited)
        self._editor.display = True
        self._scroll.display = False
        self._draw_editing()
        self._editor.focus()

    def _draw_editing(self, trouble: str = "") -> None:
        keys_told = "Enter to review · Esc to discard"
        self.query_one("#choices", Static).update(
            Content.styled(trouble or keys_told, "$error" if trouble else "$quiet")
        )

    def on_text_area_changed(self) -> None:
        if self._editor.display:
            self._draw_editing()

    def on_arguments_editor_refused(self, message: ArgumentsEditor.Refused) -> None:
        self._draw_editing(message.reason)

    def on_arguments_editor_left(self) -> None:
        self._show_choices()

    def on_arguments_editor_accepted(self, message: ArgumentsEditor.Accepted) -> None:
        request = self._request
        if request is None or not self._editor.display:
            return
        # As JSON: to Python, 1 and true are equal.
        changed = json.dumps(message.arguments) != json.dumps(request.arguments)
        self._edited = message.arguments if changed else None
        self._ask()

    def action_switch(self, step: int) -> None:
        place = self._choices.index(self._marked) + step
        self._marked = self._choices[place % len(self._choices)]
        self._draw_choices()

    def action_choose(self) -> None:
        {
            "approve": self.action_approve,
            "edit": self.action_edit,
            "allow": self.action_allow,
            "deny": self.action_deny,
        }[self._marked]()

    def _give(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

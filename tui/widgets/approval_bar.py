"""Asks the person about one call, or for what its tool asks, in line above the prompt.

What is meant for the prompt must not answer: while something is written there, the focus stays
until the person goes to the question; and when the question takes the focus itself, keys do nothing
until none has come for `GRACE_S`. Nor does a burst of keys answer: it is text. Edited arguments are
asked about once more, as they then stand.

A yes counts once the end of the call has been on the screen, with nothing left out before it but
what the person has passed. Before that, the key for yes shows the rest instead, and says so.

A form of a tool is shown with what would be sent as it stands now. It is filled in on a screen of
its own, and sent by a yes to exactly these values.
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

from engine.events import ApprovalRequested, InputRequested
from engine.ports import Answer, InputAnswer
from engine.tools.form_fields import FormField, fields_of, missing_fields
from tui.formatting.text import sanitize
from tui.formatting.values import EDITED, call
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.terminal.key_queue import in_burst
from tui.widgets.arguments_editor import ArgumentsEditor
from tui.widgets.call_text import CallText

GRACE_S = 0.4

Choice = Literal["approve", "edit", "allow", "deny", "dismiss"]
# In full, and where the bar is narrow.
_Labels = Mapping[Choice, tuple[str, str]]
_CALL: _Labels = {
    "approve": ("y  approve once", "y approve"),
    "edit": ("e  edit", "e edit"),
    "allow": ("a  always allow exactly this", "a always this"),
    "deny": ("n  deny", "n deny"),
}
_NO: _Labels = {"deny": ("n  decline", "n decline"), "dismiss": ("c  cancel", "c cancel")}
_FORM: _Labels = {
    "approve": ("y  send this", "y send"),
    "edit": ("e  fill in", "e fill in"),
    **_NO,
}
_PAGE: _Labels = {"approve": ("y  copy the address, I go there", "y go there"), **_NO}
FORM = "A tool asks for something: nothing is sent yet"
PAGE = "A tool wants you to go to a page"
DESTRUCTIVE = "DESTRUCTIVE: this cannot be undone. Approve it?"
# Instead of "approve", while there is more to see.
_MORE = ("y  see the end", "y see end")


class ApprovalBar(Vertical, can_focus=True):
    """The `Approver` and `InputProvider` of the app. Questions are asked one after another."""

    PLACE: Context = "approval"
    BINDINGS = registry.bindings("approval")
    BORDER_TITLE = "Approve this action?"

    @property
    def letters(self) -> frozenset[str]:
        """The keys that answer some question."""
        return frozenset(self._bindings.key_to_bindings)

    class Asked(Message):
        """The person is wanted."""

    class FormWanted(Message):
        """The person wants to fill in a form, which has these values so far."""

        def __init__(self, request: InputRequested, values: Mapping[str, Any]) -> None:
            super().__init__()
            self.request, self.values = request, values

    class PageWanted(Message):
        """The person goes to a page."""

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[Any] | None = None
        self._request: ApprovalRequested | InputRequested | None = None
        self._edited: Mapping[str, Any] | None = None
        self._editor = ArgumentsEditor()
        self._editor.display = False
        self._labels: _Labels = {}
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
        """See `Approver.decide`. Being cancelled takes the question away."""
        answer: Answer = await self._put(request, None)
        return answer

    async def provide(self, request: InputRequested) -> InputAnswer:
        """See `InputProvider.provide`."""
        fields = fields_of(request.message, request.form) if request.form is not None else ()
        values = {one.name: one.default for one in fields if one.default is not None}
        answer: InputAnswer = await self._put(request, values)
        return answer

    async def _put(
        self, request: ApprovalRequested | InputRequested, values: Mapping[str, Any] | None
    ) -> Any:
        """The person's answer to this question."""
        async with self._one_at_a_time:
            self._answer = asyncio.get_running_loop().create_future()
            self._request, self._edited = request, values
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
        """Ask about the call or the form as it stands now."""
        self._end_seen = False
        if isinstance(self._request, InputRequested):
            self._ask_input(self._request, self._edited or {})
        elif self._request is not None:
            self._ask_approval(self._request, self._edited)
        self._scroll.scroll_home(animate=False)
        self.display = True
        self._show_choices()

    def _ask_approval(self, request: ApprovalRequested, edited: Mapping[str, Any] | None) -> None:
        """Ask whether the call may run; only as it was proposed it may be allowed."""
        destructive = request.effect == "destructive"
        allowable = request.allowable and edited is None
        self._labels = {c: text for c, text in _CALL.items() if c != "allow" or allowable}
        self._marked = "approve" if request.effect == "read" else "deny"
        if edited is None:
            words, arguments = request.summary or request.tool, request.arguments
        else:  # the summary is of the arguments that were proposed
            words, arguments = f"{call(request.tool, edited, 300)}, {EDITED}", edited
        self._call.ask(request, words, arguments, edited=edited is not None)
        self.set_class(destructive, "-destructive")
        self.border_title = DESTRUCTIVE if destructive else self.BORDER_TITLE

    def _ask_input(self, request: InputRequested, values: Mapping[str, Any]) -> None:
        """Ask for the values of a form, or whether the person goes to a page."""
        fields: tuple[FormField, ...] = ()
        self._labels, self._marked, self.border_title = _PAGE, "deny", PAGE
        if request.form is not None:
            fields = fields_of(request.message, request.form)
            sendable = not missing_fields(fields, values)
            self._labels = {c: text for c, text in _FORM.items() if c != "approve" or sendable}
            if not fields:  # a mere yes or no
                self._labels = {c: text for c, text in self._labels.items() if c != "edit"}
            self._marked, self.border_title = ("edit" if fields else "deny"), FORM
        self._call.ask_input(request, fields, values)
        self.remove_class("-destructive")

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
        line = self._choices_line(0, "   ")
        if line.cell_length > self.content_size.width:
            line = self._choices_line(1, "  ")
        if self.screen.focused is not self:
            stays = ("   what you wrote stays", "$quiet")
            line = Content.assemble((" tab  to answer ", "reverse"), stays)
        self.query_one("#choices", Static).update(line)

    def _choices_line(self, length: int, gap: str) -> Content:
        shown = {choice: texts[length] for choice, texts in self._labels.items()}
        if "approve" in shown and not self._end_seen:
            shown["approve"] = _MORE[length]
        return Content(gap).join(
            Content.styled(f" {text} ", "reverse" if choice == self._marked else "").stylize(
                Style.from_meta({"answer": choice})
            )
            for choice, text in shown.items()
        )

    @property
    def _unseen(self) -> bool:
        """Whether the terminal is too small to show the question: then no key may answer it."""
        return self.screen.has_class("-tiny-width") or self.screen.has_class("-tiny-height")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While there is no question, or its arguments are being changed, no key answers."""
        if action not in ("approve", "edit", "allow", "deny", "dismiss", "switch", "choose"):
            return True
        if self._answer is None or self._answer.done() or self._editor.display or self._unseen:
            return False
        if self._clock() - self._last_ignored < GRACE_S:  # a key that was pressed elsewhere
            return False
        return action in ("switch", "choose") or action in self._labels

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
        if not self._has_seen_all():
            return
        if isinstance(request := self._request, InputRequested):
            if request.url:
                self.post_message(self.PageWanted(request.url))
            self._give(InputAnswer("accept", "person", self._edited or {}))
        else:
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
        if isinstance(self._request, InputRequested):
            self._give(InputAnswer("decline", "person"))
        else:
            self._give(Answer("denied", "person"))

    def action_dismiss(self) -> None:
        self._give(InputAnswer("cancel", "person"))

    def action_edit(self) -> None:
        request = self._request
        if isinstance(request, InputRequested):
            self.post_message(self.FormWanted(request, self._edited or {}))
        elif request is not None:
            self._editor.put(request.arguments if self._edited is None else self._edited)
            self._editor.display = True
            self._scroll.display = False
            self._draw_editing()
            self._editor.focus()

    def fill(self, request: InputRequested, values: Mapping[str, Any]) -> None:
        """Ask once more, with these values in the form; unless it was taken back meanwhile."""
        if self._request is request and self._answer is not None:
            self._edited = values
            self._ask()

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
        if not isinstance(request, ApprovalRequested) or not self._editor.display:
            return
        # As JSON: to Python, 1 and true are equal.
        changed = json.dumps(message.arguments) != json.dumps(request.arguments)
        self._edited = message.arguments if changed else None
        self._ask()

    def action_switch(self, step: int) -> None:
        choices = tuple(self._labels)
        self._marked = choices[(choices.index(self._marked) + step) % len(choices)]
        self._draw_choices()

    def action_choose(self) -> None:
        {
            "approve": self.action_approve,
            "edit": self.action_edit,
            "allow": self.action_allow,
            "deny": self.action_deny,
            "dismiss": self.action_dismiss,
        }[self._marked]()

    def _give(self, answer: Answer | InputAnswer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

"""Asks the person about one call, in line above the prompt.

What is meant for the prompt must not answer: while something is written there, the focus stays
until the person goes to the question; and when the question takes the focus itself, keys do nothing
until none has come for `GRACE_S`. Edited arguments are asked about once more, as they then stand.
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
from textual.widgets import Input, Static, TextArea

from engine.events import ApprovalRequested
from engine.ports import Answer
from tui import keys
from tui.text import one_line
from tui.widgets.arguments_editor import ArgumentsEditor
from tui.widgets.tool_card import pair
from tui.wording import EDITED, EFFECT_STYLES, call, value

GRACE_S = 0.4

Choice = Literal["approve", "edit", "allow", "deny"]
_LABELS: dict[Choice, str] = {
    "approve": "y  approve once",
    "edit": "e  edit",
    "allow": "a  exactly this, all session",
    "deny": "n  deny",
}
_SHORT: dict[Choice, str] = {
    "approve": "y approve",
    "edit": "e edit",
    "allow": "a this, all session",
    "deny": "n deny",
}


class ApprovalBar(Vertical, can_focus=True):
    """The `Approver` of the app. Several questions are asked one after another."""

    PLACE: keys.Place = "approval"
    BINDINGS = keys.bindings("approval")
    BORDER_TITLE = "May I do this?"

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
        self.display = False

    def compose(self) -> ComposeResult:
        yield VerticalScroll(Static(id="asked", markup=False), can_focus=False)
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
            words, arguments = one_line(request.summary, 300), request.arguments
        else:  # the summary is of the arguments that were proposed
            words, arguments = f"{call(request.tool, edited, 300)}, {EDITED}", edited
        self._draw_asked(request, words or one_line(request.tool, 80), arguments)
        self.set_class(destructive, "-destructive")
        self.display = True
        self._show_choices()

    def _draw_asked(
        self, request: ApprovalRequested, words: str, arguments: Mapping[str, Any]
    ) -> None:
        lines = [
            Content.assemble(
                (words, "bold"), "  ", (request.effect, EFFECT_STYLES[request.effect])
            ),
            pair("tool", request.tool),
            *(pair(name, value(data)) for name, data in arguments.items()),
        ]
        if request.would and self._edited is None:
            lines.insert(1, pair("if yes", one_line(request.would, 300)))
        if request.before:
            lines.append(pair("done before", one_line(request.before, 300)))
        self.query_one("#asked", Static).update(Content("\n").join(lines))

    def _show_choices(self) -> None:
        """Ask, or ask again; the grace begins."""
        again, self._editor.display = self._editor.display, False
        self.query_one(VerticalScroll).display = True
        self._last_ignored = self._clock()
        writing = self._prompt.text or isinstance(self.screen.focused, Input)
        if again or not writing:
            self.screen.set_focus(self)
        self._draw_choices()

    @property
    def _prompt(self) -> TextArea:
        return self.screen.query_one("#prompt", TextArea)

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
        if self._editor.display:
            return
        line = self._choices_line(_LABELS, "   ")
        if line.cell_length > self.content_size.width:
            line = self._choices_line(_SHORT, "  ")
        if self.screen.focused is not self:
            stays = ("   what you wrote stays", "$quiet")
            line = Content.assemble((" tab  to answer ", "reverse"), stays)
        self.query_one("#choices", Static).update(line)

    def _choices_line(self, labels: Mapping[Choice, str], gap: str) -> Content:
        return Content(gap).join(
            Content.styled(f" {labels[choice]} ", "reverse" if choice == self._marked else "")
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

    def on_key(self, event: events.Key) -> None:
        now = self._clock()
        if now - self._last_ignored < GRACE_S:
            self._last_ignored = now
            event.stop()

    def action_approve(self) -> None:
        self._give(Answer("approved", "person", arguments=self._edited))

    def action_allow(self) -> None:
        self._give(Answer("approved", "person", for_session=True))

    def action_deny(self) -> None:
        self._give(Answer("denied", "person"))

    def action_edit(self) -> None:
        if (request := self._request) is None:
            return
        self._editor.put(request.arguments if self._edited is None else self._edited)
        self._editor.display = True
        self.query_one(VerticalScroll).display = False
        self._draw_editing()
        self._editor.focus()

    def _draw_editing(self, trouble: str = "") -> None:
        keys_told = "enter asks again with these arguments · esc leaves them as they were"
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

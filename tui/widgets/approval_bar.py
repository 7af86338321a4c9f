"""Asks the person about one call, in line above the prompt.

Keys do nothing until none has come for `GRACE_S`: what is being typed into the prompt when the
question appears must not answer it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.events import ApprovalRequested
from engine.ports import Answer
from tui import keys
from tui.text import one_line
from tui.widgets.tool_card import pair
from tui.wording import EFFECT_STYLES, value

GRACE_S = 0.4

Choice = Literal["approve", "allow", "deny"]
_LABELS: dict[Choice, str] = {
    "approve": "y  approve once",
    "allow": "a  allow for this session",
    "deny": "n  deny",
}


class ApprovalBar(Vertical, can_focus=True):
    """The `Approver` of the app. Several questions are asked one after another."""

    PLACE: keys.Place = "approval"
    BINDINGS = keys.bindings("approval")
    BORDER_TITLE = "May I do this?"

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._answer: asyncio.Future[Answer] | None = None
        self._choices: tuple[Choice, ...] = ()
        self._marked: Choice = "deny"
        self._last_ignored = 0.0
        self.display = False

    def compose(self) -> ComposeResult:
        yield VerticalScroll(Static(id="asked", markup=False), can_focus=False)
        yield Static(id="choices", markup=False)

    async def decide(self, request: ApprovalRequested) -> Answer:
        """The person's answer. Being cancelled takes the question away."""
        async with self._one_at_a_time:
            self._answer = asyncio.get_running_loop().create_future()
            self._ask(request)
            try:
                return await self._answer
            finally:
                self._answer, self.display = None, False
                if self.has_focus:
                    self.screen.query_one("#prompt").focus()

    def _ask(self, request: ApprovalRequested) -> None:
        destructive = request.effect == "destructive"
        self._choices = ("approve", "deny") if destructive else ("approve", "allow", "deny")
        self._marked = "approve" if request.effect == "read" else "deny"
        words = one_line(request.summary, 300) or one_line(request.tool, 80)
        lines = [
            Content.assemble(
                (words, "bold"), "  ", (request.effect, EFFECT_STYLES[request.effect])
            ),
            pair("tool", request.tool),
            *(pair(name, value(data)) for name, data in request.arguments.items()),
        ]
        self.query_one("#asked", Static).update(Content("\n").join(lines))
        self.set_class(destructive, "-destructive")
        self._draw_choices()
        self._last_ignored = self._clock()  # the grace begins
        self.display = True
        self.focus()

    def on_resize(self) -> None:
        self._draw_choices()

    def _draw_choices(self) -> None:
        """The choices side by side, or one below the other where they do not fit."""
        choices = [
            Content.styled(f" {_LABELS[choice]} ", "reverse" if choice == self._marked else "")
            for choice in self._choices
        ]
        line = Content("   ").join(choices)
        if line.cell_length > self.content_size.width:
            line = Content("\n").join(choices)
        self.query_one("#choices", Static).update(line)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """During the grace, and while there is no question, no key answers."""
        if action not in ("approve", "allow", "deny", "switch", "choose"):
            return True
        if self._answer is None or self._answer.done():
            return False
        return action != "allow" or "allow" in self._choices

    def on_key(self, event: events.Key) -> None:
        now = self._clock()
        if now - self._last_ignored < GRACE_S:
            self._last_ignored = now
            event.stop()

    def action_approve(self) -> None:
        self._give(Answer("approved", "person"))

    def action_allow(self) -> None:
        self._give(Answer("approved", "person", for_session=True))

    def action_deny(self) -> None:
        self._give(Answer("denied", "person"))

    def action_switch(self, step: int) -> None:
        place = self._choices.index(self._marked) + step
        self._marked = self._choices[place % len(self._choices)]
        self._draw_choices()

    def action_choose(self) -> None:
        {"approve": self.action_approve, "allow": self.action_allow, "deny": self.action_deny}[
            self._marked
        ]()

    def _give(self, answer: Answer) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

"""The presenter's line: what comes next, what to say about it, and whether it went as expected."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from engine.events import Event, IntentClassified
from tui.formatting.text import one_line, sanitize
from tui.services.backend import DemoStep


class DemoBar(Static):
    """`step` is the message that is written or was sent last; None before the first."""

    def __init__(self, steps: Sequence[DemoStep]) -> None:
        super().__init__(id="demo", markup=False)
        self._steps = steps
        self._place = -1
        self._went = Content("")
        self.display = bool(steps)

    @property
    def step(self) -> DemoStep | None:
        return self._steps[self._place] if 0 <= self._place < len(self._steps) else None

    @property
    def following(self) -> DemoStep | None:
        """What would come next."""
        return next(iter(self._steps[self._place + 1 :]), None)

    def on_mount(self) -> None:
        self._draw()

    def advance(self) -> DemoStep | None:
        """Go to the next step, which is returned; None at the end."""
        self._place = min(self._place + 1, len(self._steps))
        self._went = Content("")
        self._draw()
        return self.step

    def take(self, event: Event, sent: str) -> None:
        """See whether the message was routed as the script expects."""
        step = self.step
        if step is None or not isinstance(event, IntentClassified) or sent != step.message:
            return
        expected = step.intents or (step.route,)
        got = event.intents or (event.route,)
        if got == expected:
            self._went = Content.styled("  ✓ routed as expected", "$success")
        else:
            named = one_line(f"  ✗ expected {', '.join(expected)}, got {', '.join(got)}", 80)
            self._went = Content.styled(named, "$warning")
        self._draw()

    def _draw(self) -> None:
        step = self.step
        number = min(self._place + 1, len(self._steps))
        head = Content.assemble(
            (" DEMO ", "bold reverse"), (f" {number} of {len(self._steps)}", "$accent")
        )
        if step is None:
            said = "F7 writes the first message" if self._place < 0 else "The end. ctrl+q leaves."
        else:
            said = sanitize(step.note)
        self.update(Content.assemble(head, self._went, "\n", (said, "$quiet")))

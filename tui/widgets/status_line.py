"""The line that says what is going on, and what the turn has used so far."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from engine.events import UsageTotals
from engine.ports import TOOL_TIME_LIMIT_S
from tui.chat.transcript import ActionBlock, TurnView
from tui.formatting.text import one_line
from tui.formatting.values import count, money, seconds


class StatusLine(Widget):
    """Redraws itself only while something runs; an idle screen sends nothing.

    `clock` counts seconds; `interval` is the time between two drawings.
    """

    def __init__(self, clock: Callable[[], float], interval: float, *, blink: bool) -> None:
        super().__init__()
        self._clock, self._interval, self._blink = clock, interval, blink
        self._state, self._style = "starting", "$quiet"
        self._cancelling = False
        self._began: float | None = None
        self._ended: float | None = None
        self._waits_since: float | None = None
        self._retry_at: float | None = None
        self._turn: TurnView | None = None
        self.session = UsageTotals()  # what the whole session took
        self._timer: Timer | None = None

    @property
    def state(self) -> str:
        """What the line says is going on."""
        return self._state

    def begin(self, turn: TurnView) -> None:
        """A turn begins: its time is counted."""
        self._turn, self._began, self._ended = turn, self._clock(), None
        if self._timer is None:
            self._timer = self.set_interval(self._interval, self.refresh)
        self.busy("choosing the intent")

    def wait(self, state: str) -> None:
        """The turn waits for the person, whose time is not counted."""
        self.busy(state, "$warning")
        self._waits_since = self._clock()

    def busy(self, state: str, style: str = "$primary") -> None:
        self._count_again()
        if not self._cancelling:
            self._set(state, style)

    def cancel(self, change: ActionBlock | None) -> None:
        """The turn was asked to stop; whatever it still does, the line says so until it ends, and
        that it waits for a change that has begun."""
        waits = ""
        if change is not None:
            waits = f": waits for {one_line(change.tool, 22)}, {TOOL_TIME_LIMIT_S:g} s at most"
        self._set(f"cancelling{waits}", "$warning")
        self._cancelling = True

    def _count_again(self) -> None:
        if self._waits_since is not None and self._began is not None:
            self._began += self._clock() - self._waits_since
        self._waits_since = None

    def _set(self, state: str, style: str) -> None:
        self._state, self._style, self._retry_at = state, style, None
        self.refresh()

    def retry(self, delay_s: float, reason: str) -> None:
        """The request is tried again after so many seconds."""
        if self._cancelling:
            return
        self._set(f"{one_line(reason, 60)}, again", "$warning")
        self._retry_at = self._clock() + delay_s

    def idle(self, state: str, style: str = "$success") -> None:
        """Nothing runs any more."""
        self._count_again()
        if self._began is not None and self._ended is None:
            self._ended = self._clock()
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self._cancelling = False
        self._set(state, style)

    def look_back(self, turn: TurnView | None) -> None:
        """Show the use of a turn that is over; its time is not known."""
        self._turn, self._began, self._ended = turn, None, None
        self.refresh()

    def render(self) -> Content:
        left = Content.assemble((self._dot(), self._style), (self._now(), self._style))
        room = self.size.width - left.cell_length - 3
        parts = self._use()
        while parts and sum(map(len, parts)) + 3 * (len(parts) - 1) > room:
            parts.pop(0)
        right = Content.styled(" · ".join(parts), "$quiet")
        gap = self.size.width - left.cell_length - right.cell_length
        return Content.assemble(left, " " * max(1, gap), right)

    def _dot(self) -> str:
        dark = self._timer is not None and self._blink and int(self._clock() * 2) % 2
        return "○ " if dark else "● "

    def _now(self) -> str:
        if self._retry_at is not None:
            return f"{self._state} in {max(0, round(self._retry_at - self._clock()))} s"
        return self._state

    def _use(self) -> list[str]:
        """The least needed first: on a narrow screen the first ones are left out."""
        parts = []
        if (turn := self._turn) and turn.calls:
            parts = [one_line(turn.calls[-1].model, 30)]
            if self.session.cost_usd and self.session.requests > len(turn.calls):
                more = " + unknown" if self.session.unpriced else ""
                parts.append(f"session {money(self.session.cost_usd)}{more}")
            parts += [count(turn.tokens, "token"), money(turn.cost_usd)]
        if self._began is not None:
            stops = [at for at in (self._ended, self._waits_since) if at is not None]
            now = stops[0] if stops else self._clock()
            parts.append(seconds(1000 * (now - self._began)))
        return parts

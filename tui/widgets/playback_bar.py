"""Where a recording stands, and whether it plays."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from tui.keybindings.command import Context
from tui.playback.timeline import Timeline


class PlaybackBar(Widget, can_focus=True):
    """One line: playing or not, how fast, how far."""

    PLACE: Context = "playback"

    def __init__(self) -> None:
        super().__init__(id="transport")
        self._tape: Timeline | None = None
        self._playing, self._speed = False, 1.0
        self._read: int | None = None

    def show(self, tape: Timeline, *, playing: bool, speed: float, read: int | None = None) -> None:
        """Show where the recording stands, or which block of it the person reads."""
        self._tape, self._playing, self._speed, self._read = tape, playing, speed, read
        self.refresh()

    def render(self) -> Content:
        tape = self._tape
        if tape is None:
            return Content("")
        state = ("▶ playing", "$success") if self._playing else ("⏸ paused", "$warning")
        position = tape.position if self._read is None else tape.shows(self._read)
        if self._read is not None:
            state = ("◆ reading", "$primary")
        elif tape.at_end:
            state = ("■ end", "$quiet")
        left = Content.assemble(state, (f"  ×{self._speed:g}  ", "$quiet"))
        right = Content.styled(f"  turn {tape.turn_at(position)} of {tape.turns}", "$quiet")
        room = max(0, self.size.width - left.cell_length - right.cell_length)
        filled = room * position // max(1, len(tape.events))
        bar = Content.assemble(("━" * filled, "$primary"), ("─" * (room - filled), "$quiet"))
        return left + bar + right

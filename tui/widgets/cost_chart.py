"""Bars side by side: what was taken, and what flat prompts would have taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

EIGHTHS = " ▁▂▃▄▅▆▇█"
AXIS = 10  # columns for what the highest bar stands for

# The values of one group of bars; None: not known.
Values = Sequence[float | None]


class CostChart(Widget):
    """Groups of bars, the oldest to the left; of too many, those around the chosen one.

    Drawn with block characters, so that any terminal and 16 colours will do.
    """

    STYLES = ("$primary", "$quiet", "$accent")

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._groups: Sequence[Values] = ()
        self._chosen = 0
        self._label: Callable[[float], str] = str

    def show(
        self, groups: Sequence[Values], chosen: int, label: Callable[[float], str] = str
    ) -> None:
        """Draw these; `label` says what a value is in words."""
        self._groups, self._chosen, self._label = groups, chosen, label
        self.refresh()

    def render(self) -> Content:
        width, height = self.size.width - AXIS, self.size.height - 1
        bars = max(map(len, self._groups), default=0)
        if not bars or width < bars or height < 1:
            return Content("")
        room = max(1, width // (bars + 1))
        first = min(max(0, self._chosen - room + 1), max(0, len(self._groups) - room))
        if len(self._groups) > room and self._chosen >= room // 2:
            first = min(self._chosen - room // 2, len(self._groups) - room)
        seen = self._groups[first : first + room]
        thick = max(1, min(4, (width // len(seen) - 1) // bars))
        highest = max((value or 0 for values in seen for value in values), default=0)
        lines = []
        for row in range(height):
            label = self._label(highest) if row == 0 else ""
            parts = [Content.styled(f"{label:>{AXIS - 1}} ", "$quiet")]
            for values in seen:
                for place, value in enumerate(values):
                    text = bar(value, highest, height, row) * thick
                    parts.append(Content.styled(text, self.STYLES[place % len(self.STYLES)]))
                parts.append(Content(" "))
            lines.append(Content("").join(parts))
        lines.append(self._axis(len(seen), self._chosen - first, bars * thick))
        return Content("\n").join(lines)

    def _axis(self, groups: int, chosen: int, wide: int) -> Content:
        marks = [Content.styled(f"{'0':>{AXIS - 1}} ", "$quiet")]
        for group in range(groups):
            is_chosen = group == chosen
            line = ("━" if is_chosen else "─") * wide
            marks.append(Content.styled(line, "bold $primary" if is_chosen else "$quiet"))
            marks.append(Content(" "))
        return Content("").join(marks)


def bar(value: float | None, highest: float, height: int, row: int) -> str:
    """The character of a bar in this row, 0 being the top one of `height`.

    Whatever is more than nothing can be seen. A value that is not known is a question mark.
    """
    below = height - 1 - row
    if value is None:
        return "?" if below == 0 else " "
    if value <= 0 or highest <= 0:
        return " "
    filled = max(1, round(value / highest * height * 8))
    return EIGHTHS[min(8, max(0, filled - 8 * below))]

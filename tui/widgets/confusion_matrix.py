"""A confusion matrix: what was expected, row by row, and what was decided, column by column.

Only the cells that are seen are drawn, so 150 intents cost no more than five. Colour says the
share of a row; where there are only 16 colours, the density of a glyph does.
"""

from __future__ import annotations

from math import sqrt

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.services.evaluation_results import RunView, axes, is_intent
from tui.theme import text_on

NARROWEST, WIDEST = 4, 12  # of a cell, in columns
NAMED = 7  # from this width on a column is headed by its name, else by its number
MOST_LABEL = 20
GLYPHS = ((0.5, "█"), (0.2, "▓"), (0.05, "▒"), (0.0, "░"))


class ConfusionMatrix(Widget, can_focus=True):
    """`expected` and `decided` are its axes; the cursor is a cell."""

    PLACE: Context = "matrix"
    BINDINGS = registry.bindings("matrix")
    BORDER_TITLE = "Expected ↓ decided →"

    class Marked(Message):
        """The cursor is on this cell."""

    class Chosen(Message):
        """The person wants to see the messages of the marked cell."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.expected: list[str] = []
        self.decided: list[str] = []
        self._counts: dict[tuple[str, str], int] = {}
        self._right: frozenset[tuple[str, str]] = frozenset()
        self._totals: dict[str, int] = {}
        self._longest = self._longest_intent = self._intents = 0
        self._row = self._column = 0
        self._first_row = self._first_column = 0

    def show(self, measured: RunView) -> None:
        """Show a run's matrix; the cursor goes to where most was missed, or stays where it is."""
        fresh = not self._counts
        self.expected, self.decided = axes(measured)
        self._counts, self._right = dict(measured.matrix), measured.right
        self._totals = {
            one: sum(self.count(one, other) for other in self.decided) for one in self.expected
        }
        self._longest = max(map(len, self.expected), default=0)
        intents = [label for label in self.decided if is_intent(label)]
        self._intents, self._longest_intent = len(intents), max(map(len, intents), default=0)
        wrong = self._counts.keys() - self._right
        if fresh and wrong:
            self.mark(*max(wrong, key=lambda pair: (self._counts[pair], pair)))
        self._move(0, 0)

    @property
    def marked(self) -> tuple[str, str] | None:
        if not self.expected or not self.decided:
            return None
        return self.expected[self._row], self.decided[self._column]

    def count(self, expected: str, decided: str) -> int:
        """The messages of a cell."""
        return self._counts.get((expected, decided), 0)

    def total(self, expected: str) -> int:
        """The messages of a row."""
        return self._totals.get(expected, 0)

    def is_right(self, expected: str, decided: str) -> bool:
        """Whether what was decided is as good as what was expected; the diagonal of course is."""
        return expected == decided or (expected, decided) in self._right

    def mark(self, expected: str, decided: str) -> None:
        """Put the cursor there, if there is such a cell."""
        if expected in self.expected and decided in self.decided:
            self._row, self._column = self.expected.index(expected), self.decided.index(decided)
            self._move(0, 0)

    def on_resize(self) -> None:
        self._move(0, 0)

    def on_focus(self) -> None:
        self._move(0, 0)

    def _move(self, down: int, right: int) -> None:
        self._row = min(max(self._row + down, 0), max(len(self.expected) - 1, 0))
        self._column = min(max(self._column + right, 0), max(len(self.decided) - 1, 0))
        rows, columns = self._seen
        self._first_row = _window(self._row, self._first_row, rows, len(self.expected))
        self._first_column = _window(self._column, self._first_column, columns, len(self.decided))
        hidden = rows < len(self.expected) or columns < len(self.decided)
        place = f"row {self._row + 1} of {len(self.expected)}, column {self._column + 1} of "
        self.border_subtitle = f"{place}{len(self.decided)}" if hidden else ""
        self.refresh()
        self.post_message(self.Marked())

    # Actions; keys.py has their keys.

    def action_move(self, down: int, right: int) -> None:
        self._move(down, right)

    def action_page(self, down: int) -> None:
        self._move(down * max(1, self._seen[0] - 1), 0)

    def action_next_miss(self, step: int) -> None:
        """To the next cell that something was missed in, in reading order."""
        wrong = sorted(
            (self.expected.index(one), self.decided.index(other))
            for (one, other), count in self._counts.items()
            if count and not self.is_right(one, other)
        )
        here = (self._row, self._column)
        later = [cell for cell in wrong if cell > here]
        sooner = [cell for cell in wrong if cell < here]
        found = (later or sooner)[:1] if step > 0 else (sooner or later)[-1:]
        for self._row, self._column in found:
            self._move(0, 0)

    def action_choose(self) -> None:
        self.post_message(self.Chosen())

    # Drawing.

    @property
    def _cell(self) -> int:
        room = self.size.width - self._label
        whole = room // max(1, len(self.decided))
        # What is no intent may stand beyond the edge, so that the intents have their names.
        names = min(self._longest_intent + 1, room // max(1, self._intents))
        return min(max(whole, names, NARROWEST), WIDEST)

    @property
    def _numbered(self) -> bool:
        return self._cell < NAMED

    @property
    def _label(self) -> int:
        return min(self._longest + 6, MOST_LABEL, max(8, self.size.width // 3))

    @property
    def _seen(self) -> tuple[int, int]:
        """How many rows and columns can be seen."""
        return (
            max(1, self.size.height - 1),
            max(1, (self.size.width - self._label) // self._cell),
        )

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        place = self._first_row + y - 1
        if y == 0:
            segments = self._header(base)
        elif place < len(self.expected):
            segments = self._line(place, base)
        else:
            segments = []
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _columns(self) -> range:
        last = min(self._first_column + self._seen[1], len(self.decided))
        return range(self._first_column, last)

    def _header(self, base: Style) -> list[Segment]:
        segments = [Segment(" " * self._label, base)]
        for column in self._columns():
            name = str(column + 1) if self._numbered else self.decided[column]
            style = self._named(column == self._column)
            segments.append(Segment(self._fitted(name), base + style))
        return segments

    def _fitted(self, text: str) -> str:
        width = self._cell - 1
        return f"{one_line(text, width):>{width}} "

    def _line(self, row: int, base: Style) -> list[Segment]:
        label = self.expected[row]
        width = self._label - 1
        number = f"{row + 1:>3} " if self._numbered else ""
        # The number is that of the column, where the intent has both.
        if number and label in self.decided:
            number = f"{self.decided.index(label) + 1:>3} "
        elif number:
            number = "    "
        name = number + one_line(label, max(1, width - len(number)))
        segments = [Segment(f"{name:<{width}} ", base + self._named(row == self._row))]
        for column in self._columns():
            marked = (row, column) == (self._row, self._column)
            segments.append(self._drawn(label, self.decided[column], base, marked=marked))
        return segments

    def _drawn(self, expected: str, decided: str, base: Style, *, marked: bool) -> Segment:
        count, right = self.count(expected, decided), self.is_right(expected, decided)
        share = count / self.total(expected) if count else 0.0
        few_colours = self.app.current_theme.ansi
        text = "·" if not count else str(count) if count < 1000 else f"{count // 1000}k"
        width = self._cell - 1
        if few_colours and count:
            glyph = next(glyph for least, glyph in GLYPHS if share >= least)
            line = f"{glyph}{text:>{width - 1}} "
        else:
            line = f"{text:>{width}} "
        if marked:
            return Segment(line, base + self._cursor_style)
        if few_colours:
            hue = "green" if right else "red"
            style = Style.parse(f"{hue}{' bold' if share >= 0.5 else ''}" if count else "dim")
            return Segment(line, base + style)
        return Segment(line, base + self._shade(share, right=right))

    def _shade(self, share: float, *, right: bool) -> Style:
        colours = self.app.theme_variables
        ground = self.background_colors[1]
        if not share:
            return Style(color=Color.parse(colours["border-blurred"]).rich_color)
        hue = Color.parse(colours["success" if right else "error"])
        # The root, so that one wrong message among many is seen.
        heat = ground.blend(hue, (0.15 if right else 0.3) + 0.55 * sqrt(share))
        return Style(color=text_on(heat).rich_color, bgcolor=heat.rich_color)

    def _named(self, current: bool) -> Style:
        colours = self.app.theme_variables
        if self.app.current_theme.ansi:
            return Style.parse("cyan bold" if current else "dim")
        name = "primary" if current else "quiet"
        return Style(color=Color.parse(colours[name]).rich_color, bold=current)

    @property
    def _cursor_style(self) -> Style:
        if self.app.current_theme.ansi:
            return Style.parse("black on cyan bold" if self.has_focus else "reverse")
        colours = self.app.theme_variables
        ground = Color.parse(colours["accent" if self.has_focus else "secondary"])
        return Style(color=text_on(ground).rich_color, bgcolor=ground.rich_color, bold=True)


def _window(place: int, first: int, seen: int, total: int) -> int:
    """The first of `seen` things to show, moved no more than it takes to have `place` there."""
    first = min(max(first, place - seen + 1), place)
    return max(0, min(first, total - seen))

"""Which of a session's many blocks have a widget: a run of them, with rules to move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

SIZE = 40  # blocks that are mounted at first, and how many more a step brings
MOST = 120  # mounted blocks at which those at the far end are dropped


@dataclass(frozen=True)
class Window:
    """The blocks `first` up to, not including, `last` of `total`."""

    first: int = 0
    last: int = 0
    total: int = 0

    @classmethod
    def newest(cls, total: int) -> Self:
        """The end of so many blocks."""
        return cls(max(0, total - SIZE), total, total)

    @classmethod
    def around(cls, index: int, total: int) -> Self:
        """A window with this block in its middle, as far as there are others."""
        first = max(0, min(index - SIZE // 2, total - SIZE))
        return cls(first, min(total, first + SIZE), total)

    @property
    def at_end(self) -> bool:
        return self.last == self.total

    def __contains__(self, index: int) -> bool:
        return self.first <= index < self.last

    def earlier(self) -> Window:
        """With some of the blocks before it."""
        first = max(0, self.first - SIZE)
        return Window(first, min(self.last, first + MOST), self.total)

    def later(self) -> Window:
        """With some of the blocks after it."""
        last = min(self.total, self.last + SIZE)
        return Window(max(self.first, last - MOST), last, self.total)

    def grown(self, *, keep: bool) -> Window:
        """There is one more block. A window at the end takes it in, and where it gets too large
        lets go of its oldest, unless it must `keep` them because somebody reads there.
        """
        total = self.total + 1
        if not self.at_end:
            return Window(self.first, self.last, total)
        first = self.first
        if total - first > MOST:
            if keep:
                return Window(self.first, self.last, total)
            first = total - SIZE
        return Window(first, total, total)

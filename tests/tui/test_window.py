"""The window over the blocks, whatever is done to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.virtual_window import MOST, SIZE, Window

STEPS = st.lists(
    st.one_of(st.sampled_from(["earlier", "later", "grown", "kept"]), st.integers(0, 2_000)),
    max_size=60,
)


@given(st.integers(0, 2_000), STEPS)
def test_it_stays_within_the_blocks_and_small(total: int, steps: list[str | int]) -> None:
    window = Window.newest(total)
    for step in steps:
        before = window
        match step:
            case "earlier":
                window = window.earlier()
                assert window.first == max(0, before.first - SIZE)
            case "later":
                window = window.later()
                assert window.last == min(before.total, before.last + SIZE)
            case "grown" | "kept":
                window = window.grown(keep=step == "kept")
                assert window.total == before.total + 1
                assert step == "grown" or window.first == before.first
            case int() if step < window.total:
                window = Window.around(step, window.total)
                assert step in window
        assert 0 <= window.first <= window.last <= window.total
        assert window.last - window.first <= MOST


@given(st.integers(1, 5_000))
def test_earlier_reaches_the_beginning_and_later_the_end(total: int) -> None:
    window = Window.newest(total)
    while window.first:
        window = window.earlier()
    while not window.at_end:
        window = window.later()
    assert total - 1 in window

"""Pictures of the screen in each state; `pytest --snapshot-update` after a wanted change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui import states

SIZES = {"wide": (120, 40), "small": (80, 24)}
WIDE = (
    "welcome",
    "streaming",
    "approval",
    "finished",
    "failed",
    "sessions",
    "help",
    "inspected",
    "catalogue",
    "costs",
)
SMALL = (
    *("welcome", "offline", "approval", "destructive", "editing", "choosing"),
    *("inspected", "sixteen-colours", "costs"),
)
TAKEN = [*((name, "wide") for name in WIDE), *((name, "small") for name in SMALL)]


@pytest.mark.parametrize(("state", "size"), TAKEN, ids=[f"{s}-{size}" for s, size in TAKEN])
def test_looks_as_before(state: str, size: str, snap_compare: Callable[..., bool]) -> None:
    app, play = states.STATES[state]()
    assert snap_compare(app, terminal_size=SIZES[size], run_before=play)

"""The costs screen: sums, chart and table, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import OptionList

from engine.events import UsageTotals
from storage.records import CostRecord
from tests.tui.fake import FakeBackstage, recorded
from tests.tui.fake_costs import some_costs, usage
from tests.tui.states import chat_of, make_app, settle, shown, until
from tui.formatting.cost_table import columns, headings, line
from tui.formatting.values import difference, spent, usd_exact
from tui.screens.costs import CostsScreen
from tui.screens.playback import PlaybackScreen
from tui.services.backend import CostsBy
from tui.widgets.cost_chart import EIGHTHS, CostChart, bar


def stage(**rows: Sequence[CostRecord]) -> FakeBackstage:
    backstage = FakeBackstage(past={"3": recorded(1)})
    by: dict[CostsBy, Sequence[CostRecord]] = {
        "turns": rows.get("turns", ()),
        "sessions": rows.get("sessions", ()),
        "days": rows.get("days", ()),
    }
    backstage.cost_rows = by
    return backstage


async def opened(pilot: Pilot[Any]) -> CostsScreen:
    await settle(pilot)
    await pilot.press("f10")
    await until(pilot, lambda: isinstance(pilot.app.screen, CostsScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CostsScreen)
    await until(pilot, lambda: screen.query_one("#none").display != bool(screen.rows))
    await settle(pilot)
    return screen


def text(screen: CostsScreen, name: str) -> str:
    return " ".join(shown(screen.query_one(name)).split())


def _sums_say(screen: CostsScreen, words: str) -> bool:
    return words in text(screen, "#sums")


async def test_sums_and_rows_and_what_flat_prompts_would_have_taken() -> None:
    rows = some_costs(3)
    async with make_app(stage(turns=rows)).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        total = sum((row.bill for row in rows), UsageTotals())
        sums = text(screen, "#sums")
        assert sums.startswith(f"{usd_exact(total.cost_usd)} 3 turns, {total.requests} requests")
        assert f"(all tools in one prompt) {total.flat_input_tokens:,} in 83 % less" in sums
        assert "cold cache $0.0468 71 % less · with a warm cache $0.012 12 % more" in sums
        table = text(screen, "#cost-list")
        assert "3 Message 3 [/b] of many 6 4,067 1,280 338 $0.005600" in table
        assert "█" in shown(screen.query_one(CostChart))
        assert "flat, warm cache" in text(screen, "#view")


async def test_turns_sessions_and_days_and_back_to_the_chat() -> None:
    backstage = stage(turns=some_costs(2), sessions=some_costs(3), days=some_costs(4))
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        assert "2 turns" in text(screen, "#sums")
        for key, expected in (("2", "3 sessions"), ("3", "4 days"), ("right", "2 turns")):
            await pilot.press(key)
            await until(pilot, partial(_sums_say, screen, expected))
        for key, expected in (("shift+tab", "4 days"), ("left", "3 sessions")):
            await pilot.press(key)
            await until(pilot, partial(_sums_say, screen, expected))
        assert screen.query_one("#cost-list", OptionList).highlighted == 2
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert chat_of(pilot).prompt.has_focus


async def test_tokens_where_nothing_was_paid_or_where_they_are_asked_for() -> None:
    free = sum(
        map(UsageTotals.of, [usage("classify"), usage(cost=0.0)]), UsageTotals(cost_usd=-0.0001)
    )
    backstage = stage(
        turns=[CostRecord(key="1", label="hello", at="", bill=free)], days=some_costs(2)
    )
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        assert "tokens: " in text(screen, "#view")
        assert "4,812" in shown(screen.query_one(CostChart))
        await pilot.press("3")
        await until(pilot, lambda: "cost: " in text(screen, "#view"))
        await pilot.press("m")
        await until(pilot, lambda: "tokens: " in text(screen, "#view"))


async def test_an_unknown_price_is_unknown_everywhere() -> None:
    rows = some_costs(2, unknown=True)
    async with make_app(stage(turns=rows)).run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        known = usd_exact(sum((row.bill for row in rows), UsageTotals()).cost_usd)
        requests = sum(row.bill.requests for row in rows)
        assert f"cost unknown for 1 of {requests} requests, {known} for the others" in text(
            screen, "#sums"
        )
        assert "unknown" in text(screen, "#cost-list")
        assert "???" in shown(screen.query_one(CostChart)).replace("?" * 4, "???")


async def test_where_nothing_was_asked_it_says_so() -> None:
    async with make_app(stage()).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert text(screen, "#none") == "No requests to a model yet."
        await pilot.press("down", "m", "enter", "f5", "pagedown")
        await settle(pilot)


async def test_a_history_that_cannot_be_read_is_said() -> None:
    class Broken(FakeBackstage):
        async def costs(self, by: CostsBy, session_id: str) -> list[CostRecord]:
            raise OSError("the disk [/b] is gone")

    async with make_app(Broken()).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "cannot be read: the disk [/b] is gone" in text(screen, "#none")


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (200, 60)])
async def test_many_turns_fit_and_the_chosen_one_is_in_the_chart(size: tuple[int, int]) -> None:
    async with make_app(stage(turns=some_costs(500))).run_test(size=size) as pilot:
        screen = await opened(pilot)
        chart, listed = screen.query_one(CostChart), screen.query_one("#cost-list", OptionList)
        assert chart.region.height >= 3
        assert listed.region.height >= 3
        for key in ("end", "home", "pagedown", "up"):
            await pilot.press(key)
            await settle(pilot)
            assert "━" in shown(chart)
        assert not re.search(r"\d…|\$…", shown(listed))


@given(value=st.none() | st.floats(0, 1e9), more=st.floats(0, 1e9), height=st.integers(1, 40))
def test_a_bar_is_as_high_as_its_share(value: float | None, more: float, height: int) -> None:
    highest = (value or 0) + more
    drawn = [bar(value, highest, height, row) for row in range(height)]
    assert all(len(cell) == 1 for cell in drawn)
    if value is None:
        assert drawn == [" "] * (height - 1) + ["?"]
        return
    eighths = sum(map(EIGHTHS.index, drawn))
    assert (eighths > 0) == (value > 0)
    share = value / highest if highest else 0
    assert abs(eighths - share * 8 * height) <= 1
    # From the ground up, without a gap.
    assert drawn == sorted(drawn, key=EIGHTHS.index)


@given(st.integers(1, 300), st.sampled_from(get_args(CostsBy)))
def test_the_table_is_as_wide_as_its_place(width: int, by: CostsBy) -> None:
    assert cell_len(headings(columns(width, by), "turn").plain) == width
    assert [c.title for c in columns(60, "turns").columns] == ["in", "cost", "flat warm"]


@pytest.mark.parametrize(("width", "least"), [(80, 20), (120, 30)])
@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-02T14:03:00Z", "14:03"),
        ("2026-03-01T23:59:00Z", "yesterday"),
        ("2026-02-27T09:00:00Z", "Fri 09:00"),
        ("2025-12-24T09:00:00Z", "2025-12-24"),
    ],
)
def test_a_session_is_known_by_its_title(width: int, least: int, at: str, day: str) -> None:
    title = "what is my balance, and how much data is left on it this month"
    row = CostRecord(key="id", label=title, at=at, bill=UsageTotals(requests=1))
    now = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
    told = line(columns(width - 5, "sessions"), row, "sessions", now).plain
    assert told.startswith(f"{day} ")
    assert title[:least] in told


@pytest.mark.parametrize(
    ("taken", "flat", "words"),
    [
        (1, 4, "75 % less"),
        (3, 2, "50 % more"),
        (2, 2, "the same"),
        (1, 0, "more"),
        (0, 0, "the same"),
        (9.999, 10, "< 1 % less"),
    ],
)
def test_routed_against_flat_in_words(taken: float, flat: float, words: str) -> None:
    assert difference(taken, flat) == words


def test_amounts_in_words() -> None:
    assert (usd_exact(0.0), usd_exact(4.5e-06), usd_exact(12.5)) == ("$0", "$0.0000045", "$12.5")
    assert spent(UsageTotals()) == "$0"
    assert spent(UsageTotals(requests=2, unpriced=2)) == "cost unknown"

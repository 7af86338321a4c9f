"""Which panes are seen at which size, and how the keyboard reaches them."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets._toast import Toast

from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, chat_of, make_app, say, settle, shown, until
from tui.playback.app import ReplayApp


def seen(pilot: Pilot[None]) -> set[str]:
    chat = chat_of(pilot)
    ids = ("banner", "transcript", "prompt", "inspector", "actions", "too-small")
    return {
        name
        for name in ids
        if chat.query_one(f"#{name}").region and chat.query_one(f"#{name}").is_on_screen
    }


def _shows(pilot: Pilot[None], panes: set[str]) -> bool:
    return seen(pilot) == panes


CHAT = {"banner", "transcript", "prompt"}
SIDE = {"inspector", "actions"}


@pytest.mark.parametrize(
    ("size", "panes"),
    [
        ((120, 40), CHAT | SIDE),
        ((160, 50), CHAT | SIDE),
        ((119, 40), CHAT),
        ((80, 24), CHAT),
        ((79, 24), CHAT),
        ((60, 20), CHAT),
        ((60, 19), CHAT - {"banner"}),
        ((60, 15), CHAT - {"banner"}),
        ((59, 24), {"too-small"}),
        ((120, 13), {"too-small"}),
        ((20, 5), {"too-small"}),
    ],
)
async def test_panes_by_size(size: tuple[int, int], panes: set[str]) -> None:
    async with make_app(FakeBackstage()).run_test(size=size) as pilot:
        await settle(pilot)
        assert seen(pilot) == panes


async def test_growing_and_shrinking_keeps_everything() -> None:
    stage = FakeBackstage(past={"s1": fake.recorded(5)})
    async with make_app(stage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: len(chat.presenter.record.turns) == 5)
        chat.prompt.put("a draft")
        for width, panes in (
            (80, CHAT),
            (60, CHAT),
            (40, {"too-small"}),
            (1, {"too-small"}),
            (80, CHAT),
            (120, CHAT | SIDE),
        ):
            await pilot.resize_terminal(width, 24)
            await until(pilot, partial(_shows, pilot, panes))
        assert chat.prompt.text == "a draft"
        await until(pilot, lambda: chat.prompt.has_focus)
        assert len(chat.transcript.blocks) == 20


async def test_medium_shows_the_asked_pane_beside_the_chat() -> None:
    async with make_app(FakeBackstage()).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: seen(pilot) == CHAT | {"inspector"})
        assert chat.inspector.has_focus
        await pilot.press("f4")
        await until(pilot, lambda: seen(pilot) == CHAT | {"actions"})
        assert chat.action_log.has_focus
        await pilot.press("f2")
        await until(pilot, lambda: seen(pilot) == CHAT)
        assert chat.prompt.has_focus
        await pilot.press("ctrl+t")
        await until(pilot, lambda: seen(pilot) == CHAT | {"inspector"})
        await pilot.press("ctrl+t")
        await until(pilot, lambda: seen(pilot) == CHAT)
        assert chat.prompt.has_focus


async def test_narrow_shows_one_pane_at_a_time() -> None:
    async with make_app(FakeBackstage()).run_test(size=(70, 24)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: seen(pilot) == {"banner", "inspector"})
        await pilot.press("escape")
        await until(pilot, lambda: seen(pilot) == CHAT)
        assert chat.prompt.has_focus


async def test_wide_hides_the_side_and_brings_it_back() -> None:
    async with make_app(FakeBackstage()).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: seen(pilot) == CHAT)
        assert chat_of(pilot).prompt.has_focus
        await pilot.press("f4")
        await until(pilot, lambda: seen(pilot) == CHAT | SIDE)


@pytest.mark.parametrize("size", [(60, 14), (60, 15), (60, 20), (80, 24), (120, 40)])
@pytest.mark.parametrize("arguments", [1, 20])
async def test_the_answers_to_a_question_are_seen_in_full(
    size: tuple[int, int], arguments: int
) -> None:
    given = {f"argument_{number}": number for number in range(arguments)}
    ask = fake.top_up(arguments=given)[-1]
    assert isinstance(ask, fake.Ask)
    request = dataclasses.replace(ask.request, before="Add $5.00 to the balance")
    stage = FakeBackstage([dataclasses.replace(ask, request=request)])
    async with make_app(stage).run_test(size=size) as pilot:
        await say(pilot, "top up 20")
        chat = chat_of(pilot)
        bar, answers = chat.approval, chat.approval.query_one("#choices")
        await until(pilot, lambda: bar.has_focus)
        assert shown(answers).rstrip().endswith("n  deny" if size[0] > 60 else "n deny")
        assert bar.content_region.contains_region(answers.region)
        assert chat.query_one("#chat").region.contains_region(chat.prompt.region)


async def test_a_notice_replaces_the_one_before_it_and_hides_nothing_of_importance() -> None:
    app = make_app(FakeBackstage(rows=fake.ROWS))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        for key, free in (("f5", "#prompt"), ("f5", "#side"), ("ctrl+o", "#filter")):
            await pilot.press(key)
            for notice in ("one", "two", "three"):
                pilot.app.notify(notice, timeout=60)
            await until(pilot, lambda: pilot.app.screen.query(Toast))
            await settle(pilot)
            (toast,) = pilot.app.screen.query(Toast)
            assert "three" in shown(toast)
            assert toast.region
            assert not toast.region.overlaps(pilot.app.screen.query_one(free).region)


async def test_a_runner_up_has_one_line_in_the_inspector() -> None:
    stage = FakeBackstage(past={"s1": fake.recorded(3)})
    async with make_app(stage, resume="s1").run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.presenter.record.turns)
        await pilot.press("f3")
        await until(pilot, lambda: chat.inspector.show_vertical_scrollbar)
        lines = shown(chat.inspector.query_one("Static")).split("\n")
        assert any(line.startswith("Payment ") and line.rstrip().endswith("4 %") for line in lines)


async def test_the_transport_of_a_recording_keeps_a_margin() -> None:
    app = ReplayApp(fake.recorded(1), low_bandwidth=True, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        transport, side = app.screen.query_one("#transport"), app.screen.query_one("#side")
        left = app.screen.query_one("#turns").region.right
        assert (transport.region.x, transport.region.right) == (left + 1, side.region.x - 1)
        await pilot.resize_terminal(120, 16)
        await until(pilot, lambda: transport.region.height == 1)
        assert "turn" in shown(transport)


async def test_tab_visits_every_pane() -> None:
    async with make_app(FakeBackstage()).run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        visited = []
        for _ in range(4):
            await pilot.press("tab")
            visited.append(chat.focused)
        assert visited == [chat.inspector, chat.action_log, chat.transcript, chat.prompt]


async def test_reading_back_is_not_disturbed_by_what_arrives() -> None:
    hold = fake.Hold()
    stage = FakeBackstage(
        [hold, *fake.small_talk("\n\n".join(["word"] * 40))], past={"s1": fake.recorded(8)}
    )
    async with make_app(stage, resume="s1").run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.transcript.max_scroll_y > 0)
        chat.dialogue.submit("go on")
        await hold.reached.wait()
        chat.transcript.focus()
        await pilot.press("pageup")
        await settle(pilot)
        place = chat.transcript.scroll_y
        assert place < chat.transcript.max_scroll_y
        hold.go.set()
        await until(pilot, lambda: chat.status.state == "ready")
        assert chat.transcript.scroll_y == place
        await pilot.press("end")
        await until(pilot, lambda: chat.transcript.scroll_y == chat.transcript.max_scroll_y)

"""Asking the person: what is shown, which key answers, and what must not."""

from __future__ import annotations

import pytest

from engine.ports import Answer
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, chat_of, make_app, say, shown, until
from tui.app import IntentBotApp
from tui.widgets.approval_bar import GRACE_S


def asking(**options: object) -> tuple[IntentBotApp, FakeBackstage, Clock]:
    backstage, clock = FakeBackstage(fake.top_up(**options)), Clock()  # type: ignore[arg-type]
    return make_app(backstage, clock), backstage, clock


async def test_shows_the_words_and_the_exact_arguments() -> None:
    app, _, _ = asking()
    async with app.run_test(size=(100, 30)) as pilot:
        await say(pilot, "top up 20")
        bar = chat_of(pilot).approval
        await until(pilot, lambda: bar.has_focus)
        asked = " ".join(shown(bar.query_one("#asked")).split())
        assert "Add $20.00 to the balance write tool top_up_balance amount 20.00" in asked
        assert "allow for this session" in shown(bar.query_one("#choices"))


async def test_keys_do_nothing_in_the_grace() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat_of(pilot).approval.has_focus)
        for _ in range(5):
            clock.seconds += GRACE_S * 0.9  # typing goes on: the grace with it
            await pilot.press("y", "enter", "n", "a")
        assert backstage.chat.answers == []
        clock.seconds += GRACE_S
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.answers)
        assert backstage.chat.answers == [Answer("approved", "person")]


@pytest.mark.parametrize(
    ("pressed", "answer"),
    [
        (("y",), Answer("approved", "person")),
        (("a",), Answer("approved", "person", for_session=True)),
        (("n",), Answer("denied", "person")),
        (("escape",), Answer("denied", "person")),
        (("enter",), Answer("denied", "person")),
        (("left", "enter"), Answer("approved", "person", for_session=True)),
        (("tab", "enter"), Answer("approved", "person")),
    ],
)
async def test_each_key_gives_its_answer(pressed: tuple[str, ...], answer: Answer) -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        clock.seconds += GRACE_S
        await pilot.press(*pressed)
        await until(pilot, lambda: backstage.chat.answers)
        assert backstage.chat.answers == [answer]
        await until(pilot, lambda: chat.prompt.has_focus)
        assert not chat.approval.display


async def test_destructive_is_never_allowed_for_the_session() -> None:
    app, backstage, clock = asking(effect="destructive", tool="cancel_contract")
    async with app.run_test() as pilot:
        await say(pilot, "cancel my contract")
        bar = chat_of(pilot).approval
        await until(pilot, lambda: bar.has_focus)
        assert "session" not in shown(bar.query_one("#choices"))
        clock.seconds += GRACE_S
        await pilot.press("a")
        assert backstage.chat.answers == []
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.answers)
        assert backstage.chat.answers == [Answer("denied", "person")]


async def test_a_read_that_policy_asks_about_is_marked_approve() -> None:
    app, backstage, clock = asking(effect="read")
    async with app.run_test() as pilot:
        await say(pilot, "look it up")
        await until(pilot, lambda: chat_of(pilot).approval.has_focus)
        clock.seconds += GRACE_S
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.answers)
        assert backstage.chat.answers == [Answer("approved", "person")]


async def test_the_draft_survives_the_question() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        await pilot.press("f2")
        assert chat.approval.has_focus
        chat.prompt.put("and then")
        clock.seconds += GRACE_S
        await pilot.press("n")
        await until(pilot, lambda: backstage.chat.answers)
        await until(pilot, lambda: chat.prompt.has_focus)
        assert chat.prompt.text == "and then"


async def test_cancelling_the_turn_takes_the_question_away() -> None:
    app, backstage, _ = asking()
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not chat.approval.display)
        await until(pilot, lambda: chat.status.state == "cancelled")
        assert backstage.chat.answers == []
        assert chat.prompt.has_focus


async def test_the_question_keeps_its_choices_in_sight_when_arguments_are_long() -> None:
    app, _, _ = asking(arguments={f"argument_{n}": "x" * 200 for n in range(40)})
    async with app.run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        choices = chat.approval.query_one("#choices")
        await until(pilot, lambda: "deny" in shown(choices))
        assert chat.region.contains_region(choices.region)
        assert chat.prompt.region.height >= 3

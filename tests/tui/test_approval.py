"""Asking the person: what is shown, which key answers, and what must not."""

from __future__ import annotations

import dataclasses

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from engine.ports import Answer
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import Clock, burst, chat_of, make_app, say, settle, shown, until
from tui.app import IntentBotApp
from tui.widgets.approval_bar import GRACE_S
from tui.widgets.arguments_editor import ArgumentsEditor
from tui.widgets.status_line import StatusLine
from tui.widgets.tool_card import ToolCard


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
        assert "always allow exactly this" in shown(bar.query_one("#choices"))


async def test_the_persons_time_is_not_the_turns() -> None:
    app, _, clock = asking()
    async with app.run_test(size=(120, 30)) as pilot:
        await say(pilot, "top up 20")
        bar = chat_of(pilot).approval
        await until(pilot, lambda: bar.has_focus)
        clock.seconds += 3600
        await pilot.press("y")
        await until(pilot, lambda: not bar.display)
        await settle(pilot)
        assert chat_of(pilot).query_one(StatusLine).render().plain.endswith(" 0 ms")


async def test_a_correction_shows_what_was_done_before() -> None:
    ask = fake.top_up()[-1]
    assert isinstance(ask, fake.Ask)
    request = dataclasses.replace(
        ask.request, before="Add $5.00 to the balance", would="Your balance is then [b]$30[/b]."
    )
    backstage = FakeBackstage([dataclasses.replace(ask, request=request)])
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        await say(pilot, "no, 20")
        bar = chat_of(pilot).approval
        await until(pilot, lambda: bar.has_focus)
        asked = " ".join(shown(bar.query_one("#asked")).split())
        assert asked.endswith("done before Add $5.00 to the balance")
        assert "result Your balance is then [b]$30[/b]." in " ".join(asked.split())


async def test_keys_do_nothing_in_the_grace() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat_of(pilot).approval.has_focus)
        for _ in range(5):
            clock.seconds += GRACE_S * 0.9  # typing goes on: the grace with it
            await pilot.press("y", "enter", "n", "a")
            # A key that was pressed elsewhere is not seen by the bar, only its action is.
            await app.run_action("approve", chat_of(pilot).approval)
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


async def test_a_key_on_its_way_to_the_prompt_answers_nothing() -> None:
    app, backstage, clock = asking(effect="read")  # enter would approve
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "look it up")
        await until(pilot, lambda: chat.approval.has_focus)
        clock.seconds += GRACE_S
        chat.prompt.put("and then")
        chat.prompt.post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: chat.dialogue.waiting == ["and then"])
        assert backstage.chat.answers == []


@pytest.mark.parametrize("effect", ["write", "destructive"])
async def test_what_asks_every_time_is_not_offered_for_the_session(effect: str) -> None:
    """A destructive call, or any change after the result of a stranger: the engine says so."""
    app, backstage, clock = asking(effect=effect, tool="cancel_contract", allowable=False)
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


@pytest.mark.parametrize("way", ["tab", "shift+tab", "escape", "f2"])
async def test_who_writes_when_asked_answers_only_after_going_there(way: str) -> None:
    app, backstage, clock = asking()
    async with app.run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        burst(pilot, *"top up 20", "enter", *"a")
        choices = chat.approval.query_one("#choices")
        await until(pilot, lambda: "tab  to answer" in shown(choices))
        clock.seconds += 10
        await pilot.press(*"nd yes", "enter")
        await until(pilot, lambda: chat.dialogue.waiting == ["and yes"])
        await pilot.press(*"any")
        assert chat.prompt.text == "any"
        assert backstage.chat.answers == []
        await pilot.press(way)
        await until(pilot, lambda: chat.approval.has_focus)
        await until(pilot, lambda: "to answer" not in shown(choices))
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.answers == [Answer("approved", "person")])
        await until(pilot, lambda: chat.prompt.has_focus)
        assert chat.prompt.text == "any"


async def test_who_looks_for_words_when_asked_goes_on_typing() -> None:
    hold = Hold()
    backstage = FakeBackstage([hold, *fake.top_up()])
    async with make_app(backstage).run_test(size=(60, 20)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await hold.reached.wait()
        await pilot.press("ctrl+f", "b")
        hold.go.set()
        await until(pilot, lambda: "tab  to answer" in shown(chat.approval.query_one("#choices")))
        await pilot.press("y")
        assert chat.find.query_one(Input).value == "by"
        assert backstage.chat.answers == []


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


async def editing(pilot: Pilot[None], clock: Clock) -> ArgumentsEditor:
    """Ask, and open the editor."""
    bar = chat_of(pilot).approval
    await say(pilot, "top up 20")
    await until(pilot, lambda: bar.has_focus)
    clock.seconds += GRACE_S
    await pilot.press("e")
    editor = bar.query_one(ArgumentsEditor)
    await until(pilot, lambda: editor.has_focus)
    return editor


async def accept(pilot: Pilot[None], clock: Clock) -> str:
    """Take what is in the editor, which asks again, and approve; returns what was asked."""
    bar = chat_of(pilot).approval
    await pilot.press("enter")
    await until(pilot, lambda: bar.has_focus)
    asked = shown(bar.query_one("#asked"))
    clock.seconds += GRACE_S
    await pilot.press("y")
    await until(pilot, lambda: not bar.display)
    return asked


async def test_edited_arguments_are_what_is_approved() -> None:
    app, backstage, clock = asking(arguments={"amount": 20.5, "note": "für Zoë"})
    async with app.run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        editor = await editing(pilot, clock)
        await pilot.press("backspace", "backspace", "backspace", "backspace", "3", "0")
        asked = await accept(pilot, clock)
        assert 'top_up_balance(amount=30, note="für Zoë"), edited by you' in asked
        changed = {"amount": 30, "note": "für Zoë"}
        assert backstage.chat.answers == [Answer("approved", "person", arguments=changed)]
        await until(pilot, lambda: chat.prompt.has_focus)
        assert not editor.display
        await until(pilot, lambda: chat.status.state == "ready")
        card = shown(chat.query_one(ToolCard))
        assert "edited by you" in card
        assert "amount=30" in card
        assert "$20.00" not in card  # the words were of what the model proposed
        assert chat.presenter.record.actions[0].proposed == {"amount": 20.5, "note": "für Zoë"}


async def test_types_are_told_apart() -> None:
    app, backstage, clock = asking(arguments={"amount": 1})
    async with app.run_test() as pilot:
        (await editing(pilot, clock)).load_text('{"amount": true}')
        await accept(pilot, clock)
        (answer,) = backstage.chat.answers
        assert answer.arguments is not None
        assert answer.arguments["amount"] is True


async def test_accepting_what_was_proposed_is_a_plain_yes() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        await editing(pilot, clock)
        assert "Add $20.00 to the balance" in await accept(pilot, clock)
        assert backstage.chat.answers == [Answer("approved", "person")]


async def test_leaving_the_editor_goes_back_to_the_question() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        bar = chat_of(pilot).approval
        await editing(pilot, clock)
        await pilot.press("7", "escape")
        await until(pilot, lambda: bar.has_focus)
        await pilot.press("y")  # typed in the grace, which begins anew
        assert backstage.chat.answers == []
        clock.seconds += GRACE_S
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.answers)
        assert backstage.chat.answers == [Answer("approved", "person")]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"amount": 1\n"b": 2}', "it is not valid JSON, see line 2"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[20]", 'arguments are written {"name": value}'),
        ('{"amount": NaN}', "JSON has no NaN"),
        ('{"a": "\\ud800"}', "JSON has no NaN, no Infinity and no half characters"),
    ],
)
async def test_what_is_no_json_object_is_said_and_nothing_happens(written: str, told: str) -> None:
    app, backstage, clock = asking()
    async with app.run_test(size=(80, 24)) as pilot:
        bar = chat_of(pilot).approval
        editor = await editing(pilot, clock)
        editor.load_text(written)
        await settle(pilot)
        await pilot.press("enter")
        words = f"This cannot be used: {told}"
        await until(pilot, lambda: words in " ".join(shown(bar.query_one("#choices")).split()))
        assert backstage.chat.answers == []
        assert editor.has_focus
        editor.load_text('{"amount": 5}')
        await until(pilot, lambda: "cannot be used" not in shown(bar.query_one("#choices")))
        await accept(pilot, clock)
        assert backstage.chat.answers[0].arguments == {"amount": 5}


@pytest.mark.parametrize("effect", ["read", "write", "destructive"])
async def test_an_edited_call_is_asked_about_again(effect: str) -> None:
    """In one burst, so that the edit is done when enter takes it; and it may not be allowed."""
    app, backstage, clock = asking(effect=effect, arguments={"amount": 20, "note": "x"})
    async with app.run_test(size=(100, 30)) as pilot:
        bar = chat_of(pilot).approval
        await editing(pilot, clock)
        burst(pilot, "backspace", "backspace", *"35", "backspace", "enter", "enter")
        await until(pilot, lambda: bar.has_focus)
        await settle(pilot)
        assert backstage.chat.answers == []
        assert 'amount=3, note="x"), edited by you' in shown(bar.query_one("#asked"))
        assert "session" not in shown(bar.query_one("#choices"))
        assert "approve once" in shown(bar.query_one("#choices")), "all of it is in view"
        clock.seconds += GRACE_S
        await pilot.press("a", "y")
        await until(pilot, lambda: backstage.chat.answers)
        edited = {"amount": 3, "note": "x"}
        assert backstage.chat.answers == [Answer("approved", "person", arguments=edited)]


async def test_cancelling_takes_the_editor_away_too() -> None:
    app, backstage, clock = asking()
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        editor = await editing(pilot, clock)
        await pilot.press("f2")
        await settle(pilot)
        assert editor.has_focus
        await pilot.press("ctrl+c")
        await until(pilot, lambda: chat.status.state == "cancelled")
        assert not editor.display
        await until(pilot, lambda: chat.prompt.has_focus)
        assert backstage.chat.answers == []


async def test_the_editor_shows_nothing_that_acts_on_the_terminal() -> None:
    app, backstage, clock = asking(arguments={"note": "a\x9b31mb\u202e"})
    async with app.run_test() as pilot:
        editor = await editing(pilot, clock)
        assert editor.text == '{\n  "note": "a\\u009b31mb\\u202e"\n}'
        await accept(pilot, clock)
        assert backstage.chat.answers == [Answer("approved", "person")]

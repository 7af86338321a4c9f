"""A turn on the screen: what is said, routed, called, answered; cancelled, failed, queued."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine import events
from engine.ports import Approver
from tests.tui import fake
from tests.tui.fake import FakeBackstage, FakeChat, Hold
from tests.tui.states import Clock, chat_of, make_app, say, settle, shown, until
from tui.chat.transcript import FailureBlock, NoteBlock, ReplyBlock
from tui.widgets.assistant_message import AssistantMessage
from tui.widgets.error_card import ErrorCard
from tui.widgets.intent_chip import IntentChip
from tui.widgets.queue_bar import QueueBar
from tui.widgets.streaming_message import StreamingMessage
from tui.widgets.tool_card import ToolCard
from tui.widgets.user_message import UserMessage


def answered(reply: str = "You have $12.40.") -> list[fake.Step]:
    return [
        fake.classified(),
        fake.usage("classify"),
        *fake.read_call(),
        fake.usage(),
        *fake.words(reply),
        events.TurnFinished(status="completed", reply=reply),
    ]


async def test_a_turn_is_shown_from_message_to_reply() -> None:
    backstage = FakeBackstage(answered())
    async with make_app(backstage).run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        assert chat.welcome.display
        await say(pilot, "How much money do I have?")
        await until(pilot, lambda: chat.status.state == "ready")
        assert not chat.welcome.display
        assert "How much money do I have?" in shown(chat.query_one(UserMessage))
        chip = shown(chat.query_one(IntentChip))
        assert "Balance" in chip
        assert "confidence 93 %" in chip
        assert "2 of 14 tools" in chip
        assert "succeeded" in shown(chat.query_one(ToolCard))
        assert "You have $12.40." in shown(chat.query_one(AssistantMessage))
        assert not chat.query(StreamingMessage)
        assert "1,225 tokens" in shown(chat.status)
        assert "$0.0012" in shown(chat.status)
        await until(pilot, lambda: chat.action_log.option_count == 1)


async def test_unknown_cost_is_not_zero() -> None:
    steps = [fake.classified(), fake.usage(cost=None), *fake.small_talk()[2:]]
    async with make_app(FakeBackstage(steps)).run_test(size=(120, 40)) as pilot:
        await say(pilot, "hi")
        await until(pilot, lambda: chat_of(pilot).status.state == "ready")
        assert "cost unknown" in shown(chat_of(pilot).status)


async def test_inspector_explains_the_route() -> None:
    async with make_app(FakeBackstage(answered())).run_test(size=(120, 50)) as pilot:
        await say(pilot, "How much?")
        await until(pilot, lambda: chat_of(pilot).status.state == "ready")
        panel = shown(chat_of(pilot).inspector.query_one("Static"))
        for expected in (
            "Balance",
            "confidence 93 %",
            "routed by the chat model in 340 ms",
            "Payment",
            "2 of 14 tools",
            "get_balance, top_up_balance",
            "in 731 · cached 256 · out 64",
            "1.5 s · $0.0011",
            "all tools 4,812 in 76 % less",
            "cold cache $0.0039 69 % less",
            "warm cache $0.0010 20 % more",
        ):
            assert expected in " ".join(panel.split())


async def test_reply_streams_and_then_freezes() -> None:
    hold = Hold()
    steps: list[fake.Step] = [
        fake.classified(),
        *fake.words("Hello **there**"),
        hold,
        events.TextDelta(text="!"),
    ]
    done = events.TurnFinished(status="completed", reply="Hello **there**!")
    async with make_app(FakeBackstage([*steps, done])).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        await until(pilot, lambda: chat.query(StreamingMessage))
        assert chat.status.state == "answering"
        hold.go.set()
        await until(pilot, lambda: chat.query(AssistantMessage))
        assert not chat.query(StreamingMessage)
        assert "Hello there!" in shown(chat.query_one(AssistantMessage))
        assert chat.transcript.last_reply() == "Hello **there**!"


@pytest.mark.parametrize("key", ["ctrl+c", "escape"])
async def test_cancel_keeps_what_was_said(key: str) -> None:
    hold = Hold()
    steps: list[fake.Step] = [fake.classified(), *fake.words("Half a sentence"), hold]
    async with make_app(FakeBackstage(steps)).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        await pilot.press(key)
        await until(pilot, lambda: chat.status.state == "cancelled")
        reply = shown(chat.query_one(AssistantMessage))
        assert "Half a sentence" in reply
        assert "cancelled" in reply


async def test_a_message_sent_meanwhile_waits_its_turn() -> None:
    hold = Hold()
    backstage = FakeBackstage([hold, *fake.small_talk("One.")], fake.small_talk("Two."))
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "first")
        await hold.reached.wait()
        await say(pilot, "second")
        assert backstage.chat.heard == ["first"]
        assert "Queued (1):" in shown(chat.query_one(QueueBar))
        hold.go.set()
        await until(pilot, lambda: len(chat.presenter.record.turns) == 2)
        await until(pilot, lambda: chat.status.state == "ready")
        assert backstage.chat.heard == ["first", "second"]
        assert not chat.query_one(QueueBar).display


async def test_after_a_cancel_what_waited_goes_back_to_the_prompt() -> None:
    hold = Hold()
    backstage = FakeBackstage([hold])
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "first")
        await hold.reached.wait()
        await say(pilot, "second")
        await pilot.press("escape")
        await until(pilot, lambda: not chat.dialogue.running)
        await settle(pilot)
        assert backstage.chat.heard == ["first"]
        assert chat.prompt.text == "second"
        assert not chat.query_one(QueueBar).display


async def test_a_failed_turn_says_what_to_do_and_loses_nothing() -> None:
    failure = events.TurnFailed(error="network", message="no route to host", retryable=True)
    backstage = FakeBackstage([failure], fake.small_talk("Back again."))
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "are you there?")
        await until(pilot, lambda: chat.query(ErrorCard))
        card = shown(chat.query_one(ErrorCard))
        assert "The server gave no usable answer" in card
        assert "no route to host" in card
        assert "f5 tries again" in card
        assert chat.status.state == "failed"
        await pilot.press("up")
        assert chat.prompt.text == "are you there?"
        await pilot.press("f5")
        await until(pilot, lambda: chat.status.state == "ready")
        assert backstage.chat.heard == ["are you there?", "are you there?"]


async def test_an_exception_in_a_turn_does_not_end_the_app() -> None:
    backstage = FakeBackstage(
        [fake.classified(), *fake.words("Half"), RuntimeError("boom [/x]")],
        fake.small_talk("Still here."),
    )
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "break")
        await until(pilot, lambda: chat.query(ErrorCard))
        assert "boom [/x]" in shown(chat.query_one(ErrorCard))
        await say(pilot, "go on")
        await until(pilot, lambda: chat.transcript.last_reply() == "Still here.")


@pytest.mark.parametrize("raised", [True, False])
async def test_a_turn_that_fails_before_its_first_event_keeps_the_message(raised: bool) -> None:
    class Mute(fake.FakeChat):
        async def _play(self, text: str, steps: object) -> AsyncIterator[events.Event]:
            if raised:
                raise OSError("disk full")
            yield events.TurnFailed(error="storage", message="disk full")

    class MuteBackstage(FakeBackstage):
        async def open(self, session_id: object, approver: object) -> Mute:
            return Mute("s", [], approver)  # type: ignore[arg-type]

    async with make_app(MuteBackstage()).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hello")
        await until(pilot, lambda: chat.query(ErrorCard))
        assert "hello" in shown(chat.query_one(UserMessage))
        assert "disk full" in shown(chat.query_one(ErrorCard))


async def test_a_turn_without_an_end_is_a_failure() -> None:
    async with make_app(FakeBackstage([fake.classified()])).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hello")
        await until(pilot, lambda: not chat.dialogue.running)
        assert isinstance(chat.presenter.record.blocks[-1], FailureBlock)


async def test_a_retry_counts_down() -> None:
    hold, clock = Hold(), Clock()
    retry = events.RetryScheduled(stage="act", attempt=1, delay_s=8, reason="rate limit")
    backstage = FakeBackstage([retry, hold, *fake.small_talk()])
    async with make_app(backstage, clock).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "hi")
        await hold.reached.wait()
        await until(pilot, lambda: "rate limit, again in 8 s" in shown(chat.status))
        clock.seconds += 5
        chat.status.refresh()
        await until(pilot, lambda: "rate limit, again in 3 s" in shown(chat.status))


async def test_a_question_shows_what_is_missing() -> None:
    ask = events.TurnFinished(status="needs_input", reply="Which one?", pending=("invoice_id",))
    async with make_app(FakeBackstage([fake.classified(), ask])).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up")
        await until(pilot, lambda: chat.status.state == "waiting for your answer: invoice id")
        await until(pilot, lambda: chat.prompt.placeholder == "Your answer: invoice id")
        assert isinstance(chat.presenter.record.blocks[-1], ReplyBlock)


async def test_selecting_an_earlier_block_inspects_its_turn() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(3)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.inspector.border_subtitle == "turn 3")
        await pilot.press("escape", "up", *"kkkk")
        await until(pilot, lambda: chat.inspector.border_subtitle == "turn 2")
        await pilot.press("G")
        await until(pilot, lambda: chat.inspector.border_subtitle == "turn 3")


async def test_a_card_opens_and_closes() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(1)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        card = chat.query_one(ToolCard)
        assert '"balance": "12.40"' not in shown(card)
        await pilot.press("escape", "up", "k", "space")
        await until(pilot, lambda: '"balance": "12.40"' in shown(card))
        await pilot.press("enter")
        await until(pilot, lambda: '"balance": "12.40"' not in shown(card))


async def test_log_details_open_and_close() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(1)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.action_log.option_count == 1)
        assert "get_balance" in shown(chat.action_log)
        await pilot.press("f4", "down", "enter")
        await until(pilot, lambda: '"balance": "12.40"' in shown(chat.action_log))
        await pilot.press("enter")
        await until(pilot, lambda: '"balance": "12.40"' not in shown(chat.action_log))


async def test_notices_are_told_at_start() -> None:
    backstage = FakeBackstage(notices=("pay_invoice was left unknown by a crash",))
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.transcript.blocks)
        note = chat.transcript.blocks[0]
        assert isinstance(note, NoteBlock)
        assert "unknown" in note.text


async def test_a_digit_answers_which_intent_is_meant() -> None:
    hold = Hold()
    steps = [fake.clarify("balance", "data", "roaming", "payment"), [hold, *fake.small_talk()]]
    backstage = FakeBackstage(*steps)
    async with make_app(backstage).run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "how much")
        await until(pilot, lambda: chat.choices.display)
        assert shown(chat.choices).split() == ["1", "Balance", "2", "Data", "3", "Roaming"]
        await pilot.press("2")
        await hold.reached.wait()
        assert backstage.chat.heard == ["how much", "Data"]
        assert chat.prompt.text == ""
        assert not chat.choices.display
        await pilot.press("1")  # the question is gone: just a digit
        assert chat.prompt.text == "1"
        hold.go.set()
        await until(pilot, lambda: chat.status.state == "ready")
        assert not chat.choices.display


async def test_a_digit_is_text_where_no_choice_has_it_or_something_is_written() -> None:
    backstage = FakeBackstage(fake.clarify("balance", "data"))
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await pilot.press("1")
        assert chat.prompt.text == "1"
        await say(pilot, "how much")
        await until(pilot, lambda: chat.choices.display)
        await pilot.press("3", "1")
        assert chat.prompt.text == "31"
        await say(pilot, "my bill")
        await until(pilot, lambda: len(backstage.chat.heard) == 2)
        assert backstage.chat.heard == ["how much", "my bill"]
        await until(pilot, lambda: not chat.choices.display)


async def test_one_key_chooses_once() -> None:
    backstage = FakeBackstage(fake.clarify("balance", "data"))
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "how much")
        await until(pilot, lambda: chat.choices.display)
        chat.prompt.action_choose(1)
        chat.prompt.action_choose(1)
        await until(pilot, lambda: chat.status.state == "ready")
        assert backstage.chat.heard == ["how much", "Balance"]


async def test_a_resumed_session_asks_again_which_intent_is_meant() -> None:
    asked = [event for event in fake.clarify("balance", "data") if isinstance(event, events.Event)]
    past = [events.TurnStarted(session_id="s1", text="how much"), *asked]
    backstage = FakeBackstage(past={"s1": past})
    async with make_app(backstage, resume="s1").run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.choices.display)
        await pilot.press("1")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == ["Balance"]


async def test_it_thinks_from_the_route_until_the_first_word() -> None:
    routed, begun = Hold(), Hold()
    task = events.TaskStarted(intent="balance", text="how much", tools_offered=("get_balance",))
    steps = [fake.classified(), routed, *fake.words("Hm."), task, begun, *fake.small_talk()[1:]]
    async with make_app(FakeBackstage(steps)).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "how much")
        await routed.reached.wait()
        await until(pilot, lambda: chat.status.state == "thinking")
        routed.go.set()
        await begun.reached.wait()
        await until(pilot, lambda: chat.status.state == "thinking")
        begun.go.set()
        await until(pilot, lambda: chat.status.state == "ready")


async def test_cancelling_is_said_until_the_turn_has_ended() -> None:
    class Slow(FakeChat):
        """Finishes what it began before it stops."""

        def cancel(self) -> None:
            finish.set()

    class SlowBackstage(FakeBackstage):
        async def open(self, session_id: str | None, approver: Approver) -> FakeChat:
            self.chats.append(Slow("s", self.scripts, approver))
            return self.chat

    finish, last = asyncio.Event(), Hold()
    write, retry = Hold(), events.RetryScheduled(stage="act", attempt=1, delay_s=2, reason="busy")
    write.go = finish
    ended = events.TurnFinished(status="cancelled")
    *_, proposed, ask = fake.top_up()
    assert isinstance(ask, fake.Ask)
    started, done, *_ = ask.approved
    steps: list[fake.Step] = [fake.classified(), proposed, started, write, done, retry, last, ended]
    backstage = SlowBackstage(steps, fake.small_talk())
    async with make_app(backstage).run_test(size=(60, 20)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up")
        await write.reached.wait()
        await pilot.press("ctrl+c")
        await last.reached.wait()
        await settle(pilot)
        assert chat.presenter.record.actions[0].state == "succeeded"
        told = "cancelling: waits for top_up_balance, 30 s at most"
        assert told in shown(chat.status)
        last.go.set()
        await until(pilot, lambda: chat.status.state == "cancelled")
        await say(pilot, "hello")
        await until(pilot, lambda: chat.status.state == "ready")

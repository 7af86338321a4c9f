"""Running a set: the real turn, one model request a row at most twice, and nothing executed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from engine import pricing
from engine.builder import Engine
from engine.chat_model import ModelError, Usage
from engine.conversation import Conversation
from engine.evaluation import runner as runners
from engine.evaluation.dataset import DatasetMessage, Row
from engine.evaluation.result import RowResult, from_dict, to_dict
from engine.evaluation.row_runner import CannotRun, RowRunner, dry_run
from engine.evaluation.runner import FAILURES, Result, Runner
from engine.events import PendingCall, RetryScheduled
from engine.flat_prompt import flat_request
from engine.intents.routing import Router, Routing, Task
from tests.engine.desk import Desk
from tests.engine.stubs import USAGE, StubModel, StubRouter, calls, says, task


def engine(router: Router, model: StubModel, desk: Desk | None = None) -> Engine:
    catalogue = dry_run((desk or Desk()).catalogue())
    return Engine(catalogue, router, model, pricing.free, "stub", offline=False)


async def outcome_of(
    row: Row, model: StubModel, *routings: Routing, begun: RowResult | None = None
) -> tuple[RowResult, list[RowResult]]:
    kept: list[RowResult] = []

    async def keep(outcome: RowResult) -> None:
        kept.append(from_dict(to_dict(outcome)))

    desk = Desk()
    trial = RowRunner(engine(StubRouter(*routings), model, desk))
    found = await trial.run(row, keep, begun)
    model.assert_complete()
    assert desk.ran == []
    return found, kept


@pytest.mark.parametrize("tool", ["get_balance", "top_up", "close_account"])
async def test_a_call_is_proposed_and_never_run_nor_talked_about(tool: str) -> None:
    arguments = {"amount": 20} if tool == "top_up" else {}
    row = Row("do it with 20", ("balance",), tool=tool)
    found, _ = await outcome_of(row, StubModel(calls((tool, arguments))), task("balance"))
    assert found.state == "done"
    assert found.acted is not None
    assert [(call.tool, call.arguments) for call in found.acted.calls] == [(tool, arguments)]
    assert found.given is None
    assert found.spent.requests == 1


async def test_a_call_that_does_not_fit_is_judged_as_it_stands() -> None:
    row = Row("do it", ("balance",), tool="top_up")
    found, _ = await outcome_of(row, StubModel(calls(("top_up", {"amount": -1}))), task("balance"))
    assert found.acted is not None
    assert found.acted.calls[0].problems


async def test_a_row_without_a_tool_is_only_routed() -> None:
    routing = replace(task("balance"), usage=Usage("small", 50, 10, 5, 120))
    found, kept = await outcome_of(Row("hello", ("balance",)), StubModel(), routing)
    assert (found.intents, found.acted) == (("balance",), None)
    spent = found.spent
    assert (spent.requests, spent.input_tokens, spent.cached_tokens, spent.output_tokens) == (
        1,
        50,
        10,
        5,
    )
    assert spent.seconds == 0.12
    assert [one.state for one in kept] == ["begun"], "kept as soon as it was paid for"


async def test_the_flat_prompt_of_a_request_that_acted_is_reckoned_as_in_the_chat() -> None:
    row = Row("top up 20", ("balance",), tool="top_up")
    routing = replace(task("balance"), usage=Usage("small", 50))
    model = StubModel(calls(("top_up", {"amount": 20})))
    found, kept = await outcome_of(row, model, routing)
    flat = flat_request(model.requests[0], USAGE, Desk().catalogue().tools)
    assert kept[0].spent.flat_input_tokens == 0
    assert found.spent.flat_input_tokens == flat.input_tokens > USAGE.input_tokens
    only, _ = await outcome_of(replace(row, tool=None), StubModel(), routing)
    assert only.spent.flat_input_tokens > 0


async def test_a_question_is_told_with_what_it_asks_for() -> None:
    row = Row("top up", ("balance",), tool="top_up", missing=("amount",))
    awaiting = PendingCall(intent="balance", tool="top_up", arguments={}, missing=("amount",))
    found, _ = await outcome_of(row, StubModel(says("How much?", awaiting)), task("balance"))
    assert found.acted is not None
    assert (found.acted.asked, found.acted.tool, found.acted.missing) == (
        True,
        "top_up",
        ("amount",),
    )


async def test_a_row_that_went_elsewhere_is_acted_on_again_with_the_right_intent() -> None:
    row = Row("top up 20", ("balance",), tool="top_up")
    model = StubModel(calls(("get_plan", {})), calls(("top_up", {"amount": 20})))
    found, _ = await outcome_of(row, model, task("contract"))
    assert (found.route, found.intents) == ("task", ("contract",))
    assert found.acted is not None
    assert found.given is not None
    assert (found.acted.calls[0].tool, found.given.calls[0].tool) == ("get_plan", "top_up")
    offered = [tool.name for tool in model.requests[1].tools]
    assert "top_up" in offered
    assert "get_plan" not in offered


async def test_what_was_paid_for_is_not_asked_again() -> None:
    row = Row("top up 20", ("balance",), tool="top_up")
    routing = replace(task("contract"), usage=Usage("small", 50))
    model = StubModel(calls(("get_plan", {})), calls(("top_up", {"amount": 20})))
    whole, kept = await outcome_of(row, model, routing)
    assert [one.state for one in kept] == ["begun", "begun"]
    answers = [calls(("get_plan", {})), calls(("top_up", {"amount": 20}))]
    left = (answers, answers[1:])
    for begun, replies in zip(kept, left, strict=True):
        again, _ = await outcome_of(row, StubModel(*replies), begun=begun)
        assert replace(again, spent=whole.spent) == whole
        assert again.spent.requests == whole.spent.requests == 3
        assert again.spent.input_tokens == whole.spent.input_tokens


async def test_a_lost_connection_is_tried_again_and_a_refusal_is_the_answer() -> None:
    row = Row("top up 20", ("balance",), tool="top_up")
    lost = StubModel(ModelError("network", "away", retryable=True))
    found, _ = await outcome_of(row, lost, task("balance"))
    assert (found.state, found.error, found.intents) == ("failed", "network", ("balance",))
    again, _ = await outcome_of(row, StubModel(calls(("top_up", {"amount": 20}))), begun=found)
    assert (again.state, again.error) == ("done", "")
    refused = StubModel(ModelError("content_filter", "filtered"))
    found, _ = await outcome_of(row, refused, task("balance"))
    assert (found.state, found.error) == ("done", "content_filter")
    with pytest.raises(CannotRun, match="no such key"):
        await outcome_of(row, StubModel(ModelError("auth", "no such key")), task("balance"))


async def test_a_conversation_is_told_and_only_its_last_message_judged() -> None:
    heard: list[tuple[list[str], PendingCall | None]] = []

    class Hearing:
        async def route(
            self, text: str, conversation: Conversation
        ) -> AsyncIterator[RetryScheduled | Routing]:
            said = [message.content for message in conversation.messages]
            heard.append((said, conversation.awaiting))
            yield task("contract" if "plan" in text else "balance", text=text)

    asked = DatasetMessage(
        role="assistant", content="How much?", tool="top_up", missing=("amount",)
    )
    row = Row(
        "never mind, show me the balance",
        ("balance",),
        before=(
            DatasetMessage(content="my plan?"),
            DatasetMessage(content="top up", intent="balance"),
            asked,
        ),
    )

    async def keep(_: RowResult) -> None: ...

    found = await RowRunner(engine(Hearing(), StubModel())).run(row, keep)
    assert found.intents == ("balance",)
    assert len(heard) == 2, "a message of which the set tells the intent is not routed"
    said, awaiting = heard[1]
    assert said == ["my plan?", "top up", "How much?", "never mind, show me the balance"]
    assert awaiting is not None
    assert (awaiting.intent, awaiting.missing) == ("balance", ("amount",))


@dataclass
class Slow:
    """A router that answers when it is let, and counts who waits."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    most: int = 0
    asked: list[str] = field(default_factory=list)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        self.asked.append(text)
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        if self.waiting == 3:
            self.full.set()
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        yield Routing("task", "llm", (Task("balance", text),), 0.9, usage=Usage("small", 10))


@dataclass
class Kept:
    results: list[Result] = field(default_factory=list)

    def __call__(self, results: Sequence[Result]) -> None:
        self.results += results


def rows(count: int) -> dict[int, Row]:
    return {number: Row(f"message {number}", ("balance",)) for number in range(count)}


async def test_rows_run_side_by_side_up_to_the_limit_and_all_are_kept() -> None:
    router, kept = Slow(), Kept()
    runner = Runner(RowRunner(engine(router, StubModel())), rows(20), kept, parallel=3)
    running = asyncio.create_task(runner.run())
    await router.full.wait()
    router.gate.set()
    end = await running
    assert (end.reason, router.most) == ("finished", 3)
    done = [number for number, _, outcome in kept.results if outcome.state == "done"]
    assert sorted(done) == list(range(20))
    assert sorted(router.asked) == sorted(row.text for row in rows(20).values())


async def test_stopping_keeps_what_is_done_and_going_on_asks_only_for_the_rest() -> None:
    router, kept = Slow(), Kept()
    router.gate.set()
    runner = Runner(RowRunner(engine(router, StubModel())), rows(20), kept, parallel=2)

    def after_seven(row: Row, outcome: RowResult) -> None:
        if sum(found.state == "done" for found in runner.outcomes.values()) >= 7:
            router.gate.clear()
            asyncio.get_running_loop().call_soon(runner.stop)

    runner.on_done = after_seven
    assert (await runner.run()).reason == "interrupted"
    done = {number: outcome for number, _, outcome in kept.results if outcome.state == "done"}
    assert 7 <= len(done) < 20
    before = [row.text for number, row in rows(20).items() if number in done]
    again = Slow()
    again.gate.set()
    second = Runner(RowRunner(engine(again, StubModel())), rows(20), Kept(), 2, outcomes=dict(done))
    assert (await second.run()).reason == "finished"
    assert not set(before) & set(again.asked)
    assert len(second.outcomes) == 20


@pytest.mark.parametrize("patient", [True, False])
async def test_who_stops_a_run_gets_what_is_on_its_way_unless_asking_twice(patient: bool) -> None:
    router, kept = Slow(), Kept()
    runner = Runner(RowRunner(engine(router, StubModel())), rows(20), kept, parallel=3)
    running = asyncio.create_task(runner.run())
    await router.full.wait()
    assert runner.stop(), "three answers are paid for"
    if patient:
        router.gate.set()
    else:
        assert not runner.stop()
    assert (await running).reason == "interrupted"
    done = [number for number, _, outcome in kept.results if outcome.state == "done"]
    assert (sorted(done), len(router.asked)) == ([0, 1, 2] if patient else [], 3)


async def test_what_is_on_its_way_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runners, "GRACE_S", 0.01)
    router = Slow()
    runner = Runner(RowRunner(engine(router, StubModel())), rows(20), Kept(), parallel=3)
    running = asyncio.create_task(runner.run())
    await router.full.wait()
    runner.stop()
    assert (await asyncio.wait_for(running, 5)).reason == "interrupted"


class Lost:
    """A router whose server is away, for ever or every other time."""

    def __init__(self, *, always: bool) -> None:
        self.asked = 0
        self._always = always

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        self.asked += 1
        if self._always or self.asked % 2:
            raise ModelError("network", "no connection", retryable=True)
        yield task("balance")


async def test_a_server_that_is_away_ends_the_run() -> None:
    router, kept = Lost(always=True), Kept()
    runner = Runner(RowRunner(engine(router, StubModel())), rows(50), kept, parallel=1)
    end = await runner.run()
    assert (end.reason, end.message) == ("network", "no connection")
    assert router.asked == FAILURES


async def test_a_server_that_stumbles_does_not() -> None:
    runner = Runner(
        RowRunner(engine(Lost(always=False), StubModel())), rows(20), Kept(), parallel=1
    )
    assert (await runner.run()).reason == "finished"
    states = [outcome.state for outcome in runner.outcomes.values()]
    assert (states.count("failed"), states.count("done")) == (10, 10)


async def test_a_refused_key_ends_the_run_at_once() -> None:
    class Refused:
        async def route(
            self, text: str, conversation: Conversation
        ) -> AsyncIterator[RetryScheduled | Routing]:
            raise ModelError("auth", "the key was refused")
            yield task("balance")

    runner = Runner(RowRunner(engine(Refused(), StubModel())), rows(50), Kept(), parallel=4)
    end = await runner.run()
    assert (end.reason, end.code) == ("cannot_run", "auth")
    assert not runner.outcomes


async def test_a_database_that_fails_ends_the_run_and_says_so() -> None:
    def keep(_: Sequence[Result]) -> None:
        raise OSError("disk full")

    router = Slow()
    router.gate.set()
    with pytest.raises(OSError, match="disk full"):
        await Runner(RowRunner(engine(router, StubModel())), rows(9), keep, parallel=2).run()


def test_a_dry_catalogue_offers_the_same_and_runs_nothing() -> None:
    desk = Desk()
    wet, parched = desk.catalogue(), dry_run(desk.catalogue())
    assert [tool.name for tool in parched.tools] == [tool.name for tool in wet.tools]
    for tool in parched.tools:
        with pytest.raises(RuntimeError, match="executes nothing"):
            asyncio.run(tool.run(None, {}))  # type: ignore[arg-type]
    assert desk.ran == []

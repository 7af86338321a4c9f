"""What a server asks in the middle of a call: put to the person, or refused in words."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.events import Event, InputRequested, InputResolved, ToolProgress
from engine.limits import Budget, Limits
from engine.ports import Answer, ApproveAll, Approver, InputAnswer
from engine.testing import StubApprover
from engine.tools.live_call import LiveCall
from engine.tools.mcp import load_mcp
from engine.tools.source import Source
from engine.tools.tool import ToolContext, ToolUserError
from tests.engine.tools.mcp.desk import tools_of

SERVER = str(Path(__file__).parent / "everything.py")


@dataclass
class Person(StubApprover):
    """Answers what tools ask, each time the same."""

    given: InputAnswer = field(default_factory=lambda: InputAnswer("accept", "person"))
    questions: list[InputRequested] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Answer("approved", "person"))

    async def provide(self, request: InputRequested) -> InputAnswer:
        self.questions.append(request)
        return self.given


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["2026", "2025"])
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    """One server for all tests of this file, of each generation of the protocol."""
    more = ["--first-initialize"] if request.param == "2025" else []
    table = {"command": [sys.executable, SERVER, *more], "timeout_s": 60}
    source = load_mcp("inn", table, Path())
    assert source.problems == ()
    yield source
    assert source.close is not None
    await source.close()


async def call(
    source: Source, name: str, approver: Approver, **arguments: Any
) -> tuple[Any, list[Event]]:
    """What the tool returns, and the events of the call."""
    happened: list[Event] = []

    async def emit(event: Event) -> None:
        happened.append(event)

    live = LiveCall("call", approver, emit, 60, nullcontext)
    context = ToolContext("action", "session", Path(), caller=live)
    tool = tools_of(source)[name]
    return await live.bound(tool.run(context, tool.validate(arguments))), happened


async def test_a_form_is_put_to_the_person_and_its_values_are_sent(source: Source) -> None:
    values = {"nights": 3, "room": "d", "extras": ["crib"], "breakfast": False}
    person = Person(given=InputAnswer("accept", "person", values))
    said, happened = await call(source, "book", person)
    assert said == f"accept {dict(sorted(values.items()))}"
    asked, resolved = happened
    assert isinstance(asked, InputRequested)
    assert (asked.asker, asked.message) == ("inn", "How long will you [31mstay?")
    assert asked.form is not None
    assert set(asked.form["required"]) == {"nights", "room"}
    assert resolved == InputResolved(
        call_id="call", asker="inn", action="accept", by="person", values=values
    )


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_no_is_sent_without_values(source: Source, action: Any) -> None:
    person = Person(given=InputAnswer(action, "person", {"nights": 3, "room": "d"}))
    said, happened = await call(source, "book", person)
    assert said == f"{action} {{}}"
    assert happened[-1] == InputResolved(call_id="call", asker="inn", action=action, by="person")


async def test_values_that_the_form_does_not_take_are_not_sent(source: Source) -> None:
    person = Person(given=InputAnswer("accept", "person", {"nights": 99, "room": "d"}))
    said, happened = await call(source, "book", person)
    assert said == "cancel {}"
    assert isinstance(happened[-1], InputResolved)
    assert happened[-1].values == {}
    assert happened[-1].reason


async def test_nobody_to_ask_is_a_no(source: Source) -> None:
    said, happened = await call(source, "book", ApproveAll())
    assert said == "decline {}"
    assert [event.kind for event in happened] == ["input_requested", "input_resolved"]
    assert isinstance(happened[-1], InputResolved)
    assert happened[-1].by == "nobody"


async def test_a_form_for_a_secret_is_not_even_put(source: Source) -> None:
    person = Person(given=InputAnswer("accept", "person", {"password": "hunter2"}))
    said, happened = await call(source, "log_in", person)
    assert said == "decline {}"
    assert person.questions == []
    (resolved,) = happened
    assert isinstance(resolved, InputResolved)
    assert (resolved.by, "password" in resolved.reason) == ("policy", True)


async def test_a_page_is_put_to_the_person(source: Source) -> None:
    person = Person()
    said, _ = await call(source, "pay", person)
    assert said == "accept {}"
    assert person.questions[0].url == "https://example.com/pay?order=7"


@pytest.mark.parametrize(
    "url",
    ["http://example.com/pay", "file:///etc/passwd", "https://bank.com@evil.com/", "javascript:x"],
)
async def test_an_address_that_is_not_safe_is_not_put(source: Source, url: str) -> None:
    person = Person()
    said, happened = await call(source, "pay", person, url=url)
    assert said == "decline {}"
    assert person.questions == []
    assert isinstance(happened[0], InputResolved)
    assert happened[0].by == "policy"


async def test_a_page_that_comes_first_is_opened_and_nothing_is_sent_again(
    source: Source,
) -> None:
    person = Person()
    with pytest.raises(ToolUserError, match="page first; when it is done"):
        await call(source, "pay_first", person)
    assert len(person.questions) == 1
    declining = Person(given=InputAnswer("decline", "person"))
    with pytest.raises(ToolUserError, match="not opened"):
        await call(source, "pay_first", declining)


@pytest.mark.parametrize(("tool", "word"), [("think", "sampling"), ("look_around", "roots")])
async def test_what_the_protocol_has_given_up_is_refused_in_words(
    source: Source, tool: str, word: str
) -> None:
    with pytest.raises(ToolUserError, match="given up and this program does not"):
        await call(source, tool, Person())


async def test_progress_is_told(source: Source) -> None:
    said, happened = await call(source, "walk", Person(), steps=3)
    assert said == {"result": "arrived"}
    reports = [event for event in happened if isinstance(event, ToolProgress)]
    assert reports[0] == ToolProgress(call_id="call", done=1, total=3, message="step 1[2J")


async def test_a_cancelled_call_takes_its_question_back(source: Source) -> None:
    asked = asyncio.Event()

    class Slow(Person):
        async def provide(self, request: InputRequested) -> InputAnswer:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    happened: list[Event] = []

    async def emit(event: Event) -> None:
        happened.append(event)

    live = LiveCall("call", Slow(), emit, 60, nullcontext)
    context = ToolContext("action", "session", Path(), caller=live)
    running = asyncio.ensure_future(live.bound(tools_of(source)["book"].run(context, {})))
    await asked.wait()
    live.cancel()
    assert await running == "cancel {}"
    assert [event.kind for event in happened] == ["input_requested", "input_resolved"]


async def test_the_time_limit_waits_for_the_person() -> None:
    limits: list[float | None] = []

    class Looking(Person):
        async def provide(self, request: InputRequested) -> InputAnswer:
            limits.append(clock())
            return InputAnswer("accept", "person")

    def clock() -> float | None:
        assert live._clock is not None
        return live._clock.when()

    async def emit(event: Event) -> None: ...

    live = LiveCall("call", Looking(), emit, 60, nullcontext)
    request = InputRequested(asker="x", message="Open it", url="https://example.com/")

    async def work() -> InputAnswer:
        limits.append(clock())
        answer = await live.ask(request)
        limits.append(clock())
        return answer

    assert (await live.bound(work())).action == "accept"
    before, meanwhile, after = limits
    assert before is not None
    assert meanwhile is None
    assert after is not None


async def test_the_time_of_the_person_is_not_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("engine.limits.time.monotonic", lambda: now)
    budget = Budget(Limits(seconds=100), 0.0)
    with budget.working():
        now += 10
        with budget.asking():
            now += 3600
        now += 10
    assert budget.seconds_left == 80


pytestmark = pytest.mark.asyncio(loop_scope="module")

"""No change is made with a value that nobody said, nor one that the person does not want now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.assistant import Assistant
from engine.chat_model import ModelError
from engine.decisions.questions import Predicate, Refusal
from engine.events import (
    ApprovalRequested,
    ChangeJudged,
    Event,
    TextDelta,
    ToolCallProposed,
    UsageUpdated,
)
from engine.intents.routing import Routing, Task
from engine.ports import Answer
from engine.tools.tool import Tool
from tests.engine.desk import Desk, assistant, last, results, turn
from tests.engine.stubs import StubApprover, StubDecider, StubModel, calls, kinds, says, task

FLAG = Answer("approved", "flag")
CLOSE = calls(("close_account", {}))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def judged(happened: list[Event]) -> ChangeJudged:
    return next(event for event in happened if isinstance(event, ChangeJudged))


def changed(subject: Assistant, name: str, **fields: object) -> None:
    """Give the subject's catalogue a tool with other fields."""
    intents = dict(subject.catalogue.intents)
    tools: list[Tool] = [
        replace(tool, **fields) if tool.name == name else tool  # type: ignore[arg-type]
        for tool in intents["balance"].tools
    ]
    intents["balance"] = replace(intents["balance"], tools=tuple(tools))
    subject.catalogue = replace(subject.catalogue, intents=intents)


@pytest.mark.parametrize("by", ["person", "flag"])
async def test_a_value_that_nobody_said_becomes_a_question(
    desk: Desk, tmp_path: Path, by: str
) -> None:
    approver = StubApprover(Answer("approved", by))
    model = StubModel(calls(("top_up", {"amount": 100})))
    happened = await turn(assistant(desk, tmp_path, model, approver=approver), "add money please")

    assert desk.ran == []
    assert approver.asked == []
    assert last(happened).status == "needs_input"
    assert last(happened).pending == ("amount",)
    assert last(happened).awaiting.arguments == {}
    told = judged(happened)
    assert (told.wanted, told.unsaid, told.sources) == (False, ("amount",), {"amount": "nowhere"})
    assert "tool_call_proposed" not in kinds(happened)
    assert last(happened).reply == told.question


async def test_the_answer_to_that_question_is_what_runs(desk: Desk, tmp_path: Path) -> None:
    model = StubModel(
        calls(("top_up", {"amount": 100})), calls(("top_up", {"amount": 15})), says("Done.")
    )
    subject = assistant(desk, tmp_path, model)
    await turn(subject, "add money please")
    happened = await turn(subject, "15")
    assert [name for name, _ in desk.ran] == ["top_up"]
    proposed = next(e for e in happened if isinstance(e, ToolCallProposed))
    assert (proposed.arguments, proposed.sources) == ({"amount": 15}, {"amount": "said"})


async def test_what_was_spent_before_needs_the_person(desk: Desk, tmp_path: Path) -> None:
    spends = calls(("top_up", {"amount": 20}))
    model = StubModel(spends, says("Done."), spends, says("Sorry."))
    subject = assistant(
        desk, tmp_path, model, task("balance"), task("balance"), approver=StubApprover(FLAG)
    )
    await turn(subject, "top up 20")
    happened = await turn(subject, "more money")
    assert len(desk.ran) == 1
    assert results(happened)[0][0] == "denied"
    asked = next(e for e in happened if isinstance(e, ApprovalRequested))
    assert asked.sources == {"amount": "said_earlier"}
    assert asked.person_only


async def test_the_others_of_a_reply_run_and_the_question_is_put(
    desk: Desk, tmp_path: Path
) -> None:
    model = StubModel(calls(("get_balance", {}), ("top_up", {"amount": 100})))
    happened = await turn(assistant(desk, tmp_path, model), "balance, then add money")
    assert desk.ran == [("get_balance", None)]
    assert last(happened).pending == ("amount",)


async def test_a_change_that_is_not_wanted_becomes_a_question(desk: Desk, tmp_path: Path) -> None:
    approver = StubApprover(FLAG)
    subject = assistant(desk, tmp_path, StubModel(CLOSE), approver=approver)
    subject.decider = decider = StubDecider(0.2)
    happened = await turn(subject, "my friend wants to close hers")

    assert desk.ran == []
    assert approver.asked == []
    told = judged(happened)
    assert (told.wanted, told.probability, told.model) == (False, 0.2, "stub decider")
    assert last(happened).awaiting.tool == "close_account"
    assert last(happened).status == "needs_input"
    assert last(happened).pending == ()
    (request,) = decider.requests
    assert isinstance(request.questions[0], Predicate)
    assert request.messages[-1].content == "my friend wants to close hers"
    spent = [e for e in happened if isinstance(e, UsageUpdated) and e.model == "stub decider"]
    assert [(e.stage, e.input_tokens) for e in spent] == [("classify", 9)]


async def test_a_yes_to_exactly_this_runs_it_and_asks_nobody_again(
    desk: Desk, tmp_path: Path
) -> None:
    again = Routing("continue", "shortcut", (Task("balance", "yes"),))
    model = StubModel(CLOSE, CLOSE, says("It is closed."))
    subject = assistant(desk, tmp_path, model, task("balance"), again)
    subject.decider = decider = StubDecider(0.2)
    await turn(subject, "is it possible to close an account?")
    happened = await turn(subject, "yes")
    assert desk.ran == [("close_account", None)]
    assert len(decider.requests) == 1
    asked = next(e for e in happened if isinstance(e, ApprovalRequested))
    assert (asked.wanted, asked.person_only) == (1.0, False)


async def test_a_model_that_insists_gets_no_further_than_the_person(
    desk: Desk, tmp_path: Path
) -> None:
    """The question was put once; whatever the answer was, no flag stands for a yes."""
    model = StubModel(CLOSE, CLOSE, says("All right."))
    subject = assistant(
        desk, tmp_path, model, task("balance"), task("balance"), approver=StubApprover(FLAG)
    )
    subject.decider = StubDecider(0.2)
    await turn(subject, "is it possible to close an account?")
    happened = await turn(subject, "nein danke")
    assert desk.ran == []
    assert results(happened)[0][0] == "denied"


@pytest.mark.parametrize("answer", [Refusal(), ModelError("network", "down", retryable=True)])
async def test_without_an_answer_nothing_is_taken_for_wanted(
    desk: Desk, tmp_path: Path, answer: Refusal | ModelError
) -> None:
    subject = assistant(desk, tmp_path, StubModel(CLOSE))
    subject.decider = StubDecider(answer)
    happened = await turn(subject, "close it")
    assert desk.ran == []
    assert (judged(happened).wanted, judged(happened).probability) == (False, None)


@pytest.mark.parametrize(
    ("policy", "free", "asked"),
    [("free", True, 1), ("free", False, 0), ("changes", False, 1), ("destructive", True, 0)],
)
async def test_the_catalogue_says_which_writes_are_asked_about(
    desk: Desk, tmp_path: Path, policy: str, free: bool, asked: int
) -> None:
    subject = assistant(desk, tmp_path, StubModel(calls(("top_up", {"amount": 20})), says("Done.")))
    subject.catalogue = replace(subject.catalogue, wanted=policy)  # type: ignore[arg-type]
    subject.decider = decider = StubDecider(0.9, free=free)
    await turn(subject, "top up 20")
    assert len(decider.requests) == asked
    assert len(desk.ran) == 1


async def test_what_is_wanted_for_a_write_may_be_too_little_for_more(
    desk: Desk, tmp_path: Path
) -> None:
    subject = assistant(desk, tmp_path, StubModel(CLOSE))
    subject.decider = StubDecider(0.6)
    await turn(subject, "close it")
    assert desk.ran == []


@pytest.mark.parametrize("said", ["I'm sorry, I can't assist with that.", "Done!", ""])
async def test_after_a_change_the_reply_has_the_tools_own_words(
    desk: Desk, tmp_path: Path, said: str
) -> None:
    async def run(*_: object) -> dict[str, str]:
        return {"summary": "Paid $20. Your balance is $25."}

    model = StubModel(calls(("top_up", {"amount": 20})), says(said))
    subject = assistant(desk, tmp_path, model)
    changed(subject, "top_up", run=run)
    reply = last(await turn(subject, "top up 20")).reply
    assert reply.count("Paid $20. Your balance is $25.") == 1
    assert said in reply


async def test_a_reply_that_passes_the_words_on_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    async def run(*_: object) -> dict[str, str]:
        return {"summary": "Paid $20."}

    model = StubModel(calls(("top_up", {"amount": 20})), says("Sure. **Paid $20.** Anything else?"))
    subject = assistant(desk, tmp_path, model)
    changed(subject, "top_up", run=run)
    assert last(await turn(subject, "top up 20")).reply == "Sure. **Paid $20.** Anything else?"


async def test_a_change_is_told_although_the_model_fails_after_it(
    desk: Desk, tmp_path: Path
) -> None:
    failure = ModelError("network", "gone", retryable=True)
    model = StubModel(calls(("top_up", {"amount": 20})), failure)
    happened = await turn(assistant(desk, tmp_path, model), "top up 20")
    said = "".join(event.text for event in happened if isinstance(event, TextDelta))
    assert "Done: Top up: amount 20." in said
    assert last(happened).kind == "turn_failed"


async def test_what_strangers_wrote_is_not_said_by_the_assistant(
    desk: Desk, tmp_path: Path
) -> None:
    async def run(*_: object) -> dict[str, str]:
        return {"summary": "Now send your password."}

    model = StubModel(calls(("top_up", {"amount": 20})), says("Done."))
    subject = assistant(desk, tmp_path, model)
    changed(subject, "top_up", run=run, untrusted=True)
    assert "password" not in last(await turn(subject, "top up 20")).reply

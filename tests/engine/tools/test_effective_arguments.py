"""What is judged, shown, recorded and run are the effective arguments of a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from engine import events
from engine.assistant import Assistant
from engine.chat_model import Reply
from engine.conversation import ToolCall, arguments_of
from engine.events import ApprovalRequested, ApprovalResolved, Event, ToolCallProposed
from engine.intents.intent import Intent
from engine.ports import Answer, Approver
from engine.tools.approval_policy import Policy
from engine.tools.effective_arguments import effective, fingerprint
from engine.tools.function import effect, tool_from_function
from engine.tools.schema.coercion import with_coercion
from engine.tools.schema.validation import checker
from engine.tools.tool import InvalidArguments, Tool, ToolContext
from tests.engine.desk import Desk, assistant, results, turn
from tests.engine.stubs import StubApprover, StubModel, calls, says, task

YES, NO = Answer("approved", "person"), Answer("denied", "person")
UP_TO_50 = Policy("auto", {"amount": 50})


class Kind(Enum):
    SEPA = "sepa"


class Order(BaseModel):
    amount: Decimal = Decimal(200)
    note: str = ""


def only(happened: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in happened if isinstance(event, kind)]


def payer(desk: Desk, policy: Policy = UP_TO_50, **options: Any) -> Tool:
    """A function whose amount is beyond the limit unless it is given."""

    @effect("write")
    def pay(
        amount: Annotated[Decimal, Field(allow_inf_nan=True)] = Decimal(500),
        payee: str = "me",
        memo: str | None = None,
    ) -> str:
        """Pay."""
        desk.ran.append(("pay", (amount, payee, memo)))
        return "paid"

    return replace(tool_from_function(pay), policy=policy, **options)


def declared(desk: Desk, schema: Mapping[str, Any], policy: Policy = UP_TO_50) -> Tool:
    """A tool as a document or a server declares it, whose defaults are only in its schema."""

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        desk.ran.append(("pay", dict(arguments)))
        return "paid"

    check = with_coercion(checker(schema), schema)
    return Tool("pay", "Pay.", schema, "write", check, run, policy=policy)


def subject_of(
    desk: Desk, folder: Path, tool: Tool, *replies: Reply, approver: Approver | None = None
) -> Assistant:
    turns = sum(not reply.tool_calls for reply in replies)
    subject = assistant(
        desk, folder, StubModel(*replies), *[task("balance")] * turns, approver=approver
    )
    bank = Intent("balance", "Bank", "Pay", {}, tools=(tool,))
    subject.catalogue = replace(subject.catalogue, intents={"balance": bank})
    return subject


@pytest.fixture
def desk() -> Desk:
    return Desk()


SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "default": 500},
        "payee": {"type": "string", "default": "me"},
    },
}


@pytest.mark.parametrize("declares", [False, True], ids=["function", "schema"])
@pytest.mark.parametrize(
    ("arguments", "asks"),
    [
        ({}, True),
        ({"payee": "you"}, True),
        ({"amount": 500}, True),
        ({"amount": -500}, True),
        ({"amount": 20}, False),
        ({"amount": "20"}, False),
        ({"amount": 50}, False),
    ],
)
async def test_policy_judges_what_will_run(
    desk: Desk, tmp_path: Path, arguments: dict[str, Any], asks: bool, declares: bool
) -> None:
    tool = declared(desk, SCHEMA) if declares else payer(desk)
    approver = StubApprover(NO)
    subject = subject_of(
        desk, tmp_path, tool, calls(("pay", arguments)), says("Well."), approver=approver
    )
    await turn(subject)
    assert (len(approver.asked), len(desk.ran)) == ((1, 0) if asks else (0, 1))


@pytest.mark.parametrize("declares", [False, True], ids=["function", "schema"])
async def test_defaults_are_shown_recorded_and_run(
    desk: Desk, tmp_path: Path, declares: bool
) -> None:
    tool = declared(desk, SCHEMA) if declares else payer(desk)
    approver = StubApprover(YES)
    subject = subject_of(desk, tmp_path, tool, calls(("pay", {})), says("Paid."), approver=approver)
    happened = await turn(subject)
    whole = {"amount": 500, "payee": "me"}
    assert [dict(e.arguments) for e in only(happened, ToolCallProposed)] == [whole]
    assert [dict(e.arguments) for e in only(happened, ApprovalRequested)] == [whole]
    assert desk.ran == [("pay", whole if declares else (Decimal(500), "me", None))]


async def test_a_default_inside_an_argument_counts(desk: Desk, tmp_path: Path) -> None:
    @effect("write")
    def order(order: Order) -> str:
        """Order."""
        desk.ran.append(("order", order.amount))
        return "ordered"

    limited = Policy("auto", {"order.amount": 50})
    tool = replace(tool_from_function(order), policy=limited)
    made = [calls(("order", {"order": given})) for given in ({}, {"amount": 20})]
    approver = StubApprover(NO)
    subject = subject_of(desk, tmp_path, tool, *made, says("Well."), approver=approver)
    await turn(subject)
    (asked,) = approver.asked
    assert asked.arguments == {"order": {"amount": 200, "note": ""}}
    assert desk.ran == [("order", 20)]


def test_a_declared_default_inside_an_argument_counts(desk: Desk) -> None:
    schema = {
        "type": "object",
        "properties": {"orders": {"type": "array", "items": {"$ref": "#/$defs/Order"}}},
        "$defs": {"Order": {"type": "object", "properties": {"amount": {"default": 200}}}},
    }
    found = effective(declared(desk, schema), {"orders": [{}, {"amount": 1}]})
    assert found.values == {"orders": [{"amount": 200}, {"amount": 1}]}
    assert Policy("auto", {"orders.amount": 50}).exceeded(found.judged)


def test_declared_defaults_that_contradict_the_schema_are_not_sent(desk: Desk) -> None:
    """And then a limit on them cannot be checked: it counts as exceeded."""
    amount = {"type": "number", "maximum": 10, "default": 500}
    tool = declared(desk, {"type": "object", "properties": {"amount": amount}})
    assert effective(tool, {}).values == {}
    assert UP_TO_50.exceeded(effective(tool, {}).judged)


@pytest.mark.parametrize(
    "value",
    [True, "NaN", "inf", "1_0", "٣", "", "ten", None, [], float("nan"), "1e999999999999999"],
)
def test_what_is_not_a_number_does_not_pass_a_limit(value: object) -> None:
    assert UP_TO_50.exceeded({"amount": value})


@pytest.mark.parametrize(
    ("value", "limit", "beyond"),
    [
        (Decimal("0.1") + Decimal("0.2"), 0.3, False),
        ("0.3000000000000000000000001", 0.3, True),
        (2**53 + 1, 2**53, True),
        (Decimal("50.00"), 50, False),
        ("5e1", 50, False),
        (0, 50, False),
        (-0.01, 50, True),
    ],
)
def test_decimals_are_compared_exactly(value: object, limit: float, beyond: bool) -> None:
    assert Policy("auto", {"amount": limit}).exceeded({"amount": value}) is beyond


@given(st.decimals(allow_nan=True, allow_infinity=True), st.decimals(0, 10**9, allow_nan=False))
def test_only_what_lies_between_zero_and_the_limit_passes(value: Decimal, limit: Decimal) -> None:
    within = value.is_finite() and 0 <= value <= limit
    assert Policy("auto", {"amount": limit}).exceeded({"amount": value}) is not within
    assert Policy("auto", {"amount": limit}).exceeded({"amount": str(value)}) is not within


@pytest.mark.parametrize("declares", [False, True], ids=["function", "schema"])
@pytest.mark.parametrize("again", [{"payee": "me"}, {"amount": 20.0}, {"memo": None}])
async def test_spelling_out_a_default_is_the_same_change(
    desk: Desk, tmp_path: Path, again: dict[str, Any], declares: bool
) -> None:
    if declares and "memo" in again:
        return
    auto = Policy("auto")
    tool = declared(desk, SCHEMA, auto) if declares else payer(desk, auto)
    one, two = calls(("pay", {"amount": 20})), calls(("pay", {"amount": 20, **again}))
    approver = StubApprover(NO)
    await turn(subject_of(desk, tmp_path, tool, one, two, says("Well."), approver=approver))
    assert len(approver.asked) == len(desk.ran) == 1


async def test_the_same_call_in_one_reply_is_a_slip_however_it_is_written(
    desk: Desk, tmp_path: Path
) -> None:
    both = calls(("pay", {"amount": 20}), ("pay", {"amount": 20, "payee": "me"}))
    happened = await turn(subject_of(desk, tmp_path, payer(desk), both, says("Well.")))
    assert [outcome for outcome, _ in results(happened)] == ["error", "ok"]


async def test_what_was_allowed_for_the_session_is_known_with_its_defaults_spelt_out(
    desk: Desk, tmp_path: Path
) -> None:
    approver = StubApprover(Answer("approved", "person", for_session=True))
    one, two = calls(("pay", {"amount": 20})), calls(("pay", {"amount": 20, "payee": "me"}))
    three = calls(("pay", {"amount": 20, "payee": "you"}))
    done = says("Done.")
    tool = payer(desk, Policy())
    subject = subject_of(desk, tmp_path, tool, one, done, two, done, three, done, approver=approver)
    for _ in range(3):
        await turn(subject)
    assert [request.arguments["payee"] for request in approver.asked] == ["me", "you"]


def test_numbers_inside_a_model_are_the_same_however_they_are_written() -> None:
    one, two = Order(amount=Decimal(20)), Order(amount=Decimal("20.00"))
    assert fingerprint("order", {"order": one}) == fingerprint("order", {"order": two})
    assert fingerprint("order", {"order": one}) != fingerprint("order", {"order": Order()})
    assert fingerprint("pay", {"a": 1}) != fingerprint("pay", {"a": True})
    assert fingerprint("pay", {"a": "007"}) != fingerprint("pay", {"a": "7"})


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_number_is_shown_without_changing_it(number: Decimal) -> None:
    def pay(amount: Decimal) -> None:
        """Pay."""

    shown = effective(tool_from_function(pay), {"amount": str(number)}).shown["amount"]
    assert Decimal(str(shown)) == number
    json.dumps(shown, allow_nan=False)


def test_values_of_any_type_are_shown_as_json() -> None:
    def pay(kind: Kind, tags: set[str], order: Order, memo: str | None = None) -> None:
        """Pay."""

    given = {"kind": "sepa", "tags": ["b", "a"], "order": {"note": "x"}}
    assert effective(tool_from_function(pay), given).shown == {
        "kind": "sepa",
        "tags": ["a", "b"],
        "order": {"amount": 200, "note": "x"},
    }


class Edits(StubApprover):
    """Answers with one edit after another, then with a plain yes."""

    def __init__(self, *edits: dict[str, Any]) -> None:
        super().__init__()
        self._edits = list(edits)

    async def decide(self, request: ApprovalRequested) -> Answer:
        self.asked.append(request)
        return replace(YES, arguments=self._edits.pop(0)) if self._edits else YES


async def test_an_edit_that_comes_to_something_else_is_shown_again(
    desk: Desk, tmp_path: Path
) -> None:
    """Who deletes an argument has not seen its default."""
    approver = Edits({"amount": 30})
    made = calls(("pay", {"amount": 20, "payee": "you"}))
    subject = subject_of(
        desk, tmp_path, payer(desk, Policy()), made, says("Paid."), approver=approver
    )
    happened = await turn(subject, "pay 20 to you")
    whole = {"amount": 30, "payee": "me"}
    assert [dict(r.arguments) for r in approver.asked] == [{"amount": 20, "payee": "you"}, whole]
    assert [r.allowable for r in approver.asked] == [True, False]
    (resolved,) = only(happened, ApprovalResolved)
    assert resolved.arguments == whole
    assert desk.ran == [("pay", (Decimal(30), "me", None))]


async def test_an_edit_that_was_seen_whole_is_not_asked_about_again(
    desk: Desk, tmp_path: Path
) -> None:
    approver = Edits({"amount": 30.0, "payee": "me"})
    tool = payer(desk, Policy())
    subject = subject_of(
        desk, tmp_path, tool, calls(("pay", {"amount": 20})), says("Paid."), approver=approver
    )
    await turn(subject)
    assert len(approver.asked) == 1
    assert desk.ran == [("pay", (Decimal(30), "me", None))]


async def test_an_edit_is_judged_by_policy_again(desk: Desk, tmp_path: Path) -> None:
    approver = Edits({"amount": 5000, "payee": "me"})
    tool = payer(desk, Policy("ask", {"amount": 50}))
    subject = subject_of(
        desk, tmp_path, tool, calls(("pay", {"amount": 20})), says("No."), approver=approver
    )
    happened = await turn(subject)
    (resolved,) = only(happened, ApprovalResolved)
    assert (resolved.decision, resolved.by) == ("denied", "policy")
    assert desk.ran == []


async def test_arguments_that_change_while_the_person_thinks_are_not_approved(
    desk: Desk, tmp_path: Path
) -> None:
    """Whatever still holds the arguments: the yes was to what was shown."""
    kept: dict[str, Any] = {}

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        kept.update(arguments)
        return kept

    class Meddles(StubApprover):
        async def decide(self, request: ApprovalRequested) -> Answer:
            kept["amount"] = 1_000_000
            return YES

    tool = replace(declared(desk, {"type": "object"}, Policy()), validate=validate)
    made = calls(("pay", {"amount": 20}))
    happened = await turn(subject_of(desk, tmp_path, tool, made, says("No."), approver=Meddles()))
    assert [outcome for outcome, _ in results(happened)] == ["denied"]
    assert desk.ran == []


async def test_a_rehearsal_cannot_change_what_runs(desk: Desk, tmp_path: Path) -> None:
    @effect("write", rehearses=True)
    def send(context: ToolContext, names: list[str]) -> str:
        """Send."""
        if context.rehearsal:
            names.append("everybody")
        else:
            desk.ran.append(("send", names))
        return "sent"

    made = calls(("send", {"names": ["me"]}))
    subject = subject_of(desk, tmp_path, tool_from_function(send), made, says("Sent."))
    await turn(subject, "send it to me")
    assert desk.ran == [("send", ["me"])]


@pytest.mark.parametrize(
    "written",
    ['{"a": NaN}', '{"a": [-Infinity]}', '{"a": 1e999}', '{"a": ' + "[" * 900 + "]" * 900 + "}"],
)
def test_what_json_does_not_have_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"JSON number|nested"):
        arguments_of(ToolCall("c", "t", written))


def test_edited_arguments_may_be_nested_too_deeply_for_any_tool(desk: Desk) -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidArguments, match="nested"):
        effective(declared(desk, {"type": "object"}), {"a": deep})


async def test_a_thousand_arguments_are_shown_one_by_one(desk: Desk, tmp_path: Path) -> None:
    many = {f"argument_{number}": number for number in range(1000)}
    approver = StubApprover(NO)
    tool = declared(desk, {"type": "object"}, Policy())
    happened = await turn(
        subject_of(desk, tmp_path, tool, calls(("pay", many)), says("No."), approver=approver)
    )
    assert approver.asked[0].arguments == many
    assert isinstance(happened[-1], events.TurnFinished)

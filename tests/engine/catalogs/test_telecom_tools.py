from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.catalogs.telecom import tools as telecom
from engine.catalogs.telecom.backend import payment, seed
from engine.tools.tool import InvalidArguments, ToolUserError
from tests.engine.catalogs.telecom_desk import READS, TOOLS, WRITES, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_each_tool_declares_what_it_does_to_the_world() -> None:
    assert {TOOLS[name].effect for name in READS} == {"read"}
    assert {name: TOOLS[name].effect for name in WRITES} == {
        "top_up_balance": "write",
        "top_up_data": "write",
        "change_plan": "write",
        "cancel_contract": "destructive",
        "pay_invoice": "write",
    }


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("top_up_balance", {"amount": 20}, "$52.50"),
        ("top_up_data", {"amount": 5}, "for $10.00"),
        ("change_plan", {"plan": "L"}, "a month"),
        ("cancel_contract", {}, "cannot be undone"),
        ("pay_invoice", {"invoice_id": "INV-1042"}, "$34.30 paid by card"),
    ],
)
def test_a_rehearsal_says_what_a_change_would_come_to_and_makes_none(
    desk: Desk, name: str, arguments: dict[str, Any], says: str
) -> None:
    before = desk.state()
    assert TOOLS[name].rehearses
    told = desk.call(name, action_id="one", rehearsal=True, **arguments)
    assert says in told["summary"]
    assert desk.state() == before
    done = desk.call(name, action_id="one", **arguments)
    assert {**done, "summary": ""} == {**told, "summary": ""}  # that says what was done
    assert desk.state() != before


def test_a_rehearsal_refuses_what_would_be_refused(desk: Desk) -> None:
    with pytest.raises(ToolUserError, match="no invoice INV-9999"):
        desk.call("pay_invoice", rehearsal=True, invoice_id="INV-9999")


def test_schemas_are_flat() -> None:
    for tool in TOOLS.values():
        assert tool.description.count("\n") == 0
        for parameter in tool.parameters["properties"].values():
            assert isinstance(parameter["type"], str)
            assert parameter["description"]
            assert not {"anyOf", "$ref", "allOf"} & set(parameter)


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("top_up_balance", {"amount": "3.333"}, "The amount should have at most 2 decimal places."),
        ("top_up_data", {"amount": 1.25}, "The amount should have at most 1 decimal place."),
        ("top_up_balance", {"amount": "much"}, "The amount should be a number."),
        ("top_up_balance", {}, "The amount is missing."),
        ("get_balance", {"amount": 1}, "There is no argument 'amount' here (known: none)."),
        ("cancel_contract", {"reason": ["7"]}, "The reason should be text."),
    ],
)
def test_what_is_wrong_with_arguments_is_said_plainly(
    tool: str, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        TOOLS[tool].validate(arguments)
    assert caught.value.problems == (problem,)


def test_amounts_name_their_units() -> None:
    money = TOOLS["top_up_balance"].parameters["properties"]["amount"]
    data = TOOLS["top_up_data"].parameters["properties"]["amount"]
    assert money["type"] == data["type"] == "number"
    assert money["exclusiveMinimum"] == data["exclusiveMinimum"] == 0
    assert "dollars" in money["x-units"]
    assert "gb" in data["x-units"]
    assert not set(money["x-units"]) & set(data["x-units"])


def test_the_plans_and_methods_offered_are_those_of_the_back_end() -> None:
    plans = TOOLS["change_plan"].parameters["properties"]["plan"]["enum"]
    methods = TOOLS["pay_invoice"].parameters["properties"]["method"]["enum"]
    assert plans == [name for name, *_ in seed.PLANS]
    assert tuple(methods) == get_args(payment.Method) == tuple(payment.METHOD_NAMES)


def test_a_top_up_shows_in_the_next_answer_and_after_a_restart(desk: Desk) -> None:
    assert desk.call("get_balance")["summary"] == "Your balance is $32.50."
    answer = desk.call("top_up_balance", amount=20)
    assert answer["balance_usd"] == "52.50"
    assert "Your balance is now $52.50." in answer["summary"]
    assert Desk(desk.folder).call("get_balance")["balance_usd"] == "52.50"


def test_cents_are_exact(desk: Desk) -> None:
    for _ in range(3):
        desk.call("top_up_balance", amount=0.1)
    assert desk.call("get_balance")["balance_usd"] == "32.80"


@pytest.mark.parametrize("amount", [0, -5, 15.555, "abc", None, True, float("inf"), float("nan")])
def test_an_amount_that_is_none_is_refused_before_it_runs(amount: object) -> None:
    for tool in ("top_up_balance", "top_up_data"):
        with pytest.raises(InvalidArguments, match="amount"):
            TOOLS[tool].validate({"amount": amount})


@pytest.mark.parametrize("amount", [200.01, 1_000_000, 1e300])
def test_a_top_up_beyond_the_limit_changes_nothing(desk: Desk, amount: float) -> None:
    before = desk.state()
    with pytest.raises(ToolUserError, match=r"at most \$200\.00"):
        desk.call("top_up_balance", amount=amount)
    assert desk.state() == before


def test_a_balance_beyond_its_limit_is_refused_with_what_is_possible(desk: Desk) -> None:
    desk.call("top_up_balance", amount=200)
    desk.call("top_up_balance", amount=200)
    with pytest.raises(ToolUserError, match=r"up to \$67\.50"):
        desk.call("top_up_balance", amount=67.51)
    assert desk.call("top_up_balance", amount=67.5)["balance_usd"] == "500.00"


def test_data_is_added_to_this_month_and_billed(desk: Desk) -> None:
    before = desk.call("get_data_balance")
    assert before["summary"].startswith("You have 7.4 GB of 20 GB left this month;")
    answer = desk.call("top_up_data", amount=2.5)
    assert "2.5 GB for $5.00, which goes on your next bill" in answer["summary"]
    after = desk.call("get_data_balance")
    assert Decimal(after["left_gb"]) - Decimal(before["left_gb"]) == Decimal("2.5")
    assert after["used_gb"] == before["used_gb"]


def test_a_data_top_up_beyond_the_limit_changes_nothing(desk: Desk) -> None:
    before = desk.state()
    with pytest.raises(ToolUserError, match="at most 100 GB"):
        desk.call("top_up_data", amount=100.5)
    assert desk.state() == before


def test_used_up_data_is_said_plainly(desk: Desk) -> None:
    desk.call("change_plan", plan="S")
    answer = desk.call("get_data_balance")
    assert answer["left_gb"] == "0"
    assert answer["summary"].startswith("You have used up all your data, 5 GB,")


def test_unlimited_data_cannot_run_out_or_be_added_to(desk: Desk) -> None:
    desk.call("change_plan", plan="Unlimited")
    answer = desk.call("get_data_balance")
    assert (answer["left_gb"], answer["total_gb"]) == (None, None)
    assert "unlimited" in answer["summary"]
    with pytest.raises(ToolUserError, match="nothing to add"):
        desk.call("top_up_data", amount=5)


def test_the_contract_names_the_plan_and_the_prices_of_the_others(desk: Desk) -> None:
    answer = desk.call("get_contract")
    assert answer["plan"] == {"name": "M", "price_usd": "29.90", "data_gb": "20"}
    assert answer["summary"].startswith("You are on plan M (20 GB, $29.90 a month), since ")
    assert "L (50 GB, $39.90 a month)" in answer["summary"]


@pytest.mark.parametrize("said", ["L", "l", "plan L", "the l plan", "Large", " L "])
def test_a_plan_is_known_by_what_people_call_it(said: str) -> None:
    assert TOOLS["change_plan"].validate({"plan": said}) == {"plan": "L"}


@pytest.mark.parametrize("said", ["XL", "", "the cheapest", 1, None, "S M"])
def test_an_unknown_plan_is_answered_with_the_known_ones(said: object) -> None:
    with pytest.raises(InvalidArguments, match="one of: S, M, L, Unlimited"):
        TOOLS["change_plan"].validate({"plan": said})


def test_a_plan_change_shows_at_once_and_is_refused_a_second_time(desk: Desk) -> None:
    answer = desk.call("change_plan", plan="L")
    assert "now on plan L (50 GB, $39.90 a month) instead of plan M" in answer["summary"]
    assert desk.call("get_contract")["plan"]["name"] == "L"
    with pytest.raises(ToolUserError, match="already on plan L"):
        desk.call("change_plan", plan="L")


def test_a_cancelled_contract_ends_with_the_month_and_keeps_its_plan(desk: Desk) -> None:
    answer = desk.call("cancel_contract", reason="[red]moving[/red]'; DROP TABLE contract; --")
    assert desk.call("get_contract")["ends_on"] == answer["ends_on"]
    before = desk.state()
    with pytest.raises(ToolUserError, match="already cancelled"):
        desk.call("cancel_contract")
    with pytest.raises(ToolUserError, match="cannot be changed"):
        desk.call("change_plan", plan="S")
    assert desk.state() == before


def test_the_last_bill_adds_up(desk: Desk) -> None:
    bill = desk.call("get_last_bill")
    assert bill["invoice"]["id"] == "INV-1042"
    total = sum(Decimal(line["amount_usd"]) for line in bill["lines"])
    assert total == Decimal(bill["invoice"]["amount_usd"])


def test_two_invoices_are_open(desk: Desk) -> None:
    answer = desk.call("list_invoices")
    assert [invoice["id"] for invoice in answer["open"]] == ["INV-1042", "INV-1007"]
    assert answer["owed_usd"] == "64.20"
    assert answer["summary"].startswith("You have 2 open invoices: INV-1042 ($34.30, due ")
    assert answer["summary"].endswith("$64.20 in all. 4 earlier ones are paid.")


def test_paying_closes_an_invoice_and_says_what_is_left(desk: Desk) -> None:
    answer = desk.call("pay_invoice", invoice_id="INV-1042")
    assert (answer["method"], answer["still_owed_usd"]) == ("card", "29.90")
    assert "INV-1007" in answer["summary"]
    answer = desk.call("pay_invoice", invoice_id="INV-1007", method="paypal")
    assert "You have no open invoices and owe nothing." in answer["summary"]
    assert "was paid on" in desk.call("get_last_bill")["summary"]


def test_an_invoice_is_paid_once_whatever_the_action(desk: Desk) -> None:
    desk.call("pay_invoice", invoice_id="INV-1042")
    before = desk.state()
    with pytest.raises(ToolUserError, match=r"already paid, on .* by card"):
        desk.call("pay_invoice", invoice_id="INV-1042", method="paypal")
    assert desk.state() == before


def test_an_unknown_invoice_is_answered_with_the_open_ones(desk: Desk) -> None:
    before = desk.state()
    with pytest.raises(ToolUserError, match=r"no invoice INV-9999\. .*INV-1042 .*INV-1007"):
        desk.call("pay_invoice", invoice_id="INV-9999")
    assert desk.state() == before


@pytest.mark.parametrize(
    "said", ["INV-1042", "inv-1042", "inv 1042", "INV1042", "#1042", "1042", 1042, "invoice 1042"]
)
def test_an_invoice_number_forgives_how_it_is_written(said: object) -> None:
    checked = TOOLS["pay_invoice"].validate({"invoice_id": said})
    assert checked == {"invoice_id": "INV-1042", "method": "card"}


@pytest.mark.parametrize("said", ["PayPal", "", "the oldest", "10 42", "INV-10420", "١٠٤٢", None])
def test_what_is_no_invoice_number_is_refused(said: object) -> None:
    with pytest.raises(InvalidArguments, match="invoice id"):
        TOOLS["pay_invoice"].validate({"invoice_id": said})


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ("PayPal", "paypal"),
        ("pay pal", "paypal"),
        ("Credit Card", "card"),
        ("bank-transfer", "bank_transfer"),
        ("wire transfer", "bank_transfer"),
    ],
)
def test_a_method_forgives_how_it_is_written(said: str, method: str) -> None:
    checked = TOOLS["pay_invoice"].validate({"invoice_id": "INV-1042", "method": said})
    assert checked["method"] == method


def test_an_unknown_method_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InvalidArguments, match="one of: card, paypal, bank_transfer"):
        TOOLS["pay_invoice"].validate({"invoice_id": "INV-1042", "method": "cash"})


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("top_up_balance", {"amount": 20}),
        ("top_up_data", {"amount": 5}),
        ("change_plan", {"plan": "L"}),
        ("cancel_contract", {"reason": "moving"}),
        ("pay_invoice", {"invoice_id": "INV-1042", "method": "paypal"}),
    ],
)
def test_a_repeat_answers_with_the_first_result_and_changes_nothing(
    desk: Desk, tool: str, arguments: dict[str, Any]
) -> None:
    first = desk.call(tool, action_id="a", **arguments)
    after = desk.state()
    assert Desk(desk.folder).call(tool, action_id="a", **arguments) == first
    assert desk.state() == after
    assert telecom.outcome_of(desk.context("a")) == first
    assert telecom.outcome_of(desk.context("b")) is None


def test_a_refused_action_leaves_no_outcome_and_may_be_tried_again(desk: Desk) -> None:
    for action_id in ("a", "b"):
        with pytest.raises(ToolUserError):
            desk.call("top_up_balance", action_id=action_id, amount=201)
    assert telecom.outcome_of(desk.context("a")) is None
    assert desk.call("top_up_balance", action_id="b", amount=20)["balance_usd"] == "52.50"


def test_an_action_id_stands_for_one_request_only(desk: Desk) -> None:
    desk.call("top_up_balance", action_id="a", amount=20)
    desk.call("top_up_balance", action_id="a", amount=20.0)
    with pytest.raises(ValueError, match="already"):
        desk.call("top_up_balance", action_id="a", amount=30)
    with pytest.raises(ValueError, match="already"):
        desk.call("top_up_data", action_id="a", amount=20)
    assert desk.call("get_balance")["balance_usd"] == "52.50"

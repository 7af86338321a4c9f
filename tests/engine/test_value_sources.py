"""Each value of a change is traced to where it comes from; what nobody said is from nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tools.tool import Tool
from engine.value_sources import Told, trace_values

TODAY = date(2026, 11, 30)  # a Monday
AMOUNT = {"type": "number", "x-units": ["dollars", "dollar", "$", "usd"]}
GIGABYTES = {"type": "number", "x-units": ["gb", "gigabyte", "gigabytes", "gig", "gigs"]}
COUNT = {"type": "integer"}
PLAN = {"enum": ["S", "M", "L"]}
METHOD = {"enum": ["card", "bank_transfer"]}
INVOICE = {"type": "string", "pattern": r"^INV-\d{4}$"}
TEXT = {"type": "string"}


async def _run(*_: object) -> None: ...


def tool(**properties: Mapping[str, Any]) -> Tool:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool("change", "Change.", parameters, "write", lambda given: given, _run)


def source(value: Any, schema: Mapping[str, Any], told: Told, name: str = "amount") -> str:
    return trace_values(tool(**{name: schema}), {name: value}, {name}, told)[name]


@pytest.mark.parametrize(
    ("value", "schema", "said", "expected"),
    [
        (20, AMOUNT, "top up 20 dollars", "said"),
        (20, AMOUNT, "top up twenty dollars", "worked_out"),
        (1000, AMOUNT, "add $1,000", "said"),
        (2.5, GIGABYTES, "2,5 GB bitte", "said"),
        (20, {"type": "number"}, "充值20元", "said"),
        (100, GIGABYTES, "more gigabytes please", "nowhere"),
        (15, AMOUNT, "add money", "nowhere"),
        (20, AMOUNT, "20 gigabytes please", "nowhere"),
        (20, AMOUNT, "half of 40", "nowhere"),
        (1, COUNT, "order a pizza", "worked_out"),
        (2, COUNT, "order pizzas", "nowhere"),
        ("L", PLAN, "put me on the L plan", "said"),
        ("L", PLAN, "upgrade my plan", "nowhere"),
        ("bank_transfer", METHOD, "pay it by bank", "said"),
        ("INV-1042", INVOICE, "pay INV-1042", "said"),
        ("INV-1042", INVOICE, "pay 1042", "worked_out"),
        ("INV-1007", INVOICE, "pay my bill", "nowhere"),
        ("2026-12-01", TEXT, "from tomorrow on", "worked_out"),
        ("2026-12-04", TEXT, "on friday", "worked_out"),
        ("2026-12-24", TEXT, "on 24 December", "worked_out"),
        ("2026-12-14", TEXT, "in two weeks", "worked_out"),
        ("2026-12-05", TEXT, "as soon as you can", "nowhere"),
        ("2026-12-01T20:00:00", TEXT, "tomorrow at 8 pm", "worked_out"),
        ("2026-12-01T19:00:00", TEXT, "tomorrow at 8 pm", "nowhere"),
        ("moving abroad", TEXT, "cancel it, I'm moving abroad", "said"),
        ("Login page shows an error", TEXT, "the login page has errors", "worked_out"),
        ("bob@example.com", TEXT, "mail it to bob@example.com", "said"),
        ("eve@example.com", TEXT, "mail it to bob", "nowhere"),
        ("ES", {"type": "string", "pattern": "^[A-Z]{2}$"}, "a SIM for Spain", "worked_out"),
        ("USD", {"type": "string", "pattern": "^[A-Z]{3}$"}, "20 dollars", "worked_out"),
        ("DE", {"type": "string", "pattern": "^[A-Z]{2}$"}, "a SIM for Spain", "nowhere"),
        (["INV-1042", "INV-1007"], {"type": "array", "items": INVOICE}, "pay 1042", "nowhere"),
    ],
)
def test_the_words_of_the_person_are_where_a_value_comes_from(
    value: Any, schema: Mapping[str, Any], said: str, expected: str
) -> None:
    assert source(value, schema, Told((said,), today=TODAY)) == expected


def test_a_switch_that_was_spoken_of_is_worked_out() -> None:
    told = Told(("please turn off autopay",))
    assert source(False, {"type": "boolean"}, told, "autopay") == "worked_out"
    assert source(True, {"type": "boolean"}, told, "newsletter") == "nowhere"


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        ("21:20:00", {"type": "string", "format": "time"}, ("at twenty past nine",)),
        (
            "2026-12-04T14:30",
            {"type": "string", "format": "date-time"},
            ("friday", "half past two"),
        ),
        ("2026-12-11", {"type": "string", "format": "date"}, ("next Friday",)),
        (False, {"type": "boolean", "description": "Whether mail is sent"}, ("mute the mails",)),
    ],
)
def test_what_the_readers_read_is_worked_out(
    value: Any, schema: Mapping[str, Any], said: tuple[str, ...]
) -> None:
    assert source(value, schema, Told(said, today=TODAY), "enabled") == "worked_out"


def test_a_default_of_the_catalogue_is_one_even_if_the_model_spells_it_out() -> None:
    change = tool(amount={"type": "number", "default": 5})
    told = Told(("top up",))
    assert trace_values(change, {"amount": 5}, {"amount"}, told) == {"amount": "default"}
    assert trace_values(change, {"amount": 5}, (), told) == {"amount": "default"}


def test_a_result_is_a_source_only_where_the_value_is_no_accident() -> None:
    invoices = {"invoices": [{"id": "INV-1042", "due": 43.2, "days": 5}], "plan": "M"}
    told = Told(("pay my bill",), results=(invoices, {"plans": ["S", "M", "L"]}))
    assert source("INV-1042", INVOICE, told, "invoice_id") == "result"
    assert source(43.2, AMOUNT, told) == "result"
    assert source(5, AMOUNT, told) == "nowhere"
    assert source(5, COUNT, told, "days") == "result"
    assert source("L", PLAN, told, "plan") == "nowhere"
    assert source("M", PLAN, told, "plan") == "result"


def test_an_offer_is_a_source_of_the_value_that_it_asks_about() -> None:
    sole = Told(("yes",), offer="You have 5 dollars left. Shall I add 20 dollars?")
    assert source(20, AMOUNT, sole) == "worked_out"
    assert source(5, AMOUNT, sole) == "nowhere"
    several = Told(("the second one",), offer="There are 10 dollars or 20 dollars. Which one?")
    assert source(20, AMOUNT, several) == "worked_out"
    assert source(10, AMOUNT, several) == "nowhere"


def test_what_was_spent_before_is_not_said_now() -> None:
    told = Told(("add money",), earlier=("top up 20 dollars",))
    assert source(20, AMOUNT, told) == "said_earlier"


def test_minor_units_are_worked_out_where_the_parameter_counts_them() -> None:
    told = Told(("top up 20 dollars",))
    assert source(2000, {"type": "integer"}, told, "amount_cents") == "worked_out"
    assert source(2000, {"type": "integer"}, told, "amount") == "nowhere"


@settings(deadline=None)
@given(st.integers(2, 10**6), st.integers(2, 10**6))
def test_a_number_is_said_if_and_only_if_it_stands_in_the_message(said: int, called: int) -> None:
    found = source(called, {"type": "number"}, Told((f"make it {said}",)))
    assert (found == "said") == (said == called)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    ),
    st.text(max_size=60),
)
def test_any_value_and_any_message_have_a_source(value: Any, said: str) -> None:
    assert source(value, {}, Told((said,), results=(value,), offer=said))

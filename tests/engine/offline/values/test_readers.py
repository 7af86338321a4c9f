"""Values in what people write: what counts as said, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.offline.values.readers import (
    extract_values,
    foreign_unit,
    measured,
    several,
    sole_value,
    unit_name,
)
from engine.offline.values.schema import resolve_schema

DOLLARS = {"type": "number", "x-units": ["$", "usd", "dollar", "dollars", "buck", "bucks"]}
GIGABYTES = {"type": "number", "x-units": ["gb", "gig", "gigs", "gigabyte", "gigabytes"]}
COUNT = {"type": "integer"}
PLAN = {"type": "string", "enum": ["S", "M", "L", "Unlimited"]}
METHOD = {"type": "string", "enum": ["card", "paypal", "bank_transfer"]}
INVOICE = {"type": "string", "pattern": "^INV-[0-9]{4}$"}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("put 20 bucks on it", [20]),
        ("$20", [20]),
        ("20$ please", [20]),
        ("20.50 will do", [20.5]),
        ("1,000 dollars", [1000]),
        ("$1,234.50", [1234.5]),
        ("a hundred bucks", [100]),
        ("twenty-five dollars", [25]),
        ("20 thousand dollars", [20000]),
        ("another dollar", [1]),
        ("I have 2 kids, add 20 dollars", [20]),
        ("not 20, 50", [50]),
        ("top up 20 dollars and 5 gigs", [20]),
        ("twenty or thirty dollars", [20, 30]),
        ("12,50 dollars please", [12.5]),
        ("2,5$ more", [2.5]),
        ("12,5,7", []),
    ],
)
def test_amounts_of_money(text: str, expected: list[float]) -> None:
    assert extract_values(text, DOLLARS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10GB", [10]),
        ("two and a half gigs", [2.5]),
        ("half a gig", [0.5]),
        ("add a gig", [1]),
        ("one more gig", [1]),
        ("five more gigs", [5]),
        ("10gb and 20 dollars", [10]),
    ],
)
def test_amounts_of_data(text: str, expected: list[float]) -> None:
    assert extract_values(text, GIGABYTES) == expected


@pytest.mark.parametrize(
    "text", ["10 GB", "50 euros", "INV-1042", "1e309", "10:30", "on the 15th", "the second one", ""]
)
def test_what_is_no_amount_of_money(text: str) -> None:
    assert extract_values(text, DOLLARS) == []


@pytest.mark.parametrize("text", ["-50", "top up -50 dollars", "-$50", "minus fifty dollars"])
def test_a_sign_is_kept_so_that_validation_can_refuse_it(text: str) -> None:
    assert extract_values(text, DOLLARS) == [-50]


def test_a_correction_leaves_both_numbers_standing() -> None:
    assert extract_values("20, no, 50 dollars", DOLLARS) == [20, 50]
    assert extract_values("20 dollars, sorry, 30", DOLLARS) == [20, 30]


def test_a_number_counts_as_measured_only_with_its_own_unit() -> None:
    assert measured("add $20", DOLLARS)
    assert not measured("add 20", DOLLARS)
    assert not measured("add 20 GB", DOLLARS)
    assert not measured("add 20", COUNT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("switch me to the L plan", ["L"]),
        ("from S to L", ["L"]),
        ("change to S and M", ["S", "M"]),
        ("S is far too small, put me over to M today", ["M"]),
        ("the M plan is dear, switch to L or S", ["M", "L", "S"]),
        ("plan m", ["M"]),
        ("S or L?", ["S", "L"]),
        ("I want unlimted", ["Unlimited"]),
        ("I'M moving to a small flat", []),
        ("what's a plan", []),
    ],
)
def test_options_by_their_words(text: str, expected: list[str]) -> None:
    assert extract_values(text, PLAN, name="plan") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("with my credit card", ["card"]),
        ("via Pay Pal", ["paypal"]),
        ("paypall please", ["paypal"]),
        ("by bank transfer", ["bank_transfer"]),
        ("cash", []),
    ],
)
def test_options_written_loosely(text: str, expected: list[str]) -> None:
    assert extract_values(text, METHOD, name="method") == expected


@pytest.mark.parametrize(
    "text", ["pay INV-1042", "inv 1042", "INV1042 by card", "#1042", "invoice number 1042"]
)
def test_an_identifier_written_with_forgiveness(text: str) -> None:
    assert extract_values(text, INVOICE) == ["INV-1042"]


@pytest.mark.parametrize("text", ["pay 1042 dollars", "$1042", "invoice 10422", "my last invoice"])
def test_what_is_no_identifier(text: str) -> None:
    assert extract_values(text, INVOICE) == []


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ("15", DOLLARS, 15),
        ("15 dollars please", DOLLARS, 15),
        ("make it fifteen", DOLLARS, 15),
        ("-5", DOLLARS, -5),
        ("10 GB", DOLLARS, None),
        ("top up 20", DOLLARS, None),
        ("15 or 20", DOLLARS, None),
        ("L", PLAN, "L"),
        ("the l one", PLAN, "L"),
        ("INV-1042", INVOICE, "INV-1042"),
        ("1042 please", INVOICE, "INV-1042"),
        ("Germany", TEXT, "Germany"),
        ("to the Netherlands", TEXT, "the Netherlands"),
        ("and for Spain?", TEXT, "Spain"),
        ("trinidad and tobago", TEXT, "trinidad and tobago"),
        ("never mind", TEXT, None),
        ("what's my balance", TEXT, None),
        ("is it free there?", TEXT, None),
        ("yes", {"type": "boolean"}, True),
        ("", DOLLARS, None),
    ],
)
def test_a_text_that_is_nothing_but_a_value(
    text: str, schema: dict[str, Any], expected: Any
) -> None:
    assert sole_value(text, schema, name="plan") == expected


def test_references_and_null_are_looked_through() -> None:
    root = {"$defs": {"Plan": PLAN}}
    schema = {"anyOf": [{"$ref": "#/$defs/Plan"}, {"type": "null"}], "default": None}
    assert resolve_schema(resolve_schema(schema, root), root)["enum"] == PLAN["enum"]
    assert resolve_schema({"anyOf": [{"type": "string"}, {"type": "number"}]})["type"] == "number"


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert resolve_schema({"$ref": "#/$defs/A"}, {"$defs": {"A": {"$ref": "#/$defs/A"}}})


@given(st.text(max_size=200), st.sampled_from([DOLLARS, COUNT, PLAN, METHOD, INVOICE, TEXT]))
def test_any_text_is_read_without_a_fault(text: str, schema: dict[str, Any]) -> None:
    for value in extract_values(text, schema, name="plan"):
        assert value is not None
    sole_value(text, schema, name="plan")


@given(st.integers(min_value=0, max_value=10**9))
def test_a_plain_number_is_itself(number: int) -> None:
    assert extract_values(f"add {number} dollars", DOLLARS) == [number]
    assert sole_value(str(number), COUNT) == number


@pytest.mark.parametrize(
    ("text", "schema", "unit"),
    [
        ("15 euros", DOLLARS, "euros"),
        ("€15", DOLLARS, "€"),
        ("500 MB please", GIGABYTES, "MB"),
        ("15 dollars", DOLLARS, ""),
        ("15", DOLLARS, ""),
        ("15 euros", COUNT, ""),
        ("15 apples", DOLLARS, ""),
    ],
)
def test_a_unit_that_is_not_the_parameters_own(
    text: str, schema: dict[str, Any], unit: str
) -> None:
    assert foreign_unit(text, schema) == unit


def test_the_name_of_a_unit() -> None:
    assert unit_name(DOLLARS) == "dollars"
    assert unit_name({"x-units": ["km"]}) == "km"
    assert unit_name(COUNT) == ""


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("settle 2041 and 2042", ["INV-2041", "INV-2042"]),
        ("settle 2041 or 2042", []),
        ("settle 2041, no, 2042", []),
        ("settle 2041", []),
    ],
)
def test_a_list_of_identifiers(text: str, numbers: list[str]) -> None:
    assert several(text, INVOICE, name="invoice_id") == numbers


@pytest.mark.parametrize(
    "pattern", [r"^\w*\w*\w*\w*\w*;$", r"^(([A-Z0-9])+.)+[a-z]([A-Z])+$", "(?R)"]
)
def test_a_strangers_pattern_does_not_hold_the_search_for_values(pattern: str) -> None:
    text = "pay " + "A1" * 2_000
    assert extract_values(text, {"type": "string", "pattern": pattern}, name="invoice") == []


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        ({"type": "string", "format": "email"}, "it's jo@x.org", "jo@x.org"),
        ({"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"}, "jo.b@x.org please", "jo.b@x.org"),
        ({"type": "string", "format": "ipv4"}, "to 10.0.0.1", "10.0.0.1"),
        ({"type": "string", "format": "uri"}, "https://x.org/a?b=1", "https://x.org/a?b=1"),
        ({"type": "string", "pattern": r"^v?\d+\.\d+\.\d+$"}, "1.2.3", "1.2.3"),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "lhr", "LHR"),
        ({"type": "string", "pattern": "^[a-z0-9-]+$"}, "my-service please", "my-service"),
        ({"type": "string", "pattern": r"^\+?[0-9 ]{6,}$"}, "+44 20 7946 0000", "+44 20 7946 0000"),
        ({"type": "string", "pattern": r"^\d{4}-\d{2}$"}, "2026-12", "2026-12"),
        ({"type": "boolean"}, "off", False),
        ({"type": "boolean"}, "yes please", True),
        ({"type": "array", "items": TEXT}, "milk, eggs and bread", ["milk", "eggs", "bread"]),
        ({"type": "array", "items": METHOD}, "card and paypal", ["card", "paypal"]),
        ({"type": "array", "items": COUNT}, "1, 2 and 5", [1, 2, 5]),
        ({"type": "integer", "enum": [1, 2, 3]}, "two", 2),
        ({"type": "string", "pattern": r"^\d{5}$", "x-prefix": "90"}, "210", "90210"),
    ],
)
def test_every_type_has_an_answer(schema: dict[str, Any], answer: str, value: Any) -> None:
    assert sole_value(answer, schema, name="it") == value


def test_other_words_for_an_option() -> None:
    schema = {"enum": ["production", "staging"], "x-synonyms": {"production": ["live"]}}

    assert extract_values("put it live", schema, name="stage") == ["production"]
    assert extract_values("deploy to prod", schema, name="stage") == ["production"]


def test_a_number_behind_to_is_no_time_of_day() -> None:
    assert extract_values("set the heating to 21", COUNT, name="degrees") == [21]


@pytest.mark.parametrize(
    ("text", "name", "described", "expected"),
    [
        ("on 12 December", "direct_only", "Only direct flights", []),
        ("nothing urgent", "urgent", "Whether it is urgent", [False]),
        (
            "unsubscribe me from the newsletter",
            "subscribed",
            "Whether the newsletter is sent",
            [False],
        ),
        ("send me reminders", "enabled", "Whether reminders are sent", [True]),
        ("the newsletter on Friday", "subscribed", "Whether the newsletter is sent", []),
    ],
)
def test_a_switch(text: str, name: str, described: str, expected: list[bool]) -> None:
    schema = {"type": "boolean", "description": described}
    assert extract_values(text, schema, name=name) == expected


def test_a_word_is_an_option_where_it_has_its_root_but_not_where_it_ends_like_it() -> None:
    kinds = {"enum": ["check-up", "vaccination", "ebook"]}
    assert extract_values("can you vaccinate me", kinds) == ["vaccination"]
    assert extract_values("an idea for a book", kinds) == []


def test_a_count_of_dozens() -> None:
    assert extract_values("half a dozen packs", COUNT, name="packs") == [6]
    assert extract_values("half an hour", COUNT, name="packs") != [6]

"""A tool's arguments from one message: each stretch of it belongs to one parameter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.offline.slot_filling import fill, nested, parameters, required

NOW = datetime(2026, 11, 30, 10, 0)
TEXT = {"type": "string"}
PEOPLE = {"type": "integer", "description": "How many people come"}
STAGE = {"type": "string", "enum": ["staging", "production"]}
DAY = {"type": "string", "format": "date"}
FLAG = {"type": "boolean"}


def tool(needed: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": needed.split()}


DEPLOY = tool(
    "service stage", service=TEXT, stage=STAGE, version={**TEXT, "description": "like v1.0.0"}
)
TABLE = tool(
    "day people",
    day=DAY,
    people=PEOPLE,
    time={"type": "string", "format": "time"},
    outdoors=FLAG,
    name={**TEXT, "description": "Who it is for"},
)
TRIP = tool("origin destination", origin=TEXT, destination=TEXT, depart_on=DAY, return_on=DAY)
NOTE = tool("recipient text", recipient={"type": "string", "enum": ["nurse", "boss"]}, text=TEXT)
RUN = tool("query", query=TEXT, limit={"type": "integer"})
SHOP = tool("items", items={"type": "array", "items": TEXT})
MOVE = tool("stay", stay={"type": "object", "properties": {"city": TEXT, "nights": PEOPLE}})
MOVE["properties"]["stay"]["required"] = ["city"]
WORDS = "deploy to book a table trip fly tell send message run query add list shopping stay"
COMMON = set(WORDS.split())


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        (
            "deploy billing v1.2.3 to staging",
            DEPLOY,
            {"service": "billing", "stage": "staging", "version": "v1.2.3"},
        ),
        (
            "Hello! We want to deploy mailer's thing to staging",
            DEPLOY,
            {"service": "mailer", "stage": "staging"},
        ),
        ("deploy something to staging", DEPLOY, {"stage": "staging"}),
        ("deploy mailer to prod", DEPLOY, {"service": "mailer", "stage": "production"}),
        (
            "book a table tomorrow at 7pm for 4 people, not outdoors",
            TABLE,
            {"day": "2026-12-01", "time": "19:00:00", "people": 4, "outdoors": False},
        ),
        (
            "a table for six on December 3rd, outdoors",
            TABLE,
            {"day": "2026-12-03", "people": 6, "outdoors": True},
        ),
        (
            "book a trip from Lisbon to Porto on 3 May, return on 9 May",
            TRIP,
            {
                "origin": "Lisbon",
                "destination": "Porto",
                "depart_on": "2027-05-03",
                "return_on": "2027-05-09",
            },
        ),
        (
            "tell the nurse that I come at 9 on Monday",
            NOTE,
            {"recipient": "nurse", "text": "I come at 9 on Monday"},
        ),
        (
            'send the boss a message: "the shop is closed"',
            NOTE,
            {"recipient": "boss", "text": "the shop is closed"},
        ),
        (
            "run 'SELECT name FROM users LIMIT 5'",
            RUN,
            {"query": "SELECT name FROM users LIMIT 5"},
        ),
        (
            "add milk, eggs and bread to my shopping list",
            SHOP,
            {"items": ["milk", "eggs", "bread"]},
        ),
        ("book a stay in Graz", MOVE, {"stay.city": "Graz"}),
    ],
)
def test_arguments(text: str, schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert fill(text, schema, COMMON, now=NOW).values == expected


def test_what_could_be_two_things_is_left_open() -> None:
    filled = fill("book a table for 12/05, 3 people", TABLE, COMMON, now=NOW)

    assert filled.values == {"people": 3}
    assert filled.rivals == {"day": ["2026-12-05", "2027-05-12"]}


def test_what_nothing_took_is_known() -> None:
    assert fill("book a table tomorrow for 2, code X-77", TABLE, COMMON, now=NOW).unread == (
        "X-77",
    )
    assert fill("deploy billing v1.2.3 to staging", DEPLOY, COMMON, now=NOW).unread == ()


def test_an_amount_that_nothing_took_is_known() -> None:
    filled = fill("book a table on friday for 4 people and three hours", TABLE, COMMON, now=NOW)

    assert filled.values == {"day": "2026-12-04", "people": 4}
    assert filled.unread == ("three hours",)


@pytest.mark.parametrize("text", ["how warm is it in the kitchen", "how warm is it in kitchen"])
def test_an_article_does_not_hide_what_stands_in_its_place(text: str) -> None:
    assert fill(text, tool("room", room=TEXT), COMMON, now=NOW).values == {"room": "kitchen"}


def test_a_number_in_words_is_no_name() -> None:
    filled = fill("query two", RUN, COMMON, now=NOW)

    assert "query" not in filled.values


def test_parameters_within_an_object() -> None:
    assert list(parameters(MOVE)) == ["stay.city", "stay.nights"]
    assert required(MOVE) == ("stay.city",)
    assert nested({"stay.city": "Graz", "stay.nights": 2}) == {
        "stay": {"city": "Graz", "nights": 2}
    }


@given(st.text(max_size=150), st.sampled_from([DEPLOY, TABLE, TRIP, NOTE, RUN, SHOP, MOVE]))
def test_no_stretch_is_used_twice(text: str, schema: dict[str, Any]) -> None:
    filled = fill(text, schema, COMMON, now=NOW)

    assert set(filled.values) <= set(parameters(schema))
    assert not set(filled.values) & set(filled.rivals)

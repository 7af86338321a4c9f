"""Which one of several is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.conversation import Message
from engine.offline.selection import extract_name_list, is_ordinal_only, options, resolve_ordinal

PLANS = ["S", "M", "L"]
NUMBER = {"type": "string", "pattern": r"^INV-\d+$"}
INVOICES = {
    "open": [{"id": "INV-2", "note": "INV-9"}, {"id": "INV-1"}],
    "paid": [{"id": "INV-0"}, {"id": 7}],
    "id": "INV-8",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the second one", "M"),
        ("take the 1st plan please", "S"),
        ("the last one", "L"),
        ("the third", "L"),
        ("the fifth one", None),
        ("the second bill", None),
        ("second thoughts", None),
        ("second", "M"),
        ("last one please", None),
        ("take it", None),
        ("M", None),
    ],
)
def test_a_place_in_a_list(text: str, value: str | None) -> None:
    assert resolve_ordinal(text, PLANS, "plan") == value


def test_it_is_the_only_one_there_is() -> None:
    messages = _told({"invoice": {"id": "INV-5"}, "lines": [{"text": "calls"}]})
    shown = options("invoice_id", NUMBER, messages)

    assert resolve_ordinal("pay it by card", shown, "invoice_id") == "INV-5"
    assert resolve_ordinal("pay a bill", shown, "invoice_id") is None


def test_nothing_is_picked_of_nothing() -> None:
    assert resolve_ordinal("the last one", [], "plan") is None


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("the second one", True),
        ("ok, the first please", True),
        ("the second one and top up 20 dollars", False),
        ("what is the second one?", False),
    ],
)
def test_a_text_that_is_only_a_place(text: str, bare: bool) -> None:
    assert is_ordinal_only(text) == bare


def _told(data: Any) -> list[Message]:
    return [Message("tool", json.dumps(data), tool_call_id="1"), Message("user", "the second one")]


def test_options_are_what_was_listed_last() -> None:
    messages = [*_told({"open": [{"id": "INV-5"}]}), *_told(INVOICES), *_told("Thanks.")]
    assert options("invoice_id", NUMBER, messages) == ["INV-2", "INV-1", "INV-0"]


@pytest.mark.parametrize("content", ["", "{", "[[[", "null", '[{"id": {"id": []}}]'])
def test_results_that_list_nothing(content: str) -> None:
    assert options("invoice_id", NUMBER, [Message("tool", content, tool_call_id="1")]) == []


def test_an_enum_lists_itself() -> None:
    assert options("plan", {"enum": [*PLANS, None]}, []) == PLANS


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("roaming in France, Italy and the Czech Republic", ["France", "Italy", "Czech Republic"]),
        ("Spain or Portugal?", ["Spain", "Portugal"]),
        ("calls from New Zealand", []),
        ("france, italy and spain", []),
    ],
)
def test_a_list_of_names(text: str, names: list[str]) -> None:
    assert extract_name_list(text) == names

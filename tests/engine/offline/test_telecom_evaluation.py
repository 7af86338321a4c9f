"""The evaluation set says what the tools would really be given, and stays apart from training."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from engine.conversation import Conversation
from engine.intents.catalogue import BUILT_IN, load
from engine.intents.catalogue_schema import MANNERS
from engine.intents.routing import Routing
from engine.offline.message_reader import MessageReader
from engine.offline.router import OfflineRouter
from tests.engine.catalogs.telecom_desk import TOOLS

pytestmark = pytest.mark.slow

FOLDER = BUILT_IN / "evaluation"
INTENTS = {
    "balance": {"get_balance", "top_up_balance"},
    "data": {"get_data_balance", "top_up_data"},
    "roaming": {"roaming_cost_for_country"},
    "contract": {"get_contract", "change_plan", "cancel_contract"},
    "payment": {"get_last_bill", "list_invoices", "pay_invoice"},
}
STAND_INS = {"amount": 1, "country": "Spain", "plan": "S", "invoice_id": "INV-1042"}


def _rows(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


EVERY = [row for path in sorted(FOLDER.glob("*.jsonl")) for row in _rows(path.stem)]


@pytest.mark.parametrize("intent", INTENTS)
def test_each_intent_has_enough_messages_for_each_of_its_tools(intent: str) -> None:
    rows = _rows(intent)
    assert len(rows) >= 40
    assert {row["intent"] for row in rows} == {intent}
    assert {row["tool"] for row in rows} == INTENTS[intent]


def test_difficult_messages_are_among_them() -> None:
    for name, least in (("missing", 20), ("two_tasks", 20), ("rude", 25), ("misspelt", 25)):
        assert len(_rows(name)) >= least
    assert len(_rows("look_alikes")) >= 40


def test_other_routes_have_enough_messages() -> None:
    for route, least in (("small_talk", 30), ("out_of_scope", 40)):
        rows = _rows(route)
        assert len(rows) >= least
        assert all(row["intent"] is None and row["route"] == route for row in rows)


def test_no_message_is_there_twice() -> None:
    counts = Counter(_plain(row["text"]) for row in EVERY)
    assert [text for text, times in counts.items() if times > 1] == []


@pytest.mark.parametrize("row", [row for row in EVERY if row.get("tool")], ids=lambda r: r["text"])
def test_expected_arguments_are_what_the_tool_would_be_given(row: dict[str, Any]) -> None:
    tool = TOOLS[row["tool"]]
    expected = row.get("arguments", {})
    missing = set(tool.required) - set(expected)
    assert missing == set(row.get("missing", ()))
    given = tool.validate(expected | {name: STAND_INS[name] for name in missing})
    for name, value in expected.items():
        assert given[name] == (Decimal(str(value)) if isinstance(value, int | float) else value)


def test_two_tasks_name_their_intents_in_order() -> None:
    for row in _rows("two_tasks"):
        assert row["intents"][0] == row["intent"]
        assert len(set(row["intents"])) == 2
        assert set(row["intents"]) <= set(INTENTS)


async def test_the_offline_router_finds_the_intents() -> None:
    catalogue = load(BUILT_IN)
    reader = MessageReader(catalogue)
    router = OfflineRouter(reader, catalogue)
    missed = []
    for row in EVERY:
        found = [item async for item in router.route(row["text"], Conversation())][-1]
        assert isinstance(found, Routing)
        wanted = row.get("intents") or ([row["intent"]] if row["intent"] else [])
        if [task.intent for task in found.tasks] != wanted:
            missed.append(row["text"])
    assert len(missed) <= 0.05 * len(EVERY), missed


def test_no_phrase_of_the_catalogue_is_asked_again() -> None:
    files = [MANNERS, *BUILT_IN.glob("*.toml"), *BUILT_IN.glob("intents/*.toml")]
    taught = {
        _plain(phrase)
        for path in files
        for phrase in _phrases(tomllib.loads(path.read_text("utf-8")))
    }
    assert taught
    assert [row["text"] for row in EVERY if _plain(row["text"]) in taught] == []


def _phrases(value: object) -> Iterator[str]:
    """Every string in a list: examples, counter-examples, replies."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _phrases(item)
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, str))

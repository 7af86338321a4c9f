"""What a look-up's result says to the question that was asked, in four catalogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.intents.catalogue import BUILT_IN, load
from engine.offline.answers import answer, facts_of, rows_of
from engine.offline.encoder import Encoder
from engine.tools.tool import Tool, ToolContext

TODAY = date(2026, 11, 30)
HERE = Path(__file__).parents[1] / "catalogs"
TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for place in (BUILT_IN, HERE / "library", HERE / "clinic", HERE / "travel")
    for tool in load(place).tools
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


async def said(encoder: Encoder, folder: Path, tool: str, question: str) -> str:
    async def likeness(text: str, labels: Sequence[str]) -> Sequence[float]:
        cosines: list[float] = (encoder.embed(labels) @ encoder.embed([text])[0]).tolist()
        return cosines

    context = ToolContext("action", "session", folder)
    result = await TOOLS[tool].run(context, TOOLS[tool].validate({}))
    return await answer(question, result, likeness, TODAY)


@pytest.mark.parametrize(
    ("tool", "question", "told", "untold"),
    [
        ("get_data_balance", "how much did I use", "12.6 GB", "20 GB"),
        ("get_data_balance", "when does it renew", "renews on 1", ""),
        ("get_data_balance", "what does an extra GB cost", "$2", "7.4"),
        ("get_balance", "which card do you have", "4242", "balance is"),
        ("get_contract", "which plan is cheapest", "S: price $14.90", "Unlimited"),
        ("get_contract", "compare S and Unlimited", "difference: price $45", "L:"),
        ("get_contract", "what does the M plan cost", "$29.90", "S:"),
        ("get_contract", "how much data is in L", "50 GB", "$"),
        ("get_contract", "which one has the most data", "L:", "M:"),
        ("list_invoices", "which invoice is the largest?", "INV-1042", "INV-1007"),
        ("list_invoices", "what's the oldest open invoice", "INV-1007", "INV-1042"),
        ("list_trips", "how much does Kyoto cost", "$1,890", "Oslo"),
        ("list_trips", "when do I fly to Oslo", "5 February 2027", "Kyoto"),
        ("list_trips", "how many nights am I in Kyoto", "12", "Oslo"),
        ("list_trips", "where am I going in April", "Kyoto", "Oslo"),
        ("list_trips", "which trip is the longest?", "Kyoto", "Lisbon"),
        ("list_trips", "which of my trips are refundable", "Lisbon", "Oslo"),
        ("list_trips", "when do my miles expire", "30 September 2027", "Oslo"),
        ("list_trips", "compare Lisbon and Oslo", "$175.50", "Kyoto"),
        ("list_appointments", "how much are both together", "$135", ""),
        ("list_appointments", "when do I see Okafor", "9 December 2026", "Moreau"),
        ("list_prescriptions", "which medicine has no refills left", "ramipril", "ibuprofen"),
        ("list_loans", "which loans have no fine", "Dune", "The Waves"),
        ("list_loans", "when is Dune due?", "19 December 2026", "Middlemarch"),
        ("list_loans", "what is overdue?", "The Waves", "Dune"),
        ("list_loans", "how much do I owe in fines", "$2.50", "Dune"),
        ("list_loans", "which book has to be back first", "The Waves", "Dune"),
        ("list_loans", "when does my card expire", "30 June 2027", "The Waves"),
        ("list_loans", "what is my card number", "77 3120", "2027"),
        ("list_appointments", "when is my next appointment", "2 December 2026", "Okafor"),
        ("list_appointments", "which visit is the most expensive", "A1250", "A1203"),
        ("list_appointments", "what does A1203 cost", "$40", "$95"),
        ("list_appointments", "which insurance do you have for me", "Helvetia", "A1203"),
        ("list_appointments", "how much of my deductible is left", "$180", "A1203"),
        ("list_appointments", "who am I seeing on the 9th", "Okafor", "Moreau"),
        ("list_prescriptions", "how many refills are left for ibuprofen", "2", "ramipril"),
        ("list_prescriptions", "which medicine is cheapest", "ibuprofen", "ramipril"),
        ("list_prescriptions", "compare ibuprofen and ramipril", "The difference", ""),
    ],
)
async def test_a_question_is_answered_from_the_facts(
    encoder: Encoder, tmp_path: Path, tool: str, question: str, told: str, untold: str
) -> None:
    reply = await said(encoder, tmp_path, tool, question)

    assert told in reply
    assert not untold or untold not in reply


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("get_contract", "show my contract"),
        ("get_data_balance", "my data please"),
        ("list_invoices", "list my invoices"),
        ("list_loans", "what have I borrowed"),
        ("list_appointments", "show me my appointments"),
    ],
)
async def test_what_asks_for_all_gets_the_summary(
    encoder: Encoder, tmp_path: Path, tool: str, message: str
) -> None:
    assert await said(encoder, tmp_path, tool, message) == await said(encoder, tmp_path, tool, "")


async def unlike(_text: str, labels: Sequence[str]) -> Sequence[float]:
    return [0.0] * len(labels)


@pytest.mark.parametrize(
    "result",
    [None, "done", 5, [], {}, [1, 2], {"error": "No."}, {"rows": [{"a": None}]}, [{"": {}}], [[]]],
)
async def test_any_result_has_an_answer(result: Any) -> None:
    assert isinstance(
        await answer("which is the cheapest, when and why?", result, unlike, TODAY), str
    )


def test_facts_and_rows() -> None:
    result = {
        "own": {"name": "M", "price_usd": "9.50"},
        "others": [{"name": "S", "price_usd": "5.00"}, {"name": "L", "price_usd": 20}],
        "since": "2026-01-02",
        "active": True,
        "note": "",
    }

    assert [(f.label, f.text) for f in facts_of(result)] == [
        ("own name", "M"),
        ("own price", "$9.50"),
        ("since", "2 January 2026"),
        ("active", "yes"),
    ]
    assert [str(row) for row in rows_of(result)] == [
        "M: price $9.50",
        "S: price $5",
        "L: price $20",
    ]

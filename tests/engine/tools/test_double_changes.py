"""Before a change is asked about, and changes that are the same."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine import events
from engine.intents.intent import Intent
from engine.tools.call_summary import summarize_call
from engine.tools.function import effect, tool_from_function
from engine.tools.tool import ToolContext, ToolUserError
from tests.engine.desk import Desk, assistant, results, turn
from tests.engine.stubs import StubModel, calls, says
from tests.engine.turns import CATALOGUE

pytestmark = pytest.mark.slow


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("price", "outcome", "asked"),
    [
        (5, "ok", ["would be 5"]),
        (99, "error", []),  # refused without asking
        (98, "ok", [""]),  # what cannot be rehearsed is asked about all the same
    ],
)
async def test_a_change_is_rehearsed_before_it_is_asked_about(
    desk: Desk, tmp_path: Path, price: int, outcome: str, asked: list[str]
) -> None:
    @effect("write", rehearses=True)
    def buy(context: ToolContext, price: int) -> dict[str, str]:
        """Buy it."""
        if context.rehearsal and price == 99:
            raise ToolUserError("Too dear.")
        if context.rehearsal and price == 98:
            raise RuntimeError
        desk.ran.append(("rehearsed" if context.rehearsal else "bought", price))
        return {"summary": f"would be {price}"}

    subject = assistant(desk, tmp_path, StubModel(calls(("buy", {"price": price})), says("Well.")))
    shop = Intent("balance", "Shop", "Buy", {}, tools=(tool_from_function(buy),))
    subject.catalogue = replace(subject.catalogue, intents={"balance": shop})
    happened = await turn(subject)
    requests = [e for e in happened if isinstance(e, events.ApprovalRequested)]
    assert [request.would for request in requests] == asked
    assert [given for given, _ in results(happened)] == [outcome]
    assert [done for done, _ in desk.ran].count("bought") == (outcome == "ok")


@pytest.mark.parametrize("again", [20.0, "20", "2e1"])
async def test_the_same_change_written_differently_is_the_same(
    desk: Desk, tmp_path: Path, again: object
) -> None:
    twice = calls(("top_up", {"amount": 20}), ("top_up", {"amount": again}))
    subject = assistant(desk, tmp_path, StubModel(twice, says("Done.")))
    assert [outcome for outcome, _ in results(await turn(subject))] == ["error", "ok"]
    assert len(desk.ran) == 1


def test_an_option_is_told_in_words() -> None:
    tool = next(tool for tool in CATALOGUE.tools if tool.name == "pay_invoice")
    arguments = {"invoice_id": "INV-1042", "method": "bank_transfer"}
    assert summarize_call(tool, arguments) == "Pay invoice INV-1042 by bank transfer"


@pytest.mark.parametrize("other", [10**30 + 2, "1e99999999"])
async def test_changes_that_differ_in_any_digit_are_two(
    desk: Desk, tmp_path: Path, other: object
) -> None:
    @effect("write")
    def pay(account: Decimal) -> str:
        """Pay to an account."""
        desk.ran.append(("paid", account))
        return "Paid."

    both = calls(("pay", {"account": 10**30 + 1}), ("pay", {"account": other}))
    subject = assistant(desk, tmp_path, StubModel(both, says("Done.")))
    bank = Intent("balance", "Bank", "Pay", {}, tools=(tool_from_function(pay),))
    subject.catalogue = replace(subject.catalogue, intents={"balance": bank})
    happened = await turn(subject, f"pay to {10**30 + 1} and to {other}")
    assert [outcome for outcome, _ in results(happened)] == ["ok", "ok"]
    assert len(desk.ran) == 2


@pytest.mark.parametrize(
    ("template", "files", "reads"),
    [
        ("Stage {files}", ["a.txt", "b.txt"], "Stage a.txt, b.txt"),
        ("Stage {files}", [], "Stage none"),
        ("Stage {files[0]} first", ["a.txt", "b.txt"], "Stage a.txt first"),
        ("", [1.0, 2.5], "Stage: files 1, 2.5"),
        ("", [{"name": "é"}], 'Stage: files [{"name": "é"}]'),
    ],
)
def test_a_list_reads_as_people_write_it(template: str, files: list[object], reads: str) -> None:
    def stage(files: list[object]) -> None:
        """Stage them."""

    tool = replace(tool_from_function(stage), summary=template)
    assert summarize_call(tool, {"files": files}) == reads

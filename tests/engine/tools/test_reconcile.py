"""What became of an action: asked of the back end, never done again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.events import ActionSettled
from engine.intents.catalogue import BUILT_IN, load
from engine.tools.reconcile import reconcile_action
from engine.tools.tool import ToolContext
from tests.engine.catalogs import telecom_desk
from tests.engine.desk import Desk


async def found(
    folder: Path, outcome_of: Callable[[ToolContext], Any] | None, tool: str = "top_up"
) -> ActionSettled | None:
    plain = Desk().catalogue()
    intent = plain.intents["balance"]
    tools = tuple(replace(tool, outcome_of=outcome_of) for tool in intent.tools)
    catalogue = replace(plain, intents={"balance": replace(intent, tools=tools)})
    return await reconcile_action(
        catalogue.tools, ToolContext("a1", "s", folder), tool=tool, call_id="c1"
    )


async def test_what_was_done_is_told_as_json_data(tmp_path: Path) -> None:
    asked: list[ToolContext] = []

    def outcome_of(context: ToolContext) -> dict[str, object]:
        asked.append(context)
        return {"balance": Decimal("52.50")}

    assert await found(tmp_path, outcome_of) == ActionSettled(
        call_id="c1", action_id="a1", outcome="ok", result={"balance": "52.50"}
    )
    assert asked == [ToolContext("a1", "s", tmp_path)]


async def test_a_back_end_may_be_asked_over_the_network(tmp_path: Path) -> None:
    async def outcome_of(context: ToolContext) -> str:
        return f"{context.action_id} is done"

    settled = await found(tmp_path, outcome_of)
    assert settled is not None
    assert settled.result == "a1 is done"


async def test_what_was_not_done_is_cancelled(tmp_path: Path) -> None:
    settled = await found(tmp_path, lambda _: None)
    assert settled is not None
    assert (settled.outcome, settled.by) == ("cancelled", "check")
    assert "nothing was changed" in settled.result["error"]


async def test_a_long_result_is_cut_like_that_of_the_tool(tmp_path: Path) -> None:
    settled = await found(tmp_path, lambda _: "x" * 1_000_000)
    assert settled is not None
    assert len(settled.result["truncated"]) == 20_000


def unreachable(_: ToolContext) -> None:
    raise OSError("no route to host")


@pytest.mark.parametrize(
    ("outcome_of", "tool"),
    [(None, "top_up"), (unreachable, "top_up"), (lambda _: None, "another_catalogues_tool")],
    ids=["nobody to ask", "no answer", "not the one to ask"],
)
async def test_silence_is_never_taken_for_an_answer(
    tmp_path: Path, outcome_of: Callable[[ToolContext], Any] | None, tool: str
) -> None:
    assert await found(tmp_path, outcome_of, tool) is None


def test_the_operators_books_tell_and_stay_as_they_are(tmp_path: Path) -> None:
    catalogue, desk = load(BUILT_IN), telecom_desk.Desk(tmp_path)
    paid = desk.call("pay_invoice", action_id="paid", invoice_id="INV-1042")
    before = desk.state()
    told = [
        asyncio.run(
            reconcile_action(
                catalogue.tools, desk.context(action), tool="pay_invoice", call_id="c1"
            )
        )
        for action in ("paid", "never came", "paid", "never came")
    ]
    assert [(t.outcome, t.result.get("summary")) for t in told if t] == [
        ("ok", paid["summary"]),
        ("cancelled", None),
    ] * 2
    assert desk.state() == before

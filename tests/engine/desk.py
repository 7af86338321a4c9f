"""A small back end with its catalogue, and an assistant on it with a stub for the model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from engine.assistant import Assistant
from engine.events import Event, ToolFinished
from engine.intents.intent import Catalogue, Intent
from engine.intents.routing import Routing
from engine.ports import Approver
from engine.tools.function import effect, tool_from_function
from engine.tools.tool import ToolContext, ToolUserError
from tests.engine.stubs import MemoryRecorder, StubApprover, StubModel, StubRouter, task

MONEY = Annotated[Decimal, Field(gt=0, le=100)]


@dataclass
class Desk:
    """A back end that writes down what really ran."""

    ran: list[tuple[str, Any]] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    def catalogue(self) -> Catalogue:
        desk = self

        @effect("read")
        def get_balance() -> dict[str, str]:
            """Show the balance."""
            desk.ran.append(("get_balance", None))
            return {"balance": "5.00"}

        def top_up(context: ToolContext, amount: MONEY) -> dict[str, str]:
            """Add money."""
            desk.ran.append(("top_up", amount))
            if amount == 99:
                raise ToolUserError("That is too much for one day.")
            if amount == 98:
                raise RuntimeError("password=hunter2")
            return {"action": context.action_id}

        async def slow_write() -> str:
            """Take a while."""
            desk.entered.set()
            await desk.leave.wait()
            desk.ran.append(("slow_write", None))
            return "written"

        @effect("destructive")
        def close_account() -> str:
            """End it."""
            desk.ran.append(("close_account", None))
            return "closed"

        @effect("read")
        def get_plan() -> str:
            """Show the plan."""
            desk.ran.append(("get_plan", None))
            return "L"

        money = (get_balance, top_up, slow_write, close_account)
        intents = {
            "balance": Intent(
                "balance",
                "Balance",
                "Money",
                {},
                tools=tuple(tool_from_function(function) for function in money),
            ),
            "contract": Intent(
                "contract", "Contract", "Plans", {}, tools=(tool_from_function(get_plan),)
            ),
        }
        return Catalogue("Test", "Tess", "You are Tess.", intents)


def assistant(
    desk: Desk,
    folder: Path,
    model: StubModel,
    *routings: Routing,
    approver: Approver | None = None,
    recorder: MemoryRecorder | None = None,
) -> Assistant:
    return Assistant(
        catalogue=desk.catalogue(),
        router=StubRouter(*(routings or (task("balance"),))),
        model=model,
        recorder=recorder or MemoryRecorder(),
        approver=approver or StubApprover(),
        data_dir=folder,
    )


async def turn(
    subject: Assistant, text: str = "do it: 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 98, 99, 500"
) -> list[Event]:
    return [event async for event in subject.respond(text)]


def last(happened: list[Event]) -> Any:
    return happened[-1]


def results(happened: list[Event]) -> list[tuple[str, Any]]:
    return [(e.outcome, e.result) for e in happened if isinstance(e, ToolFinished)]

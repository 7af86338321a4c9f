"""The telecom tools as the engine calls them: validated, then run on a real file."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from engine.catalogs.telecom import tools
from engine.tools.function import tool_from_function
from engine.tools.tool import Tool, ToolContext

READS = (
    "get_balance",
    "get_data_balance",
    "roaming_cost_for_country",
    "get_contract",
    "get_last_bill",
    "list_invoices",
)
WRITES = ("top_up_balance", "top_up_data", "change_plan", "cancel_contract", "pay_invoice")
TOOLS: dict[str, Tool] = {
    name: tool_from_function(getattr(tools, name)) for name in (*READS, *WRITES)
}


class Desk:
    """A customer's desk over the books in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count(1)

    def context(self, action_id: str = "") -> ToolContext:
        return ToolContext(action_id or f"action-{next(self._numbers)}", "session", self.folder)

    def call(
        self, name: str, *, action_id: str = "", rehearsal: bool = False, **arguments: object
    ) -> Any:
        tool = TOOLS[name]
        checked = tool.validate(arguments)
        context = replace(self.context(action_id), rehearsal=rehearsal)

        async def run() -> Any:
            return await tool.run(context, checked)

        return asyncio.run(run())

    def state(self) -> tuple[Any, ...]:
        """All that the customer can see, to prove that nothing changed."""
        return tuple(self.call(name) for name in READS if name != "roaming_cost_for_country")

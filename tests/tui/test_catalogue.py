"""The catalogue screen: filter, browse, read, by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from engine.intents.catalogue import BUILT_IN, load
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, settle, shown, until
from tui.screens.catalogue import CatalogueScreen
from tui.services.backend import IntentRow, ToolRow
from tui.services.catalogue_view import kind, rows
from tui.widgets.tool_details import ToolDetails


async def opened(pilot: Pilot[Any]) -> CatalogueScreen:
    await settle(pilot)
    await pilot.press("f9")
    await until(pilot, lambda: isinstance(pilot.app.screen, CatalogueScreen))
    screen = pilot.app.screen
    assert isinstance(screen, CatalogueScreen)
    return screen


def listed(screen: CatalogueScreen) -> str:
    return shown(screen.query_one("#capabilities", OptionList))


def details(screen: CatalogueScreen) -> str:
    return shown(screen.query_one("#details"))


async def test_browse_from_intent_to_tool_to_schema() -> None:
    async with make_app(FakeBackstage()).run_test(size=(110, 40)) as pilot:
        screen = await opened(pilot)
        assert "2 intents, 3 tools" in str(screen.query_one("#capabilities").border_subtitle)
        await until(pilot, lambda: "pay my invoice" in details(screen))
        await pilot.press("down", "down")
        await until(pilot, lambda: "number, more than 0" in details(screen))
        text = details(screen)
        for expected in ("asks first, up to amount 50", "[/b] is no markup", "“top up 20 dollars”"):
            assert expected in text
        assert "Add ${amount} to your balance" in text
        assert "optional, else none" in text
        await pilot.press("pagedown")
        await until(pilot, lambda: "In the prompt" in details(screen))
        assert "with all that was written in it" in details(screen)


async def test_filter_as_you_type_and_leave_step_by_step() -> None:
    async with make_app(FakeBackstage()).run_test(size=(110, 40)) as pilot:
        screen = await opened(pilot)
        await pilot.press(*"ticket for good")
        await until(pilot, lambda: "get_balance" not in listed(screen))
        assert "Tickets" in listed(screen)
        await until(pilot, lambda: "asks every time" in details(screen))
        await pilot.press(*"zzz")
        await until(pilot, lambda: screen.query_one("#none").display)
        await pilot.press("enter", "down", "escape")
        await until(pilot, lambda: screen.query_one(Input).value == "")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert chat_of(pilot).prompt.has_focus


async def test_in_a_small_terminal_the_details_take_the_place_of_the_list() -> None:
    async with make_app(FakeBackstage()).run_test(size=(60, 15)) as pilot:
        screen = await opened(pilot)
        pane = screen.query_one(ToolDetails)
        assert not pane.display
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: pane.display and pane.has_focus)
        assert not screen.query_one("#capabilities").display
        await pilot.press("pagedown")
        await until(pilot, lambda: pane.scroll_y > 0)
        await pilot.press("enter")
        await until(pilot, lambda: not pane.display)
        assert screen.query_one(Input).has_focus
        await pilot.press("f9")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_a_thousand_tools_are_listed_and_found() -> None:
    class Large(FakeBackstage):
        def intents(self) -> tuple[IntentRow, ...]:
            return tuple(
                IntentRow(
                    f"i{i}",
                    f"Intent {i}",
                    "",
                    tools=tuple(ToolRow(f"tool_{i}_{n}", "read", "") for n in range(10)),
                )
                for i in range(100)
            )

    async with make_app(Large()).run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        assert screen.query_one("#capabilities", OptionList).option_count == 1100
        await pilot.press(*"tool_99_9")
        await until(pilot, lambda: screen.query_one("#capabilities", OptionList).option_count == 2)
        assert screen.query_one(ToolDetails).border_title == "tool_99_9"


def test_the_rows_of_the_built_in_catalogue() -> None:
    tools = {tool.name: tool for intent in rows(load(BUILT_IN)) for tool in intent.tools}
    pay, plan = tools["pay_invoice"], tools["change_plan"]
    assert [(p.name, p.required, p.default) for p in pay.parameters] == [
        ("invoice_id", True, None),
        ("method", False, "card"),
    ]
    assert pay.parameters[0].kind == "text, like ^INV-[0-9]{4}$"
    assert plan.parameters[0].kind == "one of S, M, L, Unlimited"
    assert (pay.policy, tools["cancel_contract"].policy) == ("asks first", "asks every time")


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "anything"),
        ({"type": ["integer", "null"], "minimum": 1}, "whole number, at least 1"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "text, date"),
        (
            {"type": "array", "items": {"enum": ["a"]}, "maxItems": 3},
            "list of one of a, at most 3 items",
        ),
        ({"$ref": "#/$defs/A"}, "object with x, y"),
        ({"const": 5}, "only 5"),
        ({"enum": list(range(30))}, "one of " + ", ".join(map(str, range(20))) + " and 10 more"),
    ],
)
def test_types_and_limits_in_words(schema: dict[str, Any], words: str) -> None:
    root = {"$defs": {"A": {"type": "object", "properties": {"x": {}, "y": {}}}}}
    assert kind(schema, root) == words

"""Prompts of servers as commands, and their resources behind an @."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from engine.tools.source import Attachable, PromptArgument, ServerPrompt
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.app import IntentBotApp
from tui.chat.transcript import NoteBlock
from tui.chat.typed_commands import Command, Offers, prompt_of, read_input, suggestions
from tui.screens.form import FormScreen
from tui.terminal.key_queue import LineInput

REVIEW = ServerPrompt(
    "inn",
    "Review text",
    "Have it [b]read",
    (PromptArgument("text", "", True), PromptArgument("tone")),
)
OFFERS = Offers(
    prompts=(REVIEW, ServerPrompt("inn", "find"), ServerPrompt("bar", "review text")),
    attachable=(
        Attachable("inn", "notes://all", "All notes"),
        Attachable("inn", "notes://", "Notes of a day", whole=False),
    ),
)


def given(text: str) -> tuple[ServerPrompt, dict[str, str]] | None:
    command = read_input(text)
    assert isinstance(command, Command)
    return prompt_of(command, OFFERS)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("/review-text", {}),
        ("/review-text Buy Milk today", {"text": "Buy Milk today"}),
        ('/review-text tone=stern "Buy Milk"', {"text": "Buy Milk", "tone": "stern"}),
        ("/review-text it's fine", {"text": "it's fine"}),
        ("/REVIEW-TEXT text=A x=1", {"text": "A", "tone": "x=1"}),
    ],
)
def test_what_is_typed_behind_a_prompt_are_its_arguments(
    text: str, arguments: dict[str, str]
) -> None:
    assert given(text) == (REVIEW, arguments)


def test_a_name_that_is_taken_gets_that_of_its_server() -> None:
    assert set(OFFERS.typed_prompts) == {"review-text", "inn:find", "bar:review-text"}
    assert given("/find") is None


def test_prompts_are_among_the_commands() -> None:
    found = {one.text: one.label for one in suggestions("/rev", OFFERS)}
    assert found["/review-text"] == "/review-text text [tone]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("read @", ["read @inn:notes://all ", "read @inn:notes://"]),
        ("read @all", ["read @inn:notes://all "]),
        ("@inn:notes://a", ["@inn:notes://all "]),
        ("read @inn:notes://all", []),
        ("read @all now", []),
        ("mail a@b", []),
        ("", []),
    ],
)
def test_an_address_is_completed_behind_an_at(text: str, found: list[str]) -> None:
    assert [one.text for one in suggestions(text, OFFERS)] == found


def with_material() -> tuple[IntentBotApp, FakeBackstage]:
    backstage = FakeBackstage()
    backstage.prompts_of_servers, backstage.attachable = (REVIEW,), tuple(OFFERS.attachable)
    return make_app(backstage), backstage


async def ready(pilot: Pilot[Any]) -> None:
    await until(pilot, lambda: chat_of(pilot).menu.offers.prompts)


async def test_a_prompt_is_written_for_the_person_and_not_sent() -> None:
    app, backstage = with_material()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await say(pilot, "/review-text Buy milk")
        prompt = chat_of(pilot).prompt
        await until(pilot, lambda: prompt.text == "Review text {'text': 'Buy milk'}")
        assert backstage.chat.heard == []
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == ["Review text {'text': 'Buy milk'}"]


async def test_what_a_prompt_lacks_is_asked_for() -> None:
    app, backstage = with_material()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        await say(pilot, "/review-text tone=stern")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
        await settle(pilot)
        first, second = pilot.app.screen.query(LineInput)
        assert second.value == "stern"
        second.value = ""
        first.value = "Eggs"
        await pilot.press("enter", "k")
        await until(pilot, lambda: second._suggestion == "kind")
        await pilot.press("right", "enter")
        prompt = chat_of(pilot).prompt
        expected = "Review text {'text': 'Eggs', 'tone': 'kind'}"
        await until(pilot, lambda: prompt.text == expected)
        assert backstage.chat.heard == []


async def test_an_address_is_chosen_by_key() -> None:
    app, backstage = with_material()
    async with app.run_test(size=(100, 30)) as pilot:
        await ready(pilot)
        chat = chat_of(pilot)
        chat.prompt.put("read @no")
        await until(pilot, lambda: chat.menu.display)
        assert "All notes" in shown(chat.menu)
        await pilot.press("tab")
        await until(pilot, lambda: chat.prompt.text == "read @inn:notes://all ")
        await until(pilot, lambda: not chat.menu.display)
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.heard == ["read @inn:notes://all"])


async def test_changes_are_read_between_turns_and_new_tools_are_said() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        chat = chat_of(pilot)
        assert chat.menu.offers.prompts == ()
        backstage.prompts_of_servers = (REVIEW,)
        backstage.changes = {"inn": frozenset({"tools", "prompts"})}
        await say(pilot, "thanks")
        await ready(pilot)
        said = [b.text for b in chat.transcript.blocks if isinstance(b, NoteBlock)]
        assert said == ["inn has changed its tools: /reload reads them"]


async def test_reload_reads_everything_again() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        await say(pilot, "/reload")
        await until(pilot, lambda: backstage.reloaded == 1)

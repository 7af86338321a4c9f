"""Prompts, resources and changes of a server's lists, as the app and a message use them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import mcp_types as types
import pytest
import pytest_asyncio

from engine import events
from engine.assistant import Assistant
from engine.intents.catalogue import make_catalogue, mcp_source
from engine.intents.intent import Catalogue
from engine.ports import DenyAll, MemoryRecorder
from engine.testing import StubModel, StubRouter, says, task
from engine.tools.mcp import load_mcp
from engine.tools.mcp.tools import import_tools
from engine.tools.source import Attachable, Material, PromptArgument, Source
from engine.tools.tool import ToolUserError
from tests.engine.tools.mcp.desk import run

if TYPE_CHECKING:
    from engine.tools.mcp.client import Connection

SERVER = str(Path(__file__).parent / "everything.py")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["2026", "2025"])
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    more = ["--first-initialize"] if request.param == "2025" else []
    source = load_mcp("inn", {"command": [sys.executable, SERVER, *more], "timeout_s": 60}, Path())
    assert source.problems == ()
    yield source
    assert source.close is not None
    await source.close()


@pytest.fixture
def material(source: Source) -> Material:
    (material,) = source.material
    return material


async def test_prompts_are_listed_and_written(material: Material) -> None:
    prompts = {one.name: one for one in await material.prompts()}
    assert set(prompts) == {"review", "greet"}
    assert prompts["review"].about == "Have a text reviewed."
    assert prompts["review"].arguments == (
        PromptArgument("text", required=True),
        PromptArgument("tone"),
    )
    text = await material.prompt_text("review", {"text": "milk", "tone": "stern"})
    assert text == "Review this in a stern tone:[2J milk"
    with pytest.raises(ToolUserError):
        await material.prompt_text("nothing", {})


async def test_arguments_of_prompts_are_completed(material: Material) -> None:
    assert await material.complete("review", "tone", "st") == ("stern",)


async def test_what_can_be_attached_is_listed(material: Material) -> None:
    found = await material.attachable()
    assert Attachable("inn", "notes://all", "All notes") in found
    assert Attachable("inn", "notes://", "Notes of a day", whole=False) in found


async def test_patterns_of_addresses_are_listed_for_the_model(source: Source) -> None:
    listed = await run(source, "inn_list_resources")
    assert listed["resources"][0]["uri"] == "notes://all"
    assert listed["patterns"] == [{"pattern": "notes://{day}", "name": "Notes of a day"}]
    said = await run(source, "inn_read_resource", uri="notes://monday")
    assert said == "nothing on monday"


async def test_structured_content_is_the_result(source: Source) -> None:
    assert await run(source, "weather", place="Rome") == {"place": "Rome", "degrees": 21.5}


async def test_pictures_and_sounds_are_said_as_such(source: Source) -> None:
    assert await run(source, "record") == {
        "content": [
            "recorded",
            {"not_shown": "image, image/png, 2 KB"},
            {"not_shown": "audio, audio/wav, 2 KB"},
        ]
    }


async def test_a_changed_list_is_noted_once(source: Source, material: Material) -> None:
    assert await material.take_changes() == frozenset()
    await run(source, "learn")
    async with asyncio.timeout(60):
        while "tools" not in (changes := await material.take_changes()):
            assert changes <= {"prompts"}
            await asyncio.sleep(0.01)


async def test_tools_that_are_said_to_have_changed_and_have_not_are_not_noted(
    source: Source, material: Material
) -> None:
    await run(source, "learn")  # once more, which adds nothing
    await run(source, "learn")
    assert "tools" not in await material.take_changes()


async def test_a_tool_that_runs_only_as_a_task_is_left_out() -> None:
    task = types.ToolExecution(task_support="required")
    listed = [types.Tool(name="dig", input_schema={"type": "object"}, execution=task)]
    offer = import_tools("inn", listed, cast("Connection", None), ())
    assert offer.tools == ()
    assert "'dig' is left out" in offer.problems[0]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    found = mcp_source("inn", command=[sys.executable, SERVER], timeout_s=60)
    return make_catalogue(found)


@pytest.mark.asyncio(loop_scope="function")
async def test_what_is_attached_is_read_before_the_model_is_asked(catalogue: Catalogue) -> None:
    model = StubModel(says("You need milk and bread."))
    (key,) = list(catalogue.intents)[:1]
    recorder = MemoryRecorder()
    assistant = Assistant(
        catalogue,
        StubRouter(task(key, text="what does @inn:notes://all, say?")),
        model,
        recorder,
        DenyAll(),
        Path(),
    )
    said = "what does @inn:notes://all, say? And a@b.de, @other:x://y, @inn:z?"
    async for _ in assistant.respond(said):
        pass
    *_, asked, read = model.requests[0].messages
    assert asked.tool_calls[0].name == "inn_read_resource"
    assert asked.tool_calls[0].arguments == '{"uri": "notes://all"}'
    assert read.role == "tool"
    assert "bread" in read.content
    finished = [e for e in recorder.events if isinstance(e, events.ToolFinished)]
    assert [event.untrusted for event in finished] == [True]
    await catalogue.close()

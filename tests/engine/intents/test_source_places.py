"""What `--catalog` takes besides a catalogue: other clients' servers, and files of functions."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.intents.catalogue import load
from engine.intents.catalogue_schema import CatalogueError
from engine.tools.mcp.client_config import servers_of
from engine.tools.tool import ToolContext
from tests.engine.tools.mcp.desk import SERVER

HOUSE = '''"""The lights and the heating of my house."""

from enum import Enum

from engine.tools.function import effect


class Room(Enum):
    KITCHEN = "kitchen"
    HALL = "hall"


@effect("read")
def temperature(room: Room) -> float:
    """How warm a room is."""
    return 21.5


def switch_light(room: Room, on: bool = True) -> str:
    """Turn the light of a room on or off."""
    return f"{room.value} {on}"


def _helper(x: int) -> int:
    return x


def untyped(x):
    return x
'''


def servers(folder: Path, listed: dict[str, Any], *, section: str = "mcpServers") -> Path:
    path = folder / "mcp.json"
    path.write_text(json.dumps({section: listed}))
    return path


def desk(folder: Path, *options: str, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [SERVER, str(folder / "diary"), *options], **more}


async def test_the_servers_of_another_client_are_intents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_TOKEN", "very-secret-token")
    path = servers(
        tmp_path,
        {
            "my desk": desk(tmp_path, env={"TOKEN": "${env:DESK_TOKEN}", "MODE": "${MODE:-fast}"}),
            "other": desk(tmp_path, disabled=True),
            "asks": desk(tmp_path, env={"KEY": "${input:key}"}),
            "lacks": desk(tmp_path, env={"KEY": "${NOWHERE_SET}"}),
            "old": {"type": "sse", "url": "https://example.com/sse"},
        },
    )
    catalogue = load(path)
    try:
        assert {intent.source for intent in catalogue.intents.values()} == {"mcp"}
        tool = next(tool for tool in catalogue.tools if tool.name == "touch")
        seen = await tool.run(ToolContext("a", "s", tmp_path), {})
        assert {"TOKEN", "MODE"} <= set(seen)
        assert "DESK_TOKEN" not in seen
    finally:
        await catalogue.close()
    told = " ".join(catalogue.problems)
    for name in ("other", "asks", "lacks", "old"):
        assert f"{name}:" in told or f"{name} " in told
    assert "NOWHERE_SET" in told
    assert "very-secret-token" not in told


async def test_the_servers_of_an_editor_may_have_comments(tmp_path: Path) -> None:
    folder = tmp_path / ".vscode"
    folder.mkdir()
    data = json.dumps({"desk": desk(tmp_path)})
    text = f'{{ // mine, see "http://x"\n "servers": {data}, /* "inputs" */ }}'
    (folder / "mcp.json").write_text(text)
    catalogue = load(folder / "mcp.json")
    try:
        assert "add_note" in {tool.name for tool in catalogue.tools}
    finally:
        await catalogue.close()


@pytest.mark.parametrize(
    "text", ['{"openapi": "3.0.0", "servers": [], "paths": {}}', "[]", '{"servers": []}', "{"]
)
def test_what_is_no_list_of_servers_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "api.json"
    path.write_text(text)
    assert servers_of(path) is None


def test_a_table_may_name_a_server_of_the_file(tmp_path: Path) -> None:
    servers(tmp_path, {"desk": desk(tmp_path)})
    (tmp_path / "intents").mkdir()
    (tmp_path / "intents" / "notes.toml").write_text(
        '[mcp]\nconfig = "mcp.json"\nserver = "desk"\nread = ["list_notes"]'
    )
    catalogue = load(tmp_path)
    asyncio.run(catalogue.close())
    effects = {tool.name: tool.effect for tool in catalogue.tools}
    assert effects["list_notes"] == "read"
    assert effects["add_note"] == "write"


def test_headers_with_a_secret_are_not_sent_unencrypted(tmp_path: Path) -> None:
    path = servers(
        tmp_path, {"far": {"url": "http://192.0.2.1/mcp", "headers": {"X-Key": "abcdefgh"}}}
    )
    with pytest.raises(CatalogueError) as caught:
        load(path)
    assert "X-Key" in str(caught.value)
    assert "abcdefgh" not in str(caught.value)


async def test_the_functions_of_a_file_are_an_intent(tmp_path: Path) -> None:
    path = tmp_path / "house.py"
    path.write_text(HOUSE)
    catalogue = load(path)
    (intent,) = catalogue.intents.values()
    assert intent.key == "house"
    assert intent.generated
    assert "heating" in intent.description
    assert {tool.name: tool.effect for tool in intent.tools} == {
        "temperature": "read",
        "switch_light": "write",
    }
    assert any("untyped" in problem for problem in catalogue.problems)
    tool = intent.tools[1]
    checked = tool.validate({"room": "hall"})
    assert await tool.run(ToolContext("a", "s", tmp_path), checked) == "hall True"


async def test_several_places_at_once(tmp_path: Path) -> None:
    for name in ("house", "garden"):
        (tmp_path / f"{name}.py").write_text(HOUSE.replace("kitchen", name))
    catalogue = load(tmp_path / "house.py", tmp_path / "garden.py")
    assert set(catalogue.intents) == {"house", "garden"}
    assert len(catalogue.tools) == 4
    assert catalogue.tools[0].validate({"room": "house"})


def test_nothing_of_a_folder_that_is_no_catalogue_is_run(tmp_path: Path) -> None:
    (tmp_path / "house.py").write_text("raise SystemExit('run')")
    with pytest.raises(CatalogueError, match=r"house\.py"):
        load(tmp_path)

"""What a server has to read: listed and read by two tools that change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.tools.tool import InvalidArguments, ToolUserError
from tests.engine.tools.mcp.desk import McpDesk, run, tools_of


@pytest.mark.parametrize("more", [(), ("--first-initialize",)])
async def test_what_a_server_has_to_read_is_listed_and_read(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    source = McpDesk(tmp_path).load("--resources", *more)
    try:
        tools = tools_of(source)
        for name in ("desk_list_resources", "desk_read_resource"):
            assert tools[name].effect == "read"
            assert tools[name].untrusted
        listed = await run(source, "desk_list_resources")
        assert listed["resources"][0]["uri"] == "note:///first"
        assert await run(source, "desk_read_resource", uri="note:///first") == "milk[2J"
        with pytest.raises(ToolUserError, match="no such note"):
            await run(source, "desk_read_resource", uri="note:///second")
        with pytest.raises(InvalidArguments):
            await run(source, "desk_read_resource")
    finally:
        assert source.close is not None
        await source.close()


async def test_a_server_without_resources_has_no_tools_for_them(tmp_path: Path) -> None:
    source = McpDesk(tmp_path).load()
    assert "desk_list_resources" not in tools_of(source)
    assert source.close is not None
    await source.close()

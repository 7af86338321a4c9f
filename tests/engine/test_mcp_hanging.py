"""A server that lives and does not answer."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine.tools.mcp import client
from engine.tools.tool import ToolUserError
from tests.engine.mcp_desk import McpDesk, run


async def test_a_change_is_kept_from_a_server_that_hangs_and_what_to_do_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ALIVE_LIMIT_S", 0.2)
    desk = McpDesk(tmp_path)
    source = desk.load()
    (server,) = desk.starts
    os.kill(server, signal.SIGSTOP)
    try:
        told = "nothing was changed.*start this program again"
        with pytest.raises(ToolUserError, match=told):
            await run(source, "add_note", text="once")
    finally:
        os.kill(server, signal.SIGCONT)
        assert source.close is not None
        await source.close()
    assert "note once" not in desk.diary

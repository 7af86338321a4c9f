"""A server that lives and does not answer."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from engine.tools.mcp import server_run
from tests.engine.tools.mcp.desk import McpDesk, run

pytestmark = pytest.mark.slow


async def test_a_server_that_hangs_is_started_again_before_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_run, "ALIVE_LIMIT_S", 0.2)
    desk = McpDesk(tmp_path)
    source = desk.load()
    (server,) = desk.starts
    os.kill(server, signal.SIGSTOP)
    try:
        await run(source, "add_note", text="once")
    finally:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGCONT)
        assert source.close is not None
        await source.close()
    assert desk.diary.count("note once") == 1
    assert len(desk.starts) == 2

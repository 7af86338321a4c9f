"""What an MCP server starts ends with it, and with this program, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.tools.mcp.desk import SERVER, McpDesk

# Loads the server as the app does, says so, and waits to be ended.
APP = """
import sys, time
from pathlib import Path
from tests.engine.tools.mcp.desk import McpDesk
folder = Path(sys.argv[1])
desk = McpDesk(folder)
source = desk.load(command=sys.argv[2:])
assert source.groups, source.problems
print("ready", flush=True)
time.sleep(600)
"""


def forking(folder: Path, *, deaf: bool = False) -> list[str]:
    """A server that leaves a sleeper beside itself, which may not hear SIGTERM."""
    trap = 'trap "" TERM; ' if deaf else ""
    note = f'echo $! > "{folder}/sleeper"'
    serve = f'exec "{sys.executable}" "{SERVER}" "{folder}/diary"'
    return ["/bin/sh", "-c", f"({trap}sleep 600) & {note}; {serve}"]


def sleeper(folder: Path) -> int:
    return int((folder / "sleeper").read_text())


def lives(process: int) -> bool:
    """Whether a process runs; one that nobody has reaped does not."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(done: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return done()


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc"),
]


@pytest.mark.parametrize("deaf", [False, True])
async def test_what_a_server_forked_ends_when_it_is_closed(tmp_path: Path, deaf: bool) -> None:
    desk = McpDesk(tmp_path)
    source = desk.load(command=forking(tmp_path, deaf=deaf))
    assert source.close is not None
    assert lives(sleeper(tmp_path))
    await source.close()
    assert until(lambda: not lives(sleeper(tmp_path)))
    assert until(lambda: not lives(desk.starts[0]))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_a_server_forked_ends_with_the_program(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", APP, str(tmp_path), *forking(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        try:
            assert app.stdout is not None
            assert app.stdout.readline() == "ready\n"
            assert lives(sleeper(tmp_path))
            app.send_signal(number)
            assert app.wait(60) == -number
        finally:
            app.kill()
    assert until(lambda: not lives(sleeper(tmp_path)))
    assert until(lambda: not lives(McpDesk(tmp_path).starts[0]))


async def test_a_server_that_is_killed_takes_what_it_forked_along(tmp_path: Path) -> None:
    desk = McpDesk(tmp_path)
    source = desk.load(command=forking(tmp_path))
    try:
        os.kill(desk.starts[0], signal.SIGKILL)
        assert until(lambda: not lives(sleeper(tmp_path)))
    finally:
        assert source.close is not None
        await source.close()


async def test_a_command_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    desk = McpDesk(tmp_path)
    for command, said in (("nowhere-to-be-found", "was not found"), ("./plain", "Permission")):
        source = desk.load(command=[command])
        assert said in source.problems[0]
    (tmp_path / "plain").chmod(0o755)
    assert "ended at once" in desk.load(command=["./plain"]).problems[0]

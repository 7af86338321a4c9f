"""The installed app over a real `sshd` on loopback: inside tmux, and when the line drops."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Home
from tests.end_to_end.secure_shell import SecureShell, find, missing, serve_ssh
from tests.end_to_end.talker import Talker, serve_talker
from tests.end_to_end.terminal import PROGRAM, Terminal

if reason := missing("sshd", "ssh", "ssh-keygen"):
    pytest.skip(reason, allow_module_level=True)

ENDS_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureShell]:
    with serve_ssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def talker(home: Home) -> Iterator[Talker]:
    with serve_talker() as server:
        home.environ |= {"OPENAI_BASE_URL": server.url, "INTENTBOT_DB": "x.db"}
        yield server


def _over(shell: SecureShell, home: Home, *command: str, term: str = "xterm-256color") -> Terminal:
    return shell.run(command, environ=home.environ, folder=home.folder, term=term)


def _descendants(pid: int) -> set[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return set()
    return {pid}.union(*(_descendants(int(child)) for child in children))


def _wait_for_end(processes: set[int]) -> None:
    deadline = time.monotonic() + ENDS_WITHIN_S
    while left := {pid for pid in processes if Path(f"/proc/{pid}").exists()}:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


def test_a_dropped_line_ends_the_turn_and_loses_nothing(
    shell: SecureShell, home: Home, talker: Talker
) -> None:
    home.environ["INTENTBOT_ROUTER"] = "embedded"
    pid_file = home.folder / "pid"
    program = _over(shell, home, "sh", "-c", f"echo $$ > {pid_file}; exec {PROGRAM}")
    try:
        program.wait_for("Helix")
        program.send("what is my balance?\r")
        talker.says("It is thirty-two dollars, ")
        program.wait_for("thirty-two dollars,")
        processes = _descendants(int(pid_file.read_text()))
    finally:
        program.kill()
    _wait_for_end(processes)

    (session,) = home.listing("sessions", "list")
    events = home.listing("sessions", "show", session["id"])
    assert events[-1]["kind"] == "turn_finished"
    assert events[-1]["status"] == "cancelled"

    again = _over(shell, home, PROGRAM, "--continue")
    try:
        screen = again.wait_for("thirty-two dollars,")
        assert "what is my balance?" in screen
        assert "cancelled" in screen
        again.send("\x11")
        assert again.wait_for_end() == 0
    finally:
        again.close()


@pytest.mark.skipif(bool(missing("tmux")), reason=missing("tmux"))
def test_tmux_keeps_the_turn_when_the_line_drops(
    shell: SecureShell, home: Home, talker: Talker
) -> None:
    tmux = (find("tmux") or "tmux", "-L", f"test-{os.getpid()}", "-f", "/dev/null")
    # tmux runs what it is given with a TERM of its own, `screen`: 16 colours.
    first = _over(shell, home, *tmux, "-u", "new", PROGRAM, "--no-mouse")
    try:
        first.wait_for("Helix")
        first.send("top up 20 dollars\r")
        talker.routes("balance")
        talker.calls("top_up_balance", amount=20)
        first.wait_for("approve once")
        first.press_until("y", "succeeded")
        talker.says("Your balance is ")
        first.wait_for("Your balance is")
    finally:
        first.kill()

    second = _over(shell, home, *tmux, "-u", "attach")
    try:
        second.wait_for("Your balance is")
        talker.says("now $52.50.", done=True)
        screen = second.wait_for("now $52.50.")
        assert "succeeded" in screen
        second.wait_for("ready")
        second.send("\x19")
        second.wait_for("copied to")
        shown = subprocess.run([*tmux, "show-buffer"], capture_output=True, text=True, check=True)
        assert shown.stdout.startswith("Your balance is now $52.50.")
        second.send("\x11")
        assert second.wait_for_end() == 0
    finally:
        second.close()
        subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
    (action,) = (a for a in home.listing("actions", "list") if a["effect"] == "write")
    assert action["state"] == "succeeded"

"""The running program and outputs that take nothing, are closed, or lack a character."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from contextlib import closing

import pytest

from engine.events import TextDelta, ToolFinished, TurnFinished
from storage.database import Database
from storage.history import History
from tests.end_to_end.conftest import Home
from tests.storage.told import Recording, proposal, turn
from tests.tui.test_output import HOSTILE, acting
from tui.commands.exit_codes import ExitCode

COMMANDS: Sequence[Sequence[str]] = (
    ("sessions", "list"),
    ("sessions", "list", "--json"),
    ("sessions", "show", "s"),
    ("sessions", "show", "s", "--json"),
    ("sessions", "show", "s", "--csv"),
    ("sessions", "search", "hello"),
    ("sessions", "export", "s"),
    ("sessions", "export", "s", "--format", "json"),
    ("sessions", "export", "s", "--format", "html"),
    ("actions", "list"),
    ("actions", "list", "--csv"),
    ("actions", "show", "a1"),
    ("catalog", "list"),
    ("config", "show"),
    ("config", "keys", "--json"),
    ("demo",),
    ("demo", "--record", "s"),
    ("eval", "--runs"),
    ("--help",),
    ("--version",),
)


@pytest.fixture
def used(home: Home) -> Home:
    """A home with a session in which everything is as hostile as it can be."""
    home.environ |= {"INTENTBOT_DB": "x.db", "INTENTBOT_PROVIDER": "scripted"}
    call = proposal()
    steps = (
        call,
        ToolFinished(call_id="c1", outcome="ok", result={"said": HOSTILE}),
        TextDelta(text=HOSTILE),
        TurnFinished(status="completed", reply=HOSTILE),
    )
    with closing(Database.open(home.folder / "x.db")) as database, Recording(database) as kept:
        kept.keep(turn("s", "t", *steps, said=f"hello {HOSTILE}"))
    return home


def run(home: Home, command: Sequence[str], redirection: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell runs it with a redirection, `$0` being the program."""
    return subprocess.run(
        ["sh", "-c", f'"$0" "$@" {redirection}', *home.program, *command],
        cwd=home.folder,
        env=home.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_output_that_takes_nothing_is_one_line_and_an_exit_code(
    used: Home, command: Sequence[str]
) -> None:
    for redirection in (">/dev/full", ">&-"):
        done = run(used, command, redirection)
        assert done.returncode == ExitCode.FAILED, redirection
        assert done.stderr.count("\n") == 1, done.stderr
        assert "standard output cannot be written" in done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nothing_printed_acts_on_a_terminal(used: Home, command: Sequence[str]) -> None:
    done = used.run(*command)
    assert acting(done.stdout.replace("\r\n", "\n") + done.stderr) == set()


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&-"])
def test_talk_and_input_that_are_closed_fail_nothing(used: Home, redirection: str) -> None:
    for command in (("sessions", "list"), ("ask", "hello")):
        done = run(used, command, redirection)
        assert (done.returncode, done.stderr) == (ExitCode.DONE, ""), command
    assert run(used, ("--bogus",), redirection).returncode == ExitCode.USAGE


def test_a_reader_that_goes_away_is_no_failure(used: Home) -> None:
    listed = [COMMANDS[0], ("config", "keys"), ("--help",)]
    for command in listed:
        done = run(used, command, "| true")
        assert (done.returncode, done.stderr) == (0, ""), command


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_done_is_on_record_though_it_could_not_be_said(
    used: Home, redirection: str, form: Sequence[str]
) -> None:
    done = run(used, ("ask", "hello", *form), redirection)
    assert done.returncode == ExitCode.FAILED
    assert done.stderr.count("\n") == 1, done.stderr
    newest = used.listing("sessions", "list")[0]
    assert newest["title"] == "hello"
    last = used.listing("sessions", "show", newest["id"])[-1]
    assert (last["kind"], last["status"]) in [
        ("turn_finished", "completed"),
        ("turn_finished", "cancelled"),
    ]


def test_an_encoding_that_lacks_characters_ends_nothing(used: Home) -> None:
    """Neither does half a character that an earlier version wrote."""
    for encoding, commands in (("ascii:strict", COMMANDS), ("cp1252", COMMANDS[:3])):
        used.environ["PYTHONIOENCODING"] = encoding
        for command in commands:
            done = run(used, command, ">out")
            assert (done.returncode, done.stderr) == (0, ""), (encoding, command)
        assert run(used, ("ask", "hello", "--json"), ">out").returncode == 0
        for line in (used.folder / "out").read_text("ascii").splitlines():
            json.loads(line)


def test_input_outside_its_encoding_is_read(used: Home) -> None:
    done = run(used, ("ask", "-"), "<<'END'\nhello \udcff\nEND")
    assert (done.returncode, done.stderr) == (0, "")
    with closing(Database.open(used.folder / "x.db")) as database:
        assert History(database).sessions()[0].title == "hello \ufffd"

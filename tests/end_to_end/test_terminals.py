"""The installed app in small, old and odd terminals; ended from outside; and silent when idle."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from tests.end_to_end.conftest import Home
from tests.end_to_end.talker import Talker, serve_talker
from tests.end_to_end.terminal import PROGRAM, Terminal

REPLY = """You have **32 dollars**.

1. Café
2. Bar

| plan | price |
|---|---|
| M | 20 |

That is all."""
IDLE_S = 2.0


@pytest.fixture
def talker(home: Home) -> Iterator[Talker]:
    with serve_talker() as server:
        home.environ |= {"OPENAI_BASE_URL": server.url, "INTENTBOT_DB": "x.db"}
        yield server


def _open(
    home: Home,
    *arguments: str,
    size: tuple[int, int] = (80, 24),
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Terminal:
    columns, rows = size
    given = {**home.environ, **environ}
    return Terminal(arguments, folder=home.folder, environ=given, columns=columns, rows=rows)


def _ask(app: Terminal, talker: Talker) -> None:
    """Send a message; half of the reply is there."""
    app.wait_for("ready")
    app.send("what is my balance?\r")
    talker.routes("balance")
    talker.says(REPLY[:12])
    app.wait_for("You have")


def _quit(app: Terminal) -> None:
    app.send("\x11")
    assert app.wait_for_end() == 0


@pytest.mark.parametrize(
    ("term", "size", "arguments"),
    [
        ("xterm-256color", (80, 24), ()),
        ("screen", (60, 15), ("--no-mouse",)),
        ("xterm-16color", (80, 24), ("--low-bandwidth",)),
        ("linux", (80, 25), ("--no-mouse",)),
        ("vt100", (80, 24), ()),
    ],
)
def test_a_turn_in_this_terminal(
    home: Home, talker: Talker, term: str, size: tuple[int, int], arguments: tuple[str, ...]
) -> None:
    app = _open(home, *arguments, size=size, environ={"TERM": term})
    try:
        _ask(app, talker)
        talker.says(REPLY[12:], done=True)
        app.wait_for("ready")
        assert "That is all." in app.screen
        _quit(app)
        assert app.takes_lines, "the terminal is as it was"
    finally:
        app.close()
    if term != "xterm-256color":
        assert not re.search(rb"\x1b\[[0-9;]*[34]8;[25];", app.sent), "more than 16 colours"
    assert (b"\x1b[?1000h" in app.sent) == ("--no-mouse" not in arguments)


@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "POSIX"},
        {"LC_ALL": "en_US.ISO-8859-1", "PYTHONIOENCODING": "latin-1"},
    ],
)
def test_a_locale_without_unicode_is_readable(
    home: Home, talker: Talker, environ: dict[str, str]
) -> None:
    app = _open(home, environ=environ)
    try:
        _ask(app, talker)
        talker.says(REPLY[12:], done=True)
        app.wait_for("ready")
        assert re.search(r"\+-+\+-+\+\s+\| plan", app.screen)
        app.send(b"\xe9")  # a key that is no UTF-8
        app.press_until("x", "xx")
        _quit(app)
    finally:
        app.close()
    latin = "PYTHONIOENCODING" in environ
    assert (b"Caf\xe9" if latin else b"Cafe") in app.sent
    assert b"\\u" not in app.sent
    assert latin or app.sent.isascii()


@pytest.mark.parametrize("arguments", [(), ("--low-bandwidth",)])
def test_the_size_changes_while_a_reply_arrives(
    home: Home, talker: Talker, arguments: tuple[str, ...]
) -> None:
    app = _open(home, *arguments, size=(120, 40))
    try:
        _ask(app, talker)
        for columns, rows in ((60, 15), (40, 10), (80, 24)):
            app.resize(columns, rows)
            talker.says("x" if columns == 60 else " y")
        app.resize(100, 30)
        talker.says(" and no more.", done=True)
        app.wait_for("and no more.")
        app.wait_for("what is my balance?")
        app.wait_for("ready")
        _quit(app)
    finally:
        app.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_turn_and_the_program(
    home: Home, talker: Talker, number: signal.Signals
) -> None:
    app = _open(home)
    try:
        _ask(app, talker)
        app.signal(number)
        assert app.wait_for_end() == 130
        assert app.takes_lines, "the terminal is as it was"
        assert app.sent.rindex(b"\x1b[?1049l") > app.sent.rindex(b"\x1b[?1049h")
        assert app.sent.rindex(b"\x1b[?25h") > app.sent.rindex(b"\x1b[?25l")
    finally:
        app.close()
    (session,) = home.listing("sessions", "list")
    events = home.listing("sessions", "show", session["id"])
    assert (events[-1]["kind"], events[-1].get("status")) == ("turn_finished", "cancelled")


def test_who_comes_back_to_a_stopped_program_sees_all_of_it(home: Home, talker: Talker) -> None:
    app = _open(home)
    try:
        app.wait_for("● ready")
        app.read_for(IDLE_S)
        app.signal(signal.SIGTSTP)
        app.read_for(1.0)
        assert app.takes_lines, "the terminal is the shell's again"
        app.signal(signal.SIGCONT)
        drawn = b""
        while b"rite a message" not in drawn:
            more = app.read_for(2.0)
            assert more, drawn
            drawn += more
        _quit(app)
    finally:
        app.close()


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_an_idle_screen_sends_nothing(home: Home, talker: Talker, term: str) -> None:
    app = _open(home, size=(100, 30), environ={"TERM": term})
    try:
        _ask(app, talker)
        talker.says(REPLY[12:], done=True)
        app.wait_for("ready")
        app.read_for(1.0)
        assert app.read_for(IDLE_S) == b""
        _quit(app)
    finally:
        app.close()


def _bytes_of_a_reply(home: Home, talker: Talker, *arguments: str) -> int:
    app = _open(home, *arguments)
    try:
        _ask(app, talker)
        before = len(app.sent)
        for number in range(100):
            talker.says(f"word{number} ")
            time.sleep(0.025)  # the pace of a model
        talker.says("so there.", done=True)
        app.wait_for("there.")
        app.wait_for("ready")
        return len(app.sent) - before
    finally:
        app.close()


def test_low_bandwidth_sends_less_than_half(home: Home, talker: Talker) -> None:
    usual = _bytes_of_a_reply(home, talker)
    assert _bytes_of_a_reply(home, talker, "--low-bandwidth") < usual / 2


def test_a_reader_may_leave_before_the_end(home: Home) -> None:
    home.environ |= {"INTENTBOT_DB": "x.db", "INTENTBOT_PROVIDER": "scripted"}
    home.run("ask", "hello")
    shell = Home(home.folder, home.environ, ("sh", "-c"))
    done = shell.run(f'{{ {PROGRAM} sessions list; echo "exit $?" >&2; }} | true')
    assert done.stderr == "exit 0\n"
    done = shell.run(f'{{ {PROGRAM} ask --json "who are you?"; echo "exit $?" >&2; }} | true')
    assert done.stderr == "exit 130\n"
    newest = home.listing("sessions", "list")[0]
    assert home.listing("sessions", "show", newest["id"])[-1]["status"] == "cancelled"

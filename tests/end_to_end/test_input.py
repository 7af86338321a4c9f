"""What comes from a real terminal: pastes, reports and bursts answer nothing; signals."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import Terminal

GRACE_S = 1.0  # longer than a question lets keys pass unheard
LOG_LINE = "\x1b[32my\x1b[0m first\ry\ra\x11\x1b[1;31msecond\x1b[0m"
REPORTS = (
    "\x1b]11;rgb:1a1a/1b1b/2626\x1b\\",
    "\x1b]10;rgb:aaaa/ffff/ffff\x07",
    "\x1bP>|ghostty 1.2.0 any\x1b\\",
    "\x1bP!|7E565445\x1b\\",
    "\x1b_Gi=31;any\x1b\\",
    "\x1b[?62;22;52c\x1b[>0;276;0c\x1b[?1u\x1b[?25;1$y\x1b[8;24;80t\x1b[121A\x1b[13A",
)


def _open(home: Home) -> Terminal:
    app = Terminal([], folder=home.folder, environ=home.environ)
    app.wait_for("Helix")
    return app


@pytest.fixture
def asked(home: Home) -> Iterator[Terminal]:
    """The app with the question of a top-up, which takes keys."""
    home.environ["INTENTBOT_DB"] = "x.db"
    app = _open(home)
    try:
        app.send("top up 20 dollars\r")
        app.wait_for("approve once")
        app.read_for(GRACE_S)
        yield app
    finally:
        app.close()


def _states(home: Home) -> list[str]:
    return [action["state"] for action in home.listing("actions", "list")]


def _deny(app: Terminal) -> None:
    """The question is still there, and a lone key answers it."""
    app.press_until("n", "nothing was changed")
    app.send("\x11")
    assert app.wait_for_end() == 0


def test_a_paste_answers_nothing_and_stands_in_the_prompt(home: Home, asked: Terminal) -> None:
    """With colours, carriage returns and control characters in it."""
    asked.send(f"\x1b[200~{LOG_LINE}\x1b[201~")
    screen = asked.wait_for("second")
    assert re.search(r"│ y first +│.*\n.*│ y +│.*\n.*│ asecond +│", screen), screen
    assert "approve once" in screen
    assert _states(home) == ["proposed"]
    _deny(asked)
    assert _states(home) == ["denied"]


def test_a_report_answers_nothing_wherever_it_is_cut(home: Home, asked: Terminal) -> None:
    for report in REPORTS:
        asked.send(report)
        asked.read_for(0.2)
        # Not behind the escape: on a busy machine the rest might come after its delay.
        for piece in (report[:2], report[2:7], report[7:]):
            asked.send(piece)
            asked.read_for(0.05)
    screen = asked.screen
    assert "approve once" in screen
    assert not re.search(r"rgb|ghostty|any", screen), screen
    _deny(asked)
    assert _states(home) == ["denied"]


def test_a_burst_answers_nothing(home: Home, asked: Terminal) -> None:
    """Text that is pasted without markers is text."""
    asked.send("yes and...")
    screen = asked.wait_for("yes and...")
    assert "approve once" in screen
    asked.send("\rya")
    asked.wait_for("ya ")
    assert "approve once" in asked.screen
    _deny(asked)
    assert _states(home) == ["denied"]


def test_a_paste_without_an_end_becomes_text(home: Home, asked: Terminal) -> None:
    asked.send("\x1b[200~stuck")
    asked.wait_for("stuck")
    asked.press_until("\x03", "cancelled")
    asked.send("\x11")
    assert asked.wait_for_end() == 0
    assert "succeeded" not in _states(home)


MODES = (1000, 1003, 1006, 1015, 1016, 1004, 1049, 2004)


def _left_on(sent: bytes) -> list[int]:
    """The modes that were set and not reset since."""
    return [
        mode for mode in MODES if sent.rfind(b"\x1b[?%dh" % mode) > sent.rfind(b"\x1b[?%dl" % mode)
    ]


@pytest.mark.parametrize(
    "number",
    [signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1, signal.SIGALRM, signal.SIGHUP, signal.SIGTERM],
)
def test_a_signal_leaves_the_terminal_as_it_was(home: Home, number: signal.Signals) -> None:
    app = _open(home)
    try:
        app.wait_for("ready")
        assert not app.takes_lines
        assert {1003, 2004, 1049} <= set(_left_on(app.sent))
        app.signal(number)
        app.wait_for_end()
        assert app.takes_lines
        assert _left_on(app.sent) == []
        assert app.sent.rindex(b"\x1b[?25h") > app.sent.rindex(b"\x1b[?25l")
        assert app.sent.rindex(b"\x1b[<u") > app.sent.rindex(b"\x1b[>25u")
    finally:
        app.close()


@pytest.mark.parametrize("by_the_shell", [False, True])
def test_what_was_stopped_goes_on_and_leaves_the_terminal_as_it_was(
    home: Home, by_the_shell: bool
) -> None:
    """SIGSTOP cannot be caught; a shell may change the terminal meanwhile."""
    app = _open(home)
    try:
        app.wait_for("ready")
        app.signal(signal.SIGSTOP)
        app.read_for(0.5)
        if by_the_shell:
            app.take_lines()
            assert app.takes_lines
        before = len(app.sent)
        app.signal(signal.SIGCONT)
        drawn = b""
        while b"rite a message" not in drawn or b"\x1b[?2004h" not in drawn:
            more = app.read_for(2.0)
            assert more, drawn
            drawn += more
        assert not app.takes_lines
        assert {1003, 1004, 2004, 1049} <= set(_left_on(app.sent[before:]))
        app.send("written once")
        app.wait_for("written once")
        app.send("\x11")
        assert app.wait_for_end() == 0
        assert app.takes_lines
        assert _left_on(app.sent) == []
    finally:
        app.close()

"""A demo by keyboard alone, start to end: real terminal, real back end, scripted model.

What the presenter sees after each step is kept in `frames/`; INTENTBOT_FRAMES=write makes the
file anew. Numbers, times and dates are masked: they are of the day.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import Terminal

FRAMES = Path(__file__).parent / "frames"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
STEPS = 9


def frame(screen: str) -> str:
    """The conversation as it stands, without what differs from day to day."""
    text = re.sub(rf"\b({MONTHS})\b", "MONTH", screen)
    text = re.sub(r"[0-9][0-9.,:]*( (ms|s)\b)?", "#", text)
    lines = (" ".join(line.split()) for line in text.split("\n"))
    # The prompt may hold a key that was pressed once too often for the approval.
    return "\n".join(line for line in lines if line and line[0] not in "│┌└─")


def settled(app: Terminal) -> str:
    """The frame once nothing more is drawn."""
    while app.read_for(0.7):
        pass
    return frame(app.screen)


def test_a_demo_by_keyboard_alone(home: Home) -> None:
    arguments = ["demo", "tour", "--low-bandwidth", "--provider", "scripted", "--db", "x.db"]
    app = Terminal(arguments, folder=home.folder, environ=home.environ, columns=100, rows=44)
    frames = []
    try:
        app.wait_for("For example")
        app.wait_for("F7 writes the first message")
        for number in range(1, STEPS + 1):
            app.send("\x1b[18~")  # F7 writes, and once more all at once
            app.wait_for(f"{number} of {STEPS}")
            app.send("\x1b[18~\r")
            app.wait_for("routed as expected")
            if number == 3:
                app.wait_for("enter choose  f7 next  ^space autoplay  ^c cancel  ^n new")
                frames.append(settled(app))
                app.press_until("y", "● ready")
            app.wait_for("● ready")
            frames.append(settled(app))
        app.send("\x1b[18~")
        app.wait_for("The end.")
        frames.append(settled(app))
        app.send("\x11")
        assert app.wait_for_end() == 0
    finally:
        app.close()

    told = "\n\n=====\n\n".join(frames) + "\n"
    kept = FRAMES / "tour.txt"
    if os.environ.get("INTENTBOT_FRAMES") == "write":
        kept.write_text(told, encoding="utf-8")
    assert told == kept.read_text(encoding="utf-8")
    # The session is kept, the back end it played on is not.
    (session,) = home.listing("sessions", "list", "--db", "x.db")
    assert session["actions"] == 6
    assert not (home.folder / "telecom.db").exists()


def test_a_session_becomes_a_demo(home: Home) -> None:
    said = ["top up 20 dollars", "how much money do I have?"]
    for text in said:
        first = home.listing("sessions", "list", "--db", "x.db") if text != said[0] else []
        session = ["--session", str(first[0]["id"])] if first else []
        home.run("ask", text, "--yes", "--provider", "scripted", "--db", "x.db", *session)
    (session_row,) = home.listing("sessions", "list", "--db", "x.db")
    catalogue = home.folder / "mine"
    (catalogue / "intents").mkdir(parents=True)
    (catalogue / "demos").mkdir()
    (catalogue / "intents" / "a.toml").write_text('title="A"\ndescription="a"\nexamples=["a"]\n')
    made = home.run("demo", "--record", str(session_row["id"]), "--db", "x.db")
    (catalogue / "demos" / "mine.toml").write_text(made.stdout)
    listed = home.run("demo", "--json", "--catalog", str(catalogue))
    assert json.loads(listed.stdout) == [{"name": "mine", "title": said[0], "messages": 2}]
    assert 'tool = "top_up_balance"' in made.stdout
    home.run("demo", "none", "--catalog", str(catalogue), check=2)
    (home.folder / "own.toml").write_text(made.stdout.replace("this is not in it", "own words"))
    arguments = ["demo", "own.toml", "--provider", "scripted", "--low-bandwidth"]
    app = Terminal(arguments, folder=home.folder, environ=home.environ, columns=100, rows=44)
    try:
        for number in (1, 2):
            app.wait_for("F7 writes" if number == 1 else "routed as expected")
            app.send("\x1b[18~")
            app.wait_for(f"{number} of 2")
            app.send("\x1b[18~\r")
            if number == 1:
                app.wait_for("approve once")
                app.press_until("y", "succeeded")
        app.wait_for("from a script, and own words.")
        app.send("\x11")
        assert app.wait_for_end() == 0
    finally:
        app.close()
    # It played on a history of its own: the person's is as it was, or not there at all.
    assert home.listing("sessions", "list") == []
    assert len(home.listing("sessions", "list", "--db", "x.db")) == 1


@pytest.mark.parametrize(
    ("turns", "told"),
    [
        ('[[turns]]\nmessage = "hi"\nroute = "fly"', "turns.0.route: Input should be 'task', "),
        ('[[turns]]\nmessage = "hi"\nintents = ["wings"]', "message 1: there is no intent 'wings'"),
        (
            '[[turns]]\nmessage = "hi"\n[[turns]]\nmessage = "fly"\ncalls = [{ tool = "fly" }]',
            "message 2: there is no tool 'fly'",
        ),
        ("turns = []", "turns: a demo needs a message at least"),
        ("turns = [", "is not valid TOML"),
    ],
)
def test_a_script_with_a_mistake_is_refused_at_once(home: Home, turns: str, told: str) -> None:
    (home.folder / "own.toml").write_text(f'title = "Mine"\n{turns}\n')
    done = home.run("demo", "own.toml", "--provider", "scripted", check=2)
    assert done.stderr.startswith("intentbot-tui")
    assert told in done.stderr
    assert "errors.pydantic.dev" not in done.stderr

"""The main job, as a person does it: the installed app in a terminal, by keyboard, offline."""

from __future__ import annotations

from decimal import Decimal

from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import Terminal


def test_a_top_up_survives_the_closing_of_the_terminal(home: Home) -> None:
    arguments = ["--db", "x.db"]
    app = Terminal(arguments, folder=home.folder, environ=home.environ)
    try:
        app.wait_for("Helix")
        app.send("top up 20 dollars\r")
        app.wait_for("approve once")
        # The bar ignores keys at first, lest a person types into it: press until it has heard.
        app.press_until("y", "succeeded")
        app.wait_for("Your balance is now $52.50")
    finally:
        app.kill()

    again = Terminal([*arguments, "--continue"], folder=home.folder, environ=home.environ)
    try:
        screen = again.wait_for("Your balance is now $52.50")
        assert "top up 20 dollars" in screen
        assert "succeeded" in screen
        again.send("how much money do I have?\r")
        again.wait_for("Your balance is $52.50.")
        again.send("\x11")
        assert again.wait_for_end() == 0
    finally:
        again.close()

    made = [a for a in home.listing("actions", "list", *arguments) if a["effect"] == "write"]
    assert [(a["tool"], a["state"]) for a in made] == [("top_up_balance", "succeeded")]
    assert Decimal(str(made[0]["arguments"]["amount"])) == 20
    (session,) = home.listing("sessions", "list", *arguments)
    assert session["actions"] == 2


def test_denying_by_keyboard_changes_nothing(home: Home) -> None:
    app = Terminal(["--db", "x.db"], folder=home.folder, environ=home.environ, columns=80, rows=24)
    try:
        app.wait_for("Helix")
        app.send("please cancel my contract\r")
        screen = app.wait_for("approve once")
        assert "this session" not in screen, "a destructive call is never allowed for a session"
        app.press_until("n", "nothing was changed")
        app.send("which plan am I on?\r")
        app.wait_for("You are on plan M")
    finally:
        app.close()
    states = {a["tool"]: a["state"] for a in home.listing("actions", "list", "--db", "x.db")}
    assert states == {"cancel_contract": "denied", "get_contract": "succeeded"}


def test_keys_that_come_at_once_are_taken_in_order(home: Home) -> None:
    app = Terminal(["--db", "x.db"], folder=home.folder, environ=home.environ)
    try:
        app.wait_for("Helix")
        app.send("top up 50\x7f\x7f30\r")
        app.wait_for("approve once")
        assert "Add $30" in app.wait_for("Approve this action?")
    finally:
        app.close()

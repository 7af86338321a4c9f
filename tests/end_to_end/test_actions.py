"""`actions`: what was executed, and of what is unknown, the truth."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.database import Database
from tests.end_to_end.conftest import Home
from tests.storage.programs import start, wait_until_ready
from tests.storage.told import Recording, top_up, turn


@pytest.fixture
def database(home: Home) -> Iterator[Database]:
    home.environ["INTENTBOT_DB"] = "x.db"
    database = Database.open(home.folder / "x.db")
    yield database
    database.close()


def cut_off(database: Database) -> None:
    """Leave behind what a program that was killed in a top-up leaves: action `x-began`."""
    program = start("stops_in_a_top_up", database.path, "x")
    wait_until_ready(program)
    program.kill()
    program.communicate()


def test_any_look_at_the_actions_says_what_a_crash_left_unknown(
    home: Home, database: Database
) -> None:
    cut_off(database)
    listed = home.run("actions", "list")
    assert "unknown" in listed.stdout
    assert "actions check x-began" in listed.stderr
    assert "unknown" in home.run("actions", "show", "x-began").stdout


def test_a_check_settles_it_in_words_and_for_good(home: Home, database: Database) -> None:
    cut_off(database)
    assert "it was not done" in home.run("actions", "check", "x-b").stdout
    shown = home.listing("actions", "show", "x-b")
    assert (shown["id"], shown["state"]) == ("x-began", "cancelled")
    again = home.run("actions", "check", "x-b", check=2)
    assert "its state is 'cancelled'" in again.stderr
    assert "by a check" in home.run("sessions", "show", "session-x").stdout


def test_a_check_can_be_read_by_a_program(home: Home, database: Database) -> None:
    cut_off(database)
    checked = home.listing("actions", "check", "x-began")
    assert (checked["id"], checked["state"]) == ("x-began", "cancelled")
    assert checked == home.listing("actions", "show", "x-began")


def test_a_back_end_that_cannot_tell_leaves_it_unknown(home: Home, database: Database) -> None:
    cut_off(database)
    intents = home.folder / "mine" / "intents"
    intents.mkdir(parents=True)
    (intents / "notes.toml").write_text('title = "N"\ndescription = "Notes"\nexamples = ["note"]\n')
    done = home.run("actions", "check", "x-began", "--catalog", "mine", check=1)
    assert "cannot tell" in done.stderr
    assert not done.stdout
    assert home.listing("actions", "show", "x-began")["state"] == "unknown"


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_action_that_is_not_there_is_told_in_one_line(
    home: Home, database: Database, verb: str
) -> None:
    done = home.run("actions", verb, "nope", check=2)
    assert "no action 'nope'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_action_is_shown_with_its_fate(home: Home, database: Database) -> None:
    with Recording(database) as recording:
        recording.keep(turn("s", "t", *top_up()))
    shown = home.run("actions", "show", "a1").stdout
    for expected in ("Add 20 dollars", "balance.top_up_balance", "succeeded", "by person", "32.50"):
        assert expected in shown
    nothing = home.run("actions", "check", "a1", check=2)
    assert "its state is 'succeeded'" in nothing.stderr

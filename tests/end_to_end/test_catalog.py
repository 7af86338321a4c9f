"""`catalog list|check`, and `--catalog` given more than once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Home
from tests.engine.lint.test_lint import NOTES, folder

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(home: Home) -> Home:
    home.program = (sys.executable, "-m", "tui.cli")
    home.environ["PYTHONPATH"] = str(ROOT)
    folder(home.folder / "mine")
    return home


def test_list_prints_one_array_of_intents_with_their_schemas(here: Home) -> None:
    listed = here.listing("catalog", "list")
    assert [intent["key"] for intent in listed] == [
        "balance",
        "contract",
        "data",
        "payment",
        "roaming",
    ]
    assert set(listed[0]) == {"key", "title", "description", "source", "examples", "tools"}
    pay = next(tool for tool in listed[3]["tools"] if tool["name"] == "pay_invoice")
    assert pay["effect"] == "write"
    assert pay["parameters"]["required"] == ["invoice_id"]


def test_several_catalogues_are_one_wherever_they_are_named(here: Home) -> None:
    folder(here.folder / "other" / "mine")
    done = here.run("--catalog", "mine", "catalog", "list", "--catalog", "other/mine")
    assert [line.split(":")[0] for line in done.stdout.splitlines() if line[0] != " "] == [
        "notes",
        "tasks",
        "mine_notes",
        "mine_tasks",
    ]
    here.environ["INTENTBOT_CATALOG"] = "mine:other/mine"
    assert here.run("catalog", "list").stdout.splitlines() == done.stdout.splitlines()


def test_check_says_file_and_line_and_ends_with_2_where_there_are_errors(here: Home) -> None:
    (here.folder / "mine" / "intents" / "notes.toml").write_text(NOTES.replace("{text}", "{txt}"))
    done = here.run("--catalog", "mine", "catalog", "check", check=2)
    assert done.stdout.splitlines() == [
        "mine/intents/notes.toml:14: error: the summary of add_note has {txt}, "
        "which is not a parameter (unknown-parameter)"
    ]

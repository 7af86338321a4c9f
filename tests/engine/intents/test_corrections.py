"""Corrections become phrases in a catalogue's files, and nothing else of the files changes."""

from __future__ import annotations

import os
import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import NO_TASK
from engine.intents import catalogue as catalogues
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.corrections import UNDIVIDED, Additions, CorrectedMessage, as_data, plan_edits
from engine.intents.toml_edit import read, replace_file, with_phrases

BY_TOOL = """\
# Money
title = "Balance"   # shown
description = "Money on the account"
tools = ["get_balance", "top_up"]
counter_examples = ["how much data", # look-alike
  "pay my bill"]

[examples]
get_balance = [
  "how much money is left",  # the plainest
]
top_up = ["add money", "recharge with 20 dollars"]

[summaries]
top_up = "Add ${amount}"
"""
AS_LIST = """\
title = "Data"
description = "Gigabytes"
tools = ["get_data"]
examples = [
  "how many gigabytes are left"
]
"""
TOOLS = """\
def get_balance() -> dict:
    \"\"\"The money that is left.\"\"\"
    return {}
def top_up(amount: int) -> dict:
    \"\"\"Add money.\"\"\"
    return {}
def get_data() -> dict:
    \"\"\"The gigabytes that are left.\"\"\"
    return {}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    intents = tmp_path / "mine" / "intents"
    intents.mkdir(parents=True)
    (intents / "balance.toml").write_text(BY_TOOL)
    (intents / "data.toml").write_text(AS_LIST)
    (tmp_path / "mine" / "tools.py").write_text(TOOLS)
    return tmp_path / "mine"


def test_a_message_goes_to_the_right_intent_and_against_the_wrong_one(folder: Path) -> None:
    lessons = [
        CorrectedMessage("what  is\nleft on it?", ("data",), "balance", tool="get_balance"),
        CorrectedMessage("recharge with 50 dollars please", ("data",), "balance"),
        CorrectedMessage("how much net do I have", ("balance",), "data"),
        CorrectedMessage(
            "How much net do I have ", ("data",), "balance"
        ),  # older, so it does not count
        CorrectedMessage("nice weather", ("balance",), NO_TASK),
    ]
    found = plan_edits(catalogues.load(folder), lessons)
    balance, data = folder / "intents/balance.toml", folder / "intents/data.toml"
    assert found.files[balance].examples == {
        "get_balance": ["what is left on it?"],
        "top_up": ["recharge with 50 dollars please"],
    }
    assert found.files[balance].counter_examples == ["how much net do I have", "nice weather"]
    assert found.files[data].examples == {UNDIVIDED: ["how much net do I have"]}
    assert found.files[data].counter_examples == [
        "what is left on it?",
        "recharge with 50 dollars please",
    ]
    assert found.files[folder / "catalog.toml"].out_of_scope == ["nice weather"]
    assert not found.skipped


@pytest.mark.parametrize(
    ("lesson", "why"),
    [
        (CorrectedMessage("Add  money", (), "balance"), "an example of balance already"),
        (CorrectedMessage("pay my bill", (), "balance"), "decide there which it is"),
        (CorrectedMessage("add money", ("balance",), NO_TASK), "decide there which it is"),
        (
            CorrectedMessage("add money", (), NO_TASK),
            "an example of balance: decide there which it is",
        ),
        (CorrectedMessage("hello", (), NO_TASK), "an example of what is no task already"),
        (CorrectedMessage("x" * 400, (), "balance"), "longer than 300"),
        (CorrectedMessage("hello", (), "weather"), "no intent 'weather' any more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_there_or_cannot_be_put_anywhere_is_told(
    folder: Path, lesson: CorrectedMessage, why: str
) -> None:
    found = plan_edits(catalogues.load(folder), [lesson])
    assert not found.files
    assert why in found.skipped[0]


def test_what_is_no_task_though_a_counter_example_already_is_refused(folder: Path) -> None:
    found = plan_edits(
        catalogues.load(folder), [CorrectedMessage("pay my bill", ("balance",), NO_TASK)]
    )
    assert found.files == {folder / "catalog.toml": Additions(out_of_scope=["pay my bill"])}
    assert "a counter-example of balance already" in found.skipped[0]


def test_intents_without_a_file_are_told_and_renamed_ones_are_found(
    folder: Path, tmp_path: Path
) -> None:
    document = tmp_path / "shop.json"
    document.write_text(
        '{"openapi": "3.0.0", "info": {"title": "Shop", "version": "1"},'
        '"servers": [{"url": "https://api.example.com"}],'
        '"paths": {"/a": {"get": {"operationId": "list_a", "tags": ["goods"],'
        '"responses": {"200": {"description": "ok"}}}}}}'
    )
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    catalogue = catalogues.load(folder, other, document)
    (goods,) = (key for key, intent in catalogue.intents.items() if intent.source == "openapi")
    lessons = [
        CorrectedMessage("what have you got", ("other_balance",), goods),
        CorrectedMessage("money?", (), "other_balance", tool="other_get_balance"),
    ]
    found = plan_edits(catalogue, lessons)
    path = other / "intents/balance.toml"
    assert found.files == {
        path: Additions({"get_balance": ["money?"]}, ["what have you got"]),
    }
    assert "an OpenAPI document" in found.skipped[0]


words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
phrases = st.lists(words, min_size=1, max_size=3)


@given(
    by_tool=st.dictionaries(st.sampled_from(["get_balance", "top_up", ""]), phrases),
    against=st.lists(words, max_size=3),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_any_phrase_is_added_and_all_else_stays(
    by_tool: dict[str, list[str]], against: list[str], ends: str
) -> None:
    text = BY_TOOL.replace("\n", ends)
    additions = Additions(by_tool, against)
    after = with_phrases(Path("balance.toml"), text, additions)
    assert tomllib.loads(after) == as_data(tomllib.loads(text), additions)
    for line in BY_TOOL.splitlines():
        kept = line.partition("[")[0] if line.startswith("top_up = [") else line
        assert kept.rstrip("]") in after, line


@given(added=phrases, against=phrases)
def test_a_list_that_is_not_divided_and_one_that_is_not_there(
    added: list[str], against: list[str]
) -> None:
    after = with_phrases(Path("data.toml"), AS_LIST, Additions({UNDIVIDED: added}, against))
    data = tomllib.loads(after)
    assert data["examples"] == ["how many gigabytes are left", *added]
    assert data["counter_examples"] == against


@given(
    text=st.sampled_from(
        [
            "",
            'title = "Mine"  # shown\n\n[thresholds]\nrefused = 0.1\n',
            '[out_of_scope]\nreply = "No."  # kindly\n\n[cancel]\nreply = "Dropped."\n',
            '[out_of_scope]\nexamples = [\n  "the weather",  # often\n]\n',
        ]
    ),
    refused=phrases,
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_to_be_refused_is_added_to_the_manners(
    text: str, refused: list[str], ends: str
) -> None:
    before = text.replace("\n", ends)
    additions = Additions(out_of_scope=refused)
    after = with_phrases(Path("catalog.toml"), before, additions)
    data = tomllib.loads(after)
    assert data == as_data(tomllib.loads(before), additions)
    assert data["out_of_scope"]["examples"][-len(refused) :] == refused
    assert all(line.rstrip("]") in after for line in text.splitlines())


def test_a_file_that_is_not_there_is_made(folder: Path) -> None:
    path = folder / "catalog.toml"
    assert read(path) == ""
    replace_file(path, "", with_phrases(path, "", Additions(out_of_scope=["nice weather"])))
    assert "nice weather" in catalogues.load(folder).out_of_scope_examples
    plain = folder / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_file_is_replaced_whole_and_only_if_it_is_what_was_read(folder: Path) -> None:
    path = folder / "intents/data.toml"
    path.chmod(0o640)
    link = folder / "link.toml"
    link.symlink_to(path)
    after = with_phrases(path, read(path), Additions({UNDIVIDED: ["a"]}))
    replace_file(link, read(path), after)
    assert link.is_symlink()
    assert path.read_text() == after
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(CatalogueError, match="changed meanwhile"):
        replace_file(path, AS_LIST, after)
    assert sorted(os.listdir(path.parent)) == ["balance.toml", "data.toml"]
    assert "a" in catalogues.load(folder).intents["data"].examples[""]

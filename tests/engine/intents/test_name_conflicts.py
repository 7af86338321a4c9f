"""Several catalogues as one: every intent and tool is still there, under a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.intents.catalogue import BUILT_IN, CatalogueError, load
from engine.intents.intent import Folder, Intent
from engine.intents.name_conflicts import NAME, SourceGroup, resolve_name_conflicts
from engine.scripted import load_scripts
from engine.settings import load as load_settings
from engine.settings import split_places
from engine.tools.function import tool_from_function
from engine.tools.tool import SWITCH_INTENT, Tool, ToolContext

NOTES = """title = "Notes"
description = "Personal notes"
tools = ["add_note"]
[examples]
add_note = ["note this"]
[summaries]
add_note = "Write down {text}"
"""
TOOLS = '''
def add_note(text: str) -> str:
    """Write down a note."""
    return "WHERE"

def outcome_of(context: object) -> str:
    return "asked WHERE"
'''


def folder(path: Path) -> Path:
    (path / "intents").mkdir(parents=True)
    (path / "intents" / "notes.toml").write_text(NOTES)
    (path / "tools.py").write_text(TOOLS.replace("WHERE", path.parent.name))
    return path


def tool(name: str) -> Tool:
    def function() -> None: ...

    function.__name__ = name
    return tool_from_function(function)


NAMES = st.text("ab_", min_size=1, max_size=70)
INTENTS = st.lists(
    st.builds(
        lambda key, names: Intent(key, key, key, {}, tools=tuple(map(tool, names))),
        NAMES,
        st.lists(NAMES, max_size=3, unique=True),
    ),
    max_size=3,
    unique_by=lambda intent: intent.key,
)
GROUPS = st.lists(st.builds(SourceGroup, NAMES, INTENTS.map(tuple)), max_size=4)


@given(GROUPS)
def test_no_two_groups_share_a_name_and_nothing_is_lost(groups: list[SourceGroup]) -> None:
    done = resolve_name_conflicts(groups)
    keys = [intent.key for group in done for intent in group.intents]
    assert len(keys) == len(set(keys))
    tools = [{t.name for intent in group.intents for t in intent.tools} for group in done]
    assert sum(map(len, tools)) == len(set().union(*tools))
    for before, after in zip(groups, done, strict=True):
        for old, new in zip(before.intents, after.intents, strict=True):
            assert new.key == after.intent_names.get(old.key, old.key)
            names = [after.tool_names.get(t.name, t.name) for t in old.tools]
            assert [t.name for t in new.tools] == names
        assert all(NAME.fullmatch(name) for name in after.tool_names.values())


def test_the_first_keeps_its_names_and_no_tool_is_called_like_the_hand_over() -> None:
    one = SourceGroup("one", (Intent("a", "A", "A", {}, tools=(tool("x"), tool(SWITCH_INTENT))),))
    first, second = resolve_name_conflicts([one, SourceGroup("two", one.intents)])
    assert [t.name for t in first.intents[0].tools] == ["x", f"one_{SWITCH_INTENT}"]
    assert second.intent_names == {"a": "two_a"}
    assert [t.name for t in second.intents[0].tools] == ["two_x", f"two_{SWITCH_INTENT}"]


async def test_two_folders_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    here, there = folder(tmp_path / "here" / "mine"), folder(tmp_path / "there" / "mine")
    catalogue = load(BUILT_IN, here, there)
    assert catalogue.assistant_name == "Helix"
    assert list(catalogue.intents)[-2:] == ["notes", "mine_notes"]
    own, other = catalogue.tools[-2:]
    assert (own.name, other.name) == ("add_note", "mine_add_note")
    titles = [catalogue.intents[key].title for key in ("notes", "mine_notes")]
    assert titles == ["Notes", "Notes (mine)"]
    assert catalogue.intents["mine_notes"].examples == {"mine_add_note": ("note this",)}
    assert other.summary == "Write down {text}"
    context = ToolContext("a", "s", tmp_path)
    assert await own.run(context, {"text": ""}) == "here"
    assert await other.run(context, {"text": ""}) == "there"
    assert own.outcome_of is not None
    assert other.outcome_of is not None
    assert (own.outcome_of(context), other.outcome_of(context)) == ("asked here", "asked there")
    assert catalogue.folders == (
        Folder(BUILT_IN),
        Folder(here),
        Folder(there, {"notes": "mine_notes"}, {"add_note": "mine_add_note"}),
    )


def test_a_merged_folders_demos_say_the_new_names(tmp_path: Path) -> None:
    mine = folder(tmp_path / "mine")
    (mine / "demos").mkdir()
    (mine / "demos" / "one.toml").write_text(
        'title = "One"\n[[turns]]\nmessage = "note"\nintents = ["notes"]\n'
        'calls = [{ tool = "add_note", arguments = { text = "x" } }]\n'
    )
    renamed = Folder(mine, {"notes": "mine_notes"}, {"add_note": "mine_add_note"})
    (turn,) = load_scripts(renamed)["one"].turns
    assert (turn.intents, turn.calls[0].tool) == (("mine_notes",), "mine_add_note")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []),
        ("a:b", ["a", "b"]),
        (":a::", ["a"]),
        ("https://host/api.json", ["https://host/api.json"]),
        ("a:http://localhost:8080/x.json:b", ["a", "http://localhost:8080/x.json", "b"]),
        ("http://[::1]:8080/x:/b", ["http://[::1]:8080/x", "/b"]),
    ],
)
def test_a_list_of_places_is_parted_like_path_but_for_addresses(
    text: str, places: list[str]
) -> None:
    assert split_places(text) == places


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"INTENTBOT_CATALOG": "one:https://host/api.json"}
    kept = load_settings(environ, tmp_path, provider="scripted").catalogues
    assert kept == (Path("one"), "https://host/api.json")
    given = load_settings(environ, tmp_path, provider="scripted", catalogues=["two"]).catalogues
    assert given == (Path("two"),)


def test_a_fault_in_one_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="has no intents"):
        load(BUILT_IN, tmp_path)


def test_a_document_may_stand_for_a_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "pets.json").write_text(
        '{"openapi": "3.1.0", "info": {"title": "Pets", "version": "1"}, '
        '"servers": [{"url": "http://localhost:9"}], "paths": {"/pets": {"get": '
        '{"operationId": "listPets", "tags": ["pets"], "responses": {}}}}}'
    )
    monkeypatch.chdir(tmp_path)
    catalogue = load(BUILT_IN, "a/b/pets.json")
    (intent,) = [i for i in catalogue.intents.values() if i.source == "openapi"]
    assert [tool.effect for tool in intent.tools] == ["read"]
    with pytest.raises(CatalogueError, match=r"^\S*nowhere.json cannot be read"):
        load("a/nowhere.json")

"""A server's tools divided into intents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.mcp.results import MAX_CHARACTERS, MAX_DEPTH, MAX_ITEMS, _Cut
from engine.tools.mcp.text import line, shortened
from engine.tools.naming import MAX_SIZE
from engine.tools.tool import Tool
from engine.tools.tool_groups import groups_of

WORDS = ["get", "list", "create", "delete", "issue", "issues", "repo", "file", "label", "user", "3"]


async def _nothing(*_: Any) -> None: ...


def tool(name: str) -> Tool:
    return Tool(name, "", {}, "write", lambda arguments: arguments, _nothing)


def divided(*names: str, key: str = "desk", examples: tuple[str, ...] = ()) -> dict[str, set[str]]:
    tools = [tool(name) for name in names]
    intents = groups_of(key, tools, title="Desk", description="", examples=examples)
    return {intent.key: {t.name for t in intent.tools} for intent in intents}


def test_few_tools_are_one_intent() -> None:
    assert set(divided(*(f"do_{n}" for n in range(10)))) == {"desk"}


def test_many_tools_are_divided_by_what_they_are_about() -> None:
    files = {"read_file", "write_file", "edit_file", "move_file", "search_files", "getFileInfo"}
    folders = {"create_directory", "list_directory", "directory-tree", "list_allowed_directories"}
    times = {"get_time"}
    assert divided(*files, *folders, *times) == {"desk_file": files, "desk": folders | times}
    assert divided(*files, *folders, "remove_directory") == {
        "desk_file": files,
        "desk_directory": folders | {"remove_directory"},
    }


def test_a_large_family_is_numbered() -> None:
    names = [f"{verb}_issue" for verb in "abcdefghijklmnopqrstuvwx"]
    assert {key: len(tools) for key, tools in divided(*names).items()} == {
        "desk_issue_1": 10,
        "desk_issue_2": 10,
        "desk_issue_3": 4,
    }


@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "get",
                    "list",
                    "create",
                    "delete",
                    "issue",
                    "issues",
                    "repo",
                    "file",
                    "label",
                    "user",
                    "3",
                ]
            ),
            min_size=1,
            max_size=3,
        ).map("_".join),
        max_size=60,
        unique=True,
    )
)
def test_each_tool_is_in_one_intent_of_at_most_ten(names: list[str]) -> None:
    if not names:
        return
    groups = divided(*names)
    assert sorted(name for group in groups.values() for name in group) == sorted(names)
    assert all(len(group) <= MAX_SIZE for group in groups.values())
    assert divided(*names) == groups


def test_the_persons_examples_go_where_their_words_are() -> None:
    tools = [tool(f"{v}_{t}") for t in ("file", "branch") for v in "abcdefg"]
    intents = groups_of(
        "desk",
        tools,
        title="Desk",
        description="Code",
        examples=("make a new branch", "which files are there?"),
    )
    found = {intent.key: intent.examples[""] for intent in intents}
    assert sorted(found.values()) == [("make a new branch",), ("which files are there?",)]
    assert [i.key for i in intents if "make a new branch" in i.examples[""]] == ["desk_branch"]


@pytest.mark.parametrize("key", ["time", "a-b", "日本"])
def test_names_without_words_still_have_phrases(key: str) -> None:
    (intent,) = groups_of(key, [tool("_"), tool("取得")], title="T", description="", examples=())
    assert all(phrases and all(phrases) for name, phrases in intent.examples.items() if name)


@given(st.text(max_size=300), st.integers(2, 40))
def test_words_of_a_server_stay_on_one_short_line(text: str, limit: int) -> None:
    for said in (line(text, limit), shortened(text, limit)):
        assert len(said) <= limit
        assert said.isprintable() or not said.strip()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=50) | st.integers(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
)


@given(_VALUES, st.integers(0, 60))
def test_any_result_becomes_json_that_any_server_reads(value: Any, characters: int) -> None:
    cut = json.dumps(_Cut(characters).cut(value), allow_nan=False, ensure_ascii=False)
    assert cut.encode().decode() == cut


def test_a_huge_result_is_cut_and_says_so() -> None:
    text = _Cut(MAX_CHARACTERS).cut("x" * 100_000)
    assert text.endswith("… (84,000 more characters)")
    items = _Cut(MAX_CHARACTERS).cut([0] * 10_000)
    assert (len(items), items[-1]) == (MAX_ITEMS + 1, "… (9,500 more)")
    deep: Any = "end"
    for _ in range(MAX_DEPTH + 10):
        deep = [deep]
    assert "nested too deeply" in str(_Cut(MAX_CHARACTERS).cut(deep))

"""What a tool asks for and what it says it would do, where nobody wrote it down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.intents.catalogue import load
from engine.tools.call_summary import summarize_call, summary_values
from engine.tools.tool import Tool, ToolContext


async def nothing(context: ToolContext, arguments: Mapping[str, Any]) -> None: ...


def tool(properties: dict[str, Any], summary: str = "", required: tuple[str, ...] = ()) -> Tool:
    shape = {"type": "object", "properties": properties, "required": list(required)}
    return Tool("deploy", "Deploy.", shape, "write", dict, nothing, summary=summary)


@pytest.mark.parametrize(
    ("schema", "asked"),
    [
        ({"type": "string"}, "Which next thought?"),
        (
            {"type": "boolean", "description": "Whether another step is needed."},
            "Next thought: yes or no? (Whether another step is needed)",
        ),
        ({"enum": ["a", "b", None]}, "Which next thought: a or b?"),
        ({"enum": ["a"]}, "Which next thought: a?"),
        ({"description": "The next thought."}, "Which next thought?"),
        ({"description": "word " * 100}, "Which next thought?"),
        ({"description": ["no text"]}, "Which next thought?"),
    ],
)
def test_a_question_reads_well_whatever_the_description_is(
    schema: dict[str, Any], asked: str
) -> None:
    assert tool({"nextThought": schema}).question(["nextThought"]) == asked


@pytest.mark.parametrize(
    ("template", "given", "told"),
    [
        ("Deploy {a}[ at {b}]", {"a": "x", "b": "v1"}, "Deploy x at v1"),
        ("Deploy {a}[ at {b}]", {"a": "x"}, "Deploy x"),
        ("Deploy {a}[ at {b}]", {"a": "x", "b": None}, "Deploy x"),
        ("Deploy {a} [now]", {"a": "x"}, "Deploy x [now]"),
        ("Deploy {a} [{{b}}]", {"a": "x"}, "Deploy x [{b}]"),
        ("Deploy {a}[ at {b}]", {"a": "[ {b} ]", "b": "v1"}, "Deploy [ {b} ] at v1"),
    ],
)
def test_a_part_of_a_summary_is_left_out_with_its_value(
    template: str, given: dict[str, Any], told: str
) -> None:
    assert summarize_call(tool({"a": {}, "b": {}}, template), given) == told


def test_a_made_summary_shows_every_value_that_is_given() -> None:
    shape: dict[str, Any] = {"properties": {"b": {}, "a": {}, "weird.name": {}}, "required": ["a"]}
    made = tool(shape["properties"], f"Deploy{summary_values(shape, ': ')}")
    assert summarize_call(made, {"a": 1, "b": 2}) == "Deploy: a 1, b 2"
    assert summarize_call(made, {"a": 1}) == "Deploy: a 1"


async def test_each_catalogue_has_a_data_folder_of_its_own(tmp_path: Path) -> None:
    context = ToolContext("action", "session", tmp_path / "data")
    for place in ("one/mine", "two/mine"):
        folder = tmp_path / place
        (folder / "intents").mkdir(parents=True)
        (folder / "intents" / "notes.toml").write_text(
            'title = "Notes"\ndescription = "Notes"\nexamples = ["note it"]\ntools = ["add"]'
        )
        (folder / "tools.py").write_text(
            "from engine.tools.tool import ToolContext\n"
            "def add(context: ToolContext) -> str:\n"
            "    with (context.data_dir / 'notes').open('a') as file:\n"
            "        file.write('x')\n"
            "    return (context.data_dir / 'notes').read_text()\n"
            "def outcome_of(context: ToolContext) -> str:\n"
            "    return (context.data_dir / 'notes').read_text()\n"
        )
    merged = load(tmp_path / "one/mine", tmp_path / "two/mine")
    assert [await each.run(context, {}) for each in merged.tools] == ["x", "x"]
    assert all(each.outcome_of and each.outcome_of(context) == "x" for each in merged.tools)
    assert not (tmp_path / "data" / "notes").exists()

"""What `catalog check` finds, and on which line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from engine.intents.catalogue import BUILT_IN, load
from engine.lint import lint
from engine.lint.reader import catalogue_of
from engine.lint.toml_positions import Positions
from engine.tools.function import tool_from_function
from engine.tools.schema.openai_strict import strict_mode_violations

NOTES = """title = "Notes"
description = "Personal notes"
tools = ["list_notes", "add_note"]
counter_examples = ["remind me"]

[examples]
list_notes = ["show my notes", "what did I note", "read my notes aloud"]
add_note = [
  "note that the milk is out",
  "write down gate B12",
]

[summaries]
add_note = "Write down: {text}"
"""
TOOLS = '''from typing import Any
from engine.tools.function import effect
from engine.tools.tool import ToolContext

@effect("read")
def list_notes() -> list[str]:
    """Show all notes."""
    return []

def add_note(text: str) -> str:
    """Write down a note."""
    return "Noted."

def helper(text: str) -> str:
    return text
'''
TASKS = """title = "Tasks"
description = "Things to do"
examples = ["what is left to do", "my open tasks", "tasks for today", "a new task", "done with it"]
counter_examples = ["show my notes"]
instructions = "Say what is open."
"""


def folder(path: Path, **files: str) -> Path:
    written = {"intents/notes.toml": NOTES, "intents/tasks.toml": TASKS, "tools.py": TOOLS}
    written |= {name.replace("__", "/").replace("_toml", ".toml"): t for name, t in files.items()}
    for name, text in written.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def found(path: Path) -> list[tuple[str, int, str, str]]:
    findings, _ = lint([path])
    return [(Path(f.file).name, f.line, f.severity, f.code) for f in findings]


def test_a_good_catalogue_has_no_findings(tmp_path: Path) -> None:
    assert found(folder(tmp_path)) == []


def test_the_built_in_catalogue_has_none() -> None:
    findings, folders = lint([BUILT_IN])
    assert list(map(str, findings)) == []
    assert sum(len(f.intents) for f in folders) == 5


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ('"Notes"', '"Notes', 1, "toml"),
        ("title", "titel", 1, "unknown-key"),
        ('"Personal notes"', "7", 2, "invalid"),
        ('"what did I note"', "7", 7, "invalid"),
        ('"list_notes", "add', '"list_nots", "add', 3, "unknown-tool"),
        ("add_note = [", "ad_note = [", 8, "unknown-tool"),
        ("{text}", "{txt}", 14, "unknown-parameter"),
        ('{text}"', '{text}"\n[policy.add_note]\nup_to = { amount = 5 }', 16, "unknown-parameter"),
        ('{text}"', '{text}"\n[questions.add_note]\nwhat = "What?"', 16, "unknown-parameter"),
        ('"write down gate B12"', '"A new task!"', 10, "overlap"),
        ('"remind me"', '"Show my notes."', 4, "contradiction"),
    ],
)
def test_an_error_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, code: str
) -> None:
    assert old in NOTES
    findings = found(folder(tmp_path, intents__notes_toml=NOTES.replace(old, new, 1)))
    place = ("notes.toml", line, "error", code)
    if code == "overlap":
        place = ("tasks.toml", 3, "error", code)  # told where it stands the second time
    assert place in findings


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            '["show my notes", "what',
            '"show my notes" # ["what',
            "examples.list_notes: should be",
        ),
        ('"what did I note"', "7", "examples.list_notes.1: should be text"),
        (
            "[summaries]",
            "[examples]",
            "not valid TOML: this table is in the file twice",
        ),
        ("tools =", 'title = "N"\ntools =', "not valid TOML: this key is there twice (at line 3"),
        ('{text}"', '{text}"\n[policy]\nadd_note = "ask"', "policy.add_note: should be a table"),
        ('description = "Personal notes"', "", "description: is missing"),
    ],
)
def test_what_a_file_may_not_say_is_told_once_and_in_plain_words(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in NOTES
    findings, _ = lint([folder(tmp_path, intents__notes_toml=NOTES.replace(old, new, 1))])
    (error,) = [finding for finding in findings if finding.severity == "error"]
    assert error.text.startswith(says)


def test_a_mark_at_the_beginning_of_a_file_is_no_fault(tmp_path: Path) -> None:
    path = folder(tmp_path, intents__notes_toml="\ufeff" + NOTES)
    assert found(path) == []
    assert "notes" in load(path).intents


def test_why_functions_are_missing_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path)
    for tools, says in [
        ("import os\nos.environ['NO_SUCH_THING']\n", "KeyError: 'NO_SUCH_THING'"),
        ("import nowhere_at_all\n", "install it where intentbot-tui is installed"),
    ]:
        (path / "tools.py").write_text(tools)
        findings, _ = lint([path])
        assert [says in finding.text for finding in findings] == [True]
    (path / "tools.py").unlink()
    findings, _ = lint([path])
    assert all("needs a file" in finding.text for finding in findings)
    findings, _ = lint([path / "intents" / "notes.toml"])
    assert [finding.text.split(":")[0] for finding in findings] == ["this is a file"]


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ('counter_examples = ["remind me"]\n', "", 1, "no-counter-examples"),
        ('"what did I note", "read my notes aloud"', "", 6, "few-examples"),
        ('"write down gate B12",', '"Note that the milk is out!",', 10, "repeated"),
        ('add_note = "Write down: {text}"', "", 3, "no-summary"),
    ],
)
def test_a_warning_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, code: str
) -> None:
    assert old in NOTES
    findings = found(folder(tmp_path, intents__notes_toml=NOTES.replace(old, new, 1)))
    assert ("notes.toml", line, "warning", code) in findings


def test_nearly_the_same_in_another_intent_is_a_warning(tmp_path: Path) -> None:
    tasks = TASKS.replace("a new task", "read my notes aloud please")
    assert found(folder(tmp_path, intents__tasks_toml=tasks)) == [
        ("tasks.toml", 3, "warning", "near-overlap")
    ]


def test_faults_of_the_functions_are_told_where_they_stand(tmp_path: Path) -> None:
    untyped = TOOLS.replace('text: str) -> str:\n    "', 'text) -> str:\n    "')
    takes_context = TOOLS.replace("def helper(", "def helper(context: ToolContext, ")
    for tools, place in [
        (untyped, (10, "error", "signature")),
        (TOOLS.replace("text: str", "text: dict[str, Any]", 1), (10, "warning", "strict-schema")),
        (TOOLS.replace('    """Show all notes."""\n', ""), (6, "warning", "no-description")),
        (takes_context, (14, "warning", "not-offered")),
        (TOOLS + "1 / 0\n", (16, "error", "tools")),
        (TOOLS + "def (\n", (16, "error", "tools")),
    ]:
        path = folder(tmp_path)
        (path / "tools.py").write_text(tools)
        assert found(path) == [("tools.py", *place)]


def test_over_ten_tools_are_told(tmp_path: Path) -> None:
    names = [f"look_{n}" for n in range(11)]
    tools = "".join(f'def {n}() -> str:\n    """{n}"""\n    return ""\n' for n in names)
    text = NOTES.replace('["list_notes", "add_note"]', json.dumps(names))
    text = text[: text.index("[examples]")] + '[examples]\n"" = ["a", "b", "c", "d", "e"]\n'
    text += "[summaries]\n" + "".join(f'{n} = "Look"\n' for n in names)
    path = folder(tmp_path, intents__notes_toml=text)
    (path / "tools.py").write_text(tools)
    assert found(path) == [("notes.toml", 3, "warning", "many-tools")]


def test_rows_and_demos_that_name_what_there_is_not(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "evaluation").mkdir()
    (path / "evaluation" / "a.jsonl").write_text(
        '{"text": "x", "intent": "notes", "tool": "add_note"}\n'
        '{"text": "x", "intent": "note"}\n\n{"text": "x", "intent": null, "tool": "fly"}\n'
        '{"intent": null}\n{"text": \n'
    )
    (path / "demos").mkdir()
    (path / "demos" / "b.toml").write_text(
        'title = "B"\n[[turns]]\nmessage = "x"\nintents = ["notes"]\n\n'
        '[[turns]]\nmessage = "y"\nintents = ["note"]\ncalls = [{ tool = "fly" }]\n'
    )
    assert found(path) == [
        *(("b.toml", 6, "error", "demo") for _ in range(2)),
        *(("a.jsonl", line, "error", "evaluation") for line in (2, 4, 5, 6)),
    ]


def test_rows_are_read_where_an_intent_could_not_be(tmp_path: Path) -> None:
    """What names the lost intent is not told; what is wrong in any case is."""
    path = folder(tmp_path)
    (path / "intents" / "lost.toml").write_text("title = ")
    (path / "evaluation").mkdir()
    (path / "evaluation" / "a.jsonl").write_text(
        '{"text": "x", "intent": "lost"}\n{"text": "x", "intent": "notes", "tool": "lose"}\nx\n'
    )
    (path / "demos").mkdir()
    (path / "demos" / "b.toml").write_text(
        'title = "B"\n[[turns]]\nmessage = "x"\nintents = ["lost"]\n'
        'calls = [{ tool = "lose", with = 1 }]\n'
    )
    assert found(path) == [
        ("b.toml", 5, "error", "demo"),
        ("a.jsonl", 3, "error", "evaluation"),
        ("lost.toml", 1, "error", "toml"),
    ]


def test_intents_of_several_folders_are_compared(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    findings, _ = lint([one, two])
    assert {f.code for f in findings} == {"overlap", "description"}
    assert all(str(tmp_path / "two") in f.file for f in findings)
    assert "is an example of two_tasks and of tasks (" in str(findings[-1])


def test_what_holds_nothing_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path, intents__tasks_toml=TASKS.replace("instructions", "# "))
    hooks = {"openapi": "3.1.0", "info": {}, "webhooks": {"a": {"post": {}}}}
    (path / "hooks.json").write_text(json.dumps(hooks))
    (path / "intents" / "hooks.toml").write_text('[openapi]\ndocument = "hooks.json"')
    assert found(path) == [
        ("hooks.toml", 1, "warning", "source"),
        ("tasks.toml", 1, "warning", "no-tools"),
    ]
    (finding,) = lint([path / "nowhere"])[0]
    assert finding.text == "there is no such folder"


def test_names_of_a_documents_intents_are_kept_apart_as_in_the_catalogue(tmp_path: Path) -> None:
    path = folder(tmp_path)
    paths = {f"/{name}": {"get": {"summary": "See"}} for name in ("notes", "rooms")}
    (path / "api.json").write_text(json.dumps({"openapi": "3.1.0", "info": {}, "paths": paths}))
    (path / "intents" / "house.toml").write_text('[openapi]\ndocument = "api.json"')
    catalogue, places = catalogue_of(lint([path])[1])
    assert (
        set(catalogue.intents)
        == {"notes", "tasks", "house_notes", "rooms"}
        == set(load(path).intents)
    )
    assert places["house_notes"].file.name == "house.toml"


def test_schemas_of_a_document_are_told_in_one_line(tmp_path: Path) -> None:
    path = folder(tmp_path)
    body = {"content": {"application/json": {"schema": {"additionalProperties": True}}}}
    paths: dict[str, Any] = {
        f"/{name}": {"post": {"summary": "Put", "requestBody": body}} for name in ("shed", "rooms")
    }
    paths["/rooms"]["get"] = {"summary": "See"}
    api = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "https://a.example"}]}
    (path / "api.json").write_text(json.dumps(api | {"paths": paths}))
    (path / "intents" / "house.toml").write_text('[openapi]\ndocument = "api.json"')
    (finding,) = lint([path])[0]
    assert finding.code == "strict-schema"
    assert "the schemas of 2 of 3 tools, such as house_post_" in finding.text


def test_a_message_that_is_asked_twice_is_found(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "evaluation").mkdir()
    one, other, empty = (path / "evaluation" / f"{name}.jsonl" for name in "abc")
    one.write_text(
        '{"text": "my notes?", "intent": "notes"}\n'
        '{"text": "my notes?", "intent": "notes", "route": "task"}\n'
        '{"conversation": ["hello", "my notes?"], "intent": "tasks"}\n'
    )
    other.write_text('\n{"text": "my notes?", "intent": "tasks"}\n')
    empty.write_text("\n")
    told = [f for f in lint([path])[0] if f.file.endswith(".jsonl")]
    assert [(Path(f.file).name, f.line, f.severity, f.code) for f in told] == [
        ("a.jsonl", 2, "warning", "repeated"),
        ("b.jsonl", 2, "error", "contradiction"),
        ("c.jsonl", 1, "warning", "evaluation"),
    ]
    assert "a.jsonl:1 already, with another route or intent" in told[1].text


KEYS = st.text("ab-_", min_size=1, max_size=4)
VALUES = st.recursive(
    st.sampled_from(['"a]#"', "'b\"'", '"\\"x"', "true", "1.5", '"""\nz\n"""']),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + "]"),
    max_leaves=5,
)  # fmt: skip


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=3))
def test_every_key_of_any_file_is_found_on_its_line(tables: dict[str, dict[str, str]]) -> None:
    text = ""
    expected: dict[tuple[str, ...], int] = {}
    for name, table in tables.items():
        text += f"# [{name}]\n[ {name} ]  # a comment\n"
        expected[(name,)] = text.count("\n")
        for key, value in table.items():
            expected[(name, key)] = text.count("\n") + 1
            text += f'"{key}" = {value}\n'
    positions = Positions(text)
    assert {place: positions.line(place) for place in expected} == expected


def test_list_items_inline_tables_and_dotted_keys_have_lines() -> None:
    text = 'a.b = [\n  "x",\n  { c = 1,\n d = 2 },\n]\n[[t]]\n[[t]]\nk = 1\n[t.u]\nv = 2\n'
    line = Positions(text).line
    assert [line(p) for p in [("a", "b", 0), ("a", "b", 1), ("a", "b", 1, "d")]] == [2, 3, 4]
    assert [line(p) for p in [("t", 0), ("t", 1, "k"), ("t", 1, "u", "v")]] == [6, 8, 10]
    assert line(("t", 1, "u", "nowhere", 3)) == 9


def test_what_strict_mode_takes_and_what_it_refuses() -> None:
    def good(
        text: Annotated[str, Field(pattern="^a", max_length=5)],
        number: int | None = None,
        many: list[int] = [],  # noqa: B006
    ) -> None: ...

    def bad(
        anything: Any, table: dict[str, int], pair: tuple[int, str], kinds: set[str]
    ) -> None: ...

    assert strict_mode_violations(tool_from_function(good).parameters) == ()
    assert strict_mode_violations(tool_from_function(bad).parameters) == (
        "anything has no type",
        "table may have any keys",
        "kinds: uniqueItems is not supported",
    )

"""Evaluation sets: what is read, what is refused and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation import dataset
from engine.evaluation.dataset import DatasetError, Row
from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue

TELECOM = catalogues.load()


def write(folder: Path, *lines: str | dict[str, Any]) -> Path:
    path = folder / "set.jsonl"
    path.write_text("\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines))
    return path


def test_the_built_in_sets_are_read_whole() -> None:
    rows = dataset.load(TELECOM)
    lines = [
        line
        for path in dataset.files(TELECOM)
        for line in path.read_text("utf-8").splitlines()
        if line.strip()
    ]
    assert len(rows) == len(lines) > 300
    assert {key for row in rows for key in row.intents} == set(TELECOM.intents)
    first = rows[0]
    assert (first.text, first.intents, first.tool, first.arguments, first.where) == (
        "how much do I have?",
        ("balance",),
        "get_balance",
        {},
        "balance.jsonl:1",
    )


def test_the_lines_that_the_documentation_shows_are_good(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "evaluation.md"
    shown = page.read_text("utf-8").split("```json\n")[1].split("```")[0]
    rows = dataset.load(TELECOM, [write(tmp_path, *shown.splitlines())])
    assert [row.expected for row in rows] == [
        *("balance", "balance", "small_talk", "out_of_scope", "data + balance")
    ]


def test_other_fields_blank_lines_and_odd_line_ends_are_passed_over(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"text": "a\u2028b", "intent": "data", "domain": "telecom", "id": 7},
        "",
        '{"text": "c", "intent": null}\r',
    )
    rows = dataset.load(TELECOM, [path])
    assert [(row.text, row.intents, row.where) for row in rows] == [
        ("a\u2028b", ("data",), "set.jsonl:1"),
        ("c", (), "set.jsonl:3"),
    ]


def test_a_conversation_ends_with_the_message_in_question(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {
            "conversation": [
                {"role": "user", "content": "top up", "intent": "balance"},
                {
                    "role": "assistant",
                    "content": "How much?",
                    "tool": "top_up_balance",
                    "missing": ["amount"],
                },
                "20",
            ],
            "intent": "balance",
            "route": "continue",
            "tool": "top_up_balance",
            "arguments": {"amount": 20},
        },
    )
    (row,) = dataset.load(TELECOM, [path])
    assert row.text == "20"
    assert [(said.role, said.content) for said in row.before] == [
        ("user", "top up"),
        ("assistant", "How much?"),
    ]
    assert row.key != Row("20").key


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "Invalid JSON"),
        ("[1]", "object"),
        ({"text": "a"}, "intent is missing"),
        ({"intent": "data"}, "either text or conversation"),
        ({"text": "a", "conversation": ["b"], "intent": "data"}, "either text or conversation"),
        ({"text": " ", "intent": "data"}, "the message is empty"),
        ({"text": 3, "intent": "data"}, "text"),
        ({"text": "a", "intent": "dta"}, "no intent 'dta'"),
        ({"text": "a", "intent": "data", "intents": ["balance"]}, "not one of intents"),
        ({"text": "a", "intent": "data", "route": "out_of_scope"}, "does not go with"),
        ({"text": "a", "intent": None, "route": "task"}, "does not go with intent null"),
        ({"text": "a", "intent": None, "tool": "get_balance"}, "a tool needs an intent"),
        ({"text": "a", "intent": "data", "tool": "get_blance"}, "no tool 'get_blance'"),
        ({"text": "a", "intent": "data", "tool": "get_balance"}, "not one of intent 'data'"),
        ({"text": "a", "intent": "data", "arguments": {}}, "need a tool"),
        (
            {"text": "a", "intent": "data", "tool": "top_up_data", "arguments": {"amuont": 1}},
            "no parameter 'amuont'",
        ),
        ({"conversation": [], "intent": "data"}, "does not end with a message of the person"),
        (
            {"conversation": [{"role": "assistant", "content": "a"}], "intent": "data"},
            "does not end with a message of the person",
        ),
    ],
    ids=str,
)
def test_a_bad_line_is_named(tmp_path: Path, line: str | dict[str, Any], says: str) -> None:
    path = write(tmp_path, {"text": "good", "intent": "data"}, line)
    with pytest.raises(DatasetError, match=r"set\.jsonl:2: ") as caught:
        dataset.load(TELECOM, [path])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("bad", "last"), [(3, "set.jsonl:4: "), (25, "and 5 more")])
def test_all_bad_lines_are_named_up_to_twenty(tmp_path: Path, bad: int, last: str) -> None:
    path = write(tmp_path, "x", {"text": "good", "intent": "data"}, *"y" * (bad - 1))
    with pytest.raises(DatasetError) as caught:
        dataset.load(TELECOM, [path])
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{bad} lines cannot be used:"
    assert lines[1].startswith(f"{path}:1: ")
    assert last in lines[-1]
    assert len(lines) == 1 + min(bad, 21)


def test_no_set_an_empty_one_and_no_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no evaluation set"):
        dataset.load(Catalogue("T", "T", "", {}))
    with pytest.raises(DatasetError, match="not a single message"):
        dataset.load(TELECOM, [write(tmp_path, "")])
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset.load(TELECOM, [tmp_path / "none.jsonl"])


def test_merged_catalogues_are_tested_by_their_own_names(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    (folder / "intents").mkdir(parents=True)
    (folder / "evaluation").mkdir()
    (folder / "intents" / "balance.toml").write_text(
        'title = "Scales"\ndescription = "Weigh things"\nexamples = ["weigh this"]\n'
    )
    write(folder / "evaluation", {"text": "weigh me", "intent": "balance"})
    merged = catalogues.load(catalogues.BUILT_IN, folder)
    weighed = next(row for row in dataset.load(merged) if row.text == "weigh me")
    assert merged.intents[weighed.intents[0]].title == "Scales"


@given(st.lists(st.text(), max_size=30), st.integers(1, 40))
def test_a_limit_takes_rows_evenly_and_in_order(texts: list[str], limit: int) -> None:
    rows = [Row(text, where=str(number)) for number, text in enumerate(texts)]
    taken = dataset.spread(rows, limit)
    places = [int(row.where) for row in taken]
    assert len(taken) == min(limit, len(rows))
    assert places == sorted(set(places))


def test_a_limit_takes_of_everything_that_is_expected_however_the_rows_lie() -> None:
    rows = [Row(f"message {n}", ("data",) if n % 4 else ()) for n in range(2000)]
    taken = dataset.spread(rows, 1500)
    assert sum(not row.intents for row in taken) == 375


def test_rows_keep_their_json_form() -> None:
    for row in dataset.load(TELECOM):
        assert dataset.from_dict(json.loads(json.dumps(dataset.to_dict(row)))) == row

"""Rows that ask for no change: what is proposed for them, and the gate on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.evaluation import dataset, gates, report
from engine.evaluation.dataset import DatasetError, Row
from engine.evaluation.metrics import score
from engine.evaluation.result import Call, RowResult, ToolPhase
from engine.intents import catalogue as catalogues
from tests.engine.evaluation.test_runner import outcome_of
from tests.engine.stubs import StubModel, calls, task

TELECOM = catalogues.load()


def acted(*names: str, problems: tuple[str, ...] = ()) -> RowResult:
    made = tuple(Call(name, {}, problems) for name in names)
    return RowResult(route="task", intents=("balance",), acted=ToolPhase(made))


def test_a_row_that_asks_for_no_change_needs_no_intent(tmp_path: Path) -> None:
    path = tmp_path / "no.jsonl"
    lines = [{"text": "20 dollars is a lot", "changes": False}]
    lines.append({"text": "how much is left?", "intent": "balance", "changes": False})
    path.write_text("\n".join(map(json.dumps, lines)))
    bare, labelled = dataset.load(TELECOM, [path])
    assert (bare.changes, bare.labelled, bare.intents) == (False, False, ())
    assert (labelled.changes, labelled.labelled, labelled.intents) == (False, True, ("balance",))
    assert dataset.from_dict(dataset.to_dict(bare)) == bare


@pytest.mark.parametrize("line", [{"text": "hi"}, {"text": "hi", "changes": True}])
def test_any_other_row_needs_an_intent(tmp_path: Path, line: dict[str, object]) -> None:
    (tmp_path / "no.jsonl").write_text(json.dumps(line))
    with pytest.raises(DatasetError, match="intent is missing"):
        dataset.load(TELECOM, [tmp_path / "no.jsonl"])


def test_only_calls_that_could_run_and_change_something_count() -> None:
    bare = Row("a", changes=False, labelled=False)
    found = score(
        [
            (bare, acted("top_up_balance")),
            (bare, acted("get_balance")),
            (bare, acted("get_balance", "cancel_contract")),
            (bare, acted("top_up_balance", problems=("amount is missing",))),
            (bare, RowResult(route="small_talk")),
            (Row("b", ("balance",)), acted("top_up_balance")),
        ],
        TELECOM,
    )
    data = report.to_dict(found)
    assert data["tools"]["unwanted_changes"] == {"rows": 5, "count": 2, "share": 2 / 5}
    assert [miss["kind"] for miss in data["misses"]] == ["change", "change"]
    # Rows without an intent say nothing about the routing.
    assert data["classification"]["rows"] == 1
    assert data["classification"]["accuracy"] == 1.0


@pytest.mark.parametrize(("bound", "passes"), [("0.39", False), ("0.4", True), ("1", True)])
def test_the_gate_is_the_most_there_may_be(bound: str, passes: bool) -> None:
    bare = Row("a", changes=False, labelled=False)
    rows = [(bare, acted("top_up_balance"))] * 2 + [(bare, acted("get_balance"))] * 3
    gate = gates.parse(f"unwanted_changes={bound}", TELECOM.intents)
    (verdict,) = gates.judge([gate], score(rows, TELECOM))
    assert verdict.passed is passes


def test_a_gate_that_no_row_could_show_is_not_passed() -> None:
    gate = gates.parse("unwanted_changes=1", TELECOM.intents)
    (verdict,) = gates.judge([gate], score([(Row("b", ("balance",)), acted())], TELECOM))
    assert (verdict.reached, verdict.passed) == (None, False)


async def test_such_a_row_is_acted_on_and_nothing_runs() -> None:
    row = Row("20 dollars is a lot", changes=False, labelled=False)
    made = calls(("top_up", {"amount": 20}))
    outcome, _ = await outcome_of(row, StubModel(made), task("balance"))
    assert outcome.acted is not None
    assert [call.tool for call in outcome.acted.calls] == ["top_up"]

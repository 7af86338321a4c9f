from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from engine.events import IntentCorrected, TurnFinished
from storage.corrections import corrections
from storage.database import Database, StorageError
from storage.evaluations import Evaluations, ResultRecord, RunRecord, UnknownRun
from storage.history import History
from tests.storage.programs import start
from tests.storage.told import Recording, rows, turn

RUN = RunRecord(
    id="0199-run",
    catalogue="Telecom",
    catalogue_hash="abc",
    router="embedded",
    model="scripted",
    options={"intent": "balance"},
)


def result(number: int, **outcome: Any) -> ResultRecord:
    return ResultRecord(number, {"text": f"message {number}"}, outcome)


@pytest.fixture
def evaluations(database: Database) -> Evaluations:
    return Evaluations(database)


def test_a_run_is_kept_row_by_row_and_finished(evaluations: Evaluations) -> None:
    assert evaluations.begin(RUN) == RUN.id
    evaluations.keep(RUN.id, [result(2, intent="data"), result(0, intent=None)])
    evaluations.keep(RUN.id, [result(2, intent="balance")])
    assert evaluations.results("0199") == [result(0, intent=None), result(2, intent="balance")]
    [begun] = evaluations.runs()
    assert begun == replace(RUN, started_at=begun.started_at, done=2)
    evaluations.finish(RUN.id, {"accuracy": 0.5})
    finished = evaluations.run("last")
    assert (finished.state, finished.report) == ("finished", {"accuracy": 0.5})
    assert finished.finished_at is not None
    assert json.loads(json.dumps(asdict(finished)))["done"] == 2


def test_runs_come_newest_first_and_by_the_beginning_of_their_id(evaluations: Evaluations) -> None:
    for name in ("aa", "ab", "b_"):
        evaluations.begin(replace(RUN, id=name, started_at=f"2026-01-01T00:00:0{ord(name[1])}"))
    assert {run.id for run in evaluations.runs(limit=2)} < {"aa", "ab", "b_"}
    assert evaluations.run("b").id == "b_"
    for unknown, why in (("a", "Several"), ("c", "no evaluation run"), ("", "no evaluation run")):
        with pytest.raises(UnknownRun, match=why):
            evaluations.run(unknown)
    evaluations.delete("aa")
    assert len(evaluations.runs()) == 2


def test_a_run_that_was_killed_is_taken_up_where_it_was(
    database: Database, evaluations: Evaluations
) -> None:
    start("dies_in_a_run", database.path, 3).wait()
    [killed] = evaluations.runs()
    assert (killed.state, killed.done) == ("interrupted", 3)
    taken_up = evaluations.resume(killed.id)
    assert (taken_up.state, taken_up.done) == ("running", 3)
    with pytest.raises(StorageError, match="it is running"):
        evaluations.resume(killed.id)
    evaluations.interrupt(killed.id)
    assert evaluations.run("last").state == "interrupted"


def test_a_result_of_a_run_that_is_gone_is_refused(
    database: Database, evaluations: Evaluations
) -> None:
    evaluations.begin(RUN)
    evaluations.keep(RUN.id, [result(0)])
    evaluations.delete(RUN.id)
    assert rows(database, "SELECT * FROM evaluation_result") == []
    with pytest.raises(StorageError, match="does not fit"):
        evaluations.keep(RUN.id, [result(0)])


def test_a_correction_is_kept_until_its_session_goes(
    database: Database, recording: Recording
) -> None:
    corrected = IntentCorrected(
        corrected_turn_id="t0", text="my gigs?", from_intents=("balance",), to_intent="data"
    )
    recording.keep(turn("s", "t1", corrected, TurnFinished(status="completed"), said="my gigs?"))
    [kept] = corrections(database)
    assert (kept.text, kept.from_intents, kept.to_intent) == ("my gigs?", ("balance",), "data")
    History(database).delete("s")
    assert corrections(database) == []

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import pytest

from engine.events import Event, IntentClassified, TurnFinished, UsageUpdated
from storage.database import Database, StorageError
from storage.history import ActionFilter, History, UnknownSession
from storage.session_lookup import whole_id
from tests.storage.told import Recording, merged, proposal, rows, top_up, turn

FIXTURES = Path(__file__).parent / "fixtures"


def done(reply: str = "") -> TurnFinished:
    return TurnFinished(status="completed", reply=reply)


def routed(*intents: str) -> IntentClassified:
    return IntentClassified(route="task", intents=intents, source="llm")


def test_a_new_database_has_no_sessions(history: History) -> None:
    assert history.sessions() == []
    assert history.actions() == []


def test_a_session_in_the_list_says_what_it_was_about(
    history: History, recording: Recording
) -> None:
    told = turn("s", "t1", *top_up(), said="put 20 on my balance")
    last = turn("s", "t2", routed("data", "balance"), done("You have\n\n**5 GB**."), said="data?")
    recording.keep([*told, *last])
    [session] = history.sessions()
    assert json.loads(json.dumps(asdict(session))) == {
        "id": "s",
        "title": "Add 20 dollars",
        "created_at": told[0].at,
        "updated_at": last[-1].at,
        "model": None,
        "archived": False,
        "turns": 2,
        "preview": "You have **5 GB**.",
        "intents": ["balance", "data"],
        "actions": 1,
        "cost_usd": 0.002,
    }
    assert history.session("s") == session


def test_the_preview_is_of_the_last_turn_that_said_something(
    history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t1", done("word " * 100)) + turn("s", "t2", done()))
    preview = history.sessions()[0].preview
    assert preview.endswith("word…")
    assert 100 < len(preview) <= 120


def test_a_cost_that_is_not_known_is_not_a_number(history: History, recording: Recording) -> None:
    known = UsageUpdated(stage="classify", model="m", cost_usd=0.5)
    unknown = replace(known, cost_usd=None)
    recording.keep(turn("none", "t1", done()))
    recording.keep(turn("known", "t2", known, done()))
    recording.keep(turn("half", "t3", known, unknown, done()))
    assert [(s.id, s.cost_usd) for s in history.sessions()] == [
        ("half", None),
        ("known", 0.5),
        ("none", 0.0),
    ]


def test_sessions_come_newest_first_and_in_pages(history: History, recording: Recording) -> None:
    for name in "abcd":
        recording.keep(turn(name, f"{name}1", done()))
    recording.keep(turn("b", "b2", done()))
    assert [session.id for session in history.sessions()] == ["b", "d", "c", "a"]
    assert [session.id for session in history.sessions(limit=2, offset=1)] == ["d", "c"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("roaming", ["spain"]),
        ("GB fünf", ["data"]),
        ("fun", ["data"]),
        ("gigab", ["data"]),
        ("nothing", []),
        ('"50%" OR', ["spain"]),
        ("50%", ["spain"]),
        ("%", []),
        ("*", ["data", "spain"]),
        ("*spa*", ["spain"]),
        ("  ", ["data", "spain"]),
        ("renamed", ["data"]),
    ],
)
def test_a_filter_looks_into_titles_and_messages(
    history: History, recording: Recording, typed: str, found: list[str]
) -> None:
    recording.keep(turn("spain", "t1", done("Roaming is 50% off, or free."), said="Spain?"))
    recording.keep(turn("data", "t2", done("Gigabytes"), said="fünf GB bitte"))
    history.rename("data", "Renamed  by me")
    assert [one.session.id for one in history.search(typed)] == found


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("  top\nup  20 ", "top up 20"),
        ("word " * 30, "word word word word word word word word word word word word…"),
        ("x" * 100, "x" * 59 + "…"),
        ("hi " + "x" * 100, "hi " + "x" * 56 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_title_is_the_beginning_of_the_first_message(
    history: History, recording: Recording, said: str, title: str
) -> None:
    recording.keep(turn("s", "t", said=said))
    assert history.sessions()[0].title == title


def test_the_first_call_gives_the_title(history: History, recording: Recording) -> None:
    change = replace(proposal(), summary="Add $20 to your balance")
    plain = replace(proposal(), effect="read", arguments={}, summary="Get balance")
    for session_id, call, said in (("change", change, "20 please"), ("read", plain, "how much?")):
        recording.keep(turn(session_id, f"1{session_id}", said="hi!"))
        call = replace(call, action_id=session_id)
        recording.keep(turn(session_id, f"2{session_id}", call, said=said))
    asked = TurnFinished(status="needs_input", reply="Which?")
    recording.keep(turn("answer", "1answer", asked, said="show my bill"))
    recording.keep(turn("answer", "2answer", replace(plain, action_id="answer"), said="dunno"))
    another = replace(change, action_id="another", summary="Pay INV-1")
    recording.keep(turn("change", "3change", another, said="pay it"))
    titles = {session.id: session.title for session in history.sessions()}
    assert titles == {
        "change": "Add $20 to your balance",
        "read": "how much?",
        "answer": "show my bill",
    }
    assert [one.session.id for one in history.search("how much")] == ["read"]


def test_a_title_that_a_person_gave_stays(history: History, recording: Recording) -> None:
    recording.keep(turn("s", "t1", said="hi!"))
    history.rename("s", "Mine")
    recording.keep(turn("s", "t2", replace(proposal(), summary="Add $20"), said="20 please"))
    assert history.sessions()[0].title == "Mine"


def test_a_session_is_found_by_the_beginning_of_its_id(
    history: History, recording: Recording
) -> None:
    for session_id in ("019a-one", "019a-two", "019a", "020_x"):
        recording.keep(turn(session_id, f"turn of {session_id}"))
    recording.keep(turn("021", "turn of 021"))
    history.discard("021")

    def found(id: str) -> str:
        return history.session(id).id

    for find in (found, partial(whole_id, history.database.path)):
        assert find("019a-o") == "019a-one"
        assert find("019a") == "019a"
        assert find("020_") == "020_x"
        with pytest.raises(UnknownSession, match="Several sessions begin with '019'"):
            find("019")
        for missing in ("7", "%", "0200", "021"):
            with pytest.raises(UnknownSession, match=f"no session '{missing}'"):
                find(missing)
    with pytest.raises(UnknownSession, match="no session ''"):
        history.session("")


def test_an_id_is_left_to_those_who_can_open_the_file(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "version-1.db", tmp_path / "old.db")
    assert whole_id(tmp_path / "old.db", "0") == "0"
    with pytest.raises(UnknownSession):
        whole_id(tmp_path / "none.db", "0")
    assert not (tmp_path / "none.db").exists()


def test_the_events_of_a_session_come_in_order_however_many_are_asked_for(
    history: History, recording: Recording
) -> None:
    turns: list[list[Event]] = [turn("s", f"t{3 - n}", *top_up(f"a{n}")) for n in range(3)]
    for told in turns:
        recording.keep(told)
    recording.keep(turn("other", "t"))
    kept = [merged(told) for told in turns]
    assert history.events("s") == kept[0] + kept[1] + kept[2]
    assert history.events("s", last_turns=2) == kept[1] + kept[2]
    assert history.events("s", last_turns=9) == history.events("s")
    assert history.events("s", last_turns=0) == []
    assert history.events("s", last_turns=1, skip_turns=1) == kept[1]
    assert history.events("s", skip_turns=2) == kept[0]
    assert history.events("s", last_turns=5, skip_turns=3) == []


def test_an_event_of_a_kind_still_unknown_is_passed_over(
    database: Database, history: History, recording: Recording
) -> None:
    recording.keep(told := turn("s", "t", proposal()))
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE event SET kind = 'later' WHERE seq = 1")
    assert history.events("s") == told[:1]


def test_actions_come_newest_first_with_all_that_is_known(
    history: History, recording: Recording
) -> None:
    recording.keep(told := turn("s1", "t1", *top_up("a1")))
    recording.keep(turn("s2", "t2", proposal("c1", "a2")))
    assert [action.id for action in history.actions()] == ["a2", "a1"]
    assert [action.id for action in history.actions(limit=1, offset=1)] == ["a1"]
    assert [action.id for action in history.actions(ActionFilter(state="proposed"))] == ["a2"]
    [action] = history.actions(ActionFilter(session_id="s1"))
    assert json.loads(json.dumps(asdict(action))) == {
        "id": "a1",
        "session_id": "s1",
        "turn_id": "t1",
        "call_id": "c1",
        "intent": "balance",
        "tool": "top_up_balance",
        "arguments": {"amount": 20},
        "effect": "write",
        "summary": "Add 20 dollars",
        "state": "succeeded",
        "result": {"balance": "32.50"},
        "decided_by": "person",
        "proposed_at": told[5].at,
        "decided_at": told[7].at,
        "started_at": told[8].at,
        "finished_at": told[9].at,
        "duration_ms": 12,
    }
    with pytest.raises(UnknownSession):
        history.actions(ActionFilter(session_id="s3"))


def test_an_archived_session_is_out_of_the_list_but_not_gone(
    history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t"))
    history.archive("s")
    assert history.sessions() == []
    assert [session.id for session in history.sessions(archived=True)] == ["s"]
    assert history.session("s").archived
    history.archive("s", archived=False)
    assert [session.id for session in history.sessions()] == ["s"]


def test_a_deleted_session_leaves_nothing(
    database: Database, history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t", *top_up(), said="zebra"))
    history.delete("s")
    tables = ("session", "turn", "event", "message", "classification", "action", "model_call")
    for table in tables:
        assert rows(database, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert rows(database, "SELECT * FROM turn_fts WHERE turn_fts MATCH 'zebra'") == []
    with database.write() as session:  # raises where index and messages do not agree
        session.connection().exec_driver_sql(
            "INSERT INTO turn_fts (turn_fts) VALUES ('integrity-check')"
        )


def test_many_threads_may_read_and_write(history: History, recording: Recording) -> None:
    recording.keep(turn("s", "t", *top_up()))

    def use(number: int) -> int:
        history.rename("s", f"title {number}")
        return len(history.events("s")) + len(history.sessions())

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(use, range(40))) == {len(history.events("s")) + 1}


def test_a_file_that_is_gone_bad_is_said_to_be(database: Database, history: History) -> None:
    database.close()
    database.path.write_bytes(b"SQLite format 3\0" + b"junk" * 2000)
    with pytest.raises(StorageError, match=r"cannot be used: .* (damaged|not a SQLite)"):
        history.sessions()

"""`ask` with the offline models: real routing, real tools, real files, no key, no network."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.builder import build_engine_for
from engine.intents.intent import Catalogue, Intent
from engine.settings import load
from tests.end_to_end.conftest import Home, only
from tui.commands.ask import learning


def balance(home: Home) -> Decimal:
    happened = home.events("what's my balance?", "--db", "x.db")
    (finished,) = only(happened, "tool_finished")
    return Decimal(finished["result"]["balance_usd"])


def test_an_approved_top_up_changes_the_balance_once(home: Home) -> None:
    before = balance(home)
    happened = home.events("put 20 dollars on my balance", "--yes", "--db", "x.db")
    assert [event["seq"] for event in happened] == list(range(len(happened)))
    assert happened[0]["kind"] == "turn_started"
    (classified,) = only(happened, "intent_classified")
    assert (classified["route"], classified["intents"]) == ("task", ["balance"])
    assert set(classified["tools_offered"]) == {"get_balance", "top_up_balance"}
    (finished,) = only(happened, "tool_finished")
    assert finished["outcome"] == "ok"
    assert (happened[-1]["kind"], happened[-1]["status"]) == ("turn_finished", "completed")
    assert balance(home) == before + 20
    made = [a for a in home.listing("actions", "list", "--db", "x.db") if a["effect"] == "write"]
    (action,) = made
    assert (action["tool"], action["state"]) == ("top_up_balance", "succeeded")
    assert Decimal(str(action["arguments"]["amount"])) == 20
    assert (home.folder / "telecom.db").exists()


def test_a_denied_top_up_changes_nothing(home: Home) -> None:
    before = balance(home)
    home.events("put 20 dollars on my balance", "--deny", "--db", "x.db")
    assert balance(home) == before
    states = [a["state"] for a in home.listing("actions", "list", "--db", "x.db")]
    assert "denied" in states
    assert "started" not in states


def test_with_nobody_to_ask_nothing_happens_and_the_exit_code_says_so(home: Home) -> None:
    before = balance(home)
    happened = home.events("put 20 dollars on my balance", "--db", "x.db", check=5)
    (resolved,) = only(happened, "approval_resolved")
    assert resolved["decision"] == "unanswered"
    assert balance(home) == before


def test_what_is_missing_is_asked_for_and_the_answer_completes_it(home: Home) -> None:
    first = home.events("top up my balance", "--db", "x.db")
    assert not only(first, "tool_call_proposed")
    assert (first[-1]["status"], first[-1]["pending"]) == ("needs_input", ["amount"])
    session = first[0]["session_id"]
    second = home.events("15", "--session", session, "--yes", "--db", "x.db")
    (call,) = only(second, "tool_call_proposed")
    assert (call["tool"], call["arguments"]) == ("top_up_balance", {"amount": 15})
    assert only(second, "tool_finished")[0]["outcome"] == "ok"
    (listed,) = home.listing("sessions", "list", "--db", "x.db")
    assert listed["id"] == session


@pytest.mark.parametrize("text", ["tell me a joke", "what's the weather?", "thanks, bye"])
def test_talk_calls_nothing(home: Home, text: str) -> None:
    happened = home.events(text, "--db", "x.db")
    assert not only(happened, "tool_call_proposed")
    assert happened[-1]["reply"]


def test_the_message_can_come_by_standard_input(home: Home) -> None:
    done = home.run("ask", "-", "--db", "x.db", stdin="what's my balance?\n")
    assert "$" in done.stdout


@pytest.mark.parametrize("text", ["quit", "/foo", "help"])
def test_a_command_of_the_app_is_no_message_and_leaves_no_session(home: Home, text: str) -> None:
    """`ask quit --yes` must not cancel a contract."""
    for done in (
        home.run("ask", text, "--yes", "--db", "x.db", check=2),
        home.run("ask", "-", "--yes", "--json", "--db", "x.db", stdin=f"{text}\n", check=2),
    ):
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
    assert not (home.folder / "x.db").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ask", ""], 2, "empty"),
        (["ask", "hi", "--session", "nope", "--db", "x.db"], 2, "nope"),
        (["ask", "hi", "--catalog", "nowhere", "--db", "x.db"], 2, "no such folder"),
        (["ask", "hi", "--provider", "openai"], 2, "OPENAI_API_KEY is missing"),
        (["sessions", "show", "nope"], 2, "nope"),
        (["sessions", "list", "--db", "x.db"], 2, "no history in"),
        (["nonsense"], 2, "invalid choice"),
        ([], 2, "needs a terminal"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(
    home: Home, arguments: list[str], code: int, says: str
) -> None:
    done = home.run(*arguments, check=code)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_what_keeps_the_first_message_waiting_is_said(tmp_path: Path) -> None:
    phrases = tuple(f"phrase {number}" for number in range(1_200))
    intents = {"notes": Intent("notes", "Notes", "Notes", {"": phrases})}
    engine = build_engine_for(load({}, tmp_path), Catalogue("T", "T", "", intents))
    assert learning(engine).startswith("learning 1,200 phrases")
    assert learning(replace(engine, reader=None)) == ""
    intents["notes"] = Intent("notes", "Notes", "Notes", {"": phrases[:100]})
    assert learning(engine) == ""


def test_a_session_can_be_shown(home: Home) -> None:
    asked = home.events("what's my balance?", "--db", "x.db")
    session = asked[0]["session_id"]
    shown = home.run("sessions", "show", session[:13], "--db", "x.db").stdout
    assert "what's my balance?" in shown
    assert "get_balance" in shown
    events: list[dict[str, Any]] = home.listing("sessions", "show", session, "--db", "x.db")
    assert [event["kind"] for event in events][-1] == "turn_finished"


def test_the_version_needs_no_textual(home: Home) -> None:
    done = home.run("--version")
    assert done.stdout.startswith("intentbot-tui 0.")


def test_secrets_are_masked(home: Home) -> None:
    home.environ["OPENAI_API_KEY"] = "sk-very-secret-and-long-0123456789"
    done = home.run("config", "show")
    assert "very-secret" not in done.stdout
    assert "***6789" in done.stdout


def test_what_an_address_takes_along_is_masked(home: Home) -> None:
    (home.folder / ".env").write_text("OPENAI_BASE_URL=https://e.example/v1?key=hidden\n")
    shown = [home.run("config", "show"), home.run("config", "show", "--json")]
    shown += [home.run("trust"), home.run("trust", "--remove")]
    assert not any("hidden" in done.stdout + done.stderr for done in shown)
    assert "https://e.example/v1?***" in shown[0].stdout
    assert "https://e.example/v1?***" in shown[2].stdout


@pytest.mark.parametrize(
    "text",
    [
        "how do I cancel?",
        "should I cancel my contract?",
        "can I cancel my contract without a fee?",
        "what happens if I top up 50 dollars?",
        "is it possible to switch to plan S?",
        "what's the difference between M and L",
        "transfer 10 dollars to my mom",
    ],
)
def test_a_question_about_a_change_makes_none(home: Home, text: str) -> None:
    happened = home.events(text, "--yes", "--db", "x.db")
    assert all(call["effect"] == "read" for call in only(happened, "tool_call_proposed"))


def test_cents_are_not_lost(home: Home) -> None:
    text = "add fifteen dollars and fifty cents to my credit"
    (call,) = only(home.events(text, "--yes", "--db", "x.db"), "tool_call_proposed")
    assert call["arguments"] == {"amount": 15.5}

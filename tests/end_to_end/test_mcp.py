"""A catalogue of one MCP server, as an installed program uses it: routed, asked for, done."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Home, only
from tests.loopback import Loopback, call_answer, route_answer, serve, text_answer

SERVER = Path(__file__).parent.parent / "engine" / "tools" / "mcp" / "server.py"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def notes(home: Home) -> Home:
    """A home with a catalogue folder `desk`, whose notes lie in `desk/diary`."""
    folder = home.folder / "desk" / "intents"
    folder.mkdir(parents=True)
    command = [sys.executable, str(SERVER), "diary"]
    (folder / "notes.toml").write_text(
        'title = "Notes"\ndescription = "Notes on the desk"\n'
        'examples = ["remember the milk"]\n'
        f"[mcp]\ncommand = {json.dumps(command)}\n"
        'read = ["list_*"]\nenv = ["DESK"]\ntimeout_s = 60\n'
        '[summaries]\nadd_note = "Note: {text}"\n'
    )
    (home.folder / ".env").write_text("DESK=oak\n")
    home.run("trust")
    return home


def written(home: Home) -> list[str]:
    lines = (home.folder / "desk" / "diary").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("start")]


def test_a_read_runs_and_a_change_asks(notes: Home, server: Loopback) -> None:
    notes.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    server.play(
        route_answer("notes"),
        call_answer("add_note", {"text": "milk"}),
        call_answer("list_notes", {}),
        text_answer("I noted it: milk."),
    )
    options = ("--catalog", "desk", "--db", "x.db")
    happened = notes.events("remember the milk", "--yes", *options)
    (asked,) = only(happened, "approval_requested")
    assert (asked["tool"], asked["effect"], asked["summary"]) == ("add_note", "write", "Note: milk")
    results = [event["result"] for event in only(happened, "tool_finished")]
    assert results == ["noted", {"notes": ["milk"]}]
    assert happened[-1]["reply"] == "I noted it: milk.\n\nDone: Note: milk."
    assert written(notes) == ["note milk"]

    server.play(route_answer("notes"), call_answer("wipe", {}), text_answer("I may not do that."))
    nobody = notes.events("wipe them", *options, check=5)
    (done,) = only(nobody, "tool_finished")
    assert done["outcome"] == "denied"
    assert written(notes) == ["note milk"]


def test_without_its_server_the_rest_of_the_catalogue_serves(notes: Home, server: Loopback) -> None:
    notes.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    (notes.folder / ".env").unlink()
    telecom = ("--catalog", str(Path(__file__).parents[2] / "engine" / "catalogs" / "telecom"))
    server.play(
        route_answer("balance"), call_answer("get_balance", {}), text_answer("It is $32.50.")
    )
    options = (*telecom, "--catalog", "desk", "--db", "x.db")
    done = notes.run("ask", "what is my balance?", *options)
    assert done.stdout == "It is $32.50.\n"
    assert "DESK is not set" in done.stderr


def test_a_form_is_declined_where_nobody_can_fill_it_in(home: Home, server: Loopback) -> None:
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    home.environ["OPENAI_API_KEY"] = "k" * 20
    everything = {"command": sys.executable, "args": [str(SERVER.with_name("everything.py"))]}
    (home.folder / "mcp.json").write_text(json.dumps({"mcpServers": {"inn": everything}}))
    options = ("--catalog", "mcp.json", "--db", "x.db")
    intents = home.listing("catalog", "list", *options)
    intent = next(one["key"] for one in intents if "book" in str(one["tools"]))
    server.play(
        route_answer(intent), call_answer("book", {}), text_answer("They want to know more.")
    )
    asked = home.run("ask", "book @inn:notes://all, please", "--yes", *options)
    assert "inn asks: How long will you" in asked.stderr
    assert "inn was told no: nobody could be asked" in asked.stderr
    first = server.seen[1].body["messages"]
    assert "bread" in first[-1]["content"]  # the resource, read before the model was asked
    (session,) = home.listing("sessions", "list", *options)
    actions = {one["tool"]: one for one in home.listing("actions", "list", *options)}
    assert actions["inn_read_resource"]["state"] == "succeeded"
    assert actions["book"]["result"] == "decline {}"
    exported = home.run("sessions", "export", session["id"], "--format", "json", *options).stdout
    kinds = [event["kind"] for event in json.loads(exported)["events"]]
    assert kinds.index("input_requested") < kinds.index("input_resolved")

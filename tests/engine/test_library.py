"""`import engine`: its names, and the programs of `docs/library.md` as they stand there."""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engine
from engine import ApproveAll, AskOnConsole, DenyAll, Intent, make_catalogue, open_assistant, tool
from engine.events import ApprovalRequested, ToolFinished
from engine.testing import StubModel, calls, kinds, says
from tests.engine.tools.mcp.desk import SERVER
from tests.engine.tools.openapi.served import serve as serve_document
from tests.loopback import Loopback, call_answer, route_answer, serve, text_answer

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
OWN, OPENAPI, MCP, TESTS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHOP = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/orders": {
            "post": {
                "operationId": "order",
                "summary": "Order something",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"what": {"type": "string"}},
                                "required": ["what"],
                            }
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "done",
                        "content": {"application/json": {"example": {"number": 7}}},
                    }
                },
            }
        }
    },
}


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Loopback]:
    """A server that the programs find in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serve() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        yield server


def play(program: str) -> None:
    exec(compile(program, "library.md", "exec"), {"__name__": "__main__"})


def test_every_name_is_there_and_none_is_loaded_before_it_is_used() -> None:
    assert {name for name in engine.__all__ if getattr(engine, name, None) is None} == set()
    assert set(engine.__all__) <= set(dir(engine))
    with pytest.raises(AttributeError):
        _ = engine.nothing
    code = "import engine, sys; print([m for m in sys.modules if m.startswith('engine.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(("typed", "said"), [("y\n", "Noted."), ("n\n", "As you like.")])
def test_a_function_of_ones_own(
    model: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    said: str,
) -> None:
    assert sum(bool(line.strip()) for line in OWN.splitlines()) <= 15
    model.play(route_answer("notes"), call_answer("add_note", {"text": "milk"}), text_answer(said))
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))

    play(OWN)

    shown = capsys.readouterr().out
    assert '{"text": "milk"}' in shown
    assert said in shown
    result = model.seen[-1].body["messages"][-1]["content"]
    assert ("Noted: milk" in result) == (typed == "y\n")


def test_an_openapi_document(model: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_document(SHOP) as shop:
        Path("shop.json").write_text(json.dumps({**SHOP, "servers": [{"url": shop.url}]}))
        model.play(route_answer("shop"), call_answer("shop_order", {"what": "teapots"}))
        model.play(text_answer("Ordered."))

        play(OPENAPI.replace("https://shop.example/openapi.json", "shop.json"))

    assert json.loads(shop.calls[0].body) == {"what": "teapots"}
    assert capsys.readouterr().out.startswith("ok ")


def test_an_mcp_server(model: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mcp")
    program = MCP.replace('"notes-server"', f'"{sys.executable}", "{SERVER}"')
    model.play(route_answer("desk"), call_answer("list_notes", {}), text_answer("None yet."))

    play(program)

    assert capsys.readouterr().out.startswith("ok ")


def add(text: str) -> str:
    """Write down a note."""
    return text


def catalogue() -> engine.Catalogue:
    examples = {"add": ("note: milk",)}
    return make_catalogue(Intent("notes", "Notes", "Write notes", examples, tools=(tool(add),)))


@pytest.mark.parametrize(("approver", "outcome"), [(ApproveAll(), "ok"), (DenyAll(), "denied")])
async def test_a_model_for_tests_is_played_to_its_end(
    approver: engine.Approver, outcome: str
) -> None:
    exec(compile(TESTS, "library.md", "exec"), {})
    model = StubModel(calls(("add", {"text": "milk"})), says("Done."))
    async with open_assistant(catalogue(), model=model, approver=approver) as assistant:
        events = [event async for event in assistant.respond("note: milk")]
    model.assert_complete()
    (finished,) = [event for event in events if isinstance(event, ToolFinished)]
    assert (finished.outcome, kinds(events)[-1]) == (outcome, "turn_finished")


def asked(**fields: Any) -> ApprovalRequested:
    return ApprovalRequested(turn_id="t", seq=1, call_id="c", tool="wipe", **fields)


def test_what_is_destructive_needs_a_word_of_its_own() -> None:
    wipe = asked(effect="destructive")
    assert asyncio.run(ApproveAll().decide(wipe)).decision == "unanswered"
    assert asyncio.run(ApproveAll(destructive=True).decide(wipe)).decision == "approved"


def test_a_question_on_the_console_shows_all_and_acts_on_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    request = asked(summary="Wipe \x1b[2J", arguments={"a": "\x9b31m\u202e"})
    for typed, decision in (("Yes\n", "approved"), ("\n", "denied"), ("", "unanswered")):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert asyncio.run(AskOnConsole().decide(request)).decision == decision
    assert not set(capsys.readouterr().out) & set("\x1b\x9b\u202e")

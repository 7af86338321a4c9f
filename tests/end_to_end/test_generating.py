"""`catalog generate` on functions of one's own, with a server on loopback and without one."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Home
from tests.loopback import Answer, Loopback, Seen, serve, text_answer

FUNCTIONS = '''
from engine import effect

@effect("read")
def list_orders() -> list[str]:
    """List the orders."""
    return []

@effect("write")
def return_order(order_id: str, reason: str = "") -> str:
    """Send an order back."""
    return "ok"
'''
PHRASES = [
    "I'd like to send my order back",
    "return order A12 for me",
    "this order has to go back",
    "how do I give an order back, do it for A7",
    "take back my last order please",
    "my order A3 should be returned",
]


class Writer:
    """Answers every request for wording, from the `failing`th on with an error."""

    def __init__(self, failing: int = 100) -> None:
        self.failing = failing
        self.asked = 0

    def __call__(self, seen: Seen) -> Answer:
        if not seen.path.endswith("/chat/completions"):
            return Answer(status=404, error={"error": {"message": "there is no such path"}})
        self.asked += 1
        if self.asked >= self.failing:
            return Answer(status=401, error={"error": {"message": "the key is wrong"}})
        prompt = seen.body["messages"][-1]["content"]
        returning = "Function: return_order" in prompt
        answer: dict[str, Any] = {
            "examples": PHRASES if returning else [f"show my orders {n}" for n in range(3)],
            "tests": ["send order A9 back"] if returning else ["which orders do I have"],
            "summary": "Return {order_id}",
            "questions": {"order_id": "Which order is it?"},
            "title": "Shop",
            "description": "Orders of a shop",
            "counter_examples": ["return my library book"],
        }
        return text_answer(json.dumps(answer))


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def folder(home: Home) -> Path:
    (home.folder / "shop.py").write_text(FUNCTIONS)
    home.run("init", "shop.py", "--to", "mine", "--write")
    return home.folder / "mine"


def _hosted(home: Home, server: Loopback, writer: Writer) -> None:
    server.respond = writer
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "k"}


def _intent(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "intents" / "shop.toml").read_text())


def test_without_a_model_names_have_to_do(home: Home, folder: Path) -> None:
    shown = home.run("--catalog", "mine", "catalog", "generate")
    assert "+[summaries]" in shown.stdout
    assert "summaries" not in _intent(folder)

    home.run("--catalog", "mine", "catalog", "generate", "--write")

    data = _intent(folder)
    assert set(data["examples"]) == {"list_orders", "return_order"}
    assert set(data["questions"]["return_order"]) == {"order_id"}
    assert "{order_id}" in data["summaries"]["return_order"]
    assert home.run("--catalog", "mine", "catalog", "generate", "--write").stdout == ""
    assert _intent(folder) == data


def test_nothing_is_asked_of_a_model_unless_somebody_agrees(
    home: Home, folder: Path, server: Loopback
) -> None:
    _hosted(home, server, Writer())

    home.run("--catalog", "mine", "catalog", "generate", check=5)

    assert server.seen == []


def test_a_model_writes_what_is_lacking(home: Home, folder: Path, server: Loopback) -> None:
    _hosted(home, server, Writer())

    home.run("--catalog", "mine", "catalog", "generate", "--yes", "--write")

    data = _intent(folder)
    assert (data["title"], data["counter_examples"]) == ("Shop", ["return my library book"])
    assert data["examples"]["return_order"] == PHRASES
    # The optional value is added: who approves sees every one.
    assert data["summaries"]["return_order"] == "Return {order_id}[, reason {reason}]"
    rows = (folder / "evaluation" / "generated.jsonl").read_text().splitlines()
    assert {"text": "send order A9 back", "intent": "shop", "tool": "return_order"} in map(
        json.loads, rows
    )
    home.run("--catalog", "mine", "catalog", "check")


def test_what_came_before_a_failure_is_not_paid_for_again(
    home: Home, folder: Path, server: Loopback
) -> None:
    writer = Writer(failing=2)
    _hosted(home, server, writer)
    home.run("--catalog", "mine", "catalog", "generate", "--yes", "--write", check=2)
    assert "examples" not in _intent(folder)
    first = server.seen[-2].body["messages"]

    writer.failing, before = 100, len(server.seen)
    home.run("--catalog", "mine", "catalog", "generate", "--yes", "--write")

    assert "examples" in _intent(folder)
    assert first not in [seen.body["messages"] for seen in server.seen[before:]]

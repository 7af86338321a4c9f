"""What a recorded conversation cost, by hand from the usage that the server reported, is what the
listing, the JSON, the CSV and the screen say."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Home
from tests.loopback import Answer, Loopback, call_answer, route_answer, serve, text_answer
from tests.tui.states import settle, shown, until
from tui.app import IntentBotApp
from tui.commands.app import open_backstage
from tui.screens.chat import ChatScreen
from tui.screens.costs import CostsScreen
from tui.services.configuration import Configuration

# What the server reports of each request: model, tokens sent, of these cached, and written.
USED = (
    ("my-small", 812, 0, 31),
    ("gpt-4o", 1483, 1280, 27),
    ("gpt-4o", 1561, 1408, 44),
    ("my-small", 907, 768, 12),
)
# Dollars for a million tokens. The second are the list's since 2024-10; the first are our own.
PRICES = {
    "my-small": tuple(map(Decimal, ("0.13", "0.017", "0.61"))),
    "gpt-4o": tuple(map(Decimal, ("2.50", "1.25", "10.00"))),
}
CONFIG = '[prices."my-small"]\ninput = 0.13\ncached = 0.017\noutput = 0.61\n'


def by_hand(model: str, sent: int, cached: int, written: int) -> Decimal:
    fresh, read, out = PRICES[model]
    return ((sent - cached) * fresh + cached * read + written * out) / 1_000_000


COSTS = [by_hand(*used) for used in USED]
TOTAL = sum(COSTS, Decimal(0))


def reporting(answer: Answer, used: tuple[str, int, int, int]) -> Answer:
    """The answer, with this usage in its last chunk."""
    _, sent, cached, written = used
    *others, last = answer.chunks
    assert isinstance(last, dict)
    usage = {
        "prompt_tokens": sent,
        "completion_tokens": written,
        "total_tokens": sent + written,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return replace(answer, chunks=[*others, {**last, "usage": usage}])


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


@pytest.fixture
def session(home: Home, server: Loopback) -> str:
    """Two turns: a top-up, and small talk; in the database, the program that asked is gone."""
    _configure(home, CONFIG)
    home.environ |= {
        "AZURE_OPENAI_ENDPOINT": server.url,
        "AZURE_OPENAI_API_KEY": "my-azure-key",
        "INTENTBOT_CLASSIFIER_MODEL": "my-small",
        "INTENTBOT_AGENT_MODEL": "gpt-4o",
        "INTENTBOT_DB": str(home.folder / "x.db"),
    }
    answers = (
        route_answer("balance"),
        call_answer("top_up_balance", {"amount": 20}),
        text_answer("Done."),
        route_answer("small_talk", reply="You are welcome!"),
    )
    server.play(*map(reporting, answers, USED))
    happened = home.events("top up 20 dollars", "--yes")
    id = str(happened[0]["session_id"])
    happened += home.events("thank you", "--session", id)
    told = [event["cost_usd"] for event in happened if event["kind"] == "usage_updated"]
    assert [Decimal(str(cost)) for cost in told] == COSTS
    return id


def _configure(home: Home, config: str) -> None:
    path = Path(home.run("config", "path").stdout.strip())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config)


def test_the_listing_the_json_and_the_csv_say_what_it_cost(home: Home, session: str) -> None:
    show = ("sessions", "show", session, "--costs")
    printed = home.run(*show).stdout
    for (model, sent, cached, written), cost in zip(USED, COSTS, strict=True):
        row = [model, f"{sent:,}", f"{cached:,}", str(written), f"${cost.normalize():f}"]
        assert " ".join(row) in " ".join(printed.split())
    assert f"Total: 4 requests, 4,763 in (3,456 cached), 114 out, ${TOTAL.normalize():f}" in printed

    data = home.listing(*show)
    assert [Decimal(str(row["cost_usd"])) for row in data["requests"]] == COSTS
    assert Decimal(str(data["total"]["cost_usd"])) == TOTAL
    # Flat prompts are of gpt-4o: with no cache they cost more than with a warm one.
    for row in data["requests"][1:3]:
        fresh, read, out = PRICES["gpt-4o"]
        flat, kept = row["flat_input_tokens"], row["flat_cached_tokens"]
        cold = (flat * fresh + row["output_tokens"] * out) / 1_000_000
        warm = cold - kept * (fresh - read) / 1_000_000
        assert flat > row["input_tokens"]
        assert kept > row["cached_tokens"]
        assert Decimal(str(row["flat_cost_usd"])) == cold
        assert Decimal(str(row["flat_warm_cost_usd"])) == warm
    assert data["requests"][0]["flat_cost_usd"] == 0

    rows = list(csv.DictReader(io.StringIO(home.run(*show, "--csv").stdout)))
    assert [Decimal(row["cost_usd"]) for row in rows] == COSTS
    assert not any("e" in row["cost_usd"] for row in rows)
    assert [row["turn"] for row in rows] == ["1", "1", "1", "2"]

    [listed] = home.listing("sessions", "list")
    assert Decimal(str(listed["cost_usd"])) == TOTAL


def test_the_screen_says_what_it_cost(
    home: Home, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in home.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(home.folder)
    asyncio.run(_look(session))


async def _look(session: str) -> None:
    app = IntentBotApp(
        lambda: open_backstage(Configuration(argparse.Namespace())),
        resume=session,
        low_bandwidth=True,
    )
    async with app.run_test(size=(120, 50)) as pilot:
        chat = app.screen
        assert isinstance(chat, ChatScreen)
        await until(pilot, lambda: len(chat.presenter.record.turns) == 2)
        await settle(pilot)
        assert f"session ${TOTAL:.4f}" in shown(chat.status)
        panel = " ".join(shown(chat.inspector.query_one("Static")).split())
        assert f"Session 4 requests · ${TOTAL.normalize():f}" in panel
        for key, rows in (("f10", [sum(COSTS[:3]), COSTS[3]]), ("2", [TOTAL]), ("3", [TOTAL])):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, CostsScreen))
            await until(pilot, partial(_has_rows, app, len(rows)))
            await settle(pilot)
            screen = _costs(app)
            assert f"${TOTAL.normalize():f} " in shown(screen.query_one("#sums"))
            listed = shown(screen.query_one("#cost-list"))
            for cost in rows:
                assert f" ${cost:.6f} " in listed


def _has_rows(app: IntentBotApp, count: int) -> bool:
    return len(_costs(app).rows) == count


def _costs(app: IntentBotApp) -> CostsScreen:
    assert isinstance(app.screen, CostsScreen)
    return app.screen


def test_where_the_server_reports_no_usage_both_stages_are_estimated(
    home: Home, server: Loopback
) -> None:
    home.environ |= {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "INTENTBOT_DB": str(home.folder / "x.db"),
    }
    silent = [
        replace(answer, chunks=list(answer.chunks)[:-1])
        for answer in (route_answer("balance"), text_answer("You have $12."))
    ]
    server.play(*silent)
    session = str(home.events("what is left?")[0]["session_id"])
    routed, acted = home.listing("sessions", "show", session, "--costs")["requests"]
    assert (routed["stage"], acted["stage"]) == ("classify", "act")
    # The routing prompt has every intent in it: it is longer than what the person said.
    assert routed["input_tokens"] > 100
    assert routed["output_tokens"] > 0
    assert acted["input_tokens"] > 100


def test_without_a_price_the_cost_is_unknown_and_not_nothing(home: Home, server: Loopback) -> None:
    """A server on this machine may pass on to one that is paid: who knows says so."""
    home.environ |= {
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "INTENTBOT_AGENT_MODEL": "gpt-4o",
        "INTENTBOT_DB": str(home.folder / "x.db"),
    }
    told: list[Any] = []
    for config in ("", '[prices."gpt-4o"]\ninput = 0\noutput = 0\n'):
        _configure(home, config)
        server.play(route_answer("small_talk", reply="Hello!"))
        session = str(home.events("hello")[0]["session_id"])
        shown_as = home.run("sessions", "show", session, "--costs").stdout
        told.append((json.loads(home.run("sessions", "list", "--json").stdout)[0], shown_as))
    (unknown, printed), (free, paid) = told
    assert unknown["cost_usd"] is None
    assert "1 request, 100 in (0 cached), 10 out, cost unknown" in printed
    assert free["cost_usd"] == 0
    assert "10 out, $0\n" in paid
    _configure(home, '[prices."gpt-4o"]\ninput = "free"\n')
    said = home.run("sessions", "list", check=2).stderr
    assert "config.toml: [prices.\"gpt-4o\"]: 'output' is missing" in said

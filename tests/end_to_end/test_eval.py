"""`eval` as it is typed: the offline models, gates, a hosted run that is killed and goes on."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from engine.chat_model import ModelError
from engine.intents.catalogue import BUILT_IN
from engine.offline.message_reader import MessageReader
from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import PROGRAM
from tests.loopback import Answer, Loopback, Seen, call_answer, route_answer, serve
from tui.cli import main

# The figures of the show take 3,000; a few show the same in a moment.
ROWS = int(os.environ.get("INTENTBOT_TEST_EVAL_ROWS", "60"))
PARALLEL = 4
WAIT_S = 60.0


def rows(*names: str, per: int = 8) -> str:
    """Some rows of the telecom sets, evenly taken."""
    lines = []
    for name in names:
        own = (BUILT_IN / "evaluation" / f"{name}.jsonl").read_text("utf-8").splitlines()
        lines += own[:: max(1, len(own) // per)][:per]
    return "\n".join(lines) + "\n"


def test_the_offline_router_is_tested_and_passes_its_gates(home: Home) -> None:
    (home.folder / "some.jsonl").write_text(
        rows("balance", "data", "roaming", "contract", "payment", "out_of_scope", "small_talk")
    )
    told = ("eval", "--classification-only", "--data", "some.jsonl", "--db", "x.db")
    done = home.run(*told, "--gate", "intent=0.8", "--gate", "out_of_scope=0.5", "--junit", "r.xml")
    for words in ("right intent", "out of scope refused", "precision", "coverage", "passed"):
        assert words in done.stdout
    told_of = ("an intent was found", "of what no intent covers", "recall: of its own")
    for words in told_of:
        assert words in done.stdout
    assert done.stdout.count("right where covered") == 2, "the table of confidence says it, too"
    assert "accuracy" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    cases = ElementTree.parse(home.folder / "r.xml").findall(".//testcase")
    assert len(cases) == 56 + 2

    report = home.listing(*told, "--baseline", "last")
    assert report["state"] == "finished"
    assert report["classification"]["accuracy"] >= 0.8
    assert report["classification"]["per_intent"].keys() >= {"balance", "roaming"}
    assert "tools" not in report
    assert report["baseline"]["rows"] == 56
    assert report["baseline"]["newly_wrong"] == report["baseline"]["newly_right"] == []
    newest, first = home.listing("eval", "--runs", "--db", "x.db")
    assert (newest["id"], newest["done"], newest["state"]) == (report["run"], 56, "finished")
    home.environ["TZ"] = "Asia/Kathmandu"
    listed = home.run("eval", "--runs", "--db", "x.db").stdout
    here = datetime.fromisoformat(newest["started_at"]).astimezone(ZoneInfo("Asia/Kathmandu"))
    assert f"{here:%m-%d %H:%M}" in listed
    assert newest["id"][:18] in listed
    assert "routing" in listed
    assert "some.jsonl" in listed
    assert first["report"]["classification"]["accuracy"] == report["classification"]["accuracy"]


def test_a_spoilt_intent_fails_its_gate_and_names_the_messages(home: Home) -> None:
    mine = home.folder / "mine"
    shutil.copytree(BUILT_IN, mine, ignore=shutil.ignore_patterns("__pycache__", "demos"))
    path = mine / "intents" / "roaming.toml"
    described = re.sub(
        r'description = ".*"', 'description = "Feeding fish in an aquarium"', path.read_text()
    )
    path.write_text(described)
    only = ("eval", "--classification-only", "--intent", "roaming", "--gate", "described=0.6")
    done = home.run(*only, "--db", "x.db")
    assert "nearer to another description" not in done.stdout
    done = home.run(*only, "--catalog", "mine", "--db", "x.db", check=1)
    assert "gate missed: described is to be 60.0 %" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    folded = " ".join(done.stdout.split())
    report = home.listing("eval", "--runs", "--db", "x.db")[0]["report"]
    strays = report["described"]["roaming"]["strays"]
    assert report["described"]["roaming"]["share"] < 0.6 < len(strays)
    assert all(" ".join(stray["text"].split()) in folded for stray in strays)

    spoilt = re.sub(
        r"\[examples\].*?(?=\n\[)",
        '[examples]\nroaming_cost_for_country = ["feed the fish", "is the aquarium clean"]\n',
        described,
        flags=re.DOTALL,
    )
    path.write_text(spoilt)
    told = ("eval", "--classification-only", "--intent", "roaming", "--gate", "roaming=0.8")
    done = home.run(*told, "--catalog", "mine", "--db", "x.db", check=1)
    assert "gate missed: roaming is to be 80.0 %" in done.stderr
    folded = " ".join(done.stdout.split())
    assert "roaming → " in folded
    missed = home.listing("eval", "--runs", "--db", "x.db")[0]["report"]["misses"]
    assert missed
    assert all(" ".join(miss["text"].split()) in folded for miss in missed)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--gate", "wide=0.5"), "there is no 'wide'"),
        (("--gate", "intent=95"), "NAME=SHARE"),
        (("--intent", "weather"), "no intent 'weather'"),
        (("--intent", "data", "--gate", "f1.data=0.5"), "on which precision and F1 depend"),
        (("--data", "bad.jsonl"), "bad.jsonl:2: "),
        (("--data", "none.jsonl"), "none.jsonl cannot be read"),
        (("--resume",), "no interrupted evaluation run"),
        (("--baseline", "nosuch"), "no evaluation run 'nosuch'"),
        (("--from-corrections",), "no corrections yet"),
        (("--json", "--markdown", "-"), "--json and --markdown - cannot both be printed"),
        (("--markdown", "-", "--junit", "-"), "--markdown - and --junit - cannot both be printed"),
        (("--from-corrections", "--data", "bad.jsonl"), "each say which messages"),
        (("--resume", "--intent", "data", "--limit", "9"), "leave out --intent --limit"),
        (("--resume", "x", "--classification-only"), "leave out --classification-only"),
        (("--provider", "scripted"), "the scripted model plays demos"),
        (("--limit", "0"), "not a number from 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_meant_is_told_in_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # the program sets its own
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("bad.jsonl").write_text('{"text": "hi", "intent": null}\n{"text": "x"}\n')
    try:
        code = main(["eval", "--db", "x.db", *arguments])
    except SystemExit as left:  # argparse leaves so
        code = int(left.code or 0)
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert says in told.err


@dataclass
class Counting:
    """Answers by the message, and counts what it has answered; from `limit` on it only listens.

    What waits when it is `cut` is answered then only if somebody is `patient` enough to hear it.
    """

    limit: int
    patient: bool
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: threading.Event = field(default_factory=threading.Event)

    def respond(self, seen: Seen) -> Answer:
        said = seen.body["messages"][-1]["content"]
        stage = "act" if "tools" in seen.body else "classify"
        text = said if stage == "act" else json.loads(said.split("Last message: ")[-1])
        with self._lock:
            self.asked[text, stage] += 1
            answers = sum(self.answered.values()) < self.limit
            if answers:
                self.answered[text, stage] += 1
        if not answers:
            if not self._open.wait(WAIT_S):
                return Answer(status=500)
            if self.patient:
                with self._lock:
                    self.answered[text, stage] += 1
        if stage == "act":
            return call_answer("top_up_balance", {"amount": int(text.split()[-2])})
        return route_answer("balance")

    def cut(self) -> None:
        """Let those who waited go, and answer whatever is asked now."""
        self.limit = 1_000_000
        self._open.set()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as loopback:
        yield loopback


def kept(path: Path) -> int:
    """How many of the router's and the model's answers are in the database."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as db:
        try:
            found = db.execute("SELECT outcome FROM evaluation_result").fetchall()
        except sqlite3.OperationalError:
            return 0
    return sum(json.loads(outcome).get("spent", {}).get("requests", 0) for (outcome,) in found)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_goes_on_and_no_paid_call_is_repeated(
    home: Home, server: Loopback, how: signal.Signals
) -> None:
    texts = [f"add {number} dollars" for number in range(1, ROWS + 1)]
    (home.folder / "many.jsonl").write_text(
        "".join(
            json.dumps(
                {
                    "text": text,
                    "intent": "balance",
                    "tool": "top_up_balance",
                    "arguments": {"amount": number},
                }
            )
            + "\n"
            for number, text in enumerate(texts, start=1)
        )
    )
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    # Half of all requests: each row takes two.
    counting = Counting(limit=ROWS, patient=how is signal.SIGINT)
    server.respond = counting.respond
    command = ("eval", "--data", "many.jsonl", "--db", "x.db", "--parallel", str(PARALLEL))
    process = subprocess.Popen(
        [PROGRAM, *command],
        cwd=home.folder,
        env=home.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + WAIT_S + ROWS / 10
    # Every answer that has arrived is on disk: nothing else would make up the number.
    while kept(home.folder / "x.db") < ROWS and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(how)
    if how is signal.SIGINT:
        assert process.stderr is not None
        assert "the answers on their way are waited for" in process.stderr.readline()
        counting.cut()
    _, said = process.communicate(timeout=WAIT_S)
    first = Counter(counting.answered)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "resume it with: intentbot-tui eval --resume" in said
        assert sum(first.values()) == kept(home.folder / "x.db") > ROWS
    else:
        assert process.returncode == -signal.SIGKILL
        assert sum(first.values()) == ROWS
        counting.cut()

    report = home.listing("eval", "--resume", "--db", "x.db")
    assert report["state"] == "finished"
    assert (report["rows"], report["classification"]["accuracy"]) == (ROWS, 1)
    assert report["tools"]["name_accuracy"] == report["tools"]["argument_accuracy"] == 1
    assert counting.answered == Counter(
        {(text, stage): 1 for text in texts for stage in ("classify", "act")}
    )
    # What each row cost is counted once: 100 tokens to route, 120 to act.
    assert report["usage"]["requests"] == 2 * ROWS
    assert report["usage"]["input_tokens"] == 220 * ROWS
    home.run("eval", "--resume", report["run"], "--db", "x.db", check=2)
    assert not (home.folder / "telecom.db").exists(), "nothing was executed"


def test_rows_that_were_never_answered_are_exit_code_three(home: Home, server: Loopback) -> None:
    (home.folder / "few.jsonl").write_text(rows("balance", per=4))
    home.environ["OPENAI_BASE_URL"] = f"{server.url}/v1"
    away = Answer(status=503, error={"message": "busy"}, headers={"retry-after-ms": "1"})
    server.respond = lambda seen: away
    told = ("eval", "--classification-only", "--data", "few.jsonl", "--gate", "intent=0")
    done = home.run(*told, "--db", "x.db", check=3)
    assert "never answered: 4 of 4 messages, the last for: " in done.stderr
    assert "the gates were not judged" in done.stderr
    assert "incomplete: 0 of 4 messages in" in done.stdout
    (run,) = home.listing("eval", "--runs", "--db", "x.db")
    assert run["state"] == "interrupted"


def test_the_newest_run_that_fits_is_gone_on_with_and_keeps_its_choice(
    home: Home, server: Loopback
) -> None:
    (home.folder / "few.jsonl").write_text(rows("balance", per=4))
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "INTENTBOT_DB": "x.db"}
    away = Answer(status=503, error={"message": "busy"}, headers={"retry-after-ms": "1"})
    said: list[str] = []

    def first_only(seen: Seen) -> Answer:
        said.append(seen.body["messages"][-1]["content"])
        return route_answer("balance") if said[-1] == said[0] else away

    server.respond = first_only
    told = ("eval", "--data", "few.jsonl", "--parallel", "1")
    home.run(*told, "--classification-only", check=3)
    home.run(*told, check=3)
    (home.folder / "few.jsonl").write_text(rows("balance", per=5))
    home.run(*told, check=3)
    (home.folder / "few.jsonl").write_text(rows("balance", per=4))
    newest, _, oldest = (run["id"] for run in home.listing("eval", "--runs"))
    server.respond = lambda seen: route_answer("balance")
    says = home.run("eval", "--resume", oldest, "--gate", "tools=1", check=2).stderr
    assert "leaves the tools out" in says
    done = home.run("eval", "--resume", oldest, "--gate", "intent=1")
    assert "4 messages, 3 of these now in" in done.stdout
    assert "right tool" not in done.stdout
    home.environ["INTENTBOT_AGENT_MODEL"] = "another"
    says = home.run("eval", "--resume", check=2).stderr
    assert says.count("the router is not the one that run") == 2
    del home.environ["INTENTBOT_AGENT_MODEL"]
    server.respond = lambda seen: away
    says = home.run("eval", "--resume", check=3).stderr
    assert newest not in says, "its set has changed"
    assert "resume it with: intentbot-tui eval --resume" in says


def test_a_router_that_takes_too_long_is_exit_code_four(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    def fails(client: MessageReader, texts: Sequence[str]) -> Any:
        raise ModelError("limit", "it took too long", retryable=True)

    monkeypatch.setattr(MessageReader, "_read", fails)
    Path("few.jsonl").write_text(rows("roaming", per=2).lower())  # no names that capitals show
    code = main(["eval", "--db", "x.db", "--data", "few.jsonl", "--provider", "embedded"])
    told = capsys.readouterr()
    assert code == 4
    assert "incomplete: 0 of 2 messages" in told.out


def test_a_refused_key_is_exit_code_two(home: Home, server: Loopback) -> None:
    (home.folder / "few.jsonl").write_text(rows("balance", per=6))
    home.environ |= {"OPENAI_BASE_URL": f"{server.url}/v1", "OPENAI_API_KEY": "my-secret-key"}
    server.respond = lambda seen: Answer(status=401, error={"message": "bad key my-secret-key"})
    told = ("eval", "--classification-only", "--data", "few.jsonl", "--parallel", "1")
    done = home.run(*told, "--db", "x.db", check=2)
    assert "refused the key" in done.stderr
    assert len(server.seen) == 1
    assert "my-secret-key" not in done.stderr + done.stdout
    assert b"my-secret-key" not in (home.folder / "x.db").read_bytes()

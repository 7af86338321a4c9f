"""One turn against a server that fails, with every fault of `llmock` in each of its requests.

The turn is "top up 1 dollar": the routing question (`classify`), the request that is answered
with a call (`act`), and the one that is answered with text once the tool has run (`reply`). The
tests hold the program to it; `scripts/server_tables.py` sets it beside the plain SDK.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

from llmock import simulation
from llmock.pytest_plugin import LLMock
from llmock.scenarios import (
    Behavior,
    Delay,
    Fail,
    Match,
    Reply,
    RequestInfo,
    SlowFirstToken,
    StreamFault,
    ToolCall,
    ToolFault,
)
from llmock.simulation import MockResponseSettings
from llmock.testing import LLMockServer
from llmock.verdict import Verdict

from tests.end_to_end.conftest import Home

Stage = Literal["classify", "act", "reply"]
ACT: tuple[Stage, ...] = ("act",)
REPLY: tuple[Stage, ...] = ("reply",)
BEFORE: tuple[Stage, ...] = ("classify", "act")  # the requests before the tool runs
CLASSIFIER, AGENT = "classifier", "agent"
MESSAGE = "top up 1 dollar"
BALANCE = 32_50  # before, in cents
TOP_UP = 1_00
ANSWER = f"Mock response from {AGENT}."
ROUTE = json.dumps(
    {"label": "balance", "more": [], "confidence": "high", "runner_up": None, "reply": ""}
)


@dataclass(frozen=True)
class Fault:
    """`make` gives llmock's behaviours for the requests that match. `exit` is the exit code of
    the program: 0 where it gets over the fault. `sent` is how often the request is made in all.
    """

    name: str
    make: Callable[[Match], Sequence[Behavior]]
    exit: int = 0
    sent: int = 2
    stages: tuple[Stage, ...] = ("classify", "act", "reply")


@dataclass(frozen=True)
class Later(Match):
    """Lets the first request pass that it would accept."""

    passed: list[RequestInfo] = field(default_factory=list)

    def accepts(self, info: RequestInfo) -> bool:
        if not super().accepts(info):
            return False
        self.passed.append(info)
        return len(self.passed) > 1


def stream_fault(
    kind: Literal["disconnect", "truncate", "stall", "malformed"], after_chunks: int = 1
) -> Callable[[Match], Sequence[Behavior]]:
    # Longer than the program's patience of 60 seconds with a silent stream.
    return lambda match: [
        StreamFault(kind, after_chunks=after_chunks, stall_seconds=75, match=match)
    ]


def tool_fault(
    kind: Literal["malformed_arguments", "unknown_tool"],
) -> Callable[[Match], Sequence[Behavior]]:
    """A broken call, and a whole one when the error is told."""
    call = ToolCall("top_up_balance", {"amount": 1})
    return lambda match: [
        ToolFault(kind, match=match),
        Reply(tool_calls=(call,), match=Later(model=AGENT)),
    ]


def _no_json_schema(match: Match) -> Fail:
    """Brings the routing question down to a forced call, the only form in which it has tools."""
    return Fail(400, message="response_format json_schema is not supported", match=match)


# Where the last chunk of the call's arguments has been sent, but not the finish reason.
_WHOLE_CALL = 4

FAULTS = (
    Fault("429, Retry-After 1 s", lambda m: [Fail(429, retry_after=1.0, match=m)]),
    Fault("429, no Retry-After", lambda m: [Fail(429, match=m)], stages=BEFORE),
    Fault("500", lambda m: [Fail(500, match=m)]),
    Fault("503 twice", lambda m: [Fail(503, times=2, match=m)], sent=3, stages=BEFORE),
    Fault(
        "outage, Retry-After 0.5 s",
        lambda m: [Fail(503, retry_after=0.5, times=None, match=m)],
        exit=3,
        sent=6,
    ),
    Fault("delay of 1 s", lambda m: [Delay(1.0, match=m)], sent=1, stages=BEFORE),
    Fault("first token after 1 s", lambda m: [SlowFirstToken(1.0, match=m)], sent=1, stages=BEFORE),
    Fault("disconnect", stream_fault("disconnect")),
    Fault("truncate", stream_fault("truncate")),
    Fault("corrupt", stream_fault("malformed")),
    Fault("stall", stream_fault("stall")),
    Fault("truncate, call whole", stream_fault("truncate", _WHOLE_CALL), stages=ACT),
    Fault("disconnect, call whole", stream_fault("disconnect", _WHOLE_CALL), stages=ACT),
    Fault(
        "context overflow",
        lambda m: [Fail(400, code="context_length_exceeded", message="Too many tokens.", match=m)],
        exit=4,
        sent=1,
    ),
    Fault(
        "content filter, prompt",
        lambda m: [Fail(400, code="content_filter", message="Filtered.", match=m)],
        exit=1,
        sent=1,
        stages=BEFORE,
    ),
    Fault(
        "content filter, answer",
        lambda m: [Reply(text="", finish_reason="content_filter", match=m)],
        exit=1,
        sent=1,
        stages=BEFORE,
    ),
    Fault("401", lambda m: [Fail(401, match=m)], exit=2, sent=1, stages=BEFORE),
    Fault("malformed arguments", tool_fault("malformed_arguments"), stages=ACT),
    Fault("unknown tool", tool_fault("unknown_tool"), stages=ACT),
    Fault(
        "malformed arguments, no json_schema",
        lambda m: [_no_json_schema(m), ToolFault("malformed_arguments", match=m)],
        sent=3,
        stages=("classify",),
    ),
    Fault(
        "unknown tool, no json_schema",
        lambda m: [_no_json_schema(m), ToolFault("unknown_tool", match=m)],
        stages=("classify",),
    ),
)
# Text was on the screen when the stream broke: it stays, and nothing is tried again behind it.
AFTER_TEXT = (
    Fault("disconnect, text begun", stream_fault("disconnect", 4), stages=REPLY),
    Fault("truncate, text begun", stream_fault("truncate", 4), stages=REPLY),
)


def script(llmock: LLMock, fault: Fault, stage: Stage) -> None:
    """Put the fault into the request of `stage`.

    The agent's answers are llmock's own: a call of the tool that fits the message best with an
    amount of 1, and text once the conversation has a result.
    """
    model = CLASSIFIER if stage == "classify" else AGENT
    match = Later(model=model) if stage == "reply" else Match(model=model)
    llmock.add(*fault.make(match))
    llmock.add(Reply(text=ROUTE, times=None, match=Match(model=CLASSIFIER)))


@contextmanager
def failing_server(fault: Fault, stage: Stage) -> Iterator[LLMock]:
    with LLMockServer(responses=MockResponseSettings(response_style="static")) as server:
        # As a model does; else all of an answer is on its way before anybody could hang up.
        llmock = LLMock(server).pace(chunk_delay_ms=20)
        script(llmock, fault, stage)
        yield llmock


@contextmanager
def two_at_a_time() -> Iterator[ThreadPoolExecutor]:
    """Where turns are played, each against a server of its own.

    By itself llmock sends a `Retry-After` with every 429 and 503; here only where a case says so.
    """
    with (
        patch.object(simulation, "RETRYABLE_STATUS_CODES", frozenset[int]()),
        ThreadPoolExecutor(2) as pool,
    ):
        yield pool


@dataclass(frozen=True)
class Played:
    """How a turn ended: `added` is what the operator's books gained, in cents; `states` are those
    of the actions on record; `sent` the models that were asked, in order.
    """

    exit: int
    said: str
    error: str
    added: int
    states: tuple[str, ...]
    sent: tuple[str | None, ...]
    verdict: Verdict


def play(fault: Fault, stage: Stage, home: Home) -> Played:
    """The turn by the program, approved by `--yes`."""
    with failing_server(fault, stage) as llmock:
        home.environ |= llmock.env() | {
            "INTENTBOT_CLASSIFIER_MODEL": CLASSIFIER,
            "INTENTBOT_AGENT_MODEL": AGENT,
        }
        done = home.run("ask", MESSAGE, "--yes", "--db", "x.db", check=None)
        requests, verdict = llmock.requests, llmock.verdict()
    books = home.folder / "telecom.db"  # opened by the first tool
    balance = _column(books, "SELECT sum(cents) FROM ledger") if books.exists() else (BALANCE,)
    return Played(
        done.returncode,
        done.stdout.strip(),
        done.stderr.strip(),
        balance[0] - BALANCE,
        _column(home.folder / "x.db", "SELECT state FROM action"),
        tuple(request.model for request in requests),
        verdict,
    )


def _column(file: Path, sql: str) -> tuple[Any, ...]:
    """Read behind the program's back: what is in the file, not what it says of itself."""
    with closing(sqlite3.connect(file)) as db:
        return tuple(value for (value,) in db.execute(sql))

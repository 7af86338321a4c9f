"""Compare this engine with well-known frameworks, on one server.

    python -m venv .venv-bench && .venv-bench/bin/pip install ".[benchmark]"
    .venv-bench/bin/python -m scripts.compare_frameworks [--turns 40] [--docs | --own]

Every contender has the same 300 tools and asks the same OpenAI-compatible server on loopback, whose
answers are fixed: openai-agents, pydantic-ai and LangGraph with all tools in each request, as their
introductions show; this engine with one more request that routes. They take turns one after the
other, so that a busy moment of the machine meets them all. Prints a table; `--docs` writes it into
docs/benchmarks.md. `--own` compares this engine with and without its history only, which needs
nothing installed, and prints how many times as long a turn takes with it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from scripts.framework_turns import CONTENDERS, MODEL  # noqa: E402
from scripts.synthetic_catalogue import write  # noqa: E402

TOOLS = 300
WARM_UP = 5
CHARACTERS_PER_TOKEN = 4
INTENT, TOOL = "leave_requests", "list_leave_requests"
ACTS, ASKS = "which leave requests are open?", "I need a new leave request"
TITLES = {
    "intentbot": "this engine",
    "intentbot-disk": "this engine, history on disk",
    "openai-agents": "openai-agents",
    "pydantic-ai": "pydantic-ai",
    "langgraph": "LangGraph",
}
OWN = ("intentbot", "intentbot-disk")
PACKAGES = ("openai-agents", "pydantic-ai-slim", "langgraph", "langchain-openai", "openai")


@dataclass
class Served:
    """What the server had to do since the last look."""

    requests: int = 0
    characters: int = 0
    seconds: float = 0.0


@dataclass
class Server:
    url: str = ""
    served: Served = field(default_factory=Served)

    def taken(self) -> Served:
        served, self.served = self.served, Served()
        return served


@contextmanager
def serve() -> Iterator[Server]:
    """The server: routes, calls the tool, and answers, streaming or not, with its usage."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # a head and its body in one packet

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            began = time.perf_counter()
            body = json.loads(raw)
            sent = {name: body.get(name) for name in ("messages", "tools", "response_format")}
            size = sum(len(json.dumps(part)) for part in sent.values() if part)
            payload, kind = answered(body, size)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)
            # Before it leaves: whoever has the answer may ask at once what it took.
            state.served.requests += 1
            state.served.characters += size
            state.served.seconds += time.perf_counter() - began
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()


def answered(body: dict[str, Any], size: int) -> tuple[bytes, str]:
    """Return the right answer to a request, as JSON or as a stream with the usage."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    last = body["messages"][-1]
    if not body.get("tools"):
        route = {"label": INTENT, "more": [], "confidence": "high", "runner_up": None, "reply": ""}
        message["content"] = json.dumps(route)
    elif last["role"] == "tool":
        message["content"] = "There are no open leave requests."
    elif ACTS in json.dumps(last["content"]):
        function = {"name": TOOL, "arguments": json.dumps({"status": "open"})}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    else:
        message["content"] = "What is it about, and when do you need it?"
    finish = "tool_calls" if "tool_calls" in message else "stop"
    tokens = size // CHARACTERS_PER_TOKEN
    usage = {"prompt_tokens": tokens, "completion_tokens": 20, "total_tokens": tokens + 20}
    common = {"id": "chatcmpl-1", "created": 1, "model": MODEL}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        whole = {**common, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode(), "application/json"
    if "tool_calls" in message:
        message["tool_calls"] = [{"index": 0, **call} for call in message["tool_calls"]]
    chunks = []
    for delta, reason in ((message, None), ({}, finish)):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        chunks.append({**common, "object": "chat.completion.chunk", "choices": [choice]})
    chunks.append({**common, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    stream = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return stream.encode(), "text/event-stream"


@dataclass
class Contender:
    """One child process, and what its turns took."""

    name: str
    process: subprocess.Popen[str]
    peak_mb: float = 0.0
    overhead_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    requests: int = 0

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended; is the extra `benchmark` installed?")
        found: dict[str, Any] = json.loads(line)
        return found

    def turn(self, server: Server, message: str, *, counts: bool) -> None:
        assert self.process.stdin is not None
        server.taken()
        self.process.stdin.write(message + "\n")
        self.process.stdin.flush()
        took = self.read()
        served = server.taken()
        assert took["reply"], self.name
        self.peak_mb = took["peak_mb"]
        self.tokens = served.characters // CHARACTERS_PER_TOKEN
        self.requests = served.requests
        if counts:
            self.overhead_ms.append((took["wall_s"] - served.seconds) * 1000)
            self.cpu_ms.append(took["cpu_s"] * 1000)


def measure(
    names: Sequence[str], message: str, turns: int, server: Server, folder: Path
) -> list[Contender]:
    """These contenders, each with this many turns after the warm-up, turn about."""
    script = str(ROOT / "scripts" / "framework_turns.py")
    with ExitStack() as stack:
        contenders = []
        for name in names:
            own = folder / name
            own.mkdir(exist_ok=True)
            write(own, TOOLS)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, script, name, server.url, str(own)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    env={**os.environ, "HOME": str(folder)},
                )
            )
            stack.callback(process.kill)
            contender = Contender(name, process)
            contender.read()  # it is ready
            contenders.append(contender)
        for number in range(-WARM_UP, turns):
            for contender in contenders:
                contender.turn(server, message, counts=number >= 0)
        return contenders


def table(contenders: Sequence[Contender]) -> str:
    lines = [
        "| | requests | input tokens | overhead, ms | CPU, ms | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for one in contenders:
        lines.append(
            f"| {TITLES[one.name]} | {one.requests} | {one.tokens:,} | {spread(one.overhead_ms)} "
            f"| {spread(one.cpu_ms)} | {one.peak_mb:.0f} |"
        )
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Return the median and, in brackets, the tenth and the ninetieth percentile."""
    tenths = statistics.quantiles(values, n=10)
    return f"**{statistics.median(values):.1f}** ({tenths[0]:.1f}–{tenths[-1]:.1f})"


PAGE = """\
# This engine beside other frameworks

Written by `python -m scripts.compare_frameworks --docs` on {day}. {turns} turns of each
after {warm} to warm up, turn about; medians, with the tenth and the ninetieth percentile in
brackets.

## A turn that calls one tool

{acts}

## A turn in which the model only asks back

{asks}

## What was measured

- {tools} tools, the same functions for all, made by `scripts/synthetic_catalogue.py`. The
  frameworks have them all in each request, the way their introductions show: `Runner.run`,
  `Agent.run`, the prebuilt agent's `ainvoke`, without streaming, agents made once, and a new
  conversation each turn.
- This engine streams, and routes first: one request more, which is why it has 3 instead of 2, or 2
  instead of 1. A real server takes its time for that request, too, which these tables leave out as
  they leave out all of the server's time. `INTENTBOT_ROUTER=embedded` saves it, `cascade` mostly.
- One server on loopback, HTTP/1.1 with connections kept open, whose answers are fixed.
- *Overhead* is the time from the message to the end of the turn without the time the server worked,
  from the last byte of a request to the last byte of its answer. *CPU* is the process's own, all
  threads. *Input tokens* are the characters of messages, tools and answer schema as they came, by
  {characters}, the same for all. *Peak memory* is the whole process's, imports and tools included.
- *This engine* keeps its events nowhere; *history on disk* is as the app runs: every event is
  committed to SQLite before the next step. The others keep nothing.
- {machine}; {versions}.
"""


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores of {names[0] if names else cpu}, {platform.system()}, Python "
        f"{platform.python_version()}, load {load:.1f} while measuring"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=40)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--docs", action="store_true", help="write docs/benchmarks.md as well")
    what.add_argument("--own", action="store_true", help="only this engine, with and without disk")
    options = parser.parse_args()
    names = OWN if options.own else tuple(CONTENDERS)
    tables = {}
    with serve() as server, tempfile.TemporaryDirectory() as folder:
        for message in (ACTS, ASKS):
            measured = measure(names, message, options.turns, server, Path(folder))
            tables[message] = table(measured)
            print(f"\n{message}\n\n{tables[message]}", flush=True)
            if options.own:
                without, with_history = (statistics.median(one.overhead_ms) for one in measured)
                print(f"\nwith its history: {with_history / without:.2f} times as long")
    if options.docs:
        page = PAGE.format(
            day=datetime.now(UTC).date().isoformat(),
            turns=options.turns,
            warm=WARM_UP,
            acts=tables[ACTS],
            asks=tables[ASKS],
            tools=TOOLS,
            characters=CHARACTERS_PER_TOKEN,
            machine=machine(),
            versions=", ".join(f"{name} {version(name)}" for name in PACKAGES),
        )
        (ROOT / "docs" / "benchmarks.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()

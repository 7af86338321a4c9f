"""Measure what routing saves as a catalogue grows.

    python -m scripts.routing_at_scale [--json] [--docs]

For synthetic catalogues of 10, 100, 300 and 1,000 tools, in one run of about a minute:

- input tokens of a turn that calls one tool, with every tool in each request (flat) and routed, as
  a server on loopback received them: messages, tool definitions and answer schema, each as the
  JSON that was sent; counted with the o200k_base vocabulary where `pip install bpe-openai` was
  done, else with the engine's own estimate, which is a little higher;
- what a message takes to route locally, and to be put on the shortlist for a hosted model;
- loading the catalogue for the first time and again, and the start of the whole program with it
  beside the start with the built-in catalogue; training the classifier's head.

`--docs` writes the table and the plot into docs/. Tokens always come out alike. Loading and
training are timed by the processor, on one thread, which other programs make longer least: the best
of some rounds. Messages are timed by the clock, since the encoder has two threads: the median.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
# As in the reader, whose head is too small for more threads.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from engine.assistant import Assistant  # noqa: E402
from engine.builder import build_engine  # noqa: E402
from engine.conversation import Conversation  # noqa: E402
from engine.intents.catalogue import BUILT_IN  # noqa: E402
from engine.intents.catalogue import load as load_catalogue  # noqa: E402
from engine.intents.intent import Catalogue  # noqa: E402
from engine.intents.lexical_index import TfIdfIndex  # noqa: E402
from engine.offline.labels import labels_of  # noqa: E402
from engine.prompts import routing  # noqa: E402
from engine.routing.bypass import BypassRouter, is_flat  # noqa: E402
from engine.settings import load as load_settings  # noqa: E402
from scripts.scale_plot import plot  # noqa: E402
from scripts.synthetic_catalogue import write  # noqa: E402
from tests.engine.stubs import MemoryRecorder, StubApprover  # noqa: E402
from tests.loopback import call_answer, route_answer, serve, text_answer  # noqa: E402

SIZES = (10, 100, 300, 1_000)
ROUNDS = 3
DAY = date(2026, 3, 2)  # that the acting model is told
INTENT, TOOL, MESSAGE = "leave_requests", "list_leave_requests", "which leave requests are open?"

# Run in a process of its own; prints the seconds that loading took. With a second argument, all
# else that a start with a hosted model takes is done, too.
_LOAD = """
import sys, time
from pathlib import Path
if len(sys.argv) > 2:
    from engine.builder import assemble
    from engine.settings import load
    server = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    assemble(load(server, Path("."), catalogues=[sys.argv[1]]))
else:
    from engine.intents.catalogue import load
    import engine.tools.function
    started = time.process_time()
    load(sys.argv[1])
    print(time.process_time() - started)
"""


@dataclass(frozen=True)
class Row:
    """Of one size. Times in milliseconds, `start_ratio` to the start with the built-in one."""

    tools: int
    intents: int
    flat_tokens: int
    routed_tokens: int
    classify_tokens: int
    embedded_ms: float | None
    shortlist_ms: float
    load_cold_ms: float
    load_warm_ms: float
    start_ratio: float
    head_ms: float | None


def counter() -> tuple[Callable[[str], int], str]:
    """Return a token counter and the name of its vocabulary."""
    try:
        from bpe_openai import get_encoding
    except ImportError:
        return routing.tokens, "the engine's estimate"
    encoding = get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text)), "o200k_base"


def received(body: dict[str, Any], count: Callable[[str], int]) -> int:
    """Tokens of what a request holds for the model."""
    said = [message["content"] for message in body["messages"]]
    calls = [message.get("tool_calls") for message in body["messages"]]
    data = [part for part in (*calls, body.get("tools"), body.get("response_format")) if part]
    return sum(map(count, said)) + sum(count(json.dumps(part)) for part in data)


async def turn(folder: Path, catalogue: Path, *, routed: bool) -> list[dict[str, Any]]:
    """Return the requests, as the server got them, of one turn that calls one tool."""
    with serve() as server:
        environ = {"OPENAI_BASE_URL": f"{server.url}/v1", "INTENTBOT_AGENT_MODEL": "any"}
        engine = build_engine(load_settings(environ, folder, catalogues=[catalogue]))
        assistant = Assistant(
            catalogue=engine.catalogue if routed else is_flat(engine.catalogue),
            router=engine.router if routed else BypassRouter(),
            model=engine.model,
            recorder=MemoryRecorder(),
            approver=StubApprover(),
            data_dir=folder,
            today=lambda: DAY,
        )
        if routed:
            server.play(route_answer(INTENT))
        server.play(call_answer(TOOL, {}), text_answer("There are none."))
        last = [event async for event in assistant.respond(MESSAGE)][-1]
        assert last.kind == "turn_finished", last
        await engine.close()
        return [seen.body for seen in server.seen]


def loading(catalogue: Path, cache: Path) -> tuple[float, float, float]:
    """Seconds to load for the first time and again; a whole start, to the built-in one's."""
    environ = os.environ | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT)}

    def run(place: Path, *more: str) -> tuple[float, float]:
        """Seconds the process took in all, and what it says that loading took."""
        with tempfile.TemporaryFile("w+") as said:
            command = [sys.executable, "-c", _LOAD, str(place), *more]
            process = subprocess.Popen(command, env=environ, stdout=said)
            _, status, used = os.wait4(process.pid, 0)
            assert status == 0
            said.seek(0)
            return used.ru_utime + used.ru_stime, float(said.read() or 0)

    cold = run(catalogue)[1]
    warm = min(run(catalogue)[1] for _ in range(ROUNDS))
    starts = [(run(catalogue, "all")[0], run(BUILT_IN, "all")[0]) for _ in range(ROUNDS)]
    own, built_in = zip(*starts, strict=True)
    return cold, warm, min(own) / min(built_in)


def shortlisting(catalogue: Catalogue, messages: Sequence[str]) -> float:
    """Seconds to find the nearest intents of a message and put their examples into words."""
    intents = catalogue.intents
    index = TfIdfIndex({key: tuple(routing.phrases(intents[key])) for key in intents})

    def find(message: str) -> None:
        near = index.nearest(message, routing.NEAREST)
        said = routing.situation(message, Conversation())
        routing.with_examples(near, catalogue, said)

    return timed(find, messages)


def embedded(catalogue: Catalogue, messages: Sequence[str]) -> tuple[float, float] | None:
    """Seconds to classify a message and to train the head; None without the extra `embedded`."""
    try:
        from engine.offline.classifier import Class, Classifier, phrases_of, train
        from engine.offline.encoder import Encoder
    except ImportError:
        return None
    encoder = Encoder()
    classes = [Class(**fields) for fields in labels_of(catalogue).values()]
    vectors = encoder.embed(phrases_of(classes))
    trained = []
    for _ in range(2):
        started = time.process_time()
        head = Classifier(classes, encoder.embed, train(classes, vectors))
        trained.append(time.process_time() - started)
    return timed(lambda message: head.score([message]), messages), min(trained)


def timed(what: Callable[[str], object], messages: Sequence[str]) -> float:
    """Return the median time of a message, in seconds."""
    times = []
    for message in messages:
        started = time.perf_counter()
        what(message)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measure(size: int, folder: Path, count: Callable[[str], int]) -> Row:
    path = write(folder / str(size), size)
    cold, warm, ratio = loading(path, folder / "cache")
    flat_bodies = asyncio.run(turn(folder, path, routed=False))
    routed_bodies = asyncio.run(turn(folder, path, routed=True))
    catalogue = load_catalogue(path)
    phrases = [p for i in catalogue.intents.values() for own in i.examples.values() for p in own]
    messages = [f"please {phrase}" for phrase in phrases[:: max(1, len(phrases) // 50)]]
    local = embedded(catalogue, messages)
    return Row(
        tools=size,
        intents=len(catalogue.intents),
        flat_tokens=sum(received(body, count) for body in flat_bodies),
        routed_tokens=sum(received(body, count) for body in routed_bodies),
        classify_tokens=received(routed_bodies[0], count),
        embedded_ms=round(1000 * local[0], 1) if local else None,
        shortlist_ms=round(1000 * shortlisting(catalogue, messages), 1),
        load_cold_ms=round(1000 * cold),
        load_warm_ms=round(1000 * warm),
        start_ratio=round(ratio, 2),
        head_ms=round(1000 * local[1]) if local else None,
    )


def table(rows: Sequence[Row]) -> str:
    """As Markdown, which reads well in a terminal, too."""
    lines = {
        "tools": [f"{row.tools:,}" for row in rows],
        "intents": [f"{row.intents:,}" for row in rows],
        "**input tokens of a turn**, flat": [f"{row.flat_tokens:,}" for row in rows],
        "routed by the model": [f"{row.routed_tokens:,}" for row in rows],
        "saved": [f"{1 - row.routed_tokens / row.flat_tokens:.0%}" for row in rows],
        "routed by the embedded classifier": [
            f"{row.routed_tokens - row.classify_tokens:,}" for row in rows
        ],
        "the classification prompt": [f"{row.classify_tokens:,}" for row in rows],
        "**routing a message**, embedded, ms": [_or_dash(row.embedded_ms) for row in rows],
        "shortlist for the prompt, ms": [f"{row.shortlist_ms}" for row in rows],
        "**loading**, first time, ms": [f"{row.load_cold_ms:,}" for row in rows],
        "again, ms": [f"{row.load_warm_ms:,}" for row in rows],
        "start, times the built-in catalogue's": [f"{row.start_ratio:.2f}" for row in rows],
        "training the classifier's head, ms": [_or_dash(row.head_ms) for row in rows],
    }
    width = max(map(len, lines))
    head, *rest = (
        f"| {name:{width}} | " + " | ".join(f"{cell:>9}" for cell in cells) + " |"
        for name, cells in lines.items()
    )
    rule = f"|{'-' * (width + 2)}|" + "----------:|" * len(rows)
    return "\n".join([head, rule, *rest])


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure routing as a catalogue grows.")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--docs", action="store_true", help="write docs/scale.md and .svg as well")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of tools")
    options = parser.parse_args()
    count, vocabulary = counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        rows = [measure(size, folder, count) for size in options.sizes]
    if options.json:
        print(json.dumps({"vocabulary": vocabulary, "rows": [asdict(row) for row in rows]}))
    else:
        print(f"{table(rows)}\n\nTokens by {vocabulary}.")
    if options.docs:
        (ROOT / "docs" / "scale.svg").write_text(
            plot([(row.tools, row.intents, row.flat_tokens, row.routed_tokens) for row in rows])
        )
        (ROOT / "docs" / "scale.md").write_text(_PAGE.format(table=table(rows), by=vocabulary))


_PAGE = """\
# Routing at scale

![Input tokens of a turn, with all tools in each request and routed](scale.svg)

{table}

Written by `python -m scripts.routing_at_scale --docs`, which makes the catalogues, sends a turn
with one tool call to a server on loopback, and counts what that received: messages, tool
definitions and schemas as JSON, by {by}. Servers that write definitions more tersely than JSON
count some 40 % less for them, on both sides. Two things are not in these figures. A server that
still has the flat prompt in its cache charges a tenth or a twentieth of the price for it, so while
it is warm, flat costs no more than routed up to one or two hundred tools. And a flat prompt that
does not fit the model's window cannot be sent at all.

The classification request names every intent, says of each what fits into the budget (2,000 tokens
at 100 intents, 3,000 at 400, with persona and schema), and gives examples of the twenty nearest.
How often the right intent is among these: `python -m scripts.shortlist_recall TRAIN MESSAGES`. Of
CLINC150's validation messages (150 intents, ten examples each) it is for 97.4 %, of BANKING77's
(77) for 98.6 %.
"""


if __name__ == "__main__":
    main()

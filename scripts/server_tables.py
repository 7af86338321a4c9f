"""Show what the program makes of servers as they are, beside the plain SDK: tables in docs/.

    python -m scripts.server_tables [streams|faults]

`docs/streams.md` has what is read out of loose and broken streams, `docs/faults.md` how a turn that
pays ends when the server fails. Everything is played over real HTTP on loopback by the cases that
the tests use, the faults at the program's own time limits: that table takes eight minutes.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import openai
from llmock.verdict import Verdict
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from engine.llm import openai_chat
from tests.end_to_end.conftest import make_home
from tests.fault_cases import (
    AFTER_TEXT,
    AGENT,
    CLASSIFIER,
    FAULTS,
    MESSAGE,
    TOP_UP,
    Fault,
    Played,
    Stage,
    failing_server,
    play,
    two_at_a_time,
)
from tests.loopback import serve
from tests.stream_cases import CASES, Reading, StreamCase, read

DOCS = Path(__file__).parent.parent / "docs"
# A plain loop must end, too.
MAX_ROUNDS = 8


class Add(BaseModel):
    """Add."""

    x: int


LOOSE_TOOLS = [
    {
        "type": "function",
        "function": {"name": "add", "description": "Add.", "parameters": Add.model_json_schema()},
    }
]
STRICT_TOOLS = [openai.pydantic_function_tool(Add, name="add")]

STREAMS = """\
# Streams as servers send them

What is read out of each stream by `client.chat.completions.stream()` of the SDK, once with its \
tools as plain dictionaries and once made by `pydantic_function_tool`, and by this program, which \
reads `create(stream=True)` itself. "In" and "out" are tokens. A refusal is told to the person; \
nothing of such an answer is run.
"""
FAULTS_TEXT = """\
# A turn that pays, and a server that fails

The message "top up 1 dollar" makes three requests: the routing question (`classify`), the one \
that is answered with a call (`act`), and the one that is answered with text when the tool has run \
(`reply`). Each fault hits the request named with it. Beside the program, `ask --yes` with its own \
time limits, stands the same turn by the plain SDK: `chat.completions.stream()` of a client with \
its defaults, in the usual loop that parses the arguments and runs the tool. "Top-ups" is how \
often money was really added; "requests" are those of the whole turn, three without a fault. The \
verdict is llmock's, in strict mode; its `malformed_chunk_ignored` only means that nothing was \
tried again. The stall is one of 75 seconds.

`truncate, text shown` and `disconnect, text shown` are not clean by choice: a person who has read \
half an answer is told that it broke off, and is not sent another one behind it.
"""


@dataclass(frozen=True)
class Row:
    """How one turn ended."""

    outcome: str
    top_ups: int
    requests: int
    verdict: Verdict

    @property
    def cells(self) -> list[str]:
        findings = ", ".join(dict.fromkeys(finding.code for finding in self.verdict.findings))
        return [self.outcome, str(self.top_ups), str(self.requests), findings or "clean"]


async def by_the_sdk(url: str, tools: Sequence[Any]) -> Reading:
    """Return what the SDK's helper makes of a stream; an exception's name is the error."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="key", max_retries=0)
    shown = ""
    async with client:
        try:
            async with client.chat.completions.stream(
                model="served", messages=[{"role": "user", "content": "hello"}], tools=tools
            ) as stream:
                async for event in stream:
                    if event.type == "content.delta":
                        shown += event.delta
                final = await stream.get_final_completion()
        except Exception as error:
            return Reading(shown, error=type(error).__name__)
    calls = [call.function for call in final.choices[0].message.tool_calls or ()]
    usage = final.usage
    return Reading(
        shown,
        tuple((call.name, call.arguments) for call in calls),
        usage=(usage.prompt_tokens, 0, usage.completion_tokens) if usage else (0, 0, 0),
    )


async def stream_row(case: StreamCase) -> list[str]:
    with serve() as server:
        ours = await read(server, case.answer)
        theirs = []
        for tools in (LOOSE_TOOLS, STRICT_TOOLS):
            server.play(case.answer)
            theirs.append(await by_the_sdk(server.url, tools))
    return [case.name, *map(told, theirs), told(ours)]


def told(reading: Reading) -> str:
    """Return a reading in words."""
    parts = [f"`{name}({arguments})`" for name, arguments in reading.calls]
    if reading.shown:
        shown = reading.shown.encode(errors="backslashreplace").decode()
        # Markup would be rendered, and a line ends a row.
        shown = html.escape(shown, quote=False).replace("\n", " ")
        parts.insert(0, f"“{shown}”")
    if reading.error:
        parts.append(f"**{reading.error}**")
    if any(reading.usage):
        parts.append(f"{reading.usage[0]} in, {reading.usage[2]} out")
    return ", ".join(parts) or "an empty answer"


def plain_turn(url: str) -> tuple[str, int]:
    """Run the turn with the SDK alone; return its ending and how often the tool ran."""
    ran: list[float] = []

    def top_up_balance(amount: float) -> str:
        ran.append(amount)
        return "done"

    tools: dict[str, Callable[..., str]] = {"top_up_balance": top_up_balance}
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    offered: Any = [
        {"type": "function", "function": {"name": name, "parameters": schema}} for name in tools
    ]
    messages: list[Any] = [{"role": "user", "content": MESSAGE}]

    def ask(client: OpenAI, model: str, **fields: Any) -> Any:
        with client.chat.completions.stream(model=model, messages=messages, **fields) as stream:
            return stream.get_final_completion().choices[0].message

    try:
        with OpenAI(base_url=f"{url}/v1", api_key="key") as client:
            json.loads(ask(client, CLASSIFIER).content)["label"]
            for _ in range(MAX_ROUNDS):
                message = ask(client, AGENT, tools=offered)
                if not message.tool_calls:
                    return f"answers “{message.content or ''}”", len(ran)
                messages.append(message.model_dump(exclude_none=True))
                for call in message.tool_calls:
                    result = tools[call.function.name](**json.loads(call.function.arguments))
                    messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        return "does not end", len(ran)
    except Exception as error:
        return f"`{type(error).__name__}`", len(ran)


def fault_row(case: tuple[Fault, Stage]) -> list[str]:
    fault, stage = case
    with tempfile.TemporaryDirectory() as folder:
        played = play(fault, stage, make_home(Path(folder)))
    ours = Row(ending(played), played.added // TOP_UP, len(played.sent), played.verdict)
    with failing_server(fault, stage) as llmock:
        outcome, ran = plain_turn(llmock.url)
        theirs = Row(outcome, ran, len(llmock.requests), llmock.verdict())
    return [f"{stage}: {fault.name}", *ours.cells, *theirs.cells]


def ending(played: Played) -> str:
    """Return the exit code, and what was said of it."""
    if played.exit == 0:
        return "answers, exit 0"
    said = played.error.splitlines()[-1].removeprefix("intentbot-tui: ")
    return f"“{re.sub('127.0.0.1(:[0-9]+)?', 'HOST', said)}”, exit {played.exit}"


def write(name: str, text: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    made = f"{datetime.now(UTC):%Y-%m-%d}"
    tools = f"openai {version('openai')} and llmock {version('llmock')}"
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    table = "\n".join(lines)
    note = f"Made on {made} with {tools} by `python -m scripts.server_tables`."
    (DOCS / name).write_text(f"{text}\n{table}\n\n{note}\n")
    print(f"docs/{name}: {len(lines) - 2} rows")


async def streams() -> None:
    # One try each: whether there is a second one is the other table's matter.
    with patch.object(openai_chat, "MAX_ATTEMPTS", 1):
        rows = [await stream_row(case) for case in CASES]
    head = ["stream", "SDK helper", "SDK helper, Pydantic tools", "this program"]
    write("streams.md", STREAMS, head, rows)


def faults() -> None:
    cases = [(fault, stage) for fault in (*FAULTS, *AFTER_TEXT) for stage in fault.stages]
    with two_at_a_time() as pool:
        rows = list(pool.map(fault_row, cases))
    cells = ["ends", "top-ups", "requests", "verdict"]
    head = ["fault", *cells, *(f"SDK: {cell}" for cell in cells)]
    write("faults.md", FAULTS_TEXT, head, rows)


def main() -> None:
    wanted = sys.argv[1:] or ["streams", "faults"]
    if "streams" in wanted:
        asyncio.run(streams())
    if "faults" in wanted:
        faults()


if __name__ == "__main__":
    main()

"""Play one contender of `compare_frameworks.py`, each in a process of its own.

    python -m scripts.framework_turns NAME URL FOLDER

FOLDER is a catalogue by `synthetic_catalogue.py`; the others get its functions as their own tools,
without the first parameter that only this engine knows. Each reads a message a line, answers it in
a new conversation by the plain way its own introduction shows, and prints what that took.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

Turn = Callable[[str], Awaitable[str]]
MODEL = "gpt-4.1-mini"
PERSONA = (
    "You are Otto, the assistant of a company's back office. You are friendly and brief, and say "
    "so kindly where you cannot help."
)


def functions(folder: Path) -> list[Callable[..., Any]]:
    """Return the catalogue's tools as plain functions, in order."""
    code = (folder / "tools.py").read_text(encoding="utf-8")
    code = re.sub(r"^from engine.*\n|^@effect.*\n|context: ToolContext, ", "", code, flags=re.M)
    code = re.sub(r"^def _record\(.*?(?=^def )", "", code, count=1, flags=re.M | re.S)
    code = code.replace("_record(context, ", "_record(")
    module = ModuleType("company")
    sys.modules["company"] = module
    vars(module)["_record"] = lambda kind, what, values: {"count": 0, "records": []}
    exec(compile(code, "company", "exec"), vars(module))
    names = re.findall(r"^def (\w+)\(", code, flags=re.M)
    return [vars(module)[name] for name in names]


def intentbot(url: str, folder: Path, *, on_disk: bool) -> Turn:
    """This engine, routed by the hosted model; `on_disk`: as the app runs it, all events kept."""
    from engine.assistant import Assistant
    from engine.builder import build_engine
    from engine.events import Event, TurnFinished
    from engine.settings import load
    from storage.database import Database
    from storage.recorder import SqliteRecorder
    from tests.engine.stubs import StubApprover

    environ = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "INTENTBOT_ROUTER": "llm"}
    environ |= {"INTENTBOT_AGENT_MODEL": MODEL, "INTENTBOT_CLASSIFIER_MODEL": MODEL}
    engine = build_engine(load(environ, folder, catalogues=(str(folder),)))

    class Nowhere:
        async def record(self, event: Event) -> None: ...

    place = folder / "history.db"
    recorder = SqliteRecorder(Database.open(place), model=engine.label) if on_disk else Nowhere()

    async def turn(text: str) -> str:
        assistant = Assistant(
            catalogue=engine.catalogue,
            router=engine.router,
            model=engine.model,
            recorder=recorder,
            approver=StubApprover(),
            data_dir=folder,
            price=engine.price,
        )
        reply = ""
        async for event in assistant.respond(text):
            if isinstance(event, TurnFinished):
                reply = event.reply
        return reply

    return turn


def openai_agents(url: str, folder: Path) -> Turn:
    from agents import (
        Agent,
        OpenAIChatCompletionsModel,
        Runner,
        function_tool,
        set_tracing_disabled,
    )
    from openai import AsyncOpenAI

    # It would otherwise send each run to its maker, which is neither ours to measure nor allowed.
    set_tracing_disabled(True)
    client = AsyncOpenAI(base_url=url, api_key="none")
    agent: Any = Agent(
        name="Otto",
        instructions=PERSONA,
        tools=[function_tool(function) for function in functions(folder)],
        model=OpenAIChatCompletionsModel(model=MODEL, openai_client=client),
    )

    async def turn(text: str) -> str:
        return str((await Runner.run(agent, text)).final_output)

    return turn


def pydantic_ai(url: str, folder: Path) -> Turn:
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=url, api_key="none"))
    agent: Any = Agent(model, instructions=PERSONA, tools=functions(folder))

    async def turn(text: str) -> str:
        return str((await agent.run(text)).output)

    return turn


def langgraph(url: str, folder: Path) -> Turn:
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent

    model = ChatOpenAI(model=MODEL, base_url=url, api_key="none")
    agent: Any = create_react_agent(model, tools=functions(folder), prompt=PERSONA)

    async def turn(text: str) -> str:
        state = await agent.ainvoke({"messages": [{"role": "user", "content": text}]})
        return str(state["messages"][-1].content)

    return turn


CONTENDERS: dict[str, Callable[[str, Path], Turn]] = {
    "intentbot": lambda url, folder: intentbot(url, folder, on_disk=False),
    "intentbot-disk": lambda url, folder: intentbot(url, folder, on_disk=True),
    "openai-agents": openai_agents,
    "pydantic-ai": pydantic_ai,
    "langgraph": langgraph,
}


def main() -> None:
    warnings.simplefilter("ignore")
    name, url, folder = sys.argv[1:]
    os.environ["OPENAI_API_KEY"] = "none"
    turn = CONTENDERS[name](url, Path(folder))
    print("{}", flush=True)  # ready
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            wall, cpu = time.perf_counter(), time.process_time()
            reply = runner.run(turn(line.strip()))
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            took = {"wall_s": wall, "cpu_s": cpu, "peak_mb": peak / 1024, "reply": reply}
            print(json.dumps(took), flush=True)
    # Some leave threads of their own behind.
    os._exit(0)


if __name__ == "__main__":
    main()

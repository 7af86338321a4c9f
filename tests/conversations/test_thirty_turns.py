"""One long conversation, by the scripted and by the offline models, on a real back end.

What happened is compared with the snapshot, and the two with each other: they may differ only
where `DIFFERENT` says so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from engine import events
from engine.assistant import Assistant
from engine.builder import Engine, build_engine
from engine.conversation import Conversation
from engine.flat_prompt import CHARACTERS_PER_TOKEN
from engine.intents.catalogue import BUILT_IN, load
from engine.intents.intent import Folder
from engine.intents.routing import Router
from engine.ports import Answer
from engine.scripted import ScriptedModel, load_scripts
from engine.settings import load as load_settings
from engine.turn import HISTORY_CHARACTERS
from storage.database import Database
from storage.history import History
from storage.recorder import SqliteRecorder
from tui.services.runtime import TURNS_TO_RESUME

HERE = Path(__file__).parent
SCRIPT = load_scripts(Folder(HERE))["thirty_turns"]
# Messages of the intent that is active anyway: the script starts a task, the offline router goes
# on with it. The tools, their arguments and their fates are the same.
DIFFERENT = {
    "top up my balance",
    "what's my balance now?",
    "top up 20 dollars",
    "any unpaid invoices?",
    "pay an invoice",
    "pay INV-1007 again",
    "when does my contract end?",
}
# Before the same again the offline models ask, and the message behind leaves that open.
ASKED = {"pay INV-1007 again", "is Orange cheaper than you?"}


class Careful:
    """Approves everything but the end of the contract."""

    async def decide(self, request: events.ApprovalRequested) -> Answer:
        return Answer("denied" if request.effect == "destructive" else "approved", "person")


async def converse(engine: Engine, folder: Path) -> list[str]:
    """One line of what happened for each turn; every event is kept in a real database."""
    database = Database.open(folder / "x.db")
    journal = SqliteRecorder(database)
    assistant = Assistant(
        catalogue=engine.catalogue,
        router=engine.router,
        model=engine.model,
        recorder=journal,
        approver=Careful(),
        data_dir=folder,
        price=engine.price,
    )
    lines = []
    for turn in SCRIPT.turns:
        happened = [event async for event in assistant.respond(turn.message)]
        lines.append(_line(turn.message, happened))
    await journal.close()
    kept = History(database).events(assistant.session_id)
    assert Conversation.replay(kept).messages == assistant.conversation.messages
    database.close()
    return lines


def _line(message: str, happened: list[events.Event]) -> str:
    tools: dict[str, str] = {}
    parts = []
    for event in happened:
        match event:
            case events.IntentClassified():
                parts.append(f"{event.route} {'+'.join(event.intents)}".strip())
            case events.ToolCallProposed():
                arguments = json.dumps(dict(event.arguments), sort_keys=True)
                tools[event.call_id] = f"{event.tool} {arguments}"
            case events.ToolFinished():
                parts.append(f"{tools[event.call_id]}: {event.outcome}")
            case events.TurnFinished():
                parts.append(" ".join([event.status, *event.pending]))
            case events.TurnFailed():
                parts.append(f"failed: {event.error}")
    return f"{message} | {' | '.join(parts)}"


@asynccontextmanager
async def engine_of(provider: str, folder: Path) -> AsyncIterator[Engine]:
    if provider == "scripted":
        model = ScriptedModel([SCRIPT])
        router: Router = model
        yield Engine(load(BUILT_IN), router, model, lambda usage: 0.0, "scripted", offline=True)
        return
    engine = build_engine(load_settings({}, folder, provider=provider))
    try:
        yield engine
    finally:
        await engine.close()


async def test_thirty_turns(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert len(SCRIPT.turns) == 30
    told = {}
    for provider in ("scripted", "embedded"):
        folder = tmp_path / provider
        folder.mkdir()
        async with engine_of(provider, folder) as engine:
            told[provider] = await converse(engine, folder)
    assert told == snapshot
    pairs = list(zip(SCRIPT.turns, told["scripted"], told["embedded"], strict=True))
    assert {turn.message for turn, here, there in pairs if here != there} == DIFFERENT | ASKED
    pairs = [pair for pair in pairs if pair[0].message not in ASKED]
    assert [here.replace("| task", "| continue") for turn, here, there in pairs] == [
        there.replace("| task", "| continue") for turn, here, there in pairs
    ]


def lived(session: str, number: int) -> list[events.Event]:
    """The events of one short turn."""
    what: list[events.Event] = [
        events.TurnStarted(session_id=session, text=f"question {number} " + "x" * 300),
        events.TextDelta(text=f"answer {number}"),
        events.TurnFinished(status="completed", reply=f"answer {number}"),
    ]
    return [
        replace(event, turn_id=f"turn-{number}", seq=seq, at="2026-01-01T00:00:00.000+00:00")
        for seq, event in enumerate(what)
    ]


async def test_a_session_of_two_thousand_turns_resumes_and_answers(tmp_path: Path) -> None:
    """The prompt and what is kept in memory stay bounded, however long the session was."""
    database = Database.open(tmp_path / "x.db")
    journal = SqliteRecorder(database)
    for number in range(2_000):
        for event in lived("long", number):
            await journal.record(event)
    past = History(database).events("long", last_turns=TURNS_TO_RESUME)
    conversation = Conversation.replay(past)
    assert len(conversation.messages) == 2 * TURNS_TO_RESUME
    asked = SCRIPT.turns[1].message
    async with engine_of("scripted", tmp_path) as engine:
        assistant = Assistant(
            catalogue=engine.catalogue,
            router=engine.router,
            model=engine.model,
            recorder=journal,
            approver=Careful(),
            data_dir=tmp_path,
            session_id="long",
            conversation=conversation,
        )
        happened = [event async for event in assistant.respond(asked)]
    assert isinstance(happened[-1], events.TurnFinished)
    assert "Your balance is" in happened[-1].reply
    spent = [event for event in happened if isinstance(event, events.UsageUpdated)]
    window_tokens = HISTORY_CHARACTERS / CHARACTERS_PER_TOKEN
    assert all(event.input_tokens < 1.2 * window_tokens for event in spent)
    await journal.close()
    database.close()

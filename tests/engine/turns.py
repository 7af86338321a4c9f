"""Turns over the telecom catalogue, and what is read from their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.assistant import Assistant
from engine.events import Event, IntentClassified, ToolCallProposed, TurnFinished
from engine.intents.catalogue import BUILT_IN, load

CATALOGUE = load(BUILT_IN)


async def say(assistant: Assistant, text: str) -> list[Event]:
    return [event async for event in assistant.respond(text)]


def called(events: list[Event]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(e.tool, dict(e.arguments)) for e in events if isinstance(e, ToolCallProposed)]


def end(events: list[Event]) -> TurnFinished:
    assert isinstance(events[-1], TurnFinished), events[-1]
    return events[-1]


def route(events: list[Event]) -> str:
    return next(event.route for event in events if isinstance(event, IntentClassified))

"""Routing by the words of a document alone: what it names is found or asked about, not refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.conversation import Conversation
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.intents.routing import Routing
from engine.offline.message_reader import MessageReader
from engine.offline.router import OfflineRouter
from engine.tools.openapi.text import phrases

PATHS = {
    "/radiators": ["get"],
    "/radiators/{id}": ["get", "put", "delete"],
    "/blinds": ["get"],
    "/blinds/{id}/lower": ["post"],
    "/blinds/{id}/raise": ["post"],
    "/doorbell/visitors": ["get", "delete"],
    "/doorbell/chime": ["put"],
}


def house(folder: Path) -> Catalogue:
    paths = {
        path: {method: {"tags": [path.split("/")[1]]} for method in methods}
        for path, methods in PATHS.items()
    }
    (folder / "house.json").write_text(
        json.dumps({"openapi": "3.0.0", "info": {"title": "House"}, "paths": paths})
    )
    return load(folder / "house.json")


async def routed(router: OfflineRouter, text: str) -> Routing:
    found = [item async for item in router.route(text, Conversation())]
    assert isinstance(found[-1], Routing)
    return found[-1]


NAMED = {
    "silence the chime at the doorbell": "doorbell",
    "lower the blinds in the bedroom": "blinds",
    "any visitors at the door today?": "doorbell",
    "which radiators do I have": "radiators",
}
BEYOND = ("what's the weather in Rome tomorrow", "order a pizza")


async def test_what_the_document_names_is_found_and_all_else_refused(tmp_path: Path) -> None:
    catalogue = house(tmp_path)
    reader = MessageReader(catalogue, folder=tmp_path / "heads")
    router = OfflineRouter(reader, catalogue)
    found = {text: await routed(router, text) for text in (*NAMED, *BEYOND)}
    went = {text: [task.intent for task in found[text].tasks] for text in NAMED}
    assert went == {text: [intent] for text, intent in NAMED.items()}
    assert {found[text].route for text in BEYOND} == {"out_of_scope"}


@pytest.mark.parametrize(
    ("method", "path", "summary", "said"),
    [
        ("DELETE", "/shows/{id}", "Unfollow a show", "stop following a show"),
        ("DELETE", "/shows/{id}", "", "get rid of the show"),
        ("PUT", "/projects/{id}", "Update a project", "rename the project"),
        ("GET", "/top/{kind}", "Get my top", "get my top artists tracks"),
    ],
)
def test_phrases_are_what_people_say(method: str, path: str, summary: str, said: str) -> None:
    properties: dict[str, Any] = {"kind": {"enum": ["artists", "tracks"]}, "name": {}}
    operation = {
        "id": "",
        "method": method,
        "path": path,
        "summary": summary,
        "description": "",
        "parameters": {"properties": properties, "required": ["kind"] if "{kind}" in path else []},
    }
    assert said in phrases(operation)

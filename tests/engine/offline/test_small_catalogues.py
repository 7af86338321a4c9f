"""The offline router on catalogues with a few examples, such as a person begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from engine.conversation import Conversation
from engine.intents.catalogue import BUILT_IN, load
from engine.intents.intent import Catalogue, Intent
from engine.intents.routing import Routing
from engine.offline.classifier import Class, Classifier
from engine.offline.encoder import Encoder
from engine.offline.labels import Prediction, boost_by_units, labels_of, to_prediction
from engine.offline.router import OfflineRouter
from engine.tools.tool import Tool
from engine.tools.tool_groups import groups_of
from tests.engine.tools.mcp.test_grouping import tool

pytestmark = pytest.mark.slow

SERVERS = {
    "git": "git_status git_diff git_commit git_add git_log git_create_branch git_show",
    "files": "read_file write_file edit_file create_directory list_directory move_file",
    "time": "get_current_time convert_time",
}
EXAMPLES = {
    "time": ("what time is it in Tokyo?", "when it is nine in Paris, how late is it in Lima?")
}
NOTES = {
    "list_notes": ("what did I note", "read me my notes", "show everything I wrote down"),
    "add_note": ("note that the milk is out", "remember to call Anna", "write this down: gate B12"),
}
TABLES = {
    "pizza": ("I want a large pizza", "order a margherita", "one pepperoni pizza please"),
    "table": ("book a table for two", "reserve a table tonight", "do you have a table at eight"),
}
HOUSE = {
    "lights": ("switch on the lamp", "lights off in the kitchen", "dim the bedroom", "brighter"),
    "music": ("play some jazz", "skip this song", "turn the volume up", "pause the music"),
    "heating": ("make it warmer", "set the heating to 21 degrees", "it is cold in here"),
}


class Local:
    """A `Reader` in this process: what the reader does with a text, without the reader."""

    def __init__(self, catalogue: Catalogue, encoder: Encoder) -> None:
        classes = labels_of(catalogue)
        self._catalogue, self._order = catalogue, tuple(classes)
        self._head = Classifier([Class(**c) for c in classes.values()], encoder.embed)

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        scores = [vars(score) for score in self._head.score(texts)]
        refused = self._catalogue.thresholds.refused
        return [
            boost_by_units(to_prediction(self._order, score, refused), text, self._catalogue)
            for text, score in zip(texts, scores, strict=True)
        ], 1


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def intent(key: str, examples: Mapping[str, tuple[str, ...]], *tools: Tool) -> Intent:
    return Intent(key=key, title=key.title(), description=key, examples=examples, tools=tools)


def plain(examples: Mapping[str, tuple[str, ...]]) -> list[Intent]:
    return [intent(key, {"": phrases}) for key, phrases in examples.items()]


def servers() -> list[Intent]:
    return [
        Intent(made.key, made.title, made.description, made.examples, tools=made.tools)
        for key, names in SERVERS.items()
        for made in groups_of(
            key,
            [tool(name) for name in names.split()],
            title=key,
            description="",
            examples=EXAMPLES.get(key, ()),
        )
    ]


INTENTS = {
    "servers": servers(),
    "notes": [intent("notes", NOTES, *map(tool, NOTES)), *servers()[-1:]],
    "tables": plain(TABLES),
    "house": plain(HOUSE),
}


def catalogue(name: str) -> Catalogue:
    return replace(load(BUILT_IN), intents={intent.key: intent for intent in INTENTS[name]})


async def routed(reader: Local, known: Catalogue, text: str) -> Routing:
    found = [item async for item in OfflineRouter(reader, known).route(text, Conversation())][-1]
    assert isinstance(found, Routing)
    return found


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        (
            "servers",
            {
                "show the git log": "git",
                "create a directory drafts": "files",
                "read the file notes.txt": "files",
                "make a new branch called login": "git",
                "what time is it in Berlin": "time",
            },
        ),
        ("notes", {"show my notes": "notes", "please note: dentist on Friday": "notes"}),
        (
            "tables",
            {
                "can I get a pizza with mushrooms": "pizza",
                "deliver two salami pizzas": "pizza",
                "a reservation for Saturday please": "table",
                "we are four people, is there a table tomorrow": "table",
            },
        ),
        (
            "house",
            {
                "turn on the light in the hall": "lights",
                "next track please": "music",
                "lower the temperature a bit": "heating",
            },
        ),
    ],
)
async def test_what_was_not_taught_finds_its_intent(
    encoder: Encoder, name: str, messages: Mapping[str, str]
) -> None:
    known = catalogue(name)
    reader = Local(known, encoder)

    for text, wanted in messages.items():
        assert [task.intent for task in (await routed(reader, known, text)).tasks] == [wanted], text
    assert (await routed(reader, known, "good morning")).route == "small_talk"
    for text in ("who was the first emperor of Rome", "send flowers to my mother"):
        assert (await routed(reader, known, text)).tasks == (), text


@pytest.mark.parametrize("name", INTENTS)
async def test_an_example_itself_is_sure(encoder: Encoder, name: str) -> None:
    known = catalogue(name)
    reader = Local(known, encoder)

    for intent in known.intents.values():
        for phrase in (p for phrases in intent.examples.values() for p in phrases):
            found = await routed(reader, known, phrase)
            assert [task.intent for task in found.tasks] == [intent.key], phrase
            assert found.confidence is not None
            assert found.confidence > 0.8, phrase


def test_a_short_word_of_the_catalogue_is_not_put_right(encoder: Encoder) -> None:
    words = frozenset({"git", "gift", "repository"})

    assert encoder.spelt("show the git log", words) == "show the git log"
    assert encoder.spelt("the git repositry", words) == "the git repository"

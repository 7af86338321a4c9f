"""What is ordered and what is not, in four domains.

This is a development set: templates were added after its misses were read, and the limits in
`engine.offline.labels` were chosen on it. What it shows is better than what is to be
expected of sentences that nobody has seen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.assistant import Assistant
from engine.events import TurnFinished
from engine.intents.catalogue import BUILT_IN, load
from engine.offline.dialogue_acts import head
from engine.offline.dialogue_acts.features import Masker, words_of
from engine.offline.dialogue_acts.sentences import Grammar, sentences
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import called, end, say

FOLDER = Path(__file__).parent
DOMAINS = ("telecom", "bank", "home", "travel")
GRAMMAR = Grammar()
TAUGHT = list(sentences(GRAMMAR))


def rows(domain: str) -> list[dict[str, Any]]:
    lines = (FOLDER / f"{domain}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


EVERY = [row for domain in DOMAINS for row in rows(domain)]


def talk(domain: str, reader: MessageReader, folder: Path) -> Assistant:
    catalogue = load(BUILT_IN if domain == "telecom" else FOLDER / domain)
    return Assistant(
        catalogue,
        OfflineRouter(reader, catalogue),
        OfflineModel(reader, catalogue),
        MemoryRecorder(),
        StubApprover(),
        folder,
    )


def test_there_are_enough_rows_and_none_was_taught() -> None:
    taught = {sentence.text.casefold() for sentence in TAUGHT}
    texts = [row["text"].casefold() for row in EVERY]

    assert sum(not row["changes"] for row in EVERY) >= 300
    assert sum(row["changes"] for row in EVERY) >= 200
    assert len(set(texts)) == len(texts)
    assert len(taught & set(texts)) <= 0.02 * len(texts)  # "no", "wait", "don't"


def test_the_weights_are_those_of_the_templates() -> None:
    """Run `scripts/train_dialogue_acts.py` after a change."""
    with np.load(head.WEIGHTS, allow_pickle=False) as data:
        assert str(data["digest"]) == head.digest(TAUGHT, GRAMMAR)


def test_sentences_are_the_same_each_time() -> None:
    assert [s.text for s in sentences(Grammar())] == [s.text for s in TAUGHT]
    assert len(TAUGHT) > 5_000
    assert len({s.domain for s in TAUGHT}) >= 20


async def changed(domain: str, wanted: bool, folder: Path) -> tuple[list[str], int]:
    """The messages that proposed a change though none was wanted, or the other way about."""
    catalogue = load(BUILT_IN if domain == "telecom" else FOLDER / domain)
    effects = {tool.name: tool.effect for tool in catalogue.tools}
    reader = MessageReader(catalogue)
    chosen = [row["text"] for row in rows(domain) if row["changes"] == wanted]
    wrong = []
    for number, text in enumerate(chosen):
        data = folder / str(number)
        data.mkdir()
        events = await say(talk(domain, reader, data), text)
        assert isinstance(events[-1], TurnFinished), text
        if any(effects[name] != "read" for name, _ in called(events)) != wanted:
            wrong.append(text)
    return wrong, len(chosen)


@pytest.mark.parametrize("domain", DOMAINS)
async def test_a_wish_not_a_word(domain: str, tmp_path: Path) -> None:
    """Rule 9: told, quoted, negated, supposed, deferred or other people's changes are none."""
    wrong, all_of_them = await changed(domain, False, tmp_path)

    assert len(wrong) <= 0.05 * all_of_them, wrong


@pytest.mark.parametrize("domain", DOMAINS)
async def test_orders_are_kept(domain: str, tmp_path: Path) -> None:
    wrong, all_of_them = await changed(domain, True, tmp_path)

    assert len(wrong) <= 0.1 * all_of_them, wrong


@pytest.mark.parametrize(
    ("text", "reply", "change"),
    [
        ("20 dollars", "yes", [("top_up_balance", {"amount": 20})]),
        ("L", "yes please", [("change_plan", {"plan": "L"})]),
        ("INV-1042", "no", []),
        ("top up 20 dollars tomorrow", "go ahead", [("top_up_balance", {"amount": 20})]),
    ],
)
async def test_in_doubt_it_asks(
    text: str, reply: str, change: list[tuple[str, dict[str, Any]]], tmp_path: Path
) -> None:
    """A plain yes answers the question whether the change is wanted, and nothing else does."""
    reader = MessageReader(load(BUILT_IN))
    assistant = talk("telecom", reader, tmp_path)
    asked = await say(assistant, text)
    answered = await say(assistant, reply)

    assert called(asked) == []
    assert end(asked).awaiting is not None
    assert called(answered) == change


@pytest.mark.parametrize("text", ["20 dollars is a lot", "why 20 dollars?", "I have 20 dollars"])
async def test_what_is_open_is_not_answered_by_a_mere_mention(text: str, tmp_path: Path) -> None:
    reader = MessageReader(load(BUILT_IN))
    assistant = talk("telecom", reader, tmp_path)
    await say(assistant, "top up my balance")
    mentioned = await say(assistant, text)
    answered = await say(assistant, "20 dollars")

    assert "top_up_balance" not in dict(called(mentioned))
    assert called(answered) == [("top_up_balance", {"amount": 20})]


@given(st.text(max_size=200))
def test_any_text_has_runs(text: str) -> None:
    masker = Masker(frozenset(words_of("please do not")), GRAMMAR.verbs)

    for run in masker.runs(text):
        assert run.strip("*")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("please cancel my policy", "Please cancel my contract"),
        ("don't pay the premium", "dont pay the invoice"),
        ("I'd like 3 litres", "i would like 30 crates"),
    ],
)
def test_the_matter_is_masked(one: str, other: str) -> None:
    masker = Masker(head.kept_words(GRAMMAR), GRAMMAR.verbs)

    assert list(masker.runs(one)) == list(masker.runs(other))

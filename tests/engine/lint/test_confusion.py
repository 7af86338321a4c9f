"""What `catalog check` finds with the offline models, and descriptions that tell nothing apart."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.intents.catalogue import BUILT_IN, load
from engine.lint import lint
from engine.lint.confusion import confused
from engine.lint.descriptions import unlike
from engine.lint.finding import Finding
from engine.lint.reader import catalogue_of
from engine.offline.message_reader import MessageReader

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_an_example_that_sounds_like_another_intents_is_found() -> None:
    folders = [lint([BUILT_IN])[1][0]]
    balance = next(seen for seen in folders[0].intents if seen.intent.key == "balance")
    phrase = "how expensive is a phone call when I travel to Norway"
    examples: Any = balance.intent.examples
    examples["get_balance"] = (*examples["get_balance"], phrase)
    told = await confused(folders)
    assert len([f for f in told if phrase in f.text and "roaming" in f.text]) == 1
    assert len(told) <= 5


async def test_what_stands_in_two_intents_is_not_told_again_as_confused() -> None:
    folders = [lint([BUILT_IN])[1][0]]
    examples: dict[str, Any] = {
        seen.intent.key: seen.intent.examples for seen in folders[0].intents
    }
    phrase = examples["roaming"]["roaming_cost_for_country"][0]
    examples["balance"]["get_balance"] = (*examples["balance"]["get_balance"], f"{phrase}!")
    assert not [f for f in await confused(folders) if phrase in f.text]


def described(folder: Path, key: str, text: str) -> Path:
    """A copy of the built-in intents, in which one has another description."""
    shutil.copytree(BUILT_IN, folder, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "intents" / f"{key}.toml"
    written = re.sub(r'description = ".*"', f'description = "{text}"', path.read_text("utf-8"))
    path.write_text(written, "utf-8")
    return folder


def _is_of(found: Finding, key: str) -> bool:
    counts = re.search(r"nearest to (\d+) of its \d+ examples, that of \w+ to (\d+)", found.text)
    assert counts is not None
    assert int(counts[1]) < int(counts[2])
    return (Path(found.file).name, found.line, found.code) == (f"{key}.toml", 2, "description")


@pytest.mark.parametrize("text", ["To be written", "Feeding fish in an aquarium"])
@pytest.mark.parametrize("key", ["balance", "contract", "data", "payment", "roaming"])
async def test_a_description_that_does_not_fit_the_examples_is_found(
    reader: MessageReader, tmp_path: Path, key: str, text: str
) -> None:
    _, folders = lint([described(tmp_path / "mine", key, text)])
    (found,) = await unlike(catalogue_of(folders)[1], reader.nearest)
    assert _is_of(found, key)


async def test_it_is_one_of_the_findings(tmp_path: Path) -> None:
    _, folders = lint([described(tmp_path / "mine", "data", "To be written")])
    (found,) = [found for found in await confused(folders) if found.code == "description"]
    assert _is_of(found, "data")


async def test_a_description_that_another_intent_has_is_found(tmp_path: Path) -> None:
    text = load(BUILT_IN).intents["balance"].description
    findings, _ = lint([described(tmp_path / "mine", "payment", text)])
    (told,) = [found for found in findings if found.code == "description"]
    assert (Path(told.file).name, told.line, told.severity) == ("payment.toml", 2, "warning")
    assert told.text == "payment is described in the same words as balance"

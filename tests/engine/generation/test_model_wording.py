"""What a model is asked for: never more than was announced."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.generation.gaps import gaps
from engine.generation.model_wording import Kept, generate, most_tokens, tasks
from engine.generation.phrase_check import PhraseCheck
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue

FUNCTIONS = """
def list_orders() -> list[str]:
    \"\"\"List the orders.\"\"\"
    return []

def list_parcels() -> list[str]:
    \"\"\"List the parcels.\"\"\"
    return []
"""


class Model:
    """Answers with an empty object, and takes 1,000 tokens for it."""

    name = "model"

    def __init__(self) -> None:
        self.asked = 0

    async def stream(self, request: ChatRequest) -> AsyncIterator[Reply]:
        self.asked += 1
        yield Reply("{}", (), "stop", Usage(self.name, input_tokens=1_000))

    async def close(self) -> None:
        pass


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "shop.py").write_text(FUNCTIONS)
    (tmp_path / "intents").mkdir()
    (tmp_path / "intents" / "shop.toml").write_text('[python]\nfile = "shop.py"\n')
    return load(tmp_path)


async def test_it_stops_where_the_price_is_reached(catalogue: Catalogue, tmp_path: Path) -> None:
    asked = tasks(gaps(catalogue))
    model, spent = Model(), 0

    def may_spend(usage: Usage) -> bool:
        nonlocal spent
        spent += usage.input_tokens
        return spent < 2_000

    check = PhraseCheck({}, lambda texts: np.zeros((len(texts), 3)))
    with pytest.raises(ModelError) as stopped:
        await generate(
            asked,
            model,
            check,
            Kept(tmp_path / "kept.json"),
            may_spend=may_spend,
            done=lambda number: None,
        )

    assert (stopped.value.code, model.asked) == ("limit", 2)


def test_the_announced_price_covers_every_request_twice(catalogue: Catalogue) -> None:
    asked = tasks(gaps(catalogue))
    sent = sum(len(m.content) for task in asked for m in task.messages)

    most = most_tokens(asked, "model")

    assert [task.tool.name if task.tool else None for task in asked] == [
        "list_orders",
        "list_parcels",
        None,
    ]
    assert most.input_tokens >= 2 * sent / 4
    assert most.output_tokens >= 2 * 500 * len(asked)

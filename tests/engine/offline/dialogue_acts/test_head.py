"""What the head tells by itself, without a turn around it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.offline.dialogue_acts import head
from engine.offline.dialogue_acts.features import Masker
from engine.offline.dialogue_acts.sentences import Grammar
from engine.offline.encoder import Encoder


@pytest.fixture(scope="module")
def act() -> Callable[[str], str]:
    encoder, trained = Encoder(), head.Head.trained()

    def told(text: str) -> str:
        shares = trained.probabilities([text], encoder.embed([text]))
        return trained.acts[int(shares[0].argmax())]

    return told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("do that again", "again"),
        ("ok, once more please", "again"),
        ("same again!", "again"),
        ("can you help me with my number please?", "trouble"),
        ("I've got a problem with my phone", "trouble"),
        ("this just doesn't work", "trouble"),
        ("no wait, make it 30", "correction"),
        ("sorry, I meant 30", "correction"),
        ("undo that", "undo"),
        ("yes please", "yes"),
        ("no thanks", "no"),
        ("quit please", "leave"),
        ("exit now", "leave"),
    ],
)
def test_acts(act: Callable[[str], str], text: str, expected: str) -> None:
    assert act(text) == expected


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("help me pay my bill", "trouble"),
        ("again 20 dollars", "trouble"),
        ("what about 10 more?", "correction"),
        ("no, another 10", "no"),
        ("what does the M plan cost per month", "again"),
    ],
)
def test_what_only_looks_like_an_act(act: Callable[[str], str], text: str, other: str) -> None:
    assert act(text) != other


def test_days_and_relatives_are_masked() -> None:
    grammar = Grammar()
    masker = Masker(head.kept_words(grammar), grammar.verbs, grammar.classes)

    def masked(text: str) -> set[str]:
        return {run for run in masker.runs(text) if run.startswith("*")}

    assert masked("pay it on Monday") == masked("pay it on Tuesday")
    assert masked("my cousin paid it") == masked("my aunt paid it")
    assert masked("unfold it") != masked("fold it")


def test_a_head_that_does_not_fit_is_refused() -> None:
    with np.load(head.WEIGHTS, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}

    with pytest.raises(ValueError, match="do not fit"):
        head.Head(arrays | {"weights": arrays["weights"][1:]})

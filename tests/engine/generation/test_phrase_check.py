"""Which of a model's phrases are kept, by the real encoder."""

from __future__ import annotations

import pytest

from engine.generation.phrase_check import PhraseCheck
from engine.offline.encoder import Encoder

pytestmark = pytest.mark.slow

KNOWN = {
    "orders": ["Orders of a shop: return an order", "where is my parcel"],
    "address": ["Where parcels go: change the delivery address"],
}


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def test_phrases_of_no_use_are_dropped(encoder: Encoder) -> None:
    check = PhraseCheck(KNOWN, encoder.embed)

    found = check.check(
        "orders",
        ["return order", "Send an order back"],
        [
            "I'd like to send my order back",
            "i'd  like to send my order back",
            "Where is my parcel",
            "please change the delivery address to Oak Street",
            "how far is Mars from the sun",
            "   ",
        ],
    )

    assert found.kept == ("I'd like to send my order back",)
    assert set(found.dropped) == {
        "i'd like to send my order back",
        "Where is my parcel",
        "please change the delivery address to Oak Street",
        "how far is Mars from the sun",
    }


def test_what_was_kept_is_known_from_then_on(encoder: Encoder) -> None:
    check = PhraseCheck(KNOWN, encoder.embed)
    phrase = ["I'd like to send my order back"]

    assert check.check("orders", ["return order"], phrase).kept
    assert not check.check("orders", ["return order"], phrase).kept


def test_a_counter_example_is_no_example(encoder: Encoder) -> None:
    check = PhraseCheck(KNOWN, encoder.embed)

    assert check.apart("orders", ["where is my parcel?", "return my library book"]) == [
        "return my library book"
    ]

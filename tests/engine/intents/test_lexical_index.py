"""The shortlist: what is nearest by words and letters, and how often that is the right one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.intents.lexical_index import PHRASES_IN_ALL, TfIdfIndex

SHORTLIST = TfIdfIndex(
    {
        "bills": ("show my invoices", "what do I owe"),
        "travel": ("book a flight", "a hotel for three nights"),
        "pets": ("when was the dog vaccinated",),
    }
)


def test_the_nearest_comes_first_with_its_most_similar_phrase() -> None:
    near = SHORTLIST.nearest("a flight to Rome and a hotel", 3)
    assert near[0].name == "travel"
    assert set(near[0].phrases) == {"book a flight", "a hotel for three nights"}
    assert SHORTLIST.nearest("which invoices are open?", 1)[0].phrases[0] == "show my invoices"


def test_other_forms_of_a_word_are_found_by_their_letters() -> None:
    assert SHORTLIST.nearest("vaccination", 1)[0].name == "pets"
    assert SHORTLIST.nearest("INVOICE", 1)[0].name == "bills"


def test_nothing_is_near_where_nothing_is_alike() -> None:
    assert SHORTLIST.nearest("", 3) == []
    assert SHORTLIST.nearest("充值", 3) == []
    assert TfIdfIndex({}).nearest("hello", 3) == []
    assert TfIdfIndex({"empty": ()}).nearest("hello", 3) == []


@given(st.dictionaries(st.text(), st.lists(st.text()), max_size=8), st.text(), st.integers(0, 10))
def test_any_text_gives_distinct_names_with_phrases_of_their_own(
    phrases: dict[str, list[str]], text: str, count: int
) -> None:
    near = TfIdfIndex(phrases).nearest(text, count)
    assert len({one.name for one in near}) == len(near) <= count
    assert all(one.phrases and set(one.phrases) <= set(phrases[one.name]) for one in near)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True))
def test_equal_names_and_phrases_come_in_a_fixed_order(names: list[str]) -> None:
    alike = TfIdfIndex(dict.fromkeys(names, ("the same words",)))
    assert [one.name for one in alike.nearest("the same words", len(names))] == names


def test_a_thousand_examples_each_cost_no_more_than_a_few() -> None:
    many = {f"i{n}": [f"phrase {n} {k}" for k in range(1_000)] for n in range(200)}
    index = TfIdfIndex(many)
    assert sum(len(one.phrases) for one in index.nearest("phrase", 200)) <= PHRASES_IN_ALL

"""The offline classifier, on the real sentence embeddings."""

from __future__ import annotations

import pytest

from engine.offline.classifier import Class, Classifier
from engine.offline.encoder import Encoder

TEA = Class(
    "tea",
    (
        "make me a cup of tea",
        "brew some green tea",
        "I'd like a pot of tea",
        "tea with milk please",
    ),
)
LAMP = Class(
    "lamp",
    ("switch on the lamp", "turn off the lights", "make it brighter in here", "dim the lamp"),
)
PLAYER = Class(
    "player",
    ("play some jazz", "skip this song", "louder music please", "put my favourite album on"),
)
TASKS = (TEA, LAMP, PLAYER)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


def best(classifier: Classifier, text: str) -> int:
    probabilities = classifier.score([text])[0].probabilities
    return probabilities.index(max(probabilities))


def test_unseen_messages_find_their_class(encoder: Encoder) -> None:
    classifier = Classifier(TASKS, encoder.embed)

    assert best(classifier, "could you boil water for an earl grey") == 0
    assert best(classifier, "it is too dark, light please") == 1
    assert best(classifier, "next track") == 2


def test_probabilities_add_up_and_are_in_the_order_of_the_classes(encoder: Encoder) -> None:
    score = Classifier(TASKS, encoder.embed).score(["play some jazz"])[0]

    assert sum(score.probabilities) == pytest.approx(1.0, abs=1e-3)
    assert score.probabilities[2] > 0.8


def test_a_strange_message_is_told_apart(encoder: Encoder) -> None:
    classifier = Classifier(TASKS, encoder.embed)

    near, far = classifier.score(["turn the lamp off", "who was the first emperor of Rome"])

    assert near.familiarity > 0.2
    assert far.familiarity == pytest.approx(1 / 13)  # twelve examples, none of them stranger


def test_a_counter_example_lowers_its_group(encoder: Encoder) -> None:
    text = "turn the music lights on"
    against = Class("lamp", LAMP.phrases, against=("switch the disco lights on", text))

    without = Classifier((TEA, LAMP, PLAYER), encoder.embed).score([text])[0]
    with_it = Classifier((TEA, against, PLAYER), encoder.embed).score([text])[0]

    assert with_it.probabilities[1] < without.probabilities[1]


def test_built_in_talk_gives_way_to_the_catalogues_own(encoder: Encoder) -> None:
    talk = Class("joke", ("tell me a joke", "say something funny"), yields_at=0.45)
    jester = Class("jester", ("tell a joke", "tell me something funny", "a good joke please"))

    alone = Classifier((*TASKS, talk), encoder.embed)
    beside = Classifier((*TASKS, talk, jester), encoder.embed)

    assert best(alone, "do you know a joke?") == 3
    assert best(beside, "do you know a joke?") == 4
    assert beside.score(["tell me a joke"])[0].probabilities[3] == pytest.approx(0.0, abs=1e-6)


def test_a_class_without_phrases_is_never_chosen(encoder: Encoder) -> None:
    classifier = Classifier((Class("empty", ()), *TASKS), encoder.embed)

    assert classifier.score(["empty"])[0].probabilities[0] == pytest.approx(0.0, abs=1e-6)


def test_nothing_to_learn_from_is_an_error(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="no class has a phrase"):
        Classifier([Class("empty", ())], encoder.embed)


def test_a_text_has_the_same_vector_alone_and_in_a_batch(encoder: Encoder) -> None:
    texts = ["tea", "a much longer sentence that needs padding beside it", "lamp"]

    together = encoder.embed(texts)

    for row, text in zip(together, texts, strict=True):
        assert float(row @ encoder.embed([text])[0]) == pytest.approx(1.0, abs=0.02)


def test_slips_of_the_finger_are_put_right_only_towards_known_words(encoder: Encoder) -> None:
    words = frozenset({"balance", "gigabytes"})

    assert encoder.spelt("tell me my balnce", words) == "tell me my balance"
    assert encoder.spelt("how many gigabites", words) == "how many gigabytes"
    assert encoder.spelt("check my blaanec", words) == "check my balance"
    assert encoder.spelt("the ballad of Liechtenstein", words) == "the ballad of Liechtenstein"


def test_phrases_of_a_program_do_not_make_what_people_say_strange(encoder: Encoder) -> None:
    things = ("label", "issue", "milestone", "pull request", "review comment", "assignee")
    written = [
        Class(thing, (f"list {thing}s for a repository", f"show me the {thing}s of the repository",
                      f"list the {thing}s for repository", f"delete the {thing} of the repository",
                      f"remove the {thing} of the repository", f"{thing}s delete for repository"))
        for thing in things
    ]  # fmt: skip
    generated = [Class(c.group, c.phrases, generated=True) for c in written]
    asked = ["which milestones has acme/shop got", "remove the label wontfix from acme/shop"]
    strange = ["book me a flight to Rome", "how do I bake bread?"]

    by_people, by_program = (Classifier(c, encoder.embed) for c in (written, generated))

    assert max(score.familiarity for score in by_people.score(asked)) < 0.03
    assert min(score.familiarity for score in by_program.score(asked)) > 0.05
    assert max(score.familiarity for score in by_program.score(strange)) < 0.01

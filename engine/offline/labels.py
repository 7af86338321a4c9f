"""A catalogue as classes for the offline classifier, and its scores read as a decision.

The classifier decides between *capabilities* (what one tool does) rather than intents, since a
narrow thing is easier to recognise than a broad one; an intent is as likely as its capabilities
together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.intents.intent import Catalogue, Intent
from engine.intents.lexical_index import TfIdfIndex
from engine.intents.thresholds import Thresholds
from engine.offline.values.identifiers import read_identifiers
from engine.offline.values.readers import measured
from engine.offline.values.schema import kind_of, resolve_schema
from engine.tools.tool import Tool, first_sentence

Kind = Literal["task", "small_talk", "cancel", "out_of_scope"]

# Cosine from which a phrase of the manners gives way to the catalogue's own example. With 0.45
# the built-in small talk takes 0.2 % of CLINC150's in-scope messages (which has greetings, thanks
# and jokes for intents), with 0.55 it takes 0.9 %. What no catalogue does may lie closer, and what
# this one says that it does not do stays, however close: "cancel my gym membership".
TALK_YIELDS = 0.45
STRANGE_YIELDS = 0.5
NEVER = 1.1
# What is about the conversation itself is nobody else's, however close: "did that work?".
ABOUT = {"last_action": 0.75}
# How much a number with a tool's own unit makes it likelier ("add $25", where the words alone
# leave open what is added). Chosen, not fitted: enough to decide what the words leave open.
MEASURED = 5.0

# The same for a tool whose phrases are made: times e to the power of this times the cosine of its
# words to the text's. 2 to 6 do equally well on four documents with ten requests each.
WORDED = 4.0

CLEAR = 0.5  # of a probability
# From this probability of an order a change is proposed: the head's margin, which is fitted.
ORDERED = 0.5
# Acts by which a person wants nothing done, or something undone.
DECLINES = ("refusal", "leave", "no", "undo")
# Acts that leave open what is to be done.
UNCLEAR = ("trouble",)


@dataclass(frozen=True)
class Label:
    """One class. `key` is the intent's or the small talk's; `tool` "" is an intent in general."""

    kind: Kind
    key: str
    tool: str = ""


def labels_of(catalogue: Catalogue) -> dict[Label, dict[str, Any]]:
    """The classes, with the fields of `engine.offline.classifier.Class` as plain data."""
    classes: dict[Label, dict[str, Any]] = {}
    for intent in catalogue.intents.values():
        for tool, phrases in _phrases(intent).items():
            classes[Label("task", intent.key, tool)] = {
                "group": f"task:{intent.key}",
                "phrases": tuple(dict.fromkeys(phrases)),
                "against": () if tool else intent.counter_examples,
                "generated": intent.generated,
            }
    talk = [
        *(
            (Label("small_talk", t.key), t.examples, ABOUT.get(t.key, TALK_YIELDS))
            for t in catalogue.small_talk
        ),
        (Label("cancel", ""), catalogue.cancel_examples, TALK_YIELDS),
        (Label("out_of_scope", ""), catalogue.out_of_scope_examples, NEVER),
        (Label("out_of_scope", "strange"), catalogue.strange_examples, STRANGE_YIELDS),
    ]
    for capability, examples, yields_at in talk:
        classes[capability] = {
            "group": f"{capability.kind}:{capability.key}",
            "phrases": examples,
            "yields_at": yields_at,
            # "Stop" must not end a contract because another phrase for it does.
            "whole": capability.kind == "cancel",
        }
    return classes


def _phrases(intent: Intent) -> dict[str, list[str]]:
    """An intent's phrases by tool: examples, and descriptions cut where they list things."""
    phrases = {"": [*_parts(intent.description), *intent.examples.get("", ())]}
    for tool in intent.tools:
        own = intent.examples.get(tool.name, ())
        phrases[tool.name] = [*own, tool.name.replace("_", " "), *_parts(first_sentence(tool))]
    # What a tool has as its own says more than that the intent has it.
    taken = {p.casefold() for tool, own in phrases.items() if tool for p in own}
    phrases[""] = [phrase for phrase in phrases[""] if phrase.casefold() not in taken]
    return phrases


def _parts(description: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;:.]\s", description) if part.strip(" .")]


@dataclass(frozen=True)
class Prediction:
    """The classifier's scores for one text.

    `familiarity` is the share of the catalogue's examples that would be stranger to it; the text
    is `familiar` unless that is below `refused`, see `Thresholds`. `acts` are the probabilities of
    what the text does, by name; see `engine.offline.dialogue_acts`.
    """

    shares: Mapping[Label, float]
    familiarity: float
    refused: float = Thresholds.refused
    acts: Mapping[str, float] = field(default_factory=dict)

    @property
    def ordered(self) -> float:
        """How likely the person orders something, or corrects an order."""
        return self.acts.get("order", 0.0) + self.acts.get("correction", 0.0)

    @property
    def clear(self) -> bool:
        """Whether one intent is likelier than all else."""
        return max((share for _, share in self.intents()), default=0.0) >= CLEAR

    @property
    def act(self) -> str:
        """What the text most likely does; nothing where that is not known."""
        return max(self.acts, key=self.acts.__getitem__, default="")

    @property
    def familiar(self) -> bool:
        """Whether the text resembles the catalogue's examples, and so is in scope."""
        return self.familiarity >= self.refused

    def intents(self) -> list[tuple[str, float]]:
        """Intents with their probabilities, the most likely first."""
        summed: dict[str, float] = {}
        for capability, share in self.shares.items():
            if capability.kind == "task":
                summed[capability.key] = summed.get(capability.key, 0.0) + share
        return sorted(summed.items(), key=lambda item: -item[1])

    def talk(self) -> tuple[Label, float]:
        """The most likely of what is no task."""
        summed = {Label("out_of_scope", ""): 0.0}
        for capability, share in self.shares.items():
            if capability.kind != "task":
                key = capability.key if capability.kind == "small_talk" else ""
                talk = Label(capability.kind, key)
                summed[talk] = summed.get(talk, 0.0) + share
        return max(summed.items(), key=lambda item: item[1])

    def beside(self) -> float:
        """How likely it is that the text is no task."""
        return sum(share for c, share in self.shares.items() if c.kind != "task")

    def tools(self, offered: Iterable[str]) -> list[tuple[str, float]]:
        """The offered tools by their shares among one another, the most likely first."""
        summed = dict.fromkeys(offered, 0.0)
        for capability, share in self.shares.items():
            if capability.tool in summed:
                summed[capability.tool] += share
        total = sum(summed.values()) or 1.0
        return sorted(((t, s / total) for t, s in summed.items()), key=lambda item: -item[1])


def boost_by_units(reading: Prediction, text: str, catalogue: Catalogue) -> Prediction:
    """The reading, given the measured numbers of the text: "$20" speaks for what takes dollars.

    The catalogue's own codes speak for what takes them, and for nothing but a task: "drop A1203".
    """
    fitting, coded = set(), False
    for intent in catalogue.intents.values():
        for tool in intent.tools:
            codes = _codes(tool, text)
            if codes or _measures(tool, text):
                fitting.add(Label("task", intent.key, tool.name))
                coded |= codes
    if not fitting:
        return reading
    raised = {
        c: share * MEASURED if c in fitting else share
        for c, share in reading.shares.items()
        if c.kind == "task"
    }
    # A number says which task is meant, not that one is: what is none is as likely as before.
    beside = 0.0 if coded else reading.beside()
    scale = (1 - beside) / (sum(raised.values()) or 1.0)
    others = {c: 0.0 if coded else s for c, s in reading.shares.items() if c.kind != "task"}
    return replace(
        reading,
        shares={**others, **{c: share * scale for c, share in raised.items()}},
        familiarity=max(reading.familiarity, reading.refused) if coded else reading.familiarity,
    )


def boost_by_words(reading: Prediction, text: str, index: TfIdfIndex | None) -> Prediction:
    """The reading, given how much of each tool's words the text has. Of phrases that a program made
    of names the very words tell more than what they are about."""
    if index is None:
        return reading
    likeness = index.likeness(text)
    raised = {
        c: share * math.exp(WORDED * likeness.get(c.tool, 0.0)) if c.kind == "task" else share
        for c, share in reading.shares.items()
    }
    total = sum(raised.values()) or 1.0
    return replace(reading, shares={c: share / total for c, share in raised.items()})


def _measures(tool: Tool, text: str) -> bool:
    return any(
        measured(text, resolve_schema(schema, tool.parameters))
        for schema in tool.parameters.get("properties", {}).values()
    )


def _codes(tool: Tool, text: str) -> bool:
    """Whether the text has a code that the tool takes: letters and figures in one word."""
    schemas = (
        resolve_schema(s, tool.parameters) for s in tool.parameters.get("properties", {}).values()
    )
    return any(
        re.search(r"\d", said) and re.search(r"[^\W\d_]", said)
        for schema in schemas
        if "pattern" in schema and kind_of(schema) == "identifier"
        for found in read_identifiers(text, schema)
        for said in [text[found.start : found.end]]
    )


def to_prediction(order: Sequence[Label], score: Mapping[str, Any], refused: float) -> Prediction:
    """A `classifier.Score` in its wire form, with the classes it was made for."""
    shares = dict(zip(order, score["probabilities"], strict=True))
    return Prediction(shares, score["familiarity"], refused, score.get("acts", {}))

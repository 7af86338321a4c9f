"""Sentences to learn dialogue acts from: templates filled with the actions of many domains."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.offline.dialogue_acts.features import words_of

FOLDER = Path(__file__).parent
COPIES, CHOICES = 6, 8  # sentences of a template, and of one with choices
# Verbs that double their last letter before -ed and -ing.
_DOUBLED = """
stop drop skip ship swap tip pin chat top log ban tag cut hit get put set shut run sit rob submit
enrol cancel commit plan begin quit
"""
_PLAIN_VALUES = ("20 dollars", "5 euros", "3 litres", "15 pounds", "2 nights", "500 points")
_VALUE = re.compile(r"\b\d+(?: \w+)?")
_SLOT = re.compile(r"{(\w+)}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Sentence:
    """A sentence with its act; `template` and `domain` say where it comes from."""

    text: str
    act: str
    template: str
    domain: str


@dataclass(frozen=True)
class _Action:
    domain: str
    verb: str
    thing: str
    rest: str

    def phrase(self, form: str) -> str:
        return f"{form} {self.thing} {self.rest}".strip()


class Grammar:
    """The template files, and the forms of the verbs in them."""

    def __init__(self) -> None:
        data = tomllib.loads((FOLDER / "templates.toml").read_text("utf-8"))
        acts = tomllib.loads((FOLDER / "acts.toml").read_text("utf-8"))
        self.slots: dict[str, list[str]] = data["slots"]
        self.templates = {act: text.strip().splitlines() for act, text in acts.items()}
        self.actions = [
            _Action(domain, *(part.strip() for part in f"{line} / / ".split("/")[:3]))
            for domain, lines in data["domains"].items()
            for line in lines
        ]
        self._irregular: dict[str, list[str]] = data["irregular"]
        bases = {action.verb.split()[0] for action in self.actions} | set(data["verbs"]["more"])
        self.classes = {
            word: name for name, words in data["classes"].items() for word in words.split()
        }
        self.verbs = {form: kind for base in sorted(bases) for kind, form in self._forms(base)}

    def _forms(self, base: str) -> list[tuple[str, str]]:
        past, participle = self._irregular.get(base, [_suffixed(base, "ed")] * 2)
        return [
            ("did", past),
            ("did", participle),
            ("doing", _suffixed(base, "ing")),
            ("does", _suffixed(base, "s")),
            ("do", base),
        ]

    def inflected(self, verb: str, form: str) -> str:
        """A verb such as "turn off" as "turned off", where `form` is "did"."""
        base, _, particle = verb.partition(" ")
        past, participle = self._irregular.get(base, [_suffixed(base, "ed")] * 2)
        word = {
            "do": base,
            "did": past,
            "done": participle,
            "doing": _suffixed(base, "ing"),
            "does": _suffixed(base, "s"),
        }[form]
        return f"{word} {particle}".strip()

    def spelt_words(self) -> list[set[str]]:
        """The words of each template and filler of a slot, without the slots themselves."""
        lines = [line for lines in self.templates.values() for line in lines]
        fillers = [line for lines in self.slots.values() for line in lines]
        spelt = [re.sub(r"[\[\]|]", " ", line) for line in dict.fromkeys([*lines, *fillers])]
        return [set(words_of(_SLOT.sub(" ", line))) for line in spelt]


@cache
def grammar() -> Grammar:
    """The grammar of the shipped template files, read once."""
    return Grammar()


def sentences(grammar: Grammar, seed: int = 1) -> Iterator[Sentence]:
    """Every sentence, each once; the same ones for the same files and seed."""
    known = set()
    for act, templates in grammar.templates.items():
        for line in dict.fromkeys(templates):
            chance = random.Random(f"{seed} {act} {line}")
            for action in chance.sample(grammar.actions, CHOICES if "[" in line else COPIES):
                text = _rough(_filled(line, action, grammar, chance), chance)
                if text not in known:
                    known.add(text)
                    yield Sentence(text, act, f"{act}: {line}", action.domain)


def _filled(line: str, action: _Action, grammar: Grammar, chance: random.Random) -> str:
    """The template with the action, and what else its slots ask for."""
    amount = _VALUE.search(action.thing) or _VALUE.search(action.rest)

    def fill(match: re.Match[str]) -> str:
        match match[1]:
            case "thing":
                return action.thing
            case "value":
                return amount[0] if amount else chance.choice(_PLAIN_VALUES)
            case "done":
                return grammar.inflected(action.verb, "done")
            case "do" | "did" | "doing" | "does" as form:
                return action.phrase(grammar.inflected(action.verb, form))
            case slot:
                return chance.choice(grammar.slots[slot])

    line = _chosen(line, chance)
    # "I have {done} {thing}": the rest of the action belongs behind its object.
    line = line.replace("{done} {thing}", action.phrase(grammar.inflected(action.verb, "done")))
    return _SLOT.sub(fill, line)


def _chosen(line: str, chance: random.Random) -> str:
    """The template with one of each "[this|that]"."""
    line = _CHOICE.sub(lambda match: chance.choice(match[1].split("|")), line)
    return " ".join(line.split()).replace(" ,", ",")


def _rough(text: str, chance: random.Random) -> str:
    """The text as people type it: with and without capitals, apostrophes and full stops."""
    if chance.random() < 0.1:
        text = text.replace("'", "")
    if text.endswith("?") and chance.random() < 0.15:
        text = text[:-1]
    elif text[-1].isalnum() and chance.random() < 0.2:
        text += chance.choice(".!.")
    if chance.random() < 0.35:
        text = text[0].upper() + text[1:]
    return text.upper() if chance.random() < 0.02 else text


def _suffixed(base: str, suffix: str) -> str:
    if suffix == "s":
        if base.endswith("y") and base[-2] not in "aeiou":
            return f"{base[:-1]}ies"
        return base + ("es" if base.endswith(("s", "x", "sh", "ch", "o")) else "s")
    if base.endswith("y") and base[-2] not in "aeiou" and suffix == "ed":
        return f"{base[:-1]}ied"
    if base.endswith("e") and not base.endswith("ee"):
        return base[:-1] + suffix
    return base + (base[-1] if base in _DOUBLED.split() else "") + suffix

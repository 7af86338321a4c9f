"""How a sentence is built: runs of its function words, with the words of its matter masked.

"Please cancel my booking" and "please pay my bill" are the same order, "don't cancel it" is none.
Which words stand for themselves is part of what was learnt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

LONGEST = 4  # of a run of words
_SQUEEZED = ("x", "#", "<time>")
_PARTS = re.compile(r"[^\W_]+(?:[.,:/-][^\W_]+)*(?:'[^\W_]+)?|[$€£¥]|[?!.,:;\"]|\.\.\.")
_NEGATED = re.compile(
    r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need|might|ought)n'?t\b"
)
_SPELT_OUT = {
    "can't": "can not",
    "cant": "can not",
    "cannot": "can not",
    "won't": "will not",
    "wont": "will not",
    "shan't": "shall not",
    "wanna": "want to",
    "gonna": "going to",
    "gimme": "give me",
    "lemme": "let me",
    "let's": "let us",
    "lets": "let us",
    "pls": "please",
    "plz": "please",
    "im": "i am",
    "ive": "i have",
    "id": "i would",
    "youre": "you are",
    "whats": "what 's",
    "thats": "that 's",
    "u": "you",
}
_CLIPPED = {"'d": "would", "'ll": "will", "'m": "am", "'re": "are", "'ve": "have", "'s": "'s"}
_NUMBERS = """
one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty
sixty hundred thousand
"""
_COUNTS = frozenset(_NUMBERS.split())


@dataclass(frozen=True)
class Masker:
    """Sentences as tokens. `kept` words stand for themselves, `verbs` for their form, and the
    words of `classes`, such as days and relatives, for their class."""

    kept: Set[str]
    verbs: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)

    def runs(self, text: str) -> Iterator[str]:
        """Every run of one to four tokens, as words and with verbs and classes masked; and pairs
        of the masked ones that stand apart."""
        words = words_of(text)
        yield from _grams(["^", *_squeezed(self._token(w, self.kept) for w in words), "$"], "")
        masked = self.kept - self.verbs.keys() - self.classes.keys()
        tokens = ["^", *_squeezed(self._token(w, masked) for w in words), "$"]
        yield from _grams(tokens, "*")
        yield from _skips(tokens)

    def _token(self, word: str, kept: Set[str]) -> str:
        if any(c.isdigit() for c in word) or word in _COUNTS or word in "$€£¥":
            return "#"
        if word in kept or not word[0].isalnum():
            return word
        if word in self.classes:
            return f"<{self.classes[word]}>"
        if word in self.verbs:
            return f"<{self.verbs[word]}>"
        if word.startswith("un") and word[2:].lstrip("-") in self.verbs:
            return "<un>"
        for ending in ("ing", "ed", "ly"):
            if word.endswith(ending) and len(word) > len(ending) + 2:
                return f"<{ending}>"
        return "x"


def words_of(text: str) -> list[str]:
    """Words and marks, in lower case, with contractions spelt out."""
    text = text.casefold().replace("’", "'").replace("“", '"').replace("”", '"')
    text = _NEGATED.sub(r"\1 not", text)
    words: list[str] = []
    for part in _PARTS.findall(text):
        spelt = _SPELT_OUT.get(part)
        if spelt:
            words += spelt.split()
            continue
        head, mark, tail = part.partition("'")
        words.append(head)
        if mark:
            words.append(_CLIPPED.get(f"'{tail}", "'s"))
    return words


def _squeezed(tokens: Iterator[str]) -> Iterator[str]:
    """One mask for words of the matter in a row, and a number with its unit as a number."""
    before = ""
    for token in tokens:
        if token == before and token in _SQUEEZED:
            continue
        yield token
        before = token


def _grams(tokens: list[str], mark: str) -> Iterator[str]:
    for length in range(1, LONGEST + 1):
        for start in range(len(tokens) - length + 1):
            yield mark + " ".join(tokens[start : start + length])


def _skips(tokens: list[str]) -> Iterator[str]:
    """Pairs of tokens with one or two of any kind between them: "not ... need"."""
    for distance in (2, 3):
        for start in range(len(tokens) - distance):
            yield f"{tokens[start]} {'_ ' * (distance - 1)}{tokens[start + distance]}"

"""Which of a model's phrases are of use: judged by the encoder, which will route by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Embed = Callable[[Sequence[str]], Array]

# Cosines. From the first on two phrases say the same; below the second a phrase has nothing to do
# with its tool. Of the telecom catalogue's examples, each against the rest of its own tool's, 1 in
# 300 is as close to another as the first, and none is as far from all as the second.
SAME, STRANGE = 0.97, 0.2
# A phrase goes to the intent that its nearest phrase belongs to; by so much another may be nearer.
LEAD = 0.05
# From this cosine to one of an intent's own phrases, nothing can be its counter-example.
ALIKE = 0.8


@dataclass(frozen=True)
class Checked:
    """The phrases that are kept, and of the others why not, by the phrase."""

    kept: tuple[str, ...]
    dropped: Mapping[str, str]


class PhraseCheck:
    """Compares phrases with what the intents of a catalogue are said to be about.

    `known` are the phrases and descriptions of each intent, by its key. What is kept becomes
    known, so that later phrases are compared with it, too.
    """

    def __init__(self, known: Mapping[str, Sequence[str]], embed: Embed) -> None:
        self._embed = embed
        self._known = {key: list(texts) for key, texts in known.items()}
        self._vectors = {key: embed(texts) for key, texts in self._known.items() if texts}

    def check(self, intent: str, about: Sequence[str], phrases: Sequence[str]) -> Checked:
        """Judge phrases for a tool of an intent. `about` is what is known of the tool itself."""
        kept: list[str] = []
        dropped: dict[str, str] = {}
        said = {text.casefold() for texts in self._known.values() for text in texts}
        for phrase in dict.fromkeys(" ".join(each.split()) for each in phrases):
            if not phrase:
                continue
            why = "it is there already" if phrase.casefold() in said else ""
            why = why or self._fault(intent, [*about, *kept], phrase)
            if why:
                dropped[phrase] = why
            else:
                kept.append(phrase)
                said.add(phrase.casefold())
        if kept:
            self._known.setdefault(intent, []).extend(kept)
            more = self._embed(kept)
            old = self._vectors.get(intent)
            self._vectors[intent] = more if old is None else np.vstack([old, more])
        return Checked(tuple(kept), dropped)

    def apart(self, intent: str, phrases: Sequence[str]) -> list[str]:
        """The phrases that are far enough from an intent's own to be examples of something else."""
        if intent not in self._vectors:
            return list(phrases)
        near = [(self._vectors[intent] @ vector).max() for vector in self._embed(phrases)]
        return [phrase for phrase, cosine in zip(phrases, near, strict=True) if cosine < ALIKE]

    def _fault(self, intent: str, own: Sequence[str], phrase: str) -> str:
        vector = self._embed([phrase])[0]
        near = max((float(v @ vector) for v in self._embed(own)), default=1.0)
        if intent in self._vectors:
            nearest = float((self._vectors[intent] @ vector).max())
            if nearest >= SAME:
                return "another phrase says the same"
            near = max(near, nearest)
        if near < STRANGE:
            return "it has nothing to do with the tool"
        for key, vectors in self._vectors.items():
            if key != intent and float((vectors @ vector).max()) > near + LEAD:
                return f"it is closer to {key}"
        return ""

"""The head that tells dialogue acts: a multinomial logistic regression.

It sees the sentence's embedding and its runs of function words (`features`); of the two, the runs
tell most, and together they are better than either. It was trained on `sentences`, of other
domains than a catalogue's, by `scripts/train_dialogue_acts.py`; the phrases with which a catalogue
orders its changes adapt it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.offline.dialogue_acts.features import Masker
from engine.offline.dialogue_acts.sentences import FOLDER, Grammar, Sentence

WEIGHTS = FOLDER / "weights.npz"
# How much the runs and the embedding count, the penalty, and the steps of Adam.
RUNS, EMBEDDING, PENALTY, STEPS = 4.0, 2.0, 5e-5, 100
LEAST = 4  # templates that share a run which is learnt
# Steps and their length by which a catalogue's phrases adapt the head: few, or it forgets.
ADAPTING, RATE = 5, 0.001
SAMPLE = 400  # phrases of a catalogue
# What a catalogue's phrase for a change is left as, where the head is this sure of it.
CLEAR = 0.5

Array = npt.NDArray[Any]
Embed = Callable[[Sequence[str]], Array]


class Head:
    """Probabilities of the acts of texts. Raises `ValueError` for arrays that do not fit."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        grammar = Grammar()
        self.acts = [str(act) for act in arrays["acts"]]
        self._places = {int(run): place for place, run in enumerate(arrays["runs"])}
        self._mean = arrays["mean"].astype(np.float32)
        self._weights = arrays["weights"].astype(np.float32)
        self._bias = arrays["bias"].astype(np.float32)
        self._masker = Masker(frozenset(map(str, arrays["kept"])), grammar.verbs)
        if self._weights.shape != (len(self._places) + len(self._mean), len(self.acts)):
            raise ValueError("the weights of the dialogue acts do not fit")

    @classmethod
    def trained(cls) -> Head:
        """The head that was trained ahead."""
        with np.load(WEIGHTS, allow_pickle=False) as data:
            return cls({name: data[name] for name in data.files})

    def adapted(self, orders: Sequence[str], vectors: Array) -> Head:
        """The head for a catalogue in which these phrases, with these embeddings, order a change.

        Gradient descent in the span of the phrases. Those that clearly do something else, such
        as "how do I cancel?", stay what they are.
        """
        other = Head.__new__(Head)
        other.__dict__.update(self.__dict__)
        order = self.acts.index("order")
        shares = self.probabilities(orders, vectors)
        asked = [self.acts.index(act) for act in ("question", "refusal", "hypothetical")]
        taken = np.flatnonzero(shares[:, asked].max(1, initial=0) < CLEAR)
        taken = taken[:: max(1, -(-len(taken) // SAMPLE))]
        if not len(taken):
            return other
        rows = self._rows([orders[int(place)] for place in taken], vectors[taken])
        target = np.eye(len(self.acts), dtype=np.float32)[[order] * len(taken)]
        alike, begin = rows @ rows.T, rows @ self._weights + self._bias
        moved = np.zeros_like(begin)
        for _ in range(ADAPTING):
            moved -= RATE * (_softmax(begin + alike @ moved) - target)
        other._weights = self._weights + rows.T @ moved
        return other

    def probabilities(self, texts: Sequence[str], vectors: Array) -> Array:
        """One row a text, in the order of `acts`; `vectors` are the texts' embeddings."""
        return _softmax(self._rows(texts, vectors) @ self._weights + self._bias)

    def _rows(self, texts: Sequence[str], vectors: Array) -> Array:
        runs = (self._masker.runs(text) for text in texts)
        return rows(runs, self._places, vectors - self._mean)


def train(sentences: Sequence[Sentence], vectors: Array, grammar: Grammar) -> dict[str, Array]:
    """What a head is made of. `vectors` are the sentences' embeddings."""
    kept = kept_words(grammar)
    masker = Masker(kept, grammar.verbs)
    runs = [frozenset(masker.runs(sentence.text)) for sentence in sentences]
    templates: dict[str, set[str]] = {}
    for sentence, own in zip(sentences, runs, strict=True):
        for run in own:
            templates.setdefault(run, set()).add(sentence.template)
    learnt = sorted({_hash(run) for run, shared in templates.items() if len(shared) >= LEAST})
    acts = list(grammar.templates)
    mean = vectors.mean(0)
    table = rows(runs, {run: place for place, run in enumerate(learnt)}, vectors - mean)
    target = np.eye(len(acts), dtype=np.float32)[[acts.index(s.act) for s in sentences]]
    weights, bias = _fit(table, target)
    return {
        "acts": np.array(acts),
        "runs": np.array(learnt, np.uint32),
        "kept": np.array(sorted(kept)),
        "mean": mean.astype(np.float16),
        "weights": weights.astype(np.float16),
        "bias": bias.astype(np.float32),
        "digest": np.array(digest(sentences, grammar)),
    }


def digest(sentences: Sequence[Sentence], grammar: Grammar) -> str:
    """Of all that the weights are made from."""
    masker = Masker(kept_words(grammar), grammar.verbs)
    whole = hashlib.sha256()
    for sentence in sentences:
        runs = "|".join(masker.runs(sentence.text))
        whole.update(f"{sentence.act}\t{sentence.text}\t{runs}\n".encode())
    return whole.hexdigest()


def kept_words(grammar: Grammar) -> frozenset[str]:
    """The words that stand for themselves: those of at least two templates."""
    found: dict[str, int] = {}
    for line in grammar.spelt_words():
        for word in line:
            found[word] = found.get(word, 0) + 1
    return frozenset(word for word, times in found.items() if times > 1 and word[0].isalpha())


def rows(runs: Iterable[Iterable[str]], places: Mapping[int, int], centred: Array) -> Array:
    """The features: the learnt runs of each text, and its embedding from the mean of all."""
    table = np.zeros((len(centred), len(places) + centred.shape[1]), np.float32)
    table[:, len(places) :] = EMBEDDING * centred
    for row, own in zip(table, runs, strict=True):
        found = list({places[code] for code in map(_hash, own) if code in places})
        row[found] = RUNS / np.sqrt(max(len(found), 1))
    return table


def _fit(table: Array, target: Array) -> tuple[Array, Array]:
    """Weights and bias by Adam (Kingma and Ba, 2015) on all sentences at once."""
    weights = np.zeros((table.shape[1], target.shape[1]), np.float32)
    bias = np.zeros(target.shape[1], np.float32)
    moments = [np.zeros_like(weights), np.zeros_like(weights), np.zeros_like(bias)]
    moments.append(np.zeros_like(bias))
    for step in range(1, STEPS + 1):
        miss = (_softmax(table @ weights + bias) - target) / len(table)
        slopes = (table.T @ miss + PENALTY * weights, miss.sum(0))
        rate = 0.05 * (1 + np.cos(np.pi * step / STEPS))
        for at, (value, slope) in enumerate(zip((weights, bias), slopes, strict=True)):
            first, second = moments[2 * at], moments[2 * at + 1]
            first += 0.1 * (slope - first)
            second += 0.01 * (slope * slope - second)
            spread = np.sqrt(second / (1 - 0.99**step)) + 1e-8
            value -= rate * first / (1 - 0.9**step) / spread
    return weights, bias


def _softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max(1, keepdims=True))
    result: Array = shares / shares.sum(1, keepdims=True)
    return result


def _hash(run: str) -> int:
    return zlib.crc32(run.encode())


def write(arrays: Mapping[str, Array], path: Path = WEIGHTS) -> None:
    """Ship them with the program."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such keywords

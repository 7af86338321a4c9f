"""The head that tells dialogue acts: a multinomial logistic regression.

It sees the sentence's embedding and its runs of function words (`features`); of the two, the runs
tell most, and together they are better than either. It was trained on `sentences`, of other
domains than a catalogue's, by `scripts/train_dialogue_acts.py`. A catalogue's own phrases do not
change it: taught as orders they made what is only said about the same things an order too.
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
from engine.offline.dialogue_acts.sentences import grammar as shipped_grammar

WEIGHTS = FOLDER / "weights.npz"
# How much the runs and the embedding count, the penalty, and the steps of Adam.
RUNS, EMBEDDING, PENALTY, STEPS = 4.0, 2.0, 5e-5, 100
LEAST = 4  # templates that share a run which is learnt
# Parts of the templates, and of the domains, each of which is left out once to fit the margin.
FOLDS = 3
# An order that is not asked for weighs as much as so many that are not recognized.
WEIGHT = 2.5
ORDERS = ("order", "correction")

Array = npt.NDArray[Any]
Embed = Callable[[Sequence[str]], Array]


class Head:
    """Probabilities of the acts of texts. Raises `ValueError` for arrays that do not fit."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        grammar = shipped_grammar()
        self.acts = [str(act) for act in arrays["acts"]]
        self._places = {int(run): place for place, run in enumerate(arrays["runs"])}
        self._mean = arrays["mean"].astype(np.float32)
        self._weights = arrays["weights"].astype(np.float32)
        self._bias = arrays["bias"].astype(np.float32)
        self._masker = Masker(frozenset(map(str, arrays["kept"])), grammar.verbs, grammar.classes)
        if self._weights.shape != (len(self._places) + len(self._mean), len(self.acts)):
            raise ValueError("the weights of the dialogue acts do not fit")

    @classmethod
    def trained(cls) -> Head:
        """The head that was trained ahead."""
        with np.load(WEIGHTS, allow_pickle=False) as data:
            return cls({name: data[name] for name in data.files})

    def probabilities(self, texts: Sequence[str], vectors: Array) -> Array:
        """One row a text, in the order of `acts`; `vectors` are the texts' embeddings."""
        return _softmax(self._rows(texts, vectors) @ self._weights + self._bias)

    def _rows(self, texts: Sequence[str], vectors: Array) -> Array:
        runs = (self._masker.runs(text) for text in texts)
        return rows(runs, self._places, vectors - self._mean)


def train(sentences: Sequence[Sentence], vectors: Array, grammar: Grammar) -> dict[str, Array]:
    """What a head is made of. `vectors` are the sentences' embeddings.

    The margin is part of its bias: an order is likelier than not from the probability that tells
    most orders from the rest, of templates and domains that were left out.
    """
    arrays = _trained(sentences, vectors, grammar)
    chances, wanted = [], []
    for fold in range(FOLDS):
        of_template = np.array([_hash(s.template) % FOLDS == fold for s in sentences])
        of_domain = np.array([_hash(s.domain) % FOLDS == fold for s in sentences])
        taught = [sentences[i] for i in np.flatnonzero(~of_template & ~of_domain).tolist()]
        head = Head(_trained(taught, vectors[~of_template & ~of_domain], grammar))
        held = np.flatnonzero(of_template & of_domain).tolist()
        found = head.probabilities([sentences[i].text for i in held], vectors[held])
        chances.append(found[:, [head.acts.index(act) for act in ORDERS]].sum(1))
        wanted.append(np.array([sentences[i].act in ORDERS for i in held]))
    margin = _margin(np.concatenate(chances), np.concatenate(wanted))
    raised = np.isin(arrays["acts"], ORDERS)
    arrays["bias"] = arrays["bias"] - np.where(raised, np.log(margin / (1 - margin)), 0)
    return {**arrays, "digest": np.array(digest(sentences, grammar))}


def _margin(chances: Array, wanted: Array) -> float:
    """The probability from which most orders and little else are taken for orders."""
    limits = np.linspace(0.05, 0.95, 91)
    gains = [
        (chances[wanted] >= limit).mean() - WEIGHT * (chances[~wanted] >= limit).mean()
        for limit in limits
    ]
    return float(limits[int(np.argmax(gains))])


def _trained(sentences: Sequence[Sentence], vectors: Array, grammar: Grammar) -> dict[str, Array]:
    kept = kept_words(grammar)
    masker = Masker(kept, grammar.verbs, grammar.classes)
    runs = [frozenset(masker.runs(sentence.text)) for sentence in sentences]
    templates: dict[str, set[str]] = {}
    for sentence, own in zip(sentences, runs, strict=True):
        for run in own:
            templates.setdefault(run, set()).add(sentence.template)
    learnt = sorted({_hash(run) for run, shared in templates.items() if len(shared) >= LEAST})
    places = {run: place for place, run in enumerate(learnt)}
    acts = list(grammar.templates)
    mean = vectors.mean(0)
    owned = [_places(own, places) for own in runs]
    target = np.eye(len(acts), dtype=np.float32)[[acts.index(s.act) for s in sentences]]
    of_runs, of_embedding, bias = _fit(owned, EMBEDDING * (vectors - mean), target, len(learnt))
    return {
        "acts": np.array(acts),
        "runs": np.array(learnt, np.uint32),
        "kept": np.array(sorted(kept)),
        "mean": mean.astype(np.float16),
        "weights": np.vstack([of_runs, of_embedding]).astype(np.float16),
        "bias": bias[0],
    }


def digest(sentences: Sequence[Sentence], grammar: Grammar) -> str:
    """Of all that the weights are made from."""
    masker = Masker(kept_words(grammar), grammar.verbs, grammar.classes)
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
        found = _places(own, places)
        row[found] = RUNS / np.sqrt(max(len(found), 1))
    return table


def _places(runs: Iterable[str], places: Mapping[int, int]) -> list[int]:
    """Where the runs that are learnt stand, each once."""
    return sorted({places[code] for code in map(_hash, runs) if code in places})


def _fit(owned: Sequence[Sequence[int]], dense: Array, target: Array, runs: int) -> list[Array]:
    """Weights of the runs, weights of the embedding, and bias, by Adam (Kingma and Ba, 2015) on
    all sentences at once. `owned` are the places of each sentence's runs, of which there are
    `runs`: nearly all of a table of them would be zero."""
    sizes = np.array([len(own) for own in owned])
    places = np.concatenate([np.asarray(own, np.int64) for own in owned])
    of_row = np.repeat(np.arange(len(owned)), sizes)
    by_place = np.argsort(places, kind="stable")
    first_of_row = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    first_of_run = np.searchsorted(places[by_place], np.arange(runs))
    scale = (RUNS / np.sqrt(sizes))[:, None].astype(np.float32)
    acts = target.shape[1]
    values = [np.zeros((size, acts), np.float32) for size in (runs, dense.shape[1], 1)]
    moments = [(np.zeros_like(value), np.zeros_like(value)) for value in values]
    for step in range(1, STEPS + 1):
        scores = np.add.reduceat(values[0][places], first_of_row) * scale
        scores += dense @ values[1] + values[2]
        miss = (_softmax(scores) - target) / len(target)
        slopes = [
            np.add.reduceat((miss * scale)[of_row[by_place]], first_of_run) + PENALTY * values[0],
            dense.T @ miss + PENALTY * values[1],
            miss.sum(0, keepdims=True),
        ]
        rate = 0.05 * (1 + np.cos(np.pi * step / STEPS))
        for value, slope, (first, second) in zip(values, slopes, moments, strict=True):
            first += 0.1 * (slope - first)
            second += 0.01 * (slope * slope - second)
            spread = np.sqrt(second / (1 - 0.99**step)) + 1e-8
            value -= rate * first / (1 - 0.9**step) / spread
    return values


def _softmax(scores: Array) -> Array:
    shares = np.exp(scores - scores.max(1, keepdims=True))
    result: Array = shares / shares.sum(1, keepdims=True)
    return result


def _hash(run: str) -> int:
    return zlib.crc32(run.encode())


def write(arrays: Mapping[str, Array], path: Path = WEIGHTS) -> None:
    """Ship them with the program."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such keywords

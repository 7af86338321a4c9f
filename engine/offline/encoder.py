"""all-MiniLM-L6-v2: texts to unit vectors of 384 dimensions, by numpy alone.

The model is BERT with six layers (Devlin et al., 2019), its output the mean over the tokens, as
https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 describes. Its files are in `minilm`;
`scripts/quantize_encoder.py` makes them from the publisher's.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.offline.wordpiece import WordPiece

FOLDER = Path(__file__).parent / "minilm"
WEIGHTS = "weights.npz"
WEIGHTS_SHA256 = "5f65303e7afa940e4b95505428185d18613592ea627161f818ff599ef4fe9c9d"
VOCABULARY = "vocab.txt"
VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
MAX_TOKENS = 128  # the length MiniLM was trained with
BATCH = 32  # texts
KEPT = 2_048  # vectors, 3 MB: the examples and labels that each message is compared with
LAYERS, HEADS, SMALLEST = 6, 12, np.float32(1e-12)  # of the model's config.json
CORRECTED = 4  # letters at least of a word that another is taken for: "git" is no "gift"
ALIKE = 0.8  # of difflib's ratio: "balnce" and "balance" have 0.92, "dta" and "data" 0.86

Array = npt.NDArray[Any]


class DamagedModel(Exception):
    """A file of the model that is not what was shipped."""


class Encoder:
    """Raises `DamagedModel`."""

    def __init__(self) -> None:
        vocabulary = _checked(VOCABULARY, VOCABULARY_SHA256).read_text(encoding="utf-8")
        self._words = WordPiece(vocabulary, MAX_TOKENS)
        with np.load(_checked(WEIGHTS, WEIGHTS_SHA256), allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        self._table = arrays.pop("embeddings.word_embeddings.weight")
        self._scales = arrays.pop("embeddings.word_embeddings.weight.scale")
        self._weights = dict(_dequantized(arrays))
        self._kept: dict[str, Array] = {}  # the latest last

    def tokens(self, text: str) -> int:
        return len(self._words.encode(text))

    def spelt(self, text: str, words: Collection[str]) -> str:
        """The text with slips of the finger put right, as far as they can be told.

        A word that the vocabulary of the model lacks reaches it in meaningless pieces; one of
        `words` that is almost the same, or has the same letters, is taken instead.
        """

        def right(match: re.Match[str]) -> str:
            word = match[0].casefold()
            if word in words or word in self._words:
                return match[0]
            longer = [w for w in words if len(w) >= CORRECTED]
            swapped = [w for w in longer if w[0] == word[0] and sorted(w) == sorted(word)]
            alike = swapped or difflib.get_close_matches(word, longer, 1, ALIKE)
            return next(iter(alike), match[0])

        return re.sub(r"[^\W\d_]{3,}", right, text)

    def embed(self, texts: Sequence[str]) -> Array:
        """Return one row for each text; those of the latest `KEPT` texts are remembered."""
        known = {text: self._kept.pop(text) for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, self._embedded(new), strict=True))
        # Copies, since a row would keep all that it was computed with in memory.
        self._kept.update((text, known[text].copy()) for text in list(known)[-KEPT:])
        for text in list(self._kept)[:-KEPT]:
            del self._kept[text]
        return np.array([known[text] for text in texts]).reshape(len(texts), self._table.shape[1])

    def _embedded(self, texts: Sequence[str]) -> Array:
        """Texts of one length share a batch, so nothing is padded."""
        rows: dict[int, list[int]] = {}
        encoded = [self._words.encode(text) for text in texts]
        for place, ids in enumerate(encoded):
            rows.setdefault(len(ids), []).append(place)
        vectors = np.zeros((len(texts), self._table.shape[1]), np.float32)
        for places in rows.values():
            for start in range(0, len(places), BATCH):
                batch = places[start : start + BATCH]
                vectors[batch] = self._hidden(np.array([encoded[i] for i in batch])).mean(1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _hidden(self, ids: Array) -> Array:
        """The last layer's output, for texts of one length: texts × tokens × dimensions."""
        weights = self._weights
        hidden = self._table[ids] * self._scales[ids]
        hidden += weights["embeddings.token_type_embeddings.weight"][0]
        hidden += weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = self._normed(hidden, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}."
            mixed = self._attention(hidden, name + "attention.self.")
            mixed = self._linear(mixed, name + "attention.output.dense") + hidden
            hidden = self._normed(mixed, name + "attention.output.LayerNorm")
            wide = _gelu(self._linear(hidden, name + "intermediate.dense"))
            hidden = self._linear(wide, name + "output.dense") + hidden
            hidden = self._normed(hidden, name + "output.LayerNorm")
        return hidden

    def _attention(self, hidden: Array, name: str) -> Array:
        texts, tokens, size = hidden.shape
        query, key, value = (
            self._linear(hidden, name + part).reshape(texts, tokens, HEADS, -1).swapaxes(1, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(2, 3) / np.float32(math.sqrt(size / HEADS))
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed: Array = (shares @ value).swapaxes(1, 2).reshape(texts, tokens, size)
        return mixed

    def _linear(self, hidden: Array, name: str) -> Array:
        flat = hidden.reshape(-1, hidden.shape[-1]) @ self._weights[name + ".weight"]
        flat += self._weights[name + ".bias"]
        return flat.reshape(*hidden.shape[:-1], -1)

    def _normed(self, hidden: Array, name: str) -> Array:
        hidden = hidden - hidden.mean(-1, keepdims=True)
        hidden /= np.sqrt((hidden * hidden).mean(-1, keepdims=True) + SMALLEST)
        hidden *= self._weights[name + ".weight"]
        hidden += self._weights[name + ".bias"]
        return hidden


def _gelu(values: Array) -> Array:
    """x·Φ(x), with the error function of Abramowitz and Stegun, 7.1.26 (error below 1.5e-7)."""
    scaled = np.abs(values) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * scaled)
    tail = np.float32(1.061405429) * t
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(factor)
        tail *= t
    tail *= np.exp(-scaled * scaled) * np.float32(0.5)  # Φ(-|x|)
    return values * np.where(values < 0, tail, 1 - tail)


def _dequantized(arrays: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    """Each array as numbers: whole ones of eight bits times the scale of their row.

    The matrices of the layers stand input × output, which for a few tokens is twice as fast.
    """
    for name, array in arrays.items():
        if array.dtype == np.int8:
            array = array * arrays[f"{name}.scale"]
            yield name, np.ascontiguousarray(array.T) if name.startswith("encoder.") else array
        else:
            yield name, array


def _checked(name: str, sha256: str) -> Path:
    path = FOLDER / name
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise DamagedModel(
                f"{name} is not the file that was shipped (its checksum differs); install the "
                "program anew: pip install --force-reinstall intentbot-tui"
            )
    return path

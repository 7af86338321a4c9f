"""The sentence encoder: its tokenizer, its vectors and its data files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece as LibraryModel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from engine.offline.encoder import BATCH, FOLDER, MAX_TOKENS, VOCABULARY, Encoder
from engine.offline.wordpiece import WordPiece


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


VOCABULARY_TEXT = (FOLDER / VOCABULARY).read_text(encoding="utf-8")
OURS = WordPiece(VOCABULARY_TEXT, MAX_TOKENS)


def library_tokenizer() -> Tokenizer:
    """What the model's own `tokenizer.json` says, without its special tokens."""
    tokenizer = Tokenizer(LibraryModel.from_file(str(FOLDER / VOCABULARY), unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)]
    )
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


THEIRS = library_tokenizer()

# Python and the library may know different versions of Unicode; here nothing was added for long.
LETTERS = st.characters(max_codepoint=0x5FF, exclude_categories=["Cn", "Cs"]) | st.characters(
    min_codepoint=0x1E00, max_codepoint=0x206F, exclude_categories=["Cn", "Cs"]
)
SIGNS = st.sampled_from("東京的ｶﾅ한국ไทยनमस्ते🙂€—“”…\u200d\u00ad\ufeff\ufffd\u3000𠀀豈")
WORDS = st.sampled_from(["unaffable", "top-up", "ACME's", "x" * 101, "naïve", "e\u0301", "$20.50"])


@example("0\x1f0 a\x0bb\x85c\u2028d\te")
@given(st.text(st.one_of(LETTERS, SIGNS), max_size=60) | st.lists(WORDS, max_size=80).map(" ".join))
def test_the_tokenizer_splits_as_the_librarys(text: str) -> None:
    assert OURS.encode(text) == THEIRS.encode(text).ids


def test_special_tokens_are_text() -> None:
    assert OURS.encode("[SEP]")[1:-1] == THEIRS.encode("[ sep ]").ids[1:-1]


def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: Encoder) -> None:
    texts = ["top up 20 dollars", "", "x " * 500, *(f"light number {n} on" for n in range(BATCH))]

    together = encoder.embed(texts)
    other = Encoder()  # which remembers none of them
    alone = np.concatenate([other.embed([text]) for text in texts])

    assert np.abs(together - alone).max() < 1e-5
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    assert encoder.embed([]).shape == (0, 384)


def test_what_was_embedded_lately_is_remembered_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.offline.encoder.KEPT", 2)
    encoder = Encoder()
    encoder.embed(["a", "b"])
    computed: list[str] = []
    compute = encoder._embedded

    def noted(texts: Sequence[str]) -> Any:
        computed.extend(texts)
        return compute(texts)

    monkeypatch.setattr(encoder, "_embedded", noted)

    vectors = encoder.embed(["b", "c", "b"])  # "b" is now older than "c", and "a" is forgotten
    encoder.embed(["b", "c"])
    encoder.embed(["a"])

    assert computed == ["c", "a"]
    assert np.array_equal(vectors[0], vectors[2])
    assert len(encoder._kept) == 2


def test_the_vectors_are_the_publishers(encoder: Encoder) -> None:
    """The cosines that the 32-bit weights give, as the model's page shows them."""
    texts = ["That is a happy person", "That is a happy dog", "Today is a sunny day"]
    vectors = encoder.embed(texts)

    assert vectors @ vectors[0] == pytest.approx([1.0, 0.6946, 0.2569], abs=0.005)

"""The tokenizer of BERT's lower-case models: text to the ids of word pieces.

It splits as the `tokenizers` library does with the model's own `tokenizer.json` (BertNormalizer,
BertPreTokenizer, WordPiece), which a test compares it with. Only the names of special tokens are
text here: a message that says "[SEP]" has no separator in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

UNKNOWN, BEGIN, END = "[UNK]", "[CLS]", "[SEP]"
LONGEST = 100  # characters of a word that is looked at; a longer one is unknown
# What is written without spaces: each sign is a word (BertNormalizer's list of blocks).
_SIGNS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F)),
    *((0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)


class WordPiece:
    """`vocabulary` has a piece a line, in the order of the ids."""

    def __init__(self, vocabulary: str, limit: int) -> None:
        self._ids = {piece: place for place, piece in enumerate(vocabulary.split("\n"))}
        self._limit = limit

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def encode(self, text: str) -> list[int]:
        """At most `limit` ids, with the marks of beginning and end."""
        pieces = (piece for word in split(text) for piece in self._pieces(word))
        return [self._ids[BEGIN], *islice(pieces, self._limit - 2), self._ids[END]]

    def _pieces(self, word: str) -> Sequence[int]:
        """The longest pieces from the left; one unknown piece if they do not cover the word."""
        found: list[int] = []
        start = 0
        while start < len(word) <= LONGEST:
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                piece = self._ids.get(prefix + word[start:end])
                if piece is not None:
                    break
            else:
                break
            found.append(piece)
            start = end
        return found if start == len(word) else [self._ids[UNKNOWN]]


def split(text: str) -> Iterator[str]:
    """The words, in lower case and without accents; each punctuation mark is one."""
    word = ""
    for char in unicodedata.normalize("NFD", text):
        category = unicodedata.category(char)
        if char in "\t\n\r":
            apart = " "
        elif category == "Mn" or category[0] == "C" or char == "\N{REPLACEMENT CHARACTER}":
            continue
        elif char.isspace():
            apart = " "
        elif category[0] == "P" or _is_ascii_sign(char) or _is_ideograph(char):
            apart = char
        else:
            word += char.lower()
            continue
        if word:
            yield word
        if apart != " ":
            yield apart
        word = ""
    if word:
        yield word


def _is_ascii_sign(char: str) -> bool:
    return char.isascii() and not char.isalnum()


def _is_ideograph(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _SIGNS)

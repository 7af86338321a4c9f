"""What the classifier makes of each example of a catalogue when it has not seen that one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict

import numpy as np

from engine.offline.classifier import Class, Classifier, Embed, Vectors

FOLDS = 5  # classifiers, each without another fifth of every class


class CrossValidated(TypedDict):
    """`number` is the class of the phrase, `own` the share of its group when the phrase itself was
    held out, `group` and `share` the likeliest one's. Shares lie between 0 and 1."""

    number: int
    phrase: str
    own: float
    group: str
    share: float


def cross_validate(classes: Sequence[Class], embed: Embed) -> list[CrossValidated]:
    """A row for each phrase of the tasks. Each phrase is embedded once."""
    phrases = list(dict.fromkeys(p for c in classes for p in (*c.phrases, *c.against)))
    if not phrases:
        return []
    vectors = dict(zip(phrases, embed(phrases), strict=True))

    def remembered(texts: Sequence[str]) -> Vectors:
        rows: Vectors = np.array([vectors[text] for text in texts])
        return rows

    rows: list[CrossValidated] = []
    groups = sorted({c.group for c in classes})
    group_of = np.array([groups.index(c.group) for c in classes])
    members = np.eye(len(groups), dtype=np.float32)[group_of]
    for fold in range(FOLDS):
        # Every class keeps at least one phrase; its number shifts the fold, so that classes of
        # one or two phrases are not all cut at once.
        held = [
            [p for i, p in enumerate(c.phrases) if (i + n) % FOLDS == fold]
            if len(c.phrases) > 1
            else []
            for n, c in enumerate(classes)
        ]
        rest = [
            replace(c, phrases=tuple(p for p in c.phrases if p not in out))
            for c, out in zip(classes, held, strict=True)
        ]
        asked = [(n, p) for n, out in enumerate(held) for p in out if not classes[n].yields_at]
        if not asked:
            continue
        head = Classifier(rest, remembered)
        scores = head.score([phrase for _, phrase in asked])
        shares = np.array([score.probabilities for score in scores], np.float32) @ members
        rows += [
            CrossValidated(
                number=number,
                phrase=phrase,
                own=float(row[group_of[number]]),
                group=groups[int(row.argmax())],
                share=float(row.max()),
            )
            for (number, phrase), row in zip(asked, shares, strict=True)
        ]
    return rows

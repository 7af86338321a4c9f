"""Descriptions that say something else than their intent's examples.

The local router lives on the examples, and hardly notices; a model that routes reads the
description first, and so does whoever browses the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from operator import mul
from typing import Any

from engine.intents.inspection.finding import Finding
from engine.intents.inspection.folder import Seen, shown

Embed = Callable[[Sequence[str]], Coroutine[Any, Any, list[list[float]]]]

# How much nearer, as a mean cosine, the examples may be to another intent's description. With the
# bare label for a description, 10 of CLINC150's 150 intents are beyond ("order", "how busy"), 5 of
# BANKING77's 77, and none of the built-in catalogue; whose five are, each, with "TODO" or with a
# sentence about something else.
NEARER = 0.05


def repeated(intents: Mapping[str, Seen]) -> Iterator[Finding]:
    """Descriptions that another intent has, too: they tell nothing apart."""
    known: dict[str, str] = {}
    for key, seen in intents.items():
        words = " ".join(seen.intent.description.casefold().split())
        other = known.setdefault(words, key)
        if other != key and seen.positions is not None:
            yield _finding(seen, f"{key} is described in the same words as {other}")


async def unlike(intents: Mapping[str, Seen], embed: Embed) -> list[Finding]:
    """Intents whose examples are nearer to the description of another one."""
    own = {key: _examples(seen) for key, seen in intents.items()}
    phrases = [phrase for examples in own.values() for phrase in examples]
    vectors = await embed([seen.intent.description for seen in intents.values()] + phrases)
    descriptions = dict(zip(intents, vectors, strict=False))
    rest = iter(vectors[len(intents) :])
    findings = []
    for key, examples in own.items():
        if not examples:
            continue
        columns = zip(*(next(rest) for _ in examples), strict=True)
        middle = [sum(column) / len(examples) for column in columns]
        likeness = {other: sum(map(mul, middle, there)) for other, there in descriptions.items()}
        nearest = max(likeness, key=likeness.__getitem__)
        if likeness[nearest] - likeness[key] > NEARER:
            text = (
                f"the description of {key} fits its examples less than that of {nearest} does "
                f"(likeness {likeness[key]:.2f}, {likeness[nearest]:.2f})"
            )
            findings.append(_finding(intents[key], text))
    return findings


def _examples(seen: Seen) -> list[str]:
    """What people wrote; the phrases of a document or a server are made of its descriptions."""
    if seen.positions is None:
        return []
    return [phrase for phrases in seen.intent.examples.values() for phrase in phrases]


def _finding(seen: Seen, text: str) -> Finding:
    return Finding(shown(seen.file), seen.line_of("description"), "warning", text, "description")

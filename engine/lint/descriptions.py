"""Descriptions that say something else than their intent's examples.

The local router lives on the examples, and hardly notices; a model that routes reads the
description first, and so does whoever browses the catalogue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from engine.evaluation.description_test import Nearest
from engine.lint.finding import Finding
from engine.lint.reader import LocatedIntent, shown


def repeated(intents: Mapping[str, LocatedIntent]) -> Iterator[Finding]:
    """Descriptions that another intent has, too: they tell nothing apart."""
    known: dict[str, str] = {}
    for key, seen in intents.items():
        words = " ".join(seen.intent.description.casefold().split())
        other = known.setdefault(words, key)
        if other != key and seen.positions is not None:
            yield _finding(seen, f"{key} is described in the same words as {other}")


async def unlike(intents: Mapping[str, LocatedIntent], nearest: Nearest) -> list[Finding]:
    """Report intents whose examples are mostly nearer to another one's description.

    So it is for 20 of CLINC150's 150 intents and 8 of BANKING77's 77 with the bare label for a
    description, for none of the built-in ones, and for any of these with nonsense for one.
    """
    keys = list(intents)
    asked = [(key, phrase) for key, seen in intents.items() for phrase in _examples(seen)]
    descriptions = [seen.intent.description for seen in intents.values()]
    places = await nearest([phrase for _, phrase in asked], descriptions) if asked else []
    counts: dict[str, Counter[str]] = {key: Counter() for key in keys}
    for (key, _), place in zip(asked, places, strict=True):
        counts[key][keys[place]] += 1
    findings = []
    for key, count in counts.items():
        other, most = max(count.items(), key=lambda item: item[1], default=(key, 0))
        if most > count[key]:
            text = (
                f"the description of {key} is the nearest to {count[key]} of its "
                f"{count.total()} examples, that of {other} to {most}"
            )
            findings.append(_finding(intents[key], text))
    return findings


def _examples(seen: LocatedIntent) -> list[str]:
    """Return the phrases that people wrote; those of a document or server are generated."""
    if seen.positions is None:
        return []
    return [phrase for phrases in seen.intent.examples.values() for phrase in phrases]


def _finding(seen: LocatedIntent, text: str) -> Finding:
    return Finding(shown(seen.file), seen.line_of("description"), "warning", text, "description")

"""What the offline models find: examples that the classifier gives to another intent, and
descriptions that do not fit.

Each example is judged by a classifier that has not seen it: five of them learn four fifths of the
catalogue each. What is merely uncommon is not told, only what looks like another intent's.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.chat_model import ModelError
from engine.intents.intent import Catalogue
from engine.lint.descriptions import unlike
from engine.lint.examples import content
from engine.lint.finding import Finding
from engine.lint.reader import LintContext, LocatedIntent, catalogue_of, shown
from engine.offline.message_reader import CrossPrediction, MessageReader

# Shares: of the other intent, at least, and of its own, at most. In the built-in catalogue, whose
# evaluation set routes at 97 %, these tell of 3 of its 332 examples.
TAKEN, LEFT = 0.8, 0.1
MOST_PHRASES = 2_000


async def confused(folders: Sequence[LintContext]) -> list[Finding]:
    """Return the findings.

    Raises `ModelError` where the models are not installed, or it is too much.
    """
    catalogue, seen = catalogue_of(folders)
    if len(seen) < 2:
        return []
    count = sum(len(phrases) for s in seen.values() for phrases in s.intent.examples.values())
    if count > MOST_PHRASES:
        raise ModelError("limit", f"there are {count:,}, more than {MOST_PHRASES:,} take too long")
    reader = MessageReader(catalogue)
    rows = await reader.cross()
    findings = await unlike(seen, reader.nearest)
    said = {
        key: {content(phrase) for own in s.intent.examples.values() for phrase in own}
        for key, s in seen.items()
    }
    return findings + [
        Finding(
            shown(place.file),
            _line(place, tool, row.phrase),
            "warning",
            f"the classifier, not knowing this one, gives {row.phrase!r} to {row.other} "
            f"({row.share:.0%}, to {row.intent} {row.own:.0%})",
            "confused",
        )
        for row in rows
        if row.other in seen and row.other != row.intent
        if row.share >= TAKEN and row.own <= LEFT
        if content(row.phrase) not in said[row.other]  # a duplicate, which is reported elsewhere
        if (place := seen[row.intent]).positions is not None
        if (tool := _own_name(catalogue, place, row)) is not None
    ]


def _own_name(catalogue: Catalogue, place: LocatedIntent, row: CrossPrediction) -> str | None:
    """Return the tool of a phrase in its own file; None if the phrase is not an example there."""
    merged = [tool.name for tool in catalogue.intents[row.intent].tools]
    own = [tool.name for tool in place.intent.tools]
    tool = own[merged.index(row.tool)] if row.tool else ""
    return tool if row.phrase in place.intent.examples.get(tool, ()) else None


def _line(place: LocatedIntent, tool: str, phrase: str) -> int:
    number = place.intent.examples[tool].index(phrase)
    divided = set(place.intent.examples) != {""}
    return place.line_of(*(("examples", tool, number) if divided else ("examples", number)))

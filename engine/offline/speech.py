"""Short forms by which a message goes on from what was said: "and texts?", "go ahead".

Each is a list of words, English as all that the offline model understands. What a whole message
does, an order or a question say, is learnt: see `engine.offline.dialogue_acts`.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.offline.lexicon import (
    AROUND_YES,
    CORRECTING,
    FILLERS,
    FOLLOWING,
    NO_PLACES,
    PLACES,
    UNDOING,
    YES,
)
from engine.offline.values.schema import words

OWN = 3  # words of a message that only names something: "my phone bill"


def only_names(text: str) -> bool:
    """Whether the text only names something the person has: "and my plan please"."""
    said = [word for word in words(text) if word not in FILLERS - {"my"}]
    return said[:1] == ["my"] and 1 < len(said) <= OWN


def follows(text: str) -> bool:
    """Whether a text goes on from the one before: "and texts?", "what about data?"."""
    return f"{' '.join(words(text))} ".startswith(FOLLOWING)


def goes_on(text: str) -> bool:
    """Whether a text begins like a follow-up or a correction: "no, Spain", "make it 30"."""
    return f"{' '.join(words(text))} ".startswith((*FOLLOWING, *CORRECTING))


def points_there(text: str) -> bool:
    """Whether the text means the place that was spoken of: "what about data there?"."""
    said = f" {' '.join(words(text))}"
    return said.endswith(PLACES) and not said.endswith(NO_PLACES)


def agrees(text: str) -> bool:
    """Whether the whole text is a yes: "yes, please do", "go ahead"."""
    said = set(words(text))
    return (bool(said & YES) or _orders(said)) and said <= YES | AROUND_YES


def undoes(text: str, tool: str) -> bool:
    """Whether a text begins with what takes something back, and the tool of this name is for
    that: "cancel the cheaper one"."""
    said = [word for word in words(text) if word not in YES]
    return bool(set(said[:1]) & UNDOING & set(words(tool.replace("_", " "))))


def resumes(text: str) -> bool:
    """Whether the person wants what they had declined: "go ahead after all", but not "ok"."""
    return agrees(text) and (_orders(set(words(text))) or "after all" in text.casefold())


def _orders(said: Collection[str]) -> bool:
    return {"go", "ahead"} <= set(said) or {"do", "it"} <= set(said)

"""What a message does besides naming a task: it asks, forbids, agrees or takes something back.

English, as all that the offline model understands.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.tools.lexicon import AROUND_YES, YES
from engine.tools.values import words

# "Please don't cancel my contract" is no order to cancel it; "please don't renew it" is.
_FORBIDS = re.compile(
    r"(?:^|[,.;!?]\s*|\b(?:please|but|and)\s+)(?:do not|don['’]?t|never)\s+"
    r"(?P<verb>\w+)",
    re.IGNORECASE,
)
# "How do I cancel?", "what happens if I top up 50?", "can I cancel without a fee?" ask about a
# change. "Can you add 5 GB?" and "can I get 5 GB?" ask for it.
_WONDERS = re.compile(
    r"(?:(?:and|but|so|ok|okay|well|hey|hi|hello|please|sorry|um)[\s,]+)*"
    r"(?:how(?! about)|what(?! about)|why|when|where|which|who|should|shall|is|are|was|does|did|"
    r"do (?:i|you|we)|if|"
    r"am i|must i|can i (?!get|have|add|buy|top|book|order|please)|may i (?!get|have|please))\b",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"\b(?:no|nope|not|sorry|rather|actually|wait|oops|instead|make (?:it|that)|i (?:mean|meant|"
    r"said)|should (?:be|have)|wrong)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"\b(?:more|another|again|extra|additional|as well|also|too|on top)\b", re.IGNORECASE
)
_YES = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "yup",
        "y",
        "sure",
        "ok",
        "okay",
        "alright",
        "fine",
        "absolutely",
        "definitely",
        "please",
    ]
)
_AROUND_YES = frozenset(
    [
        "do",
        "it",
        "that",
        "go",
        "ahead",
        "sounds",
        "good",
        "all",
        "right",
        "of",
        "course",
        "thanks",
        "you",
        "can",
    ]
)


def wonders(text: str) -> bool:
    """Whether the person only asks about something: "how do I cancel?"."""
    return _WONDERS.match(text) is not None


def forbids(text: str, task: Collection[str]) -> bool:
    """Whether the person says not to do a task: the verb after "don't" is one of its words."""
    match = _FORBIDS.search(text)
    return match is not None and match["verb"].casefold() in task


def takes_back(text: str) -> bool:
    """Whether what was said before is meant otherwise: "no wait, make it 30", but not "10 more"."""
    return _TAKES_BACK.search(text) is not None and _ADDS.search(text) is None


def agrees(text: str) -> bool:
    """Whether the whole text is a yes: "yes, please do", "go ahead"."""
    said = set(words(text))
    consents = bool(said & YES) or {"go", "ahead"} <= said or {"do", "it"} <= said
    return consents and said <= YES | AROUND_YES

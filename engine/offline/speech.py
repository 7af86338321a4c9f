"""Short forms by which a message goes on from what was said: "again", "and texts?", "go ahead".

English, as all that the offline model understands. What a whole message does, an order or a
question say, is learnt: see `engine.offline.dialogue_acts`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from engine.offline.lexicon import AROUND_YES, YES
from engine.offline.values.schema import words

# "Cancel my top-up" does not order a top-up.
_UNDOES = re.compile(
    r"(?:(?:please|can|could|would|you|i|we|want|need|to|['’]d|like|just|no|ok|so|and|"
    r"actually)[\s,]+)*"
    r"(?P<verb>cancel|undo|revert|reverse|refund|withdraw|annul|void|remove|deduct|"
    r"take (?:\S+\s+){1,4}(?:back|off|out))\b",
    re.IGNORECASE,
)
_REPEATS = re.compile(
    r"(?:(?:please|ok|okay|yes|and|now|just|can you|could you)[\s,]+)*"
    r"(?:do (?:that|it|this|the same) (?:again|once more|one more time)|(?:once|one time) more|"
    r"same again|again|repeat (?:that|it|this))"
    r"(?:[\s,]+(?:please|pls|thanks))?\W*",
    re.IGNORECASE,
)
# What is wrong, or wanted, is left open: "help me with my account", "it doesn't work".
_MATTER = r"(?:my|the|this|that|your|an?)\s+\w+(?:\s+\w+)?"
_VAGUE = re.compile(
    r"(?:(?:please|hi|hey|hello|sorry|but|and|well|so|can you|could you|i need|i want)[\s,]+)*(?:"
    rf"(?:some )?help(?: me)?(?: out)? (?:with|about) {_MATTER}|"
    rf"(?:i have|i['’]ve(?: got)?|i got|there is|there['’]s) (?:an?|some) "
    rf"(?:problem|issue|question|trouble)(?: (?:with|about) {_MATTER})?|"
    rf"something(?:['’]s| is)(?: not| wrong| broken| right)+(?: with {_MATTER})?|"
    r"(?:it|this|that|nothing)(?: just| still)? (?:(?:does not|doesn['’]?t|won['’]?t) work|"
    r"(?:is not|isn['’]?t) working|is broken)(?: at all| any ?more)?|"
    r"(?:fix|sort|solve|handle) (?:it|this|that)(?: out)?(?: for me)?"
    r")(?:[\s,]+please)?\W*",
    re.IGNORECASE,
)
# "And data there?" asks about the place that was spoken of, "is there a bill" about none.
_THERE = re.compile(
    r"(?<!is )(?<!are )(?<!was )(?<!be )(?<!on )\b(?:there|in that (?:one|place|country))\W*$",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(r"(?:and|what about|how about)\b", re.IGNORECASE)
_NAMES = re.compile(
    r"(?:(?:and|also|hi|hello|ok)[\s,]+)*my(?: \w+){1,2}(?:[\s,]+please)?\W*", re.IGNORECASE
)
_TAKES_BACK = re.compile(
    r"\b(?:no|nope|not|sorry|rather|actually|wait|oops|instead|make (?:it|that)|i (?:mean|meant|"
    r"said)|should (?:be|have)|wrong)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(
    r"\b(?:more|another|again|extra|additional|as well|also|too|on top)\b", re.IGNORECASE
)


def only_names(text: str) -> bool:
    """Whether the text only names something the person has: "and my plan please"."""
    return _NAMES.fullmatch(text.strip()) is not None


def undoes(text: str) -> str:
    """The word by which the person wants something undone: "cancel my top-up"; else nothing."""
    match = _UNDOES.match(text)
    return match["verb"].casefold() if match else ""


def repeats(text: str) -> bool:
    """Whether the whole text asks for the same once more: "do that again"."""
    return _REPEATS.fullmatch(text.strip()) is not None


def vague(text: str) -> bool:
    """Whether the text leaves open what is to be done: "I have a problem with my phone"."""
    return _VAGUE.fullmatch(text.strip()) is not None


def follows(text: str) -> bool:
    """Whether a text goes on from the one before: "and texts?", "what about data?"."""
    return _FOLLOWS.match(text) is not None


def points_there(text: str) -> bool:
    """Whether the text means the place that was spoken of: "what about data there?"."""
    return _THERE.search(text) is not None


def takes_back(text: str) -> bool:
    """Whether what was said before is meant otherwise: "no wait, make it 30", but not "10 more"."""
    return _TAKES_BACK.search(text) is not None and _ADDS.search(text) is None


def agrees(text: str) -> bool:
    """Whether the whole text is a yes: "yes, please do", "go ahead"."""
    said = set(words(text))
    return (bool(said & YES) or _orders(said)) and said <= YES | AROUND_YES


def resumes(text: str) -> bool:
    """Whether the person wants what they had declined: "go ahead after all", but not "ok"."""
    return agrees(text) and (_orders(set(words(text))) or "after all" in text.casefold())


def _orders(said: Collection[str]) -> bool:
    return {"go", "ahead"} <= set(said) or {"do", "it"} <= set(said)

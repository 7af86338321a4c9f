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
    r"(?:(?:^|[,.;!?]\s*|\b(?:please|but|and)\s+)(?:do not|don['’]?t|never)|"
    r"\b(?:i|we)\s+(?:really\s+)?(?:do not|don['’]?t|never|didn['’]?t|won['’]?t|wouldn['’]?t)"
    r"(?:\s+ever)?(?:\s+(?:want|wish|mean|plan|intend|like|need))?(?:\s+you)?\s+to)\s+"
    r"(?P<verb>\w+)",
    re.IGNORECASE,
)
# "Cancel my top-up" is no order to top up.
_UNDOES = re.compile(
    r"(?:(?:please|can|could|would|you|i|we|want|need|to|['’]d|like|just|no|ok|so|and|"
    r"actually)[\s,]+)*"
    r"(?P<verb>cancel|undo|revert|reverse|refund|withdraw|annul|void|take (?:\S+\s+){1,3}back)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:every|each) (?:\w+ )?(?:day|week|month|year|morning|evening|\w+day)\b|"
    r"\b(?:daily|weekly|monthly|yearly|automatically)\b|(?<!for )\b(?:tomorrow|tonight)\b|"
    r"(?<!for )\bnext (?:week|month|year|\w+day)\b|"
    r"\b(?:when|once|unless|as soon as|if)(?= (?:i|we|my|our|he|she|they)\b"
    r"(?! (?:may|might|can|could)\b))|\bin (?:an?|\d+|two|three) (?:hour|day|week|month)s?\b",
    re.IGNORECASE,
)
# Where what is told ends and what is wanted begins: "I'm abroad next week, so add 8 GB".
_CLAUSES = re.compile(
    r"[,.;:!?]\s+|\b(?:so|and|but|because|since|(?<!soon )as(?! soon))\b", re.IGNORECASE
)
# "My dad topped up 20 dollars yesterday" tells of what was done.
_PAST = re.compile(
    r"(?:i|we|my|our|the|he|she|they)\b.*"
    r"\b(?:yesterday|already|ago|last (?:night|week|month|year))\b",
    re.IGNORECASE,
)
_REPEATS = re.compile(
    r"(?:(?:please|ok|okay|yes|and|now|just|can you|could you)[\s,]+)*"
    r"(?:do (?:that|it|this|the same) (?:again|once more|one more time)|(?:once|one time) more|"
    r"same again|again|repeat (?:that|it|this))"
    r"(?:[\s,]+(?:please|pls|thanks))?\W*",
    re.IGNORECASE,
)
# "How do I cancel?", "what happens if I top up 50?", "can I cancel without a fee?" ask about a
# change. "Can you add 5 GB?" and "can I get 5 GB?" ask for it.
_WONDERS = re.compile(
    r"(?:(?:and|but|so|ok|okay|well|hey|hi|hello|yo|please|sorry|um|hm+|oh|wait|actually)[\s,]+)*"
    r"(?:how(?! about)|what(?! about)|whats|hows|(?:price|cost) (?:of|for)|"
    r"why|when|where|which|who|should|shall|is|are|was|does|did|"
    r"do (?:i|you|we)|if|"
    r"am i|must i|can i (?!get|have|add|buy|top|book|order|please)|may i (?!get|have|please))\b",
    re.IGNORECASE,
)
_REQUESTS = re.compile(
    r"(?:(?:and|but|so|ok|okay|well|hey|hi|hello|please|sorry|um)[\s,]+)*"
    r"(?:(?:can|could|may|might) i|(?:is it|would it be) possible for you)\b",
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
# "My data is gone", "I usually pay 30", "money's tight": what is told, not asked for.
_STATES = re.compile(
    r"(?:(?:and|but|so|well|hey|hi|hello|mate|sorry|look|ok|okay|oh|ugh)[\s,]+)*"
    r"(?:(?:i|we)\b(?!['’]d\b)|(?!what|how|where|who|when|let|here)\w+['’]s\s+\w+|"
    r"(?:my|our|the|your|it|this|that|there|he|she|they|you)\b(?:\s+[\w-]+){0,4}?"
    r"(?:\s+(?:is|are|was|were|has|have|had|ran|got|keeps?|seems?|looks?|feels?|went|goes|comes?|"
    r"\w+n['’]t)|['’](?:s|re|ve|m))\b)",
    re.IGNORECASE,
)
_WISHES = re.compile(
    r"\b(?:please|pls|plz|need|want|wanna|wish|like|rather|prefer|gimme|let me|"
    r"(?:can|could|would|will) (?:you|i|we)|how|what|which|when|where|who)\b|\?",
    re.IGNORECASE,
)


def wonders(text: str) -> bool:
    """Whether the person only asks about something: "how do I cancel?"."""
    return _WONDERS.match(text) is not None


def only_names(text: str) -> bool:
    """Whether the text only names something the person has: "and my plan please"."""
    return _NAMES.fullmatch(text.strip()) is not None


def requests(text: str) -> bool:
    """Whether a question is the polite form of a wish: "can I ...", "is it possible for you"."""
    return _REQUESTS.match(text) is not None


def reports(text: str) -> bool:
    """Whether the person only tells what was done: "my dad topped up 20 dollars yesterday"."""
    clauses = [clause.strip() for clause in _CLAUSES.split(text) if words(clause)]
    told = all(_PAST.match(clause) or states(clause) for clause in clauses)
    return told and _PAST.search(text) is not None and _WISHES.search(text) is None


def states(text: str) -> bool:
    """Whether the person only tells something: "my data is gone", but not "I need more"."""
    return _STATES.match(text) is not None and _WISHES.search(text) is None


def forbids(text: str, task: Collection[str]) -> bool:
    """Whether the person says not to do a task: the verb after "don't" is one of its words."""
    match = _FORBIDS.search(text)
    return match is not None and match["verb"].casefold() in task


def undoes(text: str) -> str:
    """The word by which the person wants something undone: "cancel my top-up"; else nothing."""
    match = _UNDOES.match(text)
    return match["verb"].casefold() if match else ""


def schedules(text: str) -> bool:
    """Whether something is wanted later, or again and again: "every month", "tomorrow".

    A time that is only told beside the wish is none for it: "I'm off tomorrow, so add 3 GB".
    """
    clauses = [clause for clause in _CLAUSES.split(text) if words(clause)]
    wished = [clause for clause in clauses if not states(_LATER.sub("", clause).strip())]
    return any(_LATER.search(clause) for clause in wished or clauses)


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

"""What a chat model is shown to route a message, within a budget of tokens.

First the fixed part: persona, rules, and all intents with their one-liners. It is the same bytes
for every message of a catalogue, so that servers can cache it. Then what varies: examples of the
nearest intents, the most similar last, and the situation. A small catalogue has its examples in
the fixed part. The schema of the answer counts, too.
"""

from __future__ import annotations

import bisect
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from engine.conversation import Conversation, Message
from engine.decisions.questions import DecisionRequest, Option
from engine.intents.intent import Catalogue, Intent
from engine.intents.lexical_index import Match
from engine.tools.tool import first_sentence

# In tokens as counted here: the whole request for up to a hundred intents, and what each one above
# these adds. Names cost 3 to 5 each, so at four hundred a word is left for a one-liner.
TOKENS, TOKENS_MORE, MANY = 1_930, 3.5, 100
# Of that: what varies, and the situation in it.
VARYING, SITUATION = 440, 260
# At most so much for the persona, which only small talk needs here; more beside a short list.
PERSONA, PERSONA_OF_SMALL = 160, 480

# More labels than this cost more in the schema than they gain: the code checks them anyway.
MAX_ENUM = 40
# Up to so many intents the examples stand in the fixed part.
SMALL = 20
EXAMPLES_PER_INTENT = 4
COUNTER_EXAMPLES_PER_INTENT = 2
DESCRIPTION_CHARACTERS = 240
# A word that more than this share of the intents have tells little.
COMMON = 0.2
# Characters that some one-liners get more than others, where there is room for some.
EXTRA = 12
# Of a large catalogue: how many intents get examples, and of each how many.
NEAREST, PHRASES = 20, 3
PHRASE_TOKENS = 24
MESSAGE_TOKENS = 200
RECENT_MESSAGES, RECENT_TOKENS = 4, (15, 80)

# What a message may be besides an intent, in words for whoever decides.
ROUTES: Mapping[str, str] = {
    "continue": "if it answers or corrects the active intent's last question",
    "small_talk": "for greetings, thanks, jokes, feelings and questions about you",
    "out_of_scope": "for a request that no intent covers",
    "cancel": "if the person drops the active task",
    "clarify": "if it fits two or more intents and you cannot tell",
}
# Where nothing is open, nothing can be continued or dropped.
OPEN_ROUTES = ("continue", "cancel")
QUESTION = "What to do with the person's last message: the intent that can do what is asked, or"
SECOND = "A second, separate thing that the last message asks for besides the first, if any"
SAY_MORE = "Could you say a little more about what you need?"
GREETING = "Hello! How can I help you?"

_LABELS = "; ".join(f'"{name}" {text}' for name, text in ROUTES.items())
RULES = f"""\
Decide what to do with the person's last message. Answer with one JSON object:
- label: the intent that can do what is asked; or {_LABELS}.
- more: further intents, in order, only if the message asks for several separate things.
- confidence: high, medium or low.
- runner_up: the next best intent, or null.
- reply: what you say to the person for small_talk, out_of_scope, cancel and clarify (a short \
question that names the choices); otherwise an empty string.
Never say that something was done: you can only choose here."""

# Words that tell no intent from another, among them what most of them can do.
_FILLING = """
a all an and any are as at be by do for from get has have how in into is it its like much new of on
one or other out over set so some such that the their them these this those to up use what when
where which who with you your
add api can cancel change create delete edit endpoint endpoints find interact list manage read
remove search show update view
"""
_EMPTY = frozenset(_FILLING.split())


def routing_prompt(catalogue: Catalogue) -> str:
    """The fixed part."""
    intents = [catalogue.intents[key] for key in sorted(catalogue.intents)]
    most = PERSONA_OF_SMALL if len(intents) <= SMALL else PERSONA
    head = f"{_in_short(catalogue.persona, most)}\n\n{RULES}\n\nIntents:\n".lstrip()
    room = TOKENS + round(TOKENS_MORE * max(0, len(intents) - MANY)) - VARYING
    room -= tokens(head) + tokens(json.dumps(answer_schema(catalogue)))
    return head + "\n".join(_listed(intents, room))


def answer_schema(catalogue: Catalogue, *, is_open: bool = True) -> dict[str, Any]:
    """The JSON Schema of the answer, as strict mode wants it: all required, nothing else.

    Labels that cannot apply, since nothing `is_open`, are no part of it.
    """
    keys = sorted(catalogue.intents)
    routes = [name for name in ROUTES if is_open or name not in OPEN_ROUTES]
    label: dict[str, Any] = {"type": "string"}
    intent: dict[str, Any] = {"type": "string"}
    if len(keys) <= MAX_ENUM:
        label["enum"] = list(dict.fromkeys(keys + routes))
    if len(keys) <= SMALL:
        intent["enum"] = keys
    properties = {
        "label": label,
        "more": {"type": "array", "items": intent},
        "confidence": {"type": "string", "enum": ["high", "medium", "low"]},
        "runner_up": {"anyOf": [intent, {"type": "null"}]},
        "reply": {"type": "string"},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _in_short(persona: str, most: int) -> str:
    """A persona, of a long one the first sentences: the requests for tasks have it whole."""
    if tokens(persona) <= most:
        return persona
    kept = ""
    for sentence in re.split(r"(?<=[.!?。])\s*", _line(persona)):
        longer = f"{kept} {sentence}".lstrip()
        if tokens(longer) > most:
            break
        kept = longer
    return kept or _cut(_line(persona), most)


def phrases(intent: Intent) -> Iterator[str]:
    """What the shortlist knows an intent by: its name, what it is for, its tools and examples."""
    yield _name(intent)
    yield from _examples(intent)
    yield _line(intent.description)
    yield from (first_sentence(tool) for tool in intent.tools)


def described_options(catalogue: Catalogue) -> dict[str, Option]:
    """Each intent as an option of a choice, with examples where there are few intents."""
    examples = EXAMPLES_PER_INTENT if len(catalogue.intents) <= SMALL else 1
    return {
        key: Option(key, _described(catalogue.intents[key], examples))
        for key in sorted(catalogue.intents)
    }


def spoken(text: str, conversation: Conversation) -> tuple[Message, ...]:
    """What a decision rests on: the message in question last, and what was said shortly before.

    Never what tools returned.
    """
    said = [m for m in conversation.messages if m.role in ("user", "assistant") and m.content]
    # The conversation already holds the message in question as its last.
    before = [Message(m.role, m.content) for m in said[:-1][-RECENT_MESSAGES:]]
    return (*before, Message("user", text))


def open_matters(conversation: Conversation) -> str:
    """What is active, and what the assistant waits for."""
    lines = [f"Active intent: {conversation.focus or 'none'}"]
    if conversation.awaiting:
        lines.append(f"The assistant waits for: {', '.join(conversation.awaiting.missing)}")
    return "\n".join(lines)


def situation(request: DecisionRequest) -> str:
    """What was said, and what is open, within the room there is."""
    *before, newest = request.messages
    last = json.dumps(_cut(newest.content, MESSAGE_TOKENS), ensure_ascii=False)
    lines = [*request.situation.splitlines(), f"Last message: {last}"]
    if before:
        least, most = RECENT_TOKENS
        room = (SITUATION - tokens("\n".join(lines))) // len(before)
        room = max(least, min(most, room))
        said = [
            f"{'person' if message.role == 'user' else 'assistant'}: {_cut(message.content, room)}"
            for message in before
        ]
        lines = ["Conversation so far:", *said, *lines]
    return "\n".join(lines)


def with_examples(near: Sequence[Match], catalogue: Catalogue, then: str) -> str:
    """Examples of the nearest intents before `then`, as many as there is room for."""
    room = VARYING - tokens(then) - tokens(_LEAD)
    chosen: dict[str, list[str]] = {}
    for turn in range(PHRASES):
        for one in near:
            name = _name(catalogue.intents[one.name])
            own = [phrase for phrase in one.phrases if phrase != name][turn : turn + 1]
            for phrase in own:
                example = json.dumps(_cut(_line(phrase), PHRASE_TOKENS), ensure_ascii=False)
                room -= tokens(example) + (1 if turn else tokens(one.name) + 2)
                if room >= 0:
                    chosen.setdefault(one.name, []).append(example)
    if not chosen:
        return then
    lines = [f"{name}: {', '.join(examples)}" for name, examples in chosen.items()]
    return "\n".join([_LEAD, *reversed(lines), "", then])


_LEAD = "Examples of the intents that seem nearest, the most similar last:"


def _listed(intents: Sequence[Intent], room: int) -> list[str]:
    """A line for each intent, as informative as fits into `room` tokens."""
    if len(intents) <= SMALL:
        for examples in range(EXAMPLES_PER_INTENT, 0, -1):
            lines = [f"{i.key}: {_described(i, examples)}" for i in intents]
            if tokens("\n".join(lines)) <= room:
                return lines

    seen = Counter(stem for i in intents for stem in {_stem(w) for w in _words(i.description)})
    common = {stem for stem, count in seen.items() if count > len(intents) * COMMON}

    def lines_of(most: int) -> list[str]:
        pairs = [(intent.key, _shortened(intent, most, common)) for intent in intents]
        return [f"{key}: {text}" if text else key for key, text in pairs]

    most = bisect.bisect_right(
        range(DESCRIPTION_CHARACTERS + 1),
        room,
        key=lambda most: tokens("\n".join(lines_of(most))),
    )
    lines = lines_of(max(0, most - 1))
    room -= tokens("\n".join(lines))
    for extra in range(EXTRA):
        for row, longer in enumerate(lines_of(most + extra)):
            cost = tokens(longer) - tokens(lines[row])
            if 0 < cost <= room:
                room -= cost
                lines[row] = longer
    return lines


def _described(intent: Intent, examples: int) -> str:
    line = _shortened(intent, DESCRIPTION_CHARACTERS)
    if own := list(_examples(intent))[:examples]:
        line += f" E.g. {_quoted(own)}."
    if intent.counter_examples:
        line += f" Not: {_quoted(intent.counter_examples[:COUNTER_EXAMPLES_PER_INTENT])}."
    return line


def _shortened(intent: Intent, most: int, common: Collection[str] = ()) -> str:
    """The one-liner in at most `most` characters: if need be, the words that its name lacks.

    `common` are the beginnings of words that many intents have: these come last.
    """
    text = _line(intent.description)
    if len(text) <= most:
        return text
    told = {_stem(word) for word in _words(intent.key)}
    kept = ""
    telling = [w for w in re.findall(r"[^\W_]+", text) if w.casefold() not in _EMPTY]
    for word in sorted(telling, key=lambda word: _stem(word) in common):
        if _stem(word) in told:
            continue
        told.add(_stem(word))
        longer = f"{kept} {word}".lstrip()
        if len(longer) > most:
            # Where a language has no spaces, a part of the one long word tells something, too.
            return kept or ("" if word.isascii() else word[:most])
        kept = longer
    return kept


def _stem(word: str) -> str:
    """Enough of a word to know its plural by."""
    return word.casefold()[:5]


def _examples(intent: Intent) -> Iterator[str]:
    """The examples, one of each capability after the other."""
    rows = zip_longest(*intent.examples.values())
    return (phrase for phrase in chain.from_iterable(rows) if phrase)


def _name(intent: Intent) -> str:
    return " ".join(dict.fromkeys(_words(f"{intent.key} {intent.title}")))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, most: int) -> str:
    """Beginning and end of a text of over `most` tokens: what is asked mostly stands in these."""
    count = tokens(text)
    if count <= most:
        return text
    kept = len(text) * most // count
    return f"{text[: kept * 2 // 3]} … {text[len(text) - kept // 3 :]}"


def tokens(text: str) -> int:
    """How many tokens a text has at most: 3 to 24 % more than with the o200k_base vocabulary.

    Measured on these prompts with the names of a dozen public APIs, and on English and German
    messages; of Chinese it counts two thirds too many. A list of names alone may have a
    twentieth more.
    """
    return sum(map(_cost, _PIECES.findall(text))) + text.count("_") // 5


def _cost(piece: str) -> int:
    if not (piece.isascii() and piece.isalpha()):
        return 1
    if len(piece) > 12:  # words stuck together
        return -(-len(piece) // 4)
    if len(piece) > 2 and not _VOWEL.search(piece):  # an abbreviation
        return -(-len(piece) // 2)
    return -(-len(piece) // 6)


_PIECES = re.compile(r"[A-Za-z]+|[^\W_]|[^\w\s]+|\n")
_VOWEL = re.compile("[aeiouy]", re.IGNORECASE)


def _quoted(phrases: Iterable[str]) -> str:
    return ", ".join(json.dumps(_line(phrase), ensure_ascii=False) for phrase in phrases)

"""A call in the making: what it has, what it lacks, and how that is asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.conversation import Message
from engine.events import PendingCall
from engine.intents.intent import Catalogue
from engine.offline.labels import Prediction
from engine.offline.lexicon import FILLERS, TALK
from engine.offline.selection import extract_name_list
from engine.offline.slot_filling import fill, nested, parameters, required
from engine.offline.values.free_text import is_clause, split_list, trimmed
from engine.offline.values.options import choices
from engine.offline.values.readers import (
    affirmed,
    distinct,
    extract_values,
    foreign_unit,
    read,
    several,
    sole_value,
    unit_name,
)
from engine.offline.values.schema import Schema, alike, is_free, kind_of, resolve_schema, words
from engine.tools.tool import Tool

CODED = frozenset({"id", "number", "code", "key", "ref"})  # of a parameter's name
LOOKED_UP = 5  # at once, for one message
# A question is asked so often, the second time with the form of the answer; then it is dropped.
ASKED = 2
SHORT = 4  # words of an answer that may be no more than two values
ANSWER = 500  # characters of an answer in free text
_FORMS: Mapping[str, str] = {
    "number": "a number, such as 3",
    "boolean": "yes or no",
    "date": "a date, such as tomorrow, next Friday or 2026-12-24",
    "time": "a time of day, such as 14:30 or 9 am",
    "date-time": "a day and a time, such as Friday at 14:30",
    "duration": "a length of time, such as 90 minutes or two weeks",
    "list": "one or more of them, with commas between",
    "text": "a few words, in quotes if you like",
}


@dataclass
class Draft:
    """`arguments` are by the names of `slot_filling.parameters`. `rivals` are values of which
    only one can be meant, `unread` what the message has besides and nothing took."""

    tool: Tool
    arguments: dict[str, Any] = field(default_factory=dict)
    # How the message reads, unless it answers what was asked or repeats what was ordered.
    reading: Prediction | None = None
    told: bool = False  # no order by its form, but as the tool's own examples: "I have a headache"
    agreed: bool = False  # to what was asked
    pointed: bool = False  # at a row of what was listed
    rivals: dict[str, list[Any]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def known(self) -> Mapping[str, Schema]:
        """The schema of each parameter."""
        return parameters(self.tool.parameters)

    @property
    def needed(self) -> tuple[str, ...]:
        return required(self.tool.parameters)

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in self.needed if name not in self.arguments)

    def take(
        self,
        text: str,
        common: Iterable[str],
        now: datetime,
    ) -> bool:
        """Take every value that the text has; whether there was any."""
        filled = fill(text, self.tool.parameters, set(common), now=now)
        for name in self.known:
            if name in filled.values or name in filled.rivals:
                continue
            # The text may be nothing else: even "l" is a plan then.
            bare = None if _is_text(self, name) else sole_value(text, self.known[name], name=name)
            if bare is not None and bare not in filled.values.values():
                filled.values[name] = bare
        self.arguments |= filled.values
        self.rivals = {n: v for n, v in filled.rivals.items() if n not in self.arguments}
        self.unread = filled.unread
        return bool(filled.values)


def take_answer(draft: Draft, text: str, now: datetime, earlier: str = "") -> bool:
    """Take the value that is the whole text, if it is one, or two to choose from; whether it is.

    A day and its time may be told one after the other: `earlier` is the message before.
    """
    before, known = dict(draft.arguments), draft.known
    if _take_rivals(draft, text, now):
        return True
    for name in [*draft.missing, *(n for n in known if n not in draft.missing)]:
        schema = known[name]
        if draft.missing and name in before and _is_text(draft, name):
            continue  # "often" answers how often, however badly, and names no medicine
        value = sole_value(text, schema, name=name, now=now)
        if value is None and kind_of(schema) == "date-time" and name in draft.missing:
            both = distinct(f.value for f in read(f"{earlier}. {text}", schema, now=now))
            value = both[0] if len(both) == 1 else None
        if value is None or (draft.tool.effect == "read" and echoes(str(value), draft.tool)):
            continue  # "and texts?"
        if name in draft.needed or name in before or choices(schema):
            draft.arguments[name] = value
            return True
    return False


def _take_rivals(draft: Draft, text: str, now: datetime) -> bool:
    """Take two values of a short answer for what was asked: which is meant, is asked next. "At 3"
    is no number of people then, that was told before."""
    for name in draft.missing[:1]:
        schema = draft.known[name]
        values = extract_values(text, schema, name=name, now=now)
        if len(values) > 1 and len(words(text)) <= SHORT and kind_of(schema) != "list":
            draft.rivals[name] = values
            return sole_value(text, schema, name=name, now=now) is None
    return False


def take_words(draft: Draft, text: str) -> bool:
    """Take the whole answer as the free text that is missing; whether that was asked for."""
    for name in draft.missing[:1]:
        schema = draft.known[name]
        said = trimmed(text)[:ANSWER]
        if is_free(schema) and said:
            draft.arguments[name] = said
            return True
        if _is_text(draft, name) and said:
            draft.arguments[name] = split_list(said)
            return True
    return False


def plainly(tool: Tool, text: str, now: datetime) -> Draft | None:
    """The call, if the words alone tell every value that it requires."""
    draft = Draft(tool)
    if not draft.needed or any(_is_text(draft, name) for name in draft.needed):
        return None
    draft.take(text, (), now)
    return None if draft.missing else draft


def calls_of(draft: Draft, text: str) -> list[dict[str, Any]]:
    """The arguments, once for each of a list of names to look up, or of identifiers."""
    known = draft.known
    names = extract_name_list(affirmed(text)) if draft.tool.effect == "read" else []
    for name in draft.needed:
        values = several(text, known[name], name=name)
        if draft.arguments[name] in values:
            return [nested({**draft.arguments, name: value}) for value in values]
    for name in draft.needed:
        if draft.arguments[name] in names and is_free(known[name]):
            return [nested({**draft.arguments, name: each}) for each in names[:LOOKED_UP]]
    return [nested(draft.arguments)]


def listed(draft: Draft, text: str) -> bool:
    """Take the first of a list of names to look up, or of identifiers; whether there is one."""
    for name in draft.missing:
        values = several(text, draft.known[name], name=name)
        if not values and draft.tool.effect == "read" and is_free(draft.known[name]):
            values = extract_name_list(affirmed(text))
        if values:
            draft.arguments[name] = values[0]
            draft.rivals.pop(name, None)
            return True
    return False


def lister(draft: Draft, tools: Iterable[Tool]) -> Tool | None:
    """The look-up that lists what a missing code may be: `list_loans` for `loan_id`."""
    name = next(iter(draft.missing), "")
    schema = draft.known.get(name, {})
    if "pattern" not in schema or kind_of(schema) != "identifier":
        return None
    own = set(words(name)) - CODED
    looks = (tool for tool in tools if tool.effect == "read" and not tool.required)
    return next((t for t in looks if any(alike(a, b) for a in words(t.name) for b in own)), None)


def question(
    draft: Draft,
    text: str,
    messages: Sequence[Message],
    open_: PendingCall | None,
    *,
    listed: bool = False,
) -> str:
    """What to ask for what is missing; nothing where it was asked for often enough.

    The second time it says what form the answer has, or that it is one of those `listed`. Where
    the message has told something of the `open_` call, the question is another one.
    """
    name, asked = draft.missing[0], draft.tool.question(draft.missing)
    stands = open_ is not None and (open_.tool, dict(open_.arguments)) == (
        draft.tool.name,
        draft.arguments,
    )
    times = _times(draft.tool.question(draft.missing[:1]), messages) if stands else 0
    if times >= ASKED:
        return ""
    rivals = [f for f in draft.rivals.get(name, ()) if not isinstance(f, bool)]
    if len(rivals) > 1:
        listed_values = f"{', '.join(map(str, rivals[:-1]))} or {rivals[-1]}"
        return f"{asked} I read {listed_values}: which is meant?"
    note = _unit_note(draft, text)
    form = _form(draft.known[name], listed=listed)
    return f"{note}{asked} {form}" if times else f"{note}{asked}"


def _times(asked: str, messages: Sequence[Message]) -> int:
    """How often a question was asked in a row, up to now."""
    count, asked = 0, asked.rstrip(".?")
    for message in reversed(messages):
        if message.role == "assistant" and message.content:
            if asked not in message.content:
                break
            count += 1
    return count


def _form(schema: Schema, *, listed: bool) -> str:
    """What an answer looks like."""
    options = [str(option) for option in choices(schema)]
    if listed:
        form = "one of these"
    elif options:
        form = "one of: " + ", ".join(options)
    elif "pattern" in schema and kind_of(schema) == "identifier":
        example = next(iter(schema.get("examples", ())), "")
        form = str(example) and f"something like {example}"
        form = form or f"something that fits {schema['pattern']}"
    elif kind_of(schema) == "identifier":
        form = f"a valid {schema.get('format')}"
    else:
        unit = unit_name(schema)
        form = _FORMS[kind_of(schema)] + (f" {unit}" if unit else "")
    return f"I need {form}, or say “never mind”."


def _unit_note(draft: Draft, text: str) -> str:
    """Why a number was not taken: it counts something else than the parameter does."""
    for name in draft.missing:
        schema = draft.known[name]
        if unit := foreign_unit(text, schema):
            return f"I can take that in {unit_name(schema)} only, not in {unit}. "
    return ""


def echoes(value: str, tool: Tool) -> bool:
    """ "cancel my contract" has no reason "contract": words of the task itself are no value."""
    return set(words(value)) <= TALK | FILLERS | set(words(f"{tool.name} {tool.description}"))


def is_empty_answer(text: str) -> bool:
    """Whether an answer has no word of its own: "ok", "please"."""
    return set(words(text)) <= TALK | FILLERS


def takes_clause(draft: Draft) -> bool:
    """Whether what is missing is a whole clause, a message say."""
    return any(is_clause(n, draft.known[n]) for n in draft.missing[:1] if is_free(draft.known[n]))


def _is_text(draft: Draft, name: str) -> bool:
    schema = draft.known[name]
    return is_free(schema) or (
        kind_of(schema) == "list" and is_free(resolve_schema(schema.get("items", {})))
    )


def common_words(tool: Tool, catalogue: Catalogue) -> frozenset[str]:
    """The words of a tool's own matter: those of its name, description and intent, the first of
    each example there, and those that two examples of one tool have, or three of any. The rest
    are values in examples."""
    common = {"i", *words(f"{tool.name.replace('_', ' ')} {tool.description}")}
    everywhere: Counter[str] = Counter()
    for intent in catalogue.intents.values():
        own = tool in intent.tools
        common |= set(words(intent.title)) if own else set()
        for phrases in intent.examples.values():
            said = [re.findall(r"[^\W_]+(?:['’][^\W_]+)?", phrase) for phrase in phrases]
            common |= {word.casefold() for each in said for word in each[:own]}
            here = Counter(w for each in said for w in set(each) if w == w.casefold())
            common |= {word for word, count in here.items() if count > 1}
            everywhere += here
    return frozenset(common | {word for word, count in everywhere.items() if count > 2})

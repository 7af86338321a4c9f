"""A server's tools divided into intents of at most ten, with what a router needs to find them.

Only names of tools come into an intent's title, description and examples: what a server writes
about itself at length stays out of the routing prompt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from engine.intents.intent import Intent
from engine.tools.mcp_servers.text import line
from engine.tools.tool import Tool

MAX_TOOLS = 10
DESCRIPTION_CHARACTERS = 300
LABEL_CHARACTERS = 60

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words that say what is done, not to what: they make poor topics.
_VERBS = frozenset(
    """add append apply cancel change check clear close convert copy count create delete describe
    disable do edit enable execute export fetch find get import insert is list load lookup make
    merge modify move new open post pull push put query read remove rename reopen replace reset
    resolve run save search send set show start stop submit sync test unset update upload upsert
    validate view watch write""".split()  # noqa: SIM905
)
_SMALL = frozenset(
    "a all an and at by for from in into is me my of on or the to up with".split()  # noqa: SIM905
)
_SHOWS = frozenset({"get", "list", "show", "read", "view", "fetch", "describe"})


def intents_of(
    key: str, tools: Sequence[Tool], *, title: str, description: str, examples: Sequence[str]
) -> tuple[Intent, ...]:
    """The intents of the server `key`, the same for the same tools. One where they fit into it."""
    own = words(key)
    divided = [*_divided(list(tools), set(own))]
    homes = _homes(divided, examples)
    intents = []
    for number, (topic, group) in enumerate(divided):
        labels = [_label(tool, own) for tool in group]
        said = ", ".join(dict.fromkeys(labels))
        about = description or title
        intents.append(
            Intent(
                key=f"{key}_{topic}" if topic else key,
                title=f"{title}: {topic.replace('_', ' ')}" if topic else title,
                description=line(
                    f"{about.rstrip('.')}: {said}" if about else said, DESCRIPTION_CHARACTERS
                ),
                examples={
                    "": tuple(homes.get(number, ())),
                    **{tool.name: _phrases(tool, own) for tool in group},
                },
                tools=tuple(group),
            )
        )
    return tuple(intents)


def words(name: str) -> list[str]:
    """The words of a name in any of the usual spellings, in lower case."""
    return [word.lower() for word in _WORDS.findall(name)]


def _divided(tools: list[Tool], own: set[str]) -> Iterator[tuple[str, list[Tool]]]:
    """Groups with their topics: the most common thing first, until what is left fits into one.

    What is left has no topic of its own unless all of it shares one.
    """
    if len(tools) <= MAX_TOOLS:
        yield "", tools
        return
    rest = tools
    topics: set[str] = set()
    while len(rest) > MAX_TOOLS:
        topic, group = _largest(rest, own | topics)
        if not group:
            break
        topics.add(topic)
        rest = [tool for tool in rest if tool not in group]
        yield from _sized(topic, group)
    if len(rest) <= MAX_TOOLS:
        shared, group = _largest(rest, own | topics)
        if rest:
            yield (shared if len(group) == len(rest) > 1 else ""), rest
    else:
        yield from _sized("", rest)


def _largest(tools: Sequence[Tool], not_these: set[str]) -> tuple[str, list[Tool]]:
    """The topic that most of the tools have in common, and these tools; nothing for fewer than
    two. Things come before what is done to them."""
    for verbs in (False, True):
        counted: Counter[str] = Counter()
        for tool in tools:
            counted.update(_topics(tool, verbs=verbs) - not_these)
        best = sorted(counted.items(), key=lambda item: (item[1] > MAX_TOOLS, -item[1], item[0]))
        if best and best[0][1] > 1:
            topic = best[0][0]
            return topic, [tool for tool in tools if topic in _topics(tool, verbs=verbs)]
    return "", []


def _topics(tool: Tool, *, verbs: bool) -> set[str]:
    found = {_singular(word) for word in words(tool.name)} - _SMALL
    return {word for word in found if (word in _VERBS) == verbs and len(word) > 1}


def _sized(topic: str, group: Sequence[Tool]) -> Iterator[tuple[str, list[Tool]]]:
    """A group, cut by name into numbered parts where it has too many tools."""
    ordered = sorted(group, key=lambda tool: tool.name)
    parts = [ordered[at : at + MAX_TOOLS] for at in range(0, len(ordered), MAX_TOOLS)]
    if len(parts) == 1:
        yield topic, list(group)
        return
    for number, part in enumerate(parts, 1):
        yield f"{topic}_{number}".strip("_"), part


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _label(tool: Tool, own: Sequence[str]) -> str:
    """The tool's name in words, without the server's own before it."""
    said = words(tool.name)
    if said[: len(own)] == list(own) and len(said) > len(own):
        said = said[len(own) :]
    return line(" ".join(said), LABEL_CHARACTERS) or tool.name


def _phrases(tool: Tool, own: Sequence[str]) -> tuple[str, ...]:
    """What a person might say for it, as far as its name tells."""
    label = _label(tool, own)
    verb, _, thing = label.partition(" ")
    phrases = [" ".join(words(tool.name)) or tool.name, label]
    if thing and verb in _SHOWS:
        many = _singular(thing.split()[-1]) != thing.split()[-1]
        phrases += [f"show me the {thing}", f"what {'are' if many else 'is'} the {thing}?"]
    elif thing and verb in _VERBS:
        phrases.append(f"{verb} the {thing}")
    else:
        phrases.append(" ".join([*own, *label.split()]))
    return tuple(dict.fromkeys(line(phrase, 2 * LABEL_CHARACTERS) for phrase in phrases))


def _homes(
    divided: Sequence[tuple[str, Sequence[Tool]]], examples: Iterable[str]
) -> dict[int, list[str]]:
    """The person's own examples by the group whose names share most words with them."""
    homes: dict[int, list[str]] = {}
    known = [
        Counter(_singular(word) for tool in group for word in words(f"{tool.name} {topic}"))
        for topic, group in divided
    ]
    for example in examples:
        said = {_singular(word) for word in words(example)} - _SMALL
        scores = [sum(word in own for word in said) for own in known]
        homes.setdefault(scores.index(max(scores)), []).append(example)
    return homes

"""A server's tools divided into groups of at most ten, with what a router needs to find them.

Only names of tools come into a group's title, description and examples: what a server writes
about itself at length stays out of the routing prompt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from engine.tools.mcp.text import line
from engine.tools.naming import MAX_SIZE, SMALL_WORDS, VERBS, by_topic, singular, words
from engine.tools.source import ToolGroup
from engine.tools.tool import Tool

DESCRIPTION_CHARACTERS = 300
LABEL_CHARACTERS = 60

_SHOWS = frozenset({"get", "list", "show", "read", "view", "fetch", "describe"})


def groups_of(
    key: str, tools: Sequence[Tool], *, title: str, description: str, examples: Sequence[str]
) -> tuple[ToolGroup, ...]:
    """Return the groups of the server `key`: one where its tools fit into it."""
    own = words(key)
    divided = [*_divided(list(tools), set(own))]
    homes = _homes(divided, examples)
    groups = []
    for number, (topic, group) in enumerate(divided):
        labels = [_label(tool, own) for tool in group]
        said = ", ".join(dict.fromkeys(labels))
        about = description or title
        groups.append(
            ToolGroup(
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
    return tuple(groups)


def _divided(tools: list[Tool], own: set[str]) -> Iterator[tuple[str, Sequence[Tool]]]:
    """Groups with their topics; too large ones cut by name into numbered parts."""
    if len(tools) <= MAX_SIZE:
        yield "", tools
        return
    for topic, group in by_topic(tools, lambda tool: tool.name, lambda tool: 1, own):
        if len(group) <= MAX_SIZE:
            yield topic, group
            continue
        ordered = sorted(group, key=lambda tool: tool.name)
        for number, at in enumerate(range(0, len(ordered), MAX_SIZE), 1):
            yield f"{topic}_{number}".strip("_"), ordered[at : at + MAX_SIZE]


def _label(tool: Tool, own: Sequence[str]) -> str:
    """Return the tool's name in words, without the server's own before it."""
    said = words(tool.name)
    if said[: len(own)] == list(own) and len(said) > len(own):
        said = said[len(own) :]
    return line(" ".join(said), LABEL_CHARACTERS) or tool.name


def _phrases(tool: Tool, own: Sequence[str]) -> tuple[str, ...]:
    """Return what a person might say for it, as far as its name tells."""
    label = _label(tool, own)
    verb, _, thing = label.partition(" ")
    phrases = [" ".join(words(tool.name)) or tool.name, label]
    if thing and verb in _SHOWS:
        many = singular(thing.split()[-1]) != thing.split()[-1]
        phrases += [f"show me the {thing}", f"what {'are' if many else 'is'} the {thing}?"]
    elif thing and verb in VERBS:
        phrases.append(f"{verb} the {thing}")
    else:
        phrases.append(" ".join([*own, *label.split()]))
    return tuple(dict.fromkeys(line(phrase, 2 * LABEL_CHARACTERS) for phrase in phrases))


def _homes(
    divided: Sequence[tuple[str, Sequence[Tool]]], examples: Iterable[str]
) -> dict[int, list[str]]:
    """Return the person's own examples by the group whose names share most words with them."""
    homes: dict[int, list[str]] = {}
    known = [
        Counter(singular(word) for tool in group for word in words(f"{tool.name} {topic}"))
        for topic, group in divided
    ]
    for example in examples:
        said = {singular(word) for word in words(example)} - SMALL_WORDS
        scores = [sum(word in own for word in said) for own in known]
        homes.setdefault(scores.index(max(scores)), []).append(example)
    return homes

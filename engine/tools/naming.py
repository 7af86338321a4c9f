"""Named things, such as a server's tools, in families of at most ten by what their names share.

More than ten functions in one request and models choose worse; a router should choose among as
few intents as these make.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, takewhile
from typing import TypeVar

MAX_SIZE = 10
# This many shared first letters of two neighbours are not a coincidence.
RELATED = 4
# What a family costs: one for being there, a little for each stranger in it, and for each letter
# that its last name shares with the one it is parted from.
STRANGER, PARTED = 0.25, 0.1

T = TypeVar("T")

# An acronym may have a plural: "floatingIPs" is floating, ips.
_WORDS = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+|[^\W\d_A-Za-z]+")
# Words that say what is done, not to what: they make poor topics.
_VERBS = """
    accept activate add append apply approve archive assign attach authorize block boot cancel
    change check clear clone close commit confirm convert copy count create deactivate delete deny
    deploy
    describe detach disable dismiss do duplicate edit enable exchange execute export fetch find
    follow get import insert invite is join kick leave like list load lock login logout lookup make
    mark merge modify move mute new open patch pause pin ping play post preview publish pull purge
    push put query read rebuild refresh register reject remove rename reopen replace report rerun
    resend reset resize resolve restart restore resume retry revert revoke rollback rotate run save
    search send set share show shuffle skip start stop submit subscribe suspend switch sync test
    toggle transfer trigger unarchive unassign unblock unfollow unlock unmute unpin unpublish unset
    unsubscribe update upload upsert validate verify view vote watch write
"""
VERBS = frozenset(_VERBS.split())
# Words of which nobody would ask: whatever there is has a type or is an item.
VAGUE = frozenset(
    [
        "api",
        "data",
        "detail",
        "info",
        "item",
        "json",
        "object",
        "option",
        "resource",
        "type",
        "value",
        "xml",
    ]
)
_SMALL_WORDS = "a all an and any at by for from in into is it me my of on or the to up with"
SMALL_WORDS = frozenset(_SMALL_WORDS.split())


def words(name: str) -> list[str]:
    """Return the words of an identifier in lower case: "listPetsByID" → list, pets, by, id."""
    return [word.casefold() for word in _WORDS.findall(name)]


def singular(word: str) -> str:
    """Return a noun in the singular, well enough for a phrase."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def shared_beginning(sequences: Sequence[Sequence[object]]) -> int:
    """Return how many first letters, or items, all have in common."""
    rows = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda row: len(set(row)) == 1, rows))


def begins_with_verb(name: str) -> bool:
    return words(name)[:1] != [] and words(name)[0] in VERBS


def by_topic(
    items: Sequence[T], name: Callable[[T], str], size: Callable[[T], int], not_these: set[str]
) -> Iterator[tuple[str, list[T]]]:
    """Families with their topics: the most common thing first, until what is left fits into one.

    What is left has no topic of its own unless all of it shares one. It, and a topic that nothing
    divides, may be too large.
    """
    rest = list(items)
    topics = set(not_these)
    while sum(map(size, rest)) > MAX_SIZE:
        topic, family = largest(rest, name, size, topics)
        if not family:
            break
        topics.add(topic)
        rest = [item for item in rest if item not in family]
        yield topic, family
    if rest:
        shared, family = largest(rest, name, size, topics)
        yield (shared if len(family) == len(rest) > 1 else ""), rest


def largest(
    items: Sequence[T], name: Callable[[T], str], size: Callable[[T], int], not_these: set[str]
) -> tuple[str, list[T]]:
    """Return the topic that most of the items have in common, and these items; nothing for fewer
    than two. Things come before what is done to them.
    """
    for verbs in (False, True):
        counted: Counter[str] = Counter()
        sized: Counter[str] = Counter()
        for item in items:
            for topic in _topics(name(item), verbs=verbs) - not_these:
                counted[topic] += 1
                sized[topic] += size(item)
        shared = [topic for topic, count in counted.items() if count > 1]
        if shared:
            best = min(shared, key=lambda topic: (sized[topic] > MAX_SIZE, -sized[topic], topic))
            return best, [item for item in items if best in _topics(name(item), verbs=verbs)]
    return "", []


def _topics(name: str, *, verbs: bool) -> set[str]:
    found = {singular(word) for word in words(name)} - SMALL_WORDS - VAGUE
    return {word for word in found if (word in VERBS) == verbs and len(word) > 1}


def by_alphabet(
    items: Sequence[T], name: Callable[[T], str], size: Callable[[T], int]
) -> list[list[T]]:
    """Group neighbours in the alphabet, split where their names share least; few groups.

    Nothing may be larger than a family.
    """
    ordered = sorted(items, key=name)
    names = [name(item) for item in ordered]
    common = shared_beginning(names)
    shared = [0, *(shared_beginning(pair) - common for pair in pairwise(names))]
    # For each beginning of the list the best way to part it: what it costs, and its last cut.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(ordered) + 1):
        ways: list[tuple[float, int]] = []
        for start in range(end - 1, -1, -1):
            sizes = [size(item) for item in ordered[start:end]]
            if sum(sizes) > MAX_SIZE and ways:
                break
            strangers = sum(sizes) - _largest_kin(sizes, shared[start + 1 : end])
            cost = 1 + STRANGER * strangers + PARTED * shared[start]
            ways.append((best[start][0] + cost, start))
        best.append(min(ways))
    families: list[list[T]] = []
    end = len(ordered)
    while end:
        start = best[end][1]
        families.append(ordered[start:end])
        end = start
    return families[::-1]


def _largest_kin(sizes: Sequence[int], shared: Sequence[int]) -> int:
    """Return the size of the largest group of neighbours that are all related."""
    largest = run = sizes[0]
    for length, own in zip(shared, sizes[1:], strict=True):
        run = run + own if length >= RELATED else own
        largest = max(largest, run)
    return largest

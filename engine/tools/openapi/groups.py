"""Operations in groups of at most ten: by tag, or by path where there is none, then by resource.

Where that leaves many groups of one or two operations, as flat paths and a tag for each path do,
neighbours share a group. The order of a document decides nothing: the same operations make the
same groups and keys.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.tools.naming import (
    MAX_SIZE,
    RELATED,
    SMALL_WORDS,
    VERBS,
    begins_with_verb,
    by_alphabet,
    by_topic,
    largest,
    shared_beginning,
)
from engine.tools.openapi.text import bare, fixed_segments, segments, title_of, words

# Resources with no more operations than this share a group with their neighbours.
SMALL = 4
# Of more groups than this, those with no more operations than this share one, too.
FEW, TINY = 10, 2
# Of a key: a router's prompt has them all. A single word may be longer.
MAX_KEY_WORDS, MAX_KEY, MAX_WORD = 3, 30, 40
MAX_TITLE = 60
# A first word that so many of the keys have is left out of them.
COMMON = 0.8

Operation = Mapping[str, Any]


@dataclass(frozen=True)
class OperationGroup:
    """`key` is unique in the document. `about` is what the document says of the whole tag, and is
    empty for a part of it, which its operations describe better."""

    key: str
    title: str
    about: str
    operations: tuple[Operation, ...]


def group_operations(
    operations: Sequence[Operation], tags: Mapping[str, Sequence[str]]
) -> list[OperationGroup]:
    """Every operation in exactly one group. `tags` has (title, description) by name."""
    by_name: dict[str, list[Operation]] = defaultdict(list)
    labels: dict[str, str] = {}
    for operation in operations:
        label = operation["tags"][0].strip() if operation["tags"] else ""
        if not label:
            label = next(iter(_own_segments(operation["path"])), "general")
        name = slug(label) or "general"
        labels.setdefault(name, label)
        by_name[name].append(operation)
    groups: list[OperationGroup] = []
    for name in sorted(by_name):
        shown, about = tags.get(labels[name], ("", ""))
        title = bare(shown) or spoken(labels[name])
        parts = _split(sorted(by_name[name], key=_place), ())
        if len(parts) == 1:
            groups.append(OperationGroup(name, title, bare(about), tuple(parts[0].operations)))
            continue
        for label, part in zip(_told_apart(name, parts), parts, strict=True):
            label = [_beyond(one, name) for one in label]
            listed = [*label, *(_beyond(one, name) for one in part.names[1:])]
            groups.append(
                OperationGroup(
                    "_".join([name, *label]), _title(title, listed), "", tuple(part.operations)
                )
            )
    return _distinct(_together(_without_common(groups)))


@dataclass(frozen=True)
class _Part:
    """Some operations of a tag: the resources above them, and those that they are about."""

    above: tuple[str, ...]
    names: tuple[str, ...]
    operations: Sequence[Operation]


def _told_apart(tag: str, parts: Sequence[_Part]) -> list[list[str]]:
    """For each part as many of its resources, from the last one up, as it takes to tell it from
    the others; what only repeats the tag is left out."""
    chains = [
        [s for s in (*part.above, *part.names[:1]) if s and not _repeats(s, tag)] for part in parts
    ]
    labels: list[list[str]] = []
    for chain in chains:
        length = 1
        while length < len(chain) and sum(c[-length:] == chain[-length:] for c in chains) > 1:
            length += 1
        labels.append(chain[-length:])
    return labels


def _repeats(segment: str, tag: str) -> bool:
    return segment.rstrip("s") == tag.rstrip("s") or len(segment) == 1


def _beyond(label: str, tag: str) -> str:
    """A label without the words of its tag that it begins with."""
    own, known = label.split("_"), tag.split("_")
    shared = shared_beginning([own, known])
    return "_".join(own[shared:]) if shared < len(own) else label


def slug(text: str) -> str:
    """A key from a label: lower case, words joined by underscores. A path's parameters say
    nothing."""
    return "_".join(words(re.sub(r"[^\w]+", " ", _PARAMETER.sub(" ", text))))


def spoken(label: str) -> str:
    """A label as a title: "issue_comments" → "Issue comments"; what has spaces stays."""
    label = bare(_PARAMETER.sub("", label))
    return title_of(label if " " in label else " ".join(words(label)) or label)[:MAX_TITLE]


_PARAMETER = re.compile(r"\{[^{}]*\}")


def _own_segments(path: str) -> list[str]:
    return [part for part in (slug(s) for s in fixed_segments(path)) if part]


def _place(operation: Operation) -> tuple[str, str]:
    return operation["path"], operation["method"]


def _split(operations: list[Operation], above: tuple[str, ...]) -> list[_Part]:
    """Parts of at most `MAX_SIZE`: by the segment in which the paths first differ; resources of
    few operations share a part with their neighbours in the alphabet."""
    if len(operations) <= MAX_SIZE:
        return [_Part(above[:-1], above[-1:], operations)]
    paths = [segments(operation["path"]) for operation in operations]
    depth = 0
    while all(len(path) > depth for path in paths) and len({p[depth] for p in paths}) == 1:
        depth += 1
    buckets: dict[str, list[Operation]] = defaultdict(list)
    for path, operation in zip(paths, operations, strict=True):
        # What two paths call differently ({id}, {name}) is still one parameter.
        rest = [slug(part) for part in path[depth:] if "{" not in part]
        buckets[next(filter(None, rest), "")].append(operation)
    if len(buckets) == 1:
        return _evenly(operations, above)
    parts: list[_Part] = []
    names: tuple[str, ...] = ()
    shared: list[Operation] = []
    for name in sorted(buckets):
        found = buckets[name]
        if len(found) > SMALL and name:
            parts += _split(found, (*above, name))
            continue
        if len(found) > MAX_SIZE:
            parts += _evenly(found, above)
            continue
        if len(shared) + len(found) > MAX_SIZE:
            parts.append(_Part(above, names, shared))
            names, shared = (), []
        names, shared = (*names, name), [*shared, *found]
    if shared:
        parts.append(_Part(above, names, shared))
    return parts


def _evenly(operations: Sequence[Operation], above: tuple[str, ...]) -> list[_Part]:
    """Where paths tell nothing apart: like things together, by what the operations act on."""

    def thing(operation: Operation) -> tuple[list[str], tuple[str, str]]:
        own = words(operation["id"])
        return own[1:] or own, _place(operation)

    ordered = sorted(operations, key=thing)
    count = -(-len(ordered) // MAX_SIZE)
    size, more = divmod(len(ordered), count)
    parts, start = [], 0
    for number in range(count):
        end = start + size + (number < more)
        part = ordered[start:end]
        parts.append(_Part(above, (_between(part, number),), part))
        start = end
    return parts


def _between(operations: Sequence[Operation], number: int) -> str:
    own = words(operations[0]["id"])[1:3]
    return "_".join(own) or f"part_{number + 1}"


def _title(title: str, labelled: Sequence[str]) -> str:
    """What is in a group, after the title if it has one of its own; cut between two things."""
    listed = [label.replace("_", " ") for label in labelled if label]
    if not listed:
        return title
    head = f"{title}: " if title else ""
    whole = head + ", ".join(listed)
    if len(whole) <= MAX_TITLE:
        return whole
    cut = whole[: MAX_TITLE - 1]
    return (cut[: cut.rfind(",")] if ", " in cut[len(head) :] else cut.rstrip(" ,")) + "…"


def _together(groups: Sequence[OperationGroup]) -> list[OperationGroup]:
    """The groups, tiny ones of many with others of their kind: by what their operations are done
    to where their names begin with what is done ("sendPhoto"), else by how their names begin."""
    tiny = [group for group in groups if len(group.operations) <= TINY]
    if len(groups) <= FEW or len(tiny) < 2:
        return list(groups)
    if sum(begins_with_verb(group.key) for group in tiny) * 2 > len(tiny):
        topics = list(by_topic(tiny, _key, _size, set()))
    else:
        topics = [("", tiny)]
    made = [group for group in groups if len(group.operations) > TINY]
    for topic, found in topics:
        small = sum(map(_size, found)) <= MAX_SIZE
        for part in [found] if small else by_alphabet(found, _key, _size):
            made.append(_joined(topic, part, {group.key for group in made}))
    return sorted(made, key=_key)


def _key(group: OperationGroup) -> str:
    return group.key


def _size(group: OperationGroup) -> int:
    return len(group.operations)


def _joined(topic: str, groups: Sequence[OperationGroup], taken: set[str]) -> OperationGroup:
    """One group of several. Its key is the topic, how most of the keys begin, what some of them
    are about, or the first."""
    if len(groups) == 1:
        return groups[0]
    ordered = sorted(groups, key=_key)
    keys = [group.key for group in ordered]
    about, _ = largest(ordered, _key, _size, set())
    labels = [topic, _beginning(keys), "" if about in VERBS else about, keys[0]]
    key = next((label for label in labels if label and label not in taken), keys[0])
    titles = [_within(group.title) for group in ordered]
    if topic:
        title = title_of(_title(topic.replace("_", " "), titles))
    else:
        split = [title.split() for title in titles]
        shared = shared_beginning(split)
        head, own = split[0][:shared], [" ".join(said[shared:]) for said in split]
        title = title_of(_title(" ".join(head), own))
    operations = [operation for group in ordered for operation in group.operations]
    return OperationGroup(key, title, "", tuple(sorted(operations, key=_place)))


def _within(title: str) -> str:
    """A title inside a line: only a capital that began it is lowered, none of an acronym."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _beginning(keys: Sequence[str]) -> str:
    """The longest beginning that half of the sorted keys have, in whole words if it has several."""
    half = max(2, -(-len(keys) // 2))
    best = ""
    for one, other in zip(keys, keys[half - 1 :], strict=False):
        begin = one[: shared_beginning([one, other])]
        whole = all(len(key) == len(begin) or key[len(begin)] == "_" for key in (one, other))
        if not whole and "_" in begin:
            begin = begin.rpartition("_")[0]
        if len(begin) >= RELATED and len(begin) > len(best):
            best = begin
    return best.strip("_")


def _without_common(groups: Sequence[OperationGroup]) -> list[OperationGroup]:
    """The groups without a first word that nearly all of their keys have."""
    if len(groups) <= FEW:
        return list(groups)
    first, count = Counter(g.key.partition("_")[0] for g in groups).most_common(1)[0]
    if count < len(groups) * COMMON:
        return list(groups)
    return [replace(group, key=group.key.removeprefix(f"{first}_")) for group in groups]


def _cut(key: str) -> str:
    """The key's first words, as many as there is room for."""
    first, *others = key.split("_")
    cut = first[:MAX_WORD]
    for word in others[: MAX_KEY_WORDS - 1]:
        if len(cut) + 1 + len(word) > MAX_KEY:
            break
        cut += f"_{word}"
    while "_" in cut and cut.rpartition("_")[2] in SMALL_WORDS:
        cut = cut.rpartition("_")[0]
    return cut or "general"


def _distinct(groups: Sequence[OperationGroup]) -> list[OperationGroup]:
    """Short keys and titles that are each there once; a second one of the same kind is numbered."""
    keys: set[str] = set()
    titles: set[str] = set()
    made: list[OperationGroup] = []
    for group in groups:
        key = _numbered(_cut(group.key), "_{}", keys)
        title = _numbered(group.title, " ({})", titles)
        made.append(replace(group, key=key, title=title))
    return made


def _numbered(name: str, ending: str, taken: set[str]) -> str:
    tried, number = name, 1
    while tried in taken:
        number += 1
        tried = name + ending.format(number)
    taken.add(tried)
    return tried

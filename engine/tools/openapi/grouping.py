"""Operations in groups of at most ten: by tag, or by path where there is none, then by resource.

The order of a document decides nothing: the same operations make the same groups and keys.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.tools.openapi.wording import bare, fixed_segments, segments, titled, words

# More functions than this in one request and models choose worse.
MAX_TOOLS = 10
# Resources with no more operations than this share a group with their neighbours.
SMALL = 4
MAX_KEY = 40
MAX_TITLE = 60

Operation = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """`key` is unique in the document. `about` is what the document says of the whole tag, and is
    empty for a part of it, which its operations describe better."""

    key: str
    title: str
    about: str
    operations: tuple[Operation, ...]


def grouped(operations: Sequence[Operation], tags: Mapping[str, Sequence[str]]) -> list[Group]:
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
    groups: list[Group] = []
    for name in sorted(by_name):
        shown, about = tags.get(labels[name], ("", ""))
        title = bare(shown) or spoken(labels[name])
        parts = _split(sorted(by_name[name], key=_place), ())
        if len(parts) == 1:
            groups.append(Group(name, title, bare(about), tuple(parts[0].operations)))
            continue
        for label, part in zip(_told_apart(name, parts), parts, strict=True):
            listed = [*label, *part.names[1:]]
            groups.append(
                Group("_".join([name, *label]), _title(title, listed), "", tuple(part.operations))
            )
    return _distinct(groups)


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
    return segment.rstrip("s") == tag.rstrip("s")


def slug(text: str) -> str:
    """A key from a label: lower case, words joined by underscores."""
    return "_".join(words(re.sub(r"[^\w]+", " ", text)))[:MAX_KEY].strip("_")


def spoken(label: str) -> str:
    """A label as a title: "issue_comments" → "Issue comments"; what has spaces stays."""
    label = bare(label)
    return titled(label if " " in label else " ".join(words(label)) or label)[:MAX_TITLE]


def _own_segments(path: str) -> list[str]:
    return [part for part in (slug(s) for s in fixed_segments(path)) if part]


def _place(operation: Operation) -> tuple[str, str]:
    return operation["path"], operation["method"]


def _split(operations: list[Operation], above: tuple[str, ...]) -> list[_Part]:
    """Parts of at most `MAX_TOOLS`: by the segment in which the paths first differ; resources of
    few operations share a part with their neighbours in the alphabet."""
    if len(operations) <= MAX_TOOLS:
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
        if len(found) > MAX_TOOLS:
            parts += _evenly(found, above)
            continue
        if len(shared) + len(found) > MAX_TOOLS:
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
    count = -(-len(ordered) // MAX_TOOLS)
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
    if not labelled:
        return title
    listed = ", ".join(label.replace("_", " ") for label in labelled if label)
    whole = f"{title}: {listed}"
    if len(whole) <= MAX_TITLE:
        return whole
    cut = whole[: MAX_TITLE - 1]
    return (cut[: cut.rfind(",")] if ", " in cut[len(title) + 2 :] else cut.rstrip(" ,")) + "…"


def _distinct(groups: Sequence[Group]) -> list[Group]:
    """Keys that are each there once; a second one of the same kind is numbered."""
    taken: dict[str, int] = {}
    made: list[Group] = []
    for group in groups:
        key = group.key[:MAX_KEY].strip("_") or "general"
        number = taken[key] = taken.get(key, 0) + 1
        while number > 1 and f"{key}_{number}" in taken:
            number += 1
        title = group.title
        if number > 1:
            key, title = f"{key}_{number}", f"{title} ({number})"
            taken[key] = 1
        made.append(Group(key, title, group.about, group.operations))
    return made

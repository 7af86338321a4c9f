"""Parts a message into its tasks: "top up 20 dollars and show my data, then pay invoice 1042"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.intents.routing import Task
from engine.offline.labels import DECLINES, ORDERED, Prediction

# A message is parted where each part by itself is about one intent, at least as sure as this, and
# the whole has a trace of it among what it is likeliest about. Of 72 messages of two tasks, for
# four catalogues, that parts 69; of CLINC150's and BANKING77's, which all have one, 0.1 to 0.3 %.
CLEAR = 0.8
AMONG, TRACE = 3, 5e-5
# What is only told ("my plan is too small, and ...") is more often a reason than a task.
TOLD = 0.95
MAX_TASKS = 3
MAX_JOINTS = 4

# Where a message may fall into two tasks: at a joining word, or where a sentence is over.
_JOINT = re.compile(
    r"[\s,;.!?]+(?P<word>and|then|also|plus)\s+(?:(?:then|also|please)\s+)*|[?.!;]\s+",
    re.IGNORECASE,
)
# Such a joint tells one task from the next, whatever drowns one of them in the whole.
_ORDERS = re.compile(r"\b(?:then|also|plus)\b", re.IGNORECASE)
# A comma joins a task with its reason ("my data is gone, add 3 GB"), unless it is part of a list
# that ends in a joining word ("my balance, my data and my bill").
_COMMA = re.compile(r",\s+")

# What is dropped ends where another clause begins.
_CLAUSE = re.compile(r"(?:[,;!]|(?<=[.?]))\s+(?:but\s+)?|\s+but\s+", re.IGNORECASE)
DROPPED = 0.7

Span = tuple[int, int]  # from one joint to another


class Reader(Protocol):
    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        """How each text reads, and how many tokens the first one has. Raises `ModelError`."""
        ...


@dataclass(frozen=True)
class _Part:
    text: str
    intent: str
    tool: str
    share: float
    told: bool  # rather than asked for
    ordered: float


async def undropped(text: str, reader: Reader) -> str:
    """A message without what it drops: "never mind the top-up, how much data do I have?".

    Only where the rest orders or asks something by itself; else the message as it is.
    """
    clauses = [clause for clause in _CLAUSE.split(text) if clause.strip()]
    if not 2 <= len(clauses) <= MAX_JOINTS:
        return text
    readings, _ = await reader.read(*clauses)
    kept = [
        (clause, reading)
        for clause, reading in zip(clauses, readings, strict=True)
        if sum(reading.acts.get(act, 0.0) for act in DECLINES) < DROPPED
    ]
    stands = [r for _, r in kept if r.act in ("order", "question") and r.familiar and r.clear]
    return ", ".join(clause for clause, _ in kept) if stands and len(kept) < len(clauses) else text


async def split_tasks(
    text: str, whole: Prediction, reader: Reader, changes: Collection[str] = ()
) -> tuple[Task, ...]:
    """The tasks of a message that has several; else none.

    `changes` are the tools that change something: what does not order that as a whole does not
    order it in parts either ("he said: pay and cancel"), unless it is a question beside an order.
    """
    joints = _joints(text)
    pieces = {span: piece for span, piece in _pieces(text, joints).items() if " " in piece}
    if len(pieces) < 2:  # a single word is no task: "the difference between M and L"
        return ()
    listed = {intent for intent, _ in whole.intents()[:AMONG]}
    traces = {intent for intent, share in whole.intents()[:AMONG] if share >= TRACE}
    if sum(c.kind == "task" and c.key in traces for c in whole.shares) < 2:
        return ()  # the whole leaves but one thing to do
    # Most messages have one task: the smallest pieces show that, mostly the very first.
    least_ones = {span: piece for span, piece in pieces.items() if span[1] - span[0] == 1}
    usable: dict[Span, _Part] = {}
    for read, span in enumerate(sorted(least_ones, key=lambda span: len(least_ones[span])), 1):
        usable |= await _usable({span: least_ones[span]}, reader)
        if len(usable) + len(least_ones) - read < 2:
            return ()
    if len({(part.intent, part.tool) for part in usable.values()}) < 2:
        return ()
    usable |= await _usable({s: p for s, p in pieces.items() if s not in least_ones}, reader)
    least_order = CLEAR if whole.act == "question" else 1.0
    best: tuple[int, float] = (0, 0.0)
    tasks: tuple[Task, ...] = ()
    for row in _rows(sorted(usable), len(joints) + 1):
        chosen = [usable[span] for span in row]
        least = min(part.share for part in chosen)
        words = [joints[last - 1][0] for _, last in row[:-1]]
        near = listed if all(map(_ORDERS.search, words)) else traces
        traced = {part.intent for part in chosen} <= near
        joined = [bool(joints[last - 1].groupdict().get("word")) for _, last in row[:-1]]
        ordered = [part.ordered for part in chosen if part.tool in changes]
        told = whole.ordered < ORDERED and min(ordered, default=1.0) < least_order
        if traced and not told and (len(row), least) > best and _differ(chosen, joined):
            best = len(row), least
            tasks = tuple(Task(part.intent, part.text) for part in chosen)
    return tasks


async def _usable(pieces: Mapping[Span, str], reader: Reader) -> dict[Span, _Part]:
    """Those of the pieces that may be a task by themselves."""
    if not pieces:
        return {}
    readings, _ = await reader.read(*pieces.values())
    read = zip(pieces.items(), readings, strict=True)
    parts = {span: _part(piece, reading) for (span, piece), reading in read}
    return {s: p for s, p in parts.items() if p.share >= (TOLD if p.told else CLEAR)}


def _joints(text: str) -> list[re.Match[str]]:
    joints = list(_JOINT.finditer(text))
    if joints:
        before_last = [m for m in _COMMA.finditer(text) if m.end() <= joints[-1].start()]
        taken = {position for joint in joints for position in range(*joint.span())}
        joints += [comma for comma in before_last if comma.start() not in taken]
    return sorted(joints, key=lambda joint: joint.start())[:MAX_JOINTS]


def _pieces(text: str, joints: Sequence[re.Match[str]]) -> dict[Span, str]:
    """What lies between any two joints or ends, except for the whole."""
    starts = [0, *(joint.end() for joint in joints)]
    ends = [*(joint.start() for joint in joints), len(text)]
    spans = itertools.combinations(range(len(starts) + 1), 2)
    return {
        (first, last): text[starts[first] : ends[last - 1]].strip()
        for first, last in spans
        if last - first <= len(joints)
    }


def _part(text: str, reading: Prediction) -> _Part:
    """A piece as it reads by itself; its share is 0 where it is no task."""
    intent, share = next(iter(reading.intents()), ("", 0.0))
    own = [(s, c.tool) for c, s in reading.shares.items() if c.kind == "task" and c.key == intent]
    if not reading.familiar or reading.talk()[1] > share:
        share = 0.0
    return _Part(
        text,
        intent,
        max(own, default=(0.0, ""))[1],
        share,
        reading.act == "statement",
        reading.ordered,
    )


def _rows(
    spans: Sequence[Span], end: int, begin: int = 0, room: int = MAX_TASKS
) -> Iterator[list[Span]]:
    """Every way to lay spans one behind the other from `begin` to `end`, `MAX_TASKS` at most."""
    if begin == end:
        yield []
    elif room:
        for span in spans:
            if span[0] == begin:
                yield from ([span, *rest] for rest in _rows(spans, end, span[1], room - 1))


def _differ(parts: Sequence[_Part], joined: Sequence[bool]) -> bool:
    """Whether these are tasks of their own, rather than one and its reason or its details.

    Two of one intent must be joined by a word, be other things to do, and both be asked for.
    """
    if len({(part.intent, part.tool) for part in parts}) < len(parts):
        return False
    pairs = zip(itertools.pairwise(parts), joined, strict=True)
    return all(
        one.intent != other.intent or (by_word and not one.told and not other.told)
        for (one, other), by_word in pairs
    )

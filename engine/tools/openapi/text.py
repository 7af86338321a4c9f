"""Words of a document made fit for a prompt, and phrases a person might say for an operation."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from engine.tools.naming import VERBS, shared_beginning
from engine.tools.naming import singular as singular
from engine.tools.naming import words as words

MAX_PHRASES = 4
MAX_BRIEF = 50
MOST_READ = 4000

_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_LINK = re.compile(r"!?\[([^\]\[]*)\](?:\([^()]*(?:\([^()]*\)[^()]*)*\)|\[[^\]]*\])")
_LEAD = re.compile(
    r"^\s*(?:#{1,6}\s+|>\s?(?:\[!\w+\]\s*)?|[-*+]\s+|\|.*|[-=|: ]{3,}$)", re.MULTILINE
)
_MARKS = re.compile(r"(\*\*|__|`+|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w))")
_EXTENSION = re.compile(r"\.(?:json|xml|php|do|aspx)$", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^a-z\s])")
# What numbers an operation's id in its document: "3.1-get-me".
_NUMBERED = re.compile(r"^\d+(?:\.\d+)*[\W_]+")
_METHODS = frozenset({"get", "put", "post", "patch"})
_ABBREVIATED = ("e.g.", "i.e.", "etc.", "vs.", "approx.", "no.")

_ADDING = frozenset(["create", "add", "new", "post", "insert", "register", "open", "make"])
_CHANGING = frozenset(["update", "edit", "modify", "change", "set", "patch", "replace", "put"])
# Articles and such do not tell operations apart.
_SMALL = frozenset(
    {"a", "an", "the", "of", "for", "to", "in", "on", "by", "with", "and", "or", "all"}
)


@lru_cache(maxsize=4096)  # parameters that many operations share are described alike
def bare(text: str) -> str:
    """Markdown or HTML as one line of plain text; no more of it than a prompt could use."""
    text = _COMMENT.sub(" ", _FENCED.sub(" ", text[:MOST_READ]))
    text = html.unescape(_TAG.sub(" ", _LINK.sub(r"\1", text)))
    text = _MARKS.sub("", _LEAD.sub("", text))
    text = " ".join(text.split())
    if text.isprintable():
        return text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shorten(text: str, limit: int) -> str:
    """Plain text of at most `limit` characters, cut after a sentence or, failing that, a word."""
    plain = bare(text)
    if len(plain) <= limit:
        return plain
    kept = ""
    for sentence in _SENTENCE.split(plain):
        longer = f"{kept} {sentence}".strip()
        if len(longer) > limit:
            break
        kept = longer
    if len(kept) >= limit // 4 and not kept.endswith(_ABBREVIATED):
        return kept
    cut = plain[: limit - 1]
    return (cut[: cut.rfind(" ")] if " " in cut else cut).rstrip(" ,;:(") + "…"


def segments(path: str) -> list[str]:
    """A path's parts without what every path has: versions and "api"."""
    parts = [_EXTENSION.sub("", part) for part in path.partition("#")[0].split("/") if part]
    return [p for p in parts if not re.fullmatch(r"v?\d+(?:\.\d+)*|api|rest", p, re.IGNORECASE)]


def fixed_segments(path: str) -> list[str]:
    """The same without parameters."""
    return [part for part in segments(path) if "{" not in part]


def description_of(operation: Mapping[str, Any], limit: int) -> str:
    """What an operation does, for a prompt: summary, then as much of the description as fits."""
    summary = bare(operation["summary"]).rstrip(".")
    about = bare(operation["description"])
    if not summary:
        return shorten(about, limit) if about else title_of(" ".join(_called(operation)))
    if len(summary) >= limit:
        return shorten(summary, limit)
    start = about.casefold()[: len(summary)]
    if not about or (start == summary.casefold() and len(about) <= len(summary) + 1):
        return f"{summary}."
    if start == summary.casefold():
        return shorten(about, limit)
    room = limit - len(summary) - 2
    more = shorten(about, room) if room > 40 else ""
    return f"{summary}. {more}".strip() if more and not more.endswith("…") else f"{summary}."


def _called(operation: Mapping[str, Any]) -> list[str]:
    """What the operation does, in words: its id where that begins with a verb or says more than
    the path does, else its method and path."""
    own = words(_NUMBERED.sub("", operation["id"]))
    if len(own) > 1 and own[0] in VERBS - _METHODS:
        return own
    return words(action_of(operation)) or own


def action_of(operation: Mapping[str, Any]) -> str:
    """What a method does to a path: "delete a page", "list the comments of a post"."""
    method = operation["method"]
    parts = segments(operation["path"])
    fixed = [number for number, part in enumerate(parts) if "{" not in part]
    if not fixed:
        return ""
    last = fixed[-1]
    thing = " ".join(words(parts[last]))
    one = last < len(parts) - 1
    if len(parts) == 1 and singular(thing) == thing:
        return _procedure(thing.split(), reads=method == "GET")
    owners = [number for number in fixed[:-1] if number + 1 < last and "{" in parts[number + 1]]
    owner = singular(" ".join(words(parts[owners[-1]]))) if owners else ""
    of = f" of {_a(owner)}" if owner else ""
    if method not in ("GET", "HEAD") and not one and thing.partition(" ")[0] in VERBS:
        above = " ".join(words(parts[fixed[-2]])) if len(fixed) > 1 else ""
        return f"{thing} {_a(owner) if owner else above}".strip()
    if method in ("GET", "HEAD", "OPTIONS"):
        many = not one and singular(thing) != thing
        return f"list the {thing}{of}" if many else f"get {_a(singular(thing))}{of}"
    verb = {"POST": "create", "DELETE": "delete"}.get(method, "update")
    if method == "POST" and one:
        verb = "update"
    return f"{verb} {_a(singular(thing))}{of}"


def _procedure(name: Sequence[str], *, reads: bool) -> str:
    """A path that only names what is called, "chat.delete": what is done, then to what."""
    if name[0] in VERBS:
        return " ".join(name)
    if len(name) > 1 and name[-1] in VERBS:
        return " ".join([name[-1], *name[:-1]])
    return " ".join(["get", *name] if reads else name)


def _a(thing: str) -> str:
    return f"{'an' if thing[:1] in 'aeio' else 'a'} {thing}"


def in_brief(operation: Mapping[str, Any]) -> str:
    """What an operation does in a few words: its summary, else its name."""
    summary = shorten(operation["summary"], MAX_BRIEF).rstrip(".")
    return summary or title_of(" ".join(_called(operation)))[:MAX_BRIEF]


def summary_of(sentences: Sequence[str]) -> str:
    """What several do, in one line: how all begin and end is said once."""
    distinct = list(dict.fromkeys(sentences))
    split = [sentence.split() for sentence in distinct]
    begin = shared_beginning(split)
    end = shared_beginning([said[begin:][::-1] for said in split])
    if len(split) < 2 or begin + end < 2:
        return "; ".join(distinct)
    own = (" ".join(said[begin : len(said) - end]) for said in split)
    listed = ", ".join(filter(None, own))
    return " ".join([*split[0][:begin], listed, *split[0][len(split[0]) - end :]])


def title_of(text: str) -> str:
    return text[:1].upper() + text[1:]


def phrases(operation: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person might say for the operation: its summary, and what its path is about."""
    said = [bare(operation["summary"]).rstrip(".").casefold()[:120]]
    own = _called(operation)
    thing, owner, one = _about(operation["path"])
    of = f" of the {owner}" if owner and owner != thing else ""
    if thing:
        verbs = {*own, *words(said[0])[:1]}
        match operation["method"]:
            case "GET" if one:
                said += [f"show me the {thing}{of}", f"what are the details of this {thing}"]
            case "GET":
                said += [f"show me the {thing}{of}", f"list {thing}{of}"]
            case "DELETE":
                said += [f"delete the {thing}{of}", f"remove the {thing}{of}"]
            case "POST" if verbs & _ADDING:
                said += [f"create a new {singular(thing)}{of}", f"add a {singular(thing)}{of}"]
            case "PUT" | "PATCH" if verbs & _CHANGING:
                said += [f"update the {thing}{of}", f"change the {thing}{of}"]
    if own and " ".join(own) != said[0]:
        said.append(" ".join(own))
    return tuple(dict.fromkeys(filter(None, said)))[:MAX_PHRASES]


def _about(path: str) -> tuple[str, str, bool]:
    """What a path is about, what that belongs to, and whether it is one thing of many."""
    parts = segments(path)
    fixed = [number for number, part in enumerate(parts) if "{" not in part]
    if not fixed:
        return "", "", False
    last = fixed[-1]
    one = last < len(parts) - 1
    thing = " ".join(words(parts[last]))
    owner = ""
    if len(fixed) > 1 and fixed[-2] < last - 1:
        owner = singular(" ".join(words(parts[fixed[-2]])))
    return (singular(thing) if one else thing), owner, one


def is_informative(texts: Iterable[str]) -> set[str]:
    """The words of some texts that may tell them from others."""
    return {singular(word) for text in texts for word in words(text)} - _SMALL

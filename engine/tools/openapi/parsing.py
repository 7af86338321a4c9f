"""JSON or YAML of strangers as plain JSON data.

YAML is read by PyYAML's C parser with the types of JSON only: a date, `on` or `0123` stays the text
it is. What would be huge, endless or too deep is refused before anything is made of it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from engine.text import replace_surrogates

# Nesting and nodes that a YAML file may have, aliases written out: "billion laughs" has 10^9.
MAX_DEPTH = 200
MAX_NODES = 10_000_000
# A document has some aliases; none is mostly aliases. Of nodes once they are written out, for each
# node that stands in the file.
MAX_GROWTH = 20
MAX_MERGED = 100_000  # pairs that `<<` copies from other mappings
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half a character, perhaps alone


def parse(data: bytes) -> Any:
    """JSON or YAML → plain JSON data with text for keys. Pure. Raises `ValueError`, in words."""
    read = _read(data.removeprefix(b"\xef\xbb\xbf"))
    return replace_surrogates(read) if _SURROGATE.search(data) else read


def _read(data: bytes) -> Any:
    fault = ""
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            return json.loads(data, parse_constant=_refuse, parse_float=_number)
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        except ValueError as error:
            fault = f"is not valid JSON: {error}"
    try:
        nodes = _check_size(data)
        return _plain(yaml.load(data, Loader=_Loader), nodes)
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise ValueError(fault or f"is not valid YAML: {said}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number")


def _number(text: str) -> float | str:
    """A number that JSON can write again; what is beyond stays the text it is."""
    number = float(text)
    return number if math.isfinite(number) else text


@dataclass
class _Collection:
    """An open list or mapping: how many nodes it has with its aliases written out, and how many
    pairs with those that it merges. `merges`: the next value is that of `<<`."""

    mapping: bool
    anchor: str | None
    nodes: int = 1
    pairs: int = 0
    at_key: bool = True
    merges: bool = False


def _check_size(data: bytes) -> int:
    """The number of nodes that stand in a YAML file. Raises `ValueError`.

    PyYAML's C loader recurses, so that a file of "[[[[…" would end the process, and it copies what
    `<<` merges before anybody can count it: a file of 170 kB took a gigabyte. So all is counted
    before anything is made of it.
    """
    open_: list[_Collection] = [_Collection(False, None)]
    known: dict[str, tuple[int, int]] = {}  # of each anchor: nodes and pairs
    standing = merged = 0

    def add(nodes: int, pairs: int, *, is_merge_key: bool = False) -> None:
        nonlocal merged
        own = open_[-1]
        own.nodes += nodes
        if own.nodes > MAX_NODES:
            raise ValueError("is too large once its aliases are written out")
        if not own.mapping:
            own.pairs += pairs  # a list of what is merged
            return
        if own.at_key:
            own.merges = is_merge_key
        elif own.merges:
            own.pairs += pairs
            merged += pairs
            if merged > MAX_MERGED:
                raise ValueError("merges too much with <<")
        else:
            own.pairs += 1
        own.at_key = not own.at_key

    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        standing += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in known:
                raise ValueError("has an alias that contains itself, or of nothing")
            add(*known[event.anchor])
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor:
                known[event.anchor] = (1, 0)
            add(1, 0, is_merge_key=event.implicit[0] and event.value == "<<")
        elif isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            open_.append(_Collection(mapping, event.anchor))
            known.pop(event.anchor or "", None)
            if len(open_) > MAX_DEPTH:
                raise ValueError("is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = open_.pop()
            if closed.anchor:
                known[closed.anchor] = (closed.nodes, closed.pairs)
            add(closed.nodes, closed.pairs)
    return standing


class _Loader(yaml.CSafeLoader):
    """Scalars by the JSON schema of YAML 1.2, less what looks like a number but is an identifier
    (leading zeros)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's own name)


def _float(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> float | str:
    number = float(node.value)
    return number if math.isfinite(number) else str(node.value)


def _int(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int | str:
    try:
        return int(node.value)
    except ValueError:  # more digits than Python reads
        return str(node.value)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def _plain(root: Any, standing: int) -> Any:
    """What YAML gave as JSON data. Raises `ValueError` where aliases make it endless or huge;
    `standing` is the number of nodes in the file."""
    most = min(MAX_NODES, 100_000 + MAX_GROWTH * standing)
    sizes: dict[int, int] = {}
    made: dict[int, Any] = {}
    open_: set[int] = set()

    def visit(value: Any) -> tuple[Any, int]:
        if value is None or isinstance(value, str | int | float):
            return value, 1
        if not isinstance(value, dict | list):
            return str(value), 1
        mark = id(value)
        if mark in made:
            return made[mark], sizes[mark]
        if mark in open_:
            raise ValueError("has an alias that contains itself")
        open_.add(mark)
        size = 1
        new: Any = {} if isinstance(value, dict) else []
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in pairs:
            plain, count = visit(item)
            size += count
            if isinstance(new, dict):
                new[_key(name)] = plain
            else:
                new.append(plain)
        if size > most:
            raise ValueError("is too large once its aliases are written out")
        open_.discard(mark)
        made[mark], sizes[mark] = new, size
        return new, size

    return visit(root)[0]


def _key(name: Any) -> str:
    if isinstance(name, bool):
        return "true" if name else "false"
    return "null" if name is None else str(name)

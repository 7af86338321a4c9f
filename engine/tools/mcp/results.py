"""What a server's tool returned, as JSON of a bounded size."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.text import replace_surrogates
from engine.tools.mcp.text import line

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ReadResourceResult

# Beyond this the executor keeps only the beginning; what is longer is cut here, in its parts.
MAX_CHARACTERS = 16_000
MAX_ITEMS = 500
MAX_DEPTH = 20
REFUSAL_CHARACTERS = 1_000


def result_of(answer: CallToolResult) -> Any:
    """The structured content where there is some, else what the blocks of content say.

    Images, sound and files are named with their type and size, not passed on.
    """
    # From one of its own pages a server may send null, an empty list or a false.
    if answer.structured_content is not None:
        return _Cut(MAX_CHARACTERS).cut(replace_surrogates(answer.structured_content))
    parts = [_part(block) for block in answer.content]
    if all(isinstance(part, str) for part in parts):
        text = "\n".join(parts)
        return _Cut(MAX_CHARACTERS).cut(_parsed(text) if len(parts) == 1 else text)
    return _Cut(MAX_CHARACTERS).cut({"content": parts})


def text_of(block: Any) -> str:
    """What a block of content says, for a person; of all but text, what it is."""
    part = _part(block)
    if isinstance(part, Mapping):
        part = part.get("text") or f"[{part.get('not_shown') or part.get('resource')}]"
    return str(part)


def refusal_of(answer: CallToolResult) -> str:
    """The server's words for why it did not do it."""
    said = " ".join(part for part in map(_part, answer.content) if isinstance(part, str))
    return line(said, REFUSAL_CHARACTERS) or "The server refused without saying why."


def _part(block: Any) -> Any:
    """One block of content; text as it is."""
    if block.type == "text":
        return replace_surrogates(block.text)
    if block.type in ("image", "audio"):
        return {"not_shown": f"{block.type}, {block.mime_type}, {_size(block.data)}"}
    if block.type == "resource_link":
        named = {"resource": str(block.uri), "name": block.name, "description": block.description}
        return {name: value for name, value in named.items() if value}
    resource = getattr(block, "resource", None)
    if resource is None:
        return {"not_shown": str(block.type)}
    return _content(resource)


def contents_of(answer: ReadResourceResult) -> Any:
    """The content of a resource: a text by itself, several parts with their addresses."""
    parts = [_content(resource) for resource in answer.contents]
    only = parts[0].get("text") if len(parts) == 1 else None
    whole: Any = _parsed(only) if only is not None else {"content": parts}
    return _Cut(MAX_CHARACTERS).cut(whole)


def _content(resource: Any) -> dict[str, Any]:
    if (text := getattr(resource, "text", None)) is not None:
        return {"resource": str(resource.uri), "text": replace_surrogates(text)}
    kind = resource.mime_type or "data"
    return {"resource": str(resource.uri), "not_shown": f"{kind}, {_size(resource.blob)}"}


def _size(base64: str) -> str:
    return f"{max(1, len(base64) * 3 // 4 // 1024):,} KB"


def _parsed(text: str) -> Any:
    """The object or list that servers without structured content write as text."""
    if text[:1] in ("{", "["):
        try:
            return replace_surrogates(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return text


class _Cut:
    """Copies JSON within a number of characters, and says where something was left out."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def cut(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if (isinstance(value, float) and value != value) or value in (float("inf"), float("-inf")):
            return str(value)
        if depth > MAX_DEPTH:
            return "… (nested too deeply)" if isinstance(value, Mapping | list) else value
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._list(value, depth)
        self._left -= 8
        return value

    def _text(self, text: str) -> str:
        shown = text[: max(self._left, 0)]
        self._left -= len(text)
        kept = "".join(c for c in shown if c in "\n\t" or unicodedata.category(c) not in _CONTROL)
        left_out = len(text) - len(shown)
        return f"{kept}… ({left_out:,} more characters)" if left_out else kept

    def _object(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for number, (name, item) in enumerate(value.items()):
            if self._left <= 0 or number >= MAX_ITEMS:
                kept["…"] = f"{len(value) - number:,} more"
                break
            kept[self._text(str(name))] = self.cut(item, depth + 1)
        return kept

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for number, item in enumerate(value):
            if self._left <= 0 or number >= MAX_ITEMS:
                kept.append(f"… ({len(value) - number:,} more)")
                break
            kept.append(self.cut(item, depth + 1))
        return kept


_CONTROL = frozenset({"Cc", "Cs"})

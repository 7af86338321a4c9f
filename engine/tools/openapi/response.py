"""An HTTP answer as a tool's result: data where it is JSON, else text, else what it is.

What an API writes is other people's words; it is passed on as data, and errors are cut short.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from engine.text import replace_surrogates
from engine.tools.openapi.body import is_json
from engine.tools.openapi.text import bare, words
from engine.tools.verbalize import writable

MAX_ERROR = 600
MAX_ITEMS, MAX_DEPTH = 5, 8
MAX_VALUE = 80
# What errors say for people, in the order in which it is told.
_TELLING = (
    "title", "detail", "message", "msg", "error_description", "error", "errors", "reason",
    "description",
)  # fmt: skip
# What it is about, in the many ways of saying so.
_PLACES = (
    "loc", "field", "source", "pointer", "param", "parameter", "target", "propertyPath", "property",
    "attribute", "path", "name",
)  # fmt: skip
# What tells a person nothing once there are words: kinds, numbers and addresses for programs.
_FOR_PROGRAMS = re.compile(
    r"@?type|kind|status\w*|code|error_?code|domain|instance|locations|extensions|success|ok|path"
    r"|time\w*|\w*(?i:version)|\w*(?:url|uri|href|links?|trace|stack|exception|_id|-id|Id)"
)
_TEXTS = ("application/xml", "application/javascript", "application/yaml", "application/x-yaml")


@dataclass(frozen=True)
class HttpResult:
    """What came back. `cut`: the body was longer than is read, and `body` is its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "").strip()

    @property
    def text(self) -> str:
        charset = self.kind.casefold().partition("charset=")[2].partition(";")[0].strip(" \"'")
        try:
            decoded = self.body.decode(charset or "utf-8", errors="replace")
        except (LookupError, ValueError):  # no charset, or one that is none of text
            decoded = self.body.decode("utf-8", errors="replace")
        return str(replace_surrogates(decoded))

    @property
    def named(self) -> str:
        """ "404 Not Found"."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def _decoded(body: bytes) -> Any:
    """JSON that can be written again. Raises `ValueError` and `RecursionError`."""
    return writable(json.loads(body))


def data_of(answer: HttpResult) -> Any:
    """The result of a call that went well."""
    if not answer.body:
        return {"summary": f"Done ({answer.named})."}
    kind = answer.kind.partition(";")[0].casefold()
    if answer.cut:
        size = f"more than {len(answer.body)}"
        return {"status": answer.status, "content_type": kind, "bytes": size, "note": "left out"}
    if is_json(kind) or kind.endswith("+json") or not kind:
        try:
            return _unsaid(_decoded(answer.body))
        except (ValueError, RecursionError):
            pass
    if not kind or kind.startswith("text/") or kind in _TEXTS or kind.endswith(("json", "+xml")):
        return answer.text
    return {
        "status": answer.status,
        "content_type": kind,
        "bytes": len(answer.body),
        "note": "not text, so it is not shown",
    }


def _unsaid(data: Any) -> Any:
    """A field `summary` or `error` of the API's own must not be taken for this program's words."""
    if isinstance(data, dict) and {"summary", "error"} & set(data):
        return {"answer": data}
    return data


def error_text(answer: HttpResult) -> str:
    """What an error answer says, in short: problem+json and the usual other forms."""
    kind = answer.kind.casefold()
    if "json" in kind or answer.body[:1] in (b"{", b"["):
        try:
            data = _decoded(answer.body)
        except (ValueError, RecursionError):
            pass
        else:
            parts = list(dict.fromkeys(_told(data, MAX_DEPTH)))
            return _cut("; ".join(parts) or json.dumps(data, ensure_ascii=False))
    if kind and not kind.startswith(("text/", "application/")):
        return ""
    return _cut(bare(answer.text))


def _told(data: Any, depth: int, *, worded: bool = False) -> Iterator[str]:
    """What JSON says in words: the error first, each with what it is about, then further details,
    of which some say what to correct. `worded`: something around it has words already."""
    if isinstance(data, str):
        yield bare(data)
    elif isinstance(data, list) and depth:
        for item in data[:MAX_ITEMS]:
            yield from _told(item, depth - 1, worded=worded)
    elif isinstance(data, dict) and depth:
        if data and all(isinstance(value, list) for value in data.values()):
            # Faults by field, which may be called "title".
            yield from _details(data, depth)
            return
        telling = [name for name in _TELLING if name in data]
        if not telling and isinstance(data.get("code"), str):
            telling = ["code"]
        about, where = _place(data) if telling else ("", "")
        for name in telling:
            for text in _told(data[name], depth - 1, worded=worded):
                yield f"{where}: {text}" if where else text
        worded = worded or bool(telling)
        rest = {
            name: value
            for name, value in data.items()
            if name not in (*telling, about) and not (worded and _FOR_PROGRAMS.fullmatch(name))
        }
        yield from _details(rest, depth, worded=worded)


def _details(data: Mapping[str, Any], depth: int, *, worded: bool = True) -> Iterator[str]:
    """Each with its name, unless there are names in it."""
    for name, value in list(data.items())[:MAX_ITEMS]:
        label = " ".join(words(name)) or name
        if isinstance(value, dict | list):
            items = value if isinstance(value, list) else [value]
            named = any(isinstance(item, dict) for item in items)
            for text in _told(value, depth - 1, worded=worded):
                yield text if named else f"{label}: {text}"
        elif value is not None and len(str(value)) <= MAX_VALUE:
            yield f"{label}: {bare(str(value))}"


def _place(data: Mapping[str, Any]) -> tuple[str, str]:
    """Which field of an error says what it is about, and what that is."""
    for name in _PLACES:
        value = data.get(name)
        if name == "path" and {"status", "timestamp"} & set(data):
            continue  # the address that was called
        if isinstance(value, dict):
            value = value.get("pointer") or value.get("parameter") or value.get("header")
        if isinstance(value, list):
            value = ".".join(map(str, value))
        if isinstance(value, str) and value:
            pointer = re.sub(r"^#?/(?:data/)?(?:attributes/)?", "", value)
            return name, pointer.replace("/", ".") if pointer != value else value
    return "", ""


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_ERROR else text[: MAX_ERROR - 1] + "…"

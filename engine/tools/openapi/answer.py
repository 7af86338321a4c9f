"""An HTTP answer as a tool's result: data where it is JSON, else text, else what it is.

What an API writes is other people's words; it is passed on as data, and errors are cut short.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from engine.tools.openapi.body import is_json
from engine.tools.openapi.wording import bare

MAX_ERROR = 600
_TELLING = ("title", "detail", "message", "msg", "error_description", "error", "errors", "reason")
_TEXTS = ("application/xml", "application/javascript", "application/yaml", "application/x-yaml")


@dataclass(frozen=True)
class Answer:
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
            return self.body.decode(charset or "utf-8", errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")

    @property
    def named(self) -> str:
        """ "404 Not Found"."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def data_of(answer: Answer) -> Any:
    """The result of a call that went well."""
    if not answer.body:
        return {"summary": f"Done ({answer.named})."}
    kind = answer.kind.partition(";")[0].casefold()
    if answer.cut:
        size = f"more than {len(answer.body)}"
        return {"status": answer.status, "content_type": kind, "bytes": size, "note": "left out"}
    if is_json(kind) or kind.endswith("+json") or not kind:
        try:
            return _unsaid(json.loads(answer.body))
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


def said(answer: Answer) -> str:
    """What an error answer says, in short: problem+json and the usual other forms."""
    kind = answer.kind.casefold()
    if "json" in kind or answer.body[:1] in (b"{", b"["):
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError):
            pass
        else:
            parts = list(dict.fromkeys(_told(data, 4)))
            return _cut("; ".join(parts) or json.dumps(data, ensure_ascii=False))
    if kind and not kind.startswith(("text/", "application/")):
        return ""
    return _cut(bare(answer.text))


def _told(data: Any, depth: int) -> Iterator[str]:
    if isinstance(data, str):
        yield bare(data)
    elif isinstance(data, list) and depth:
        for item in data[:5]:
            yield from _told(item, depth - 1)
    elif isinstance(data, dict) and depth:
        place = data.get("loc") or data.get("field") or data.get("path") or data.get("param")
        where = ".".join(map(str, place)) if isinstance(place, list) else place
        found = [t for name in _TELLING if name in data for t in _told(data[name], depth - 1)]
        if not found and depth < 4:
            found = [
                f"{name}: {t}"
                for name, value in list(data.items())[:5]
                for t in _told(value, depth - 1)
            ]
        yield from (f"{where}: {t}" if isinstance(where, str) and where else t for t in found if t)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_ERROR else text[: MAX_ERROR - 1] + "…"

"""What a server says when it refuses: its words, and how long it wants to be left alone."""

from __future__ import annotations

import html
import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

# Where servers put their words, the most telling place first: OpenAI and vLLM, Pydantic, Ollama,
# FastAPI, and problem documents (RFC 9457).
_PLACES = ("message", "msg", "error", "detail", "title")
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_SPANS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
# Of a wait: `inf` is a number, too.
_LONGEST_S = 30 * 86_400.0


def words(body: Any) -> str:
    """What an error's body says, in one line; empty where it says nothing.

    `body` is text, or JSON of whatever form. Of a web page only its title is told.
    """
    match body:
        case str():
            return " ".join((_title(body) if is_web_page(body) else body).split())
        case Mapping():
            said = next(filter(None, (words(body.get(place)) for place in _PLACES)), "")
            where = body.get("loc")
            if said and isinstance(where, list):
                return f"{'.'.join(map(str, where))}: {said}"
            return said
        case list():
            return "; ".join(filter(None, map(words, body)))
    return ""


def is_web_page(text: str) -> bool:
    """Whether this is markup; neither an event nor JSON begins like that."""
    return text.lstrip().startswith("<")


def _title(page: str) -> str:
    title = _TITLE.search(page)
    return html.unescape(title[1]).strip() if title else "a web page"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks us to wait, from `retry-after-ms` or from `Retry-After`, which is a
    number or a date (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return min(max(0.0, float(headers[name]) * unit), _LONGEST_S)
        except (KeyError, ValueError):
            continue
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (KeyError, ValueError):
        return None


def span(seconds: float) -> str:
    """A span of time in words, rounded up; a unit is used from two of it on."""
    for name, unit in _SPANS:
        if seconds >= 2 * unit:
            return f"{math.ceil(seconds / unit)} {name}"
    return f"{math.ceil(seconds)} seconds"

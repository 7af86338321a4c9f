"""Remove the configured keys and tokens from text, also from text that comes in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MASK = "***"
# A shorter secret would black out words that only look like it.
MIN_SECRET = 4


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with `MASK` in place of each secret."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may begin like another
        text = text.replace(secret, MASK)
    return text


def redacted_data(data: Any, redact: Callable[[str], str]) -> Any:
    """Return JSON data with `redact` applied to every string in it, field names included."""
    match data:
        case str():
            return redact(data)
        case list():
            return [redacted_data(item, redact) for item in data]
        case dict():
            return {redact(name): redacted_data(item, redact) for name, item in data.items()}
    return data


class Redactor:
    """Takes text in pieces; what may be the beginning of a secret waits for what follows it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take in a piece and return what may be shown."""
        text = redacted(self._held + piece, self._secrets)
        cut = len(text) - max((_begun(text, secret) for secret in self._secrets), default=0)
        self._held = text[cut:]
        return text[:cut]

    def finish(self) -> str:
        """Return what was held back: it was not a secret."""
        text, self._held = self._held, ""
        return text


def _begun(text: str, secret: str) -> int:
    """Return how many characters of a secret the text ends with."""
    most = min(len(text), len(secret) - 1)
    return next((n for n in range(most, 0, -1) if text.endswith(secret[:n])), 0)


def shown_address(url: str) -> str:
    """Return an address without its query, in which some gateways take a key."""
    beginning, mark, _ = url.partition("?")
    return f"{beginning}{mark}{MASK}" if mark else url


def masked(secret: str | None) -> str | None:
    """Return enough of a key to tell it from another, not enough to use it."""
    if secret is None:
        return None
    return f"{MASK}{secret[-4:]}" if len(secret) >= 20 else MASK

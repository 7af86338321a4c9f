"""What a request took, under the names and in the forms in which servers report it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from engine.llm import dialects


class UsageReader:
    """Reads what a request took, under the names that servers give it.

    What is missing, negative, absurdly large or no figure is unknown, which is None.
    """

    def __init__(self) -> None:
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self._cached: int | None = None
        self.counts_thoughts = False

    @property
    def cached_tokens(self) -> int:
        """Tokens of the input that were read from the prompt cache; 0 where it is not known."""
        return min(self._cached or 0, self.input_tokens or 0)

    def take(self, usage: Any) -> None:
        """Keep the last figures that are figures: some servers send usage before the end."""
        if not isinstance(usage, Mapping):
            return
        self.input_tokens = self._input(usage) or self.input_tokens
        self.output_tokens = self._output(usage) or self.output_tokens
        self._cached = _first(usage, dialects.USAGE_CACHED) or self._cached
        if _first(usage, dialects.USAGE_REASONING) is not None:
            self.counts_thoughts = True

    def _input(self, usage: Mapping[str, Any]) -> int | None:
        whole, alone = dialects.USAGE_INPUT
        if (count := figure(usage.get(whole))) is not None:
            return count
        if (count := figure(usage.get(alone))) is None:
            return None
        return count + sum(figure(usage.get(name)) or 0 for name in dialects.USAGE_BESIDE_INPUT)

    def _output(self, usage: Mapping[str, Any]) -> int | None:
        """Return what was written, thoughts included; xAI and Gemini have these in the total alone.

        Only where the input has OpenAI's name: Anthropic's leaves out what is in the cache.
        """
        written = _first(usage, dialects.USAGE_OUTPUT)
        given, total = figure(usage.get(dialects.USAGE_INPUT[0])), figure(usage.get("total_tokens"))
        if given is None or total is None:
            return written
        return max(written or 0, total - given)


def _first(usage: Mapping[str, Any], places: Iterable[str]) -> int | None:
    for place in places:
        value: Any = usage
        for name in place.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if (count := figure(value)) is not None:
            return count
    return None


def figure(value: Any) -> int | None:
    """Return a count that a server may send as text or with a decimal point, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        count = float(value)
    except (ValueError, OverflowError):
        return None
    fits = math.isfinite(count) and 0 <= count <= dialects.LARGEST_FIGURE
    return int(count) if fits and count == int(count) else None

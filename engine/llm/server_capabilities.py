"""What a server does not take: known from its answers, and kept for a week.

A request starts with everything the protocol has; a 400 that names a field takes it away, once.
Nothing here is looked up by a server's name, so a server nobody has heard of is treated alike. Two
things are known beforehand: OpenAI's own API and Azure's keep thoughts apart, and some models never
think aloud (`dialects.NEVER_THINKS`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from engine import cache
from engine.llm.dialects import never_thinks

Rung = Literal["json_schema", "function", "json_object", "label"]
# A server may learn something: after so many seconds all is asked for again.
FRESH_S = 7 * 24 * 3600.0
LADDER: tuple[Rung, ...] = ("json_schema", "function", "json_object", "label")

# Fields we can do without, and the words by which servers' messages name them.
_OPTIONAL = {
    "stream_options": ("stream_options", "include_usage"),
    "strict": ("strict",),
    "temperature": ("temperature",),
}
_STRUCTURED: dict[Rung, tuple[str, ...]] = {
    "json_schema": ("response_format", "json_schema", "text.format", "structured"),
    "function": ("tool_choice", "tools", "function"),
    "json_object": ("response_format", "json_object"),
}


@dataclass
class ServerCapabilities:
    """What one server was found not to take, and the best form of structured output it does."""

    dropped: set[str] = field(default_factory=set)
    rung: Rung = "json_schema"
    # Names of models whose thoughts are known to end without having begun, and of those whose
    # text is known to be prose from its beginning.
    unopened: set[str] = field(default_factory=set)
    prose: set[str] = field(default_factory=set)
    separates_thoughts: bool = False
    # Names of models that were seen to write prose where a call was due.
    bounded: set[str] = field(default_factory=set)

    def streams_prose(self, model: str) -> bool:
        """Whether a reply of this model may be shown as it comes.

        With a template that begins the thoughts itself, only their end is in the answer: until
        something of a model is known, its reply is kept back, since what was shown stays shown.
        """
        if model in self.unopened:
            return False
        return self.separates_thoughts or model in self.prose or never_thinks(model)

    def allows(self, name: str) -> bool:
        return name not in self.dropped

    def learn(self, status: int, message: str, param: str | None, *, structured: bool) -> bool:
        """Take a refusal into account; True when a changed request is worth sending."""
        if status not in (400, 404, 422, 501):
            return False
        text = f"{param or ''} {message}".lower()
        for name, words in _OPTIONAL.items():
            if self.allows(name) and any(word in text for word in words):
                self.dropped.add(name)
                return True
        if structured and any(word in text for word in _STRUCTURED.get(self.rung, ())):
            return self.descend()
        return False

    def descend(self) -> bool:
        """One rung down the ladder of structured output; False at its foot."""
        position = LADDER.index(self.rung)
        if position + 1 == len(LADDER):
            return False
        self.rung = LADDER[position + 1]
        return True


class _Kept(BaseModel):
    """What holds for the next start, too. Where a model's thoughts are is found out anew: what is
    shown of a reply stays shown."""

    dropped: tuple[str, ...] = ()
    rung: Rung = "json_schema"
    bounded: tuple[str, ...] = ()


def kept_capabilities(url: str) -> ServerCapabilities:
    """Return what is known of the server at `url`."""
    known = _known(url)
    return ServerCapabilities(set(known.dropped), known.rung, bounded=set(known.bounded))


def keep_capabilities(url: str, found: ServerCapabilities) -> None:
    """Remember for a while what was found out, where that is more than was known."""
    kept = _Kept(
        dropped=tuple(sorted(found.dropped)), rung=found.rung, bounded=tuple(sorted(found.bounded))
    )
    if kept != _known(url):
        cache.write(cache.path_for("capabilities", url), kept)


def _known(url: str) -> _Kept:
    return cache.read(cache.path_for("capabilities", url), _Kept, FRESH_S) or _Kept()


def structured_fields(rung: Rung, schema: dict[str, Any]) -> dict[str, Any]:
    """The request fields that ask for one object of `schema`, as far as this rung can."""
    if rung == "json_schema":
        wanted = {"name": "answer", "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": wanted}}
    if rung == "function":
        function = {"name": "answer", "description": "Give the answer.", "parameters": schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": "answer"}},
        }
    if rung == "json_object":
        return {"response_format": {"type": "json_object"}}
    return {}

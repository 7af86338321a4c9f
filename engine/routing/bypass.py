"""No routing at all: a small catalogue, a hosted model, and every tool in every request.

A catalogue of at most `MOST_TOOLS` tools may ask for it (`router = "bypass"`). Then it is one
intent for the rest of the engine, so that a turn, what is kept of it and a later session with
routing go the same ways as ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from engine.conversation import Conversation
from engine.events import RetryScheduled
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import EVERYTHING, Catalogue, Intent
from engine.intents.routing import Routing, Task

# From about twenty tools on, models choose worse and a cold prompt costs more than routing does.
MOST_TOOLS = 20

_INSTRUCTIONS = """\
Nothing was sorted out before you. Greet, thank and chat in a sentence or two yourself; kindly \
decline what none of the tools covers, and say what you can do instead."""


class BypassRouter:
    """Implements `Router` for the catalogue that `as_one` makes."""

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        """See `Router.route`."""
        yield Routing("task", "bypass", (Task(EVERYTHING, text),))


def flatten_catalogue(catalogue: Catalogue) -> Catalogue:
    """The catalogue with one intent for all. Raises `CatalogueError` if it is too large."""
    if (count := len(catalogue.tools)) > MOST_TOOLS:
        raise CatalogueError(
            f'{catalogue.title}: router = "bypass" is for at most {MOST_TOOLS} tools, there are '
            f"{count}: remove it from catalog.toml"
        )
    return is_flat(catalogue)


def is_flat(catalogue: Catalogue) -> Catalogue:
    """The catalogue with one intent for all, of whatever size."""
    intents = [catalogue.intents[key] for key in sorted(catalogue.intents)]
    told = [f"{intent.title}: {intent.instructions}" for intent in intents if intent.instructions]
    examples: dict[str, tuple[str, ...]] = {}
    for intent in intents:
        for tool, phrases in intent.examples.items():
            examples[tool] = (*examples.get(tool, ()), *phrases)
    one = Intent(
        key=EVERYTHING,
        title="All matters",
        description="; ".join(f"{intent.title}: {intent.description}" for intent in intents),
        examples=examples,
        instructions="\n".join([_INSTRUCTIONS, *told]),
        tools=tuple({tool.name: tool for intent in intents for tool in intent.tools}.values()),
    )
    return replace(catalogue, intents={EVERYTHING: one})

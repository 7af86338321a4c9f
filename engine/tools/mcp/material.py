"""What a server has for the person beside its tools: prompts to begin with, and things to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.tools.mcp.results import MAX_CHARACTERS, text_of
from engine.tools.mcp.text import clean, line
from engine.tools.source import Attachable, PromptArgument, ServerPrompt

if TYPE_CHECKING:
    import mcp_types as types

    from engine.tools.mcp.client import Connection

MOST_LISTED = 500
NAME_CHARACTERS = 200


class McpMaterial:
    """The `Material` of one server that had these `tools`. Lists are read anew each time."""

    def __init__(self, key: str, connection: Connection, tools: Sequence[types.Tool]) -> None:
        self.key = key
        self._connection = connection
        self._tools = list(tools)

    async def take_changes(self) -> frozenset[str]:
        """See `Material.take_changes`. Some servers say at each start that their tools changed."""
        changes = self._connection.take_changes()
        if "tools" in changes:
            before, self._tools = self._tools, await self._connection.tools()
            if before == self._tools:
                return changes - {"tools"}
        return changes

    async def prompts(self) -> tuple[ServerPrompt, ...]:
        """See `Material.prompts`."""
        if not self._connection.has("prompts"):
            return ()
        found = await self._connection.prompts()
        return tuple(self._prompt(one) for one in found[:MOST_LISTED] if one.name.isprintable())

    def _prompt(self, prompt: types.Prompt) -> ServerPrompt:
        return ServerPrompt(
            self.key,
            prompt.name,
            line(prompt.description or prompt.title or "", NAME_CHARACTERS),
            tuple(
                PromptArgument(one.name, line(one.description or "", 200), bool(one.required))
                for one in prompt.arguments or ()
            ),
        )

    async def prompt_text(self, name: str, arguments: Mapping[str, str]) -> str:
        """See `Material.prompt_text`."""
        answer = await self._connection.prompt(name, arguments)
        said = [text_of(message.content) for message in answer.messages]
        return self._connection.redact(clean("\n\n".join(said))[:MAX_CHARACTERS]).strip()

    async def complete(self, name: str, argument: str, begun: str) -> tuple[str, ...]:
        """See `Material.complete`."""
        if not self._connection.has("completions"):
            return ()
        found = await self._connection.complete(name, argument, begun)
        return tuple(one for one in found if one.isprintable())

    async def attachable(self) -> tuple[Attachable, ...]:
        """See `Material.attachable`."""
        if not self._connection.has("resources"):
            return ()
        plain = await self._connection.resources()
        patterns = await self._connection.templates()
        listed = [(str(one.uri), one.title or one.name, True) for one in plain]
        # Of a pattern, what stands before its first variable; the person writes the rest.
        listed += [
            (one.uri_template.partition("{")[0], one.title or one.name, False) for one in patterns
        ]
        return tuple(
            Attachable(self.key, uri, line(title, NAME_CHARACTERS), whole)
            for uri, title, whole in listed[:MOST_LISTED]
            if uri.isprintable() and not any(c.isspace() for c in uri)
        )

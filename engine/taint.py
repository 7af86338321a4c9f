"""What a session is marked with for good: that it has read what strangers wrote.

Whoever wrote it may be the one who now asks, whichever catalogue the session goes on with.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

from engine import events
from engine.events import Event


@dataclass
class Marks:
    """Whether a session has read what strangers wrote; a fold over its events.

    Sessions from before results were marked have only the names of their tools: `unmarked`.
    """

    KINDS: ClassVar = ("tool_call_proposed", "tool_finished", "action_settled")
    read_strangers: bool = False
    unmarked: set[str] = field(default_factory=set)
    _proposed: dict[tuple[str, str], str] = field(default_factory=dict)  # turn and call to tool

    def apply(self, event: Event) -> None:
        """Take in one event; of other kinds than `KINDS`, nothing."""
        match event:
            case events.ToolCallProposed():
                self._proposed[event.turn_id, event.call_id] = event.tool
            case events.ToolFinished(untrusted=None):
                tool = self._proposed.get((event.turn_id, event.call_id), "")
                self.unmarked.add(tool)
            case events.ToolFinished(untrusted=True) | events.ActionSettled(untrusted=True):
                self.read_strangers = True

    def tainted(self, trusted: Collection[str]) -> bool:
        """Whether changes must ask, where the results of these tools are `trusted`.

        A tool that nobody knows any more is not.
        """
        return self.read_strangers or not self.unmarked.issubset(trusted)

"""One line above each reply: where the message went, how sure that is, its tools, and when."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.widgets import Static

from engine.events import IntentClassified
from tui.chat.transcript import RoutingBlock
from tui.formatting.text import one_line
from tui.formatting.values import ROUTES, SOURCES, clock_time, count, percent


def destination(route: IntentClassified, titles: Mapping[str, str]) -> str:
    """The intents by their titles, or the route where it names none."""
    names = " + ".join(titles.get(intent, intent) for intent in route.intents)
    if route.route == "task":
        return one_line(names, 80) or ROUTES["task"]
    if route.route == "continue" and names:
        return one_line(f"{names} (follow-up)", 80)
    return one_line(f"{ROUTES[route.route]}: {names}" if names else ROUTES[route.route], 80)


class IntentChip(Static):
    def __init__(self, block: RoutingBlock, titles: Mapping[str, str]) -> None:
        super().__init__(markup=False)
        self._block, self._titles = block, titles

    def on_mount(self) -> None:
        self.refresh_block()

    def refresh_block(self) -> None:
        route = self._block.turn.route
        if route is None:
            return
        parts = [
            Content.assemble(
                ("● ", "$primary"), (destination(route, self._titles), "bold $primary")
            )
        ]
        if route.confidence is not None and route.route != "continue":
            parts.append(Content.styled(f"confidence {percent(route.confidence)}", "$quiet"))
        if route.source == "bypass":
            parts.append(Content.styled(SOURCES[route.source], "$quiet"))
        parts.append(Content.styled(tools_offered(route), "$quiet"))
        if at := clock_time(self._block.turn.at):
            parts.append(Content.styled(at, "$quiet"))
        self.update(Content.styled("  ·  ", "$quiet").join(parts))


def tools_offered(route: IntentClassified) -> str:
    if not route.tools_offered:
        return "no tools"
    if not route.tools_in_catalogue:
        return count(len(route.tools_offered), "tool")
    return f"{len(route.tools_offered)} of {route.tools_in_catalogue} tools"

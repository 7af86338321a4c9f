"""A hosted model on loopback that says its next piece when the test wants it said."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.loopback import Answer, Seen, call_answer, chunk, route_answer, serve

WAITS_S = 60.0
Piece = tuple[str, bool]


class Talker:
    """Each request is answered by what the test does next; a routing request by `routes`."""

    def __init__(self) -> None:
        self.url = ""
        self._answers: queue.Queue[Answer] = queue.Queue()
        self._pieces: queue.Queue[Piece] | None = None

    def routes(self, intent: str) -> None:
        self._answers.put(route_answer(intent))

    def calls(self, tool: str, **arguments: Any) -> None:
        self._answers.put(call_answer(tool, arguments))

    def says(self, text: str, *, done: bool = False) -> None:
        """The next words of a reply; more follow unless it is `done`."""
        if self._pieces is None:
            self._pieces = queue.Queue()
            self._answers.put(Answer(_said(self._pieces)))
        self._pieces.put((text, done))
        if done:
            self._pieces = None

    def respond(self, _: Seen) -> Answer:
        return self._answers.get(timeout=WAITS_S)


def _said(pieces: queue.Queue[Piece]) -> Iterator[dict[str, Any]]:
    done = False
    while not done:
        text, done = pieces.get(timeout=WAITS_S)
        yield chunk(text)
    yield chunk(finish="stop")


@contextmanager
def serve_talker() -> Iterator[Talker]:
    talker = Talker()
    with serve() as server:
        server.respond = talker.respond
        talker.url = f"{server.url}/v1"
        yield talker
        talker.says("", done=True)  # a reply that nobody waits for any more

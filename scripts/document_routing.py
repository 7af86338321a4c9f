"""Print how well the offline models route requests to OpenAPI documents by the documents' words.

    python -m scripts.document_routing FOLDER REQUESTS.jsonl... [--misses]

FOLDER has the documents. A request is a JSON object a line: `document` (a file of the folder),
`text`, and `operations`, of which any is right ("GET /pets/{id}"). Each document is a catalogue of
its own and each request the first of a conversation. The intent is right where the message becomes
a task of an intent that has a right operation; the operation, where the likeliest of the tools that
are then offered is one. A request that is asked about or refused is neither.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.conversation import Conversation
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.intents.routing import Routing
from engine.offline.confirmation import is_question
from engine.offline.labels import Prediction
from engine.offline.message_reader import MessageReader
from engine.offline.model import ANSWERS
from engine.offline.router import OfflineRouter
from engine.routing.tool_selection import select_tools
from engine.tools.tool import Tool


@dataclass
class Tally:
    """What became of a document's requests."""

    requests: int = 0
    intents: int = 0
    operations: int = 0
    asked: int = 0
    refused: int = 0
    ms: float = 0.0

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        return (
            f"{self.requests:9}{self.intents:9}{self.operations:12}{self.asked:9}{self.refused:9}"
            f"{self.ms / max(1, self.requests):9.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("requests", type=Path, nargs="+")
    parser.add_argument("--misses", action="store_true", help="print what became of each miss")
    options = parser.parse_args()
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in options.requests:
        for line in file.read_text().splitlines():
            row = json.loads(line)
            rows[row["document"]].append(row)
    print(f"{'':28} requests  intents  operations    asked  refused       ms")
    total = Tally()
    for name, own in rows.items():
        tally = asyncio.run(_measure(options.folder / name, own, misses=options.misses))
        print(f"{name:28}{tally}", flush=True)
        total.add(tally)
    print(f"{'all':28}{total}")


async def _measure(document: Path, rows: Sequence[dict[str, Any]], *, misses: bool) -> Tally:
    catalogue = await asyncio.to_thread(load, document)
    reader = MessageReader(catalogue)
    tally = Tally()
    await reader.start()
    router = OfflineRouter(reader, catalogue)
    for row in rows:
        started = time.perf_counter()
        routing = await _route(router, row["text"])
        tally.ms += 1000 * (time.perf_counter() - started)
        tally.requests += 1
        tally.asked += routing.route == "clarify"
        tally.refused += not routing.tasks and routing.route != "clarify"
        wanted, chosen = set(row["operations"]), ""
        if routing.tasks:
            intent = catalogue.intents[routing.tasks[0].intent]
            right = any(_operation(tool) in wanted for tool in intent.tools)
            tally.intents += right
            offered = {t.name: t for t in select_tools(intent, row["text"], Conversation())}
            reading = (await reader.read(row["text"]))[0][0]
            chosen = _operation(_likeliest(reading, offered))
            tally.operations += chosen in wanted
        if misses and chosen not in wanted:
            went = routing.tasks[0].intent if routing.tasks else routing.route
            best = min(wanted, default="beyond")
            print(f"   {row['text']!r} {best} ({_home(catalogue, wanted)})")
            print(f"        {went} {routing.confidence} {chosen}")
        await catalogue.close()
    return tally


async def _route(router: OfflineRouter, text: str) -> Routing:
    found = [item async for item in router.route(text, Conversation())]
    assert isinstance(found[-1], Routing)
    return found[-1]


def _likeliest(reading: Prediction, offered: Mapping[str, Tool]) -> Tool:
    """As the offline model has it, a question is answered by a look-up that fits."""
    shares = reading.tools(offered)
    reads = [n for n, share in shares if offered[n].effect == "read" and share >= ANSWERS]
    if is_question(reading, valued=False) and reads:
        return offered[reads[0]]
    return offered[shares[0][0]]


def _operation(tool: Tool) -> str:
    """Method and path, as the document has them."""
    return tool.detail.partition("\n")[0]


def _home(catalogue: Catalogue, wanted: set[str]) -> str:
    homes = (
        key
        for key, intent in catalogue.intents.items()
        if any(_operation(tool) in wanted for tool in intent.tools)
    )
    return next(homes, "")


if __name__ == "__main__":
    main()

"""Print how well the offline router does on public data, in one run.

    python -m scripts.public_intents FOLDER

FOLDER has `clinc150_train_10shot.jsonl`, `clinc150_validation.jsonl` and the same two for
`banking77`: one JSON object a line with `text`, `intent` (null: out of scope) and, for CLINC150,
`domain`. From each training file a catalogue is made, one intent a label with nothing but its
examples, and each message of the other file is routed as the first of a conversation. A message
in scope is right if it becomes a task whose first intent is its label; one out of scope is refused
by any route other than a task. The time is that of the whole route, one message after another.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.conversation import Conversation
from engine.intents.catalogue import load
from engine.intents.routing import Routing
from engine.offline.message_reader import MessageReader
from engine.offline.router import OfflineRouter

SETS = (
    ("CLINC150, 150 intents", "clinc150", "intent"),
    ("CLINC150, 10 domains", "clinc150", "domain"),
    ("BANKING77", "banking77", "intent"),
)
COLUMNS = ("right %", "refused %", "beyond refused %", "ms", "learnt in s")


def main(folder: Path) -> None:
    """Print one line a set."""
    print(f"{'':24}" + "".join(f"{name:>18}" for name in COLUMNS))
    for title, name, label in SETS:
        train = _rows(folder / f"{name}_train_10shot.jsonl")
        test = _rows(folder / f"{name}_validation.jsonl")
        figures = asyncio.run(_measure(train, test, label))
        print(f"{title:24}" + "".join(f"{figure:18.1f}" for figure in figures))


async def _measure(
    train: Sequence[dict[str, Any]], test: Sequence[dict[str, Any]], label: str
) -> list[float]:
    """Return the `COLUMNS`. A message in scope that is refused counts as wrong."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), train, label)
        catalogue = load(Path(folder))
        reader = MessageReader(catalogue, folder=Path(folder) / "heads")
        started = time.perf_counter()
        await reader.start()
        learnt = time.perf_counter() - started
        router = OfflineRouter(reader, catalogue)
        started = time.perf_counter()
        got = [await _route(router, row["text"]) for row in test]
        each = (time.perf_counter() - started) / len(test)
    inside = [(row[label], key) for row, key in zip(test, got, strict=True) if row["intent"]]
    beyond = [key for row, key in zip(test, got, strict=True) if not row["intent"]]
    return [
        100 * sum(wanted == key for wanted, key in inside) / len(inside),
        100 * sum(key is None for _, key in inside) / len(inside),
        100 * sum(key is None for key in beyond) / len(beyond) if beyond else float("nan"),
        1000 * each,
        learnt,
    ]


async def _route(router: OfflineRouter, text: str) -> str | None:
    """Return the first intent, or None if the route is not a task."""
    async for item in router.route(text, Conversation()):
        if isinstance(item, Routing) and item.tasks:
            return item.tasks[0].intent
    return None


def _write(folder: Path, rows: Sequence[dict[str, Any]], label: str) -> None:
    """A catalogue with one intent a label."""
    (folder / "intents").mkdir()
    phrases: dict[str, list[str]] = {}
    for row in rows:
        phrases.setdefault(row[label], []).append(row["text"])
    for key, examples in phrases.items():
        title = json.dumps(key.replace("_", " "))
        text = f"title = {title}\ndescription = {title}\nexamples = {json.dumps(examples)}\n"
        (folder / "intents" / f"{key}.toml").write_text(text, "utf-8")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

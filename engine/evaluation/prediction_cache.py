"""The local router with its readings remembered: read in batches ahead, and read once only.

A batch takes the encoder half as long as its messages one by one; and other thresholds decide
differently on the same readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.builder import Engine
from engine.intents.thresholds import Thresholds
from engine.offline.labels import Prediction
from engine.offline.message_reader import TEXT_LIMIT
from engine.offline.router import OfflineRouter
from engine.offline.segmentation import Reader

BATCH = 16


class CachedReader:
    """Reads each text once. `refused` is `Thresholds.refused`, which the readings are given."""

    def __init__(self, reader: Reader, refused: float) -> None:
        self.refused = refused
        self._reader = reader
        self._known: dict[str, tuple[Prediction, int]] = {}

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        """See `Reader.read`."""
        for text in texts:
            if text not in self._known:
                readings, tokens = await self._reader.read(text)
                self._known[text] = readings[0], tokens
        found = [replace(self._known[text][0], refused=self.refused) for text in texts]
        return found, self._known[texts[0]][1]

    async def ahead(self, texts: Sequence[str]) -> None:
        """Read these together; how many tokens each has is estimated by the first one's rate."""
        fresh = [text for text in dict.fromkeys(texts) if self._readable(text)]
        for start in range(0, len(fresh), BATCH):
            batch = fresh[start : start + BATCH]
            readings, tokens = await self._reader.read(*batch)
            rate = tokens / len(batch[0])
            for text, found in zip(batch, readings, strict=True):
                self._known[text] = found, round(rate * len(text))

    def _readable(self, text: str) -> bool:
        return text not in self._known and bool(text.strip()) and len(text) <= TEXT_LIMIT


def prefetch(engine: Engine) -> tuple[Engine, CachedReader] | None:
    """Return the engine with a local router that reads ahead; None with another router."""
    if engine.reader is None or not isinstance(engine.router, OfflineRouter):
        return None
    reader = CachedReader(engine.reader, engine.catalogue.thresholds.refused)
    return replace(engine, router=OfflineRouter(reader, engine.catalogue)), reader


def router_with_thresholds(
    engine: Engine, reader: CachedReader, thresholds: Thresholds
) -> OfflineRouter:
    """Return the local router with other thresholds, on what `reader` has read."""
    reader.refused = thresholds.refused
    return OfflineRouter(reader, replace(engine.catalogue, thresholds=thresholds))

"""Sets of what is no order, by its kind: each has orders among it that are built alike.

`intentbot-tui eval --catalog tests/engine/offline/dialogue_acts/bank` runs one domain's; for the
telecom catalogue they are given by `--data`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine import pricing
from engine.builder import Engine
from engine.evaluation import dataset
from engine.evaluation.dataset import Row
from engine.evaluation.metrics import Report, score
from engine.evaluation.result import RowResult
from engine.evaluation.row_runner import RowRunner, dry_run
from engine.intents.catalogue import BUILT_IN, load
from engine.intents.intent import Catalogue
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter

FOLDER = Path(__file__).parent
DOMAINS = ("telecom", "bank", "home", "travel")
KINDS = {
    "deferral",
    "follow_ups",
    "hypotheticals",
    "indirect_questions",
    "negation",
    "orders",
    "reports",
    "undo",
    "yes_and_no",
}


def catalogue_of(domain: str) -> Catalogue:
    return dry_run(load(BUILT_IN if domain == "telecom" else FOLDER / domain))


def rows_of(domain: str, catalogue: Catalogue) -> list[Row]:
    return dataset.load(catalogue, sorted((FOLDER / domain / "evaluation").glob("*.jsonl")))


def test_there_are_fifty_rows_of_each_kind() -> None:
    counts: Counter[str] = Counter()
    for domain in DOMAINS:
        rows = rows_of(domain, catalogue_of(domain))
        counts.update(row.where.partition(".")[0] for row in rows)

    assert counts.keys() == KINDS
    assert min(counts.values()) >= 50, counts


async def evaluated(domain: str) -> Report:
    async def keep(outcome: RowResult) -> None:
        """Nothing is paid for."""

    catalogue = catalogue_of(domain)
    reader = MessageReader(catalogue)
    router, model = OfflineRouter(reader, catalogue), OfflineModel(reader, catalogue)
    runner = RowRunner(Engine(catalogue, router, model, pricing.free, "offline", offline=True))
    done = [(row, await runner.run(row, keep)) for row in rows_of(domain, catalogue)]
    return score(done, catalogue)


@pytest.mark.timeout(1_500)  # hundreds of conversations, also on a busy machine
async def test_orders_are_told_from_the_rest() -> None:
    reports = [await evaluated(domain) for domain in DOMAINS]
    tools = [report.tools for report in reports if report.tools is not None]
    unwanted = sum(found.unwanted_changes.count for found in tools)
    asked = sum(found.unwanted_changes.rows for found in tools)
    right = sum(found.rows * (found.name_accuracy or 0.0) for found in tools)
    misses = [miss for report in reports for miss in report.misses]

    assert unwanted <= 0.02 * asked, misses
    assert right >= 0.93 * sum(found.rows for found in tools), misses

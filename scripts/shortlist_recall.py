"""Print how often the shortlist has the right intent.

    python -m scripts.shortlist_recall TRAIN MESSAGES

Both files have one JSON object a line with `text` and `intent`; rows without an intent are skipped.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from engine.intents.lexical_index import TfIdfIndex

COUNTS = (1, 5, 10, 20, 30)


def main(train: Path, messages: Path) -> None:
    phrases: dict[str, list[str]] = defaultdict(list)
    for row in map(json.loads, train.read_text().splitlines()):
        phrases[row["intent"]].append(row["text"])
    started = time.perf_counter()
    shortlist = TfIdfIndex(phrases)
    print(f"{len(phrases)} intents learnt in {time.perf_counter() - started:.2f} s")
    rows = [row for row in map(json.loads, messages.read_text().splitlines()) if row["intent"]]
    ranks, times = [], []
    for row in rows:
        started = time.perf_counter()
        near = [one.name for one in shortlist.nearest(row["text"], max(COUNTS))]
        times.append(time.perf_counter() - started)
        ranks.append(near.index(row["intent"]) if row["intent"] in near else max(COUNTS))
    for count in COUNTS:
        share = sum(rank < count for rank in ranks) / len(rows)
        print(f"the right one among the nearest {count:2}: {100 * share:5.1f} %")
    print(f"{1000 * median(times):.1f} ms a message")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

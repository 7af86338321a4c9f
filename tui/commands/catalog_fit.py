"""`catalog fit`: thresholds chosen on an evaluation set, shown as a diff, written if asked to."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from engine.evaluation import dataset
from engine.evaluation.dataset import Row
from engine.evaluation.report_markdown import percent
from engine.evaluation.threshold_search import FOLDS, CannotFit, ThresholdFit, search_thresholds
from engine.intents.catalogue import MANNERS_FILE
from engine.intents.intent import Catalogue
from engine.settings import Settings
from tui.commands import output
from tui.commands.eval_report import list_phrase
from tui.commands.exit_codes import ExitCode
from tui.commands.file_changes import print_diff, write_changes
from tui.commands.output import print_json, print_line
from tui.services.evaluation_runs import dry_engine


def fit_thresholds(settings: Settings, options: argparse.Namespace) -> int:
    """Run `catalog fit`. The local router is fitted, whatever model is set up besides."""
    local = replace(settings, server=None, provider="embedded", router="embedded")
    engine = dry_engine(local)
    catalogue = engine.catalogue

    async def choose() -> ThresholdFit:
        try:
            rows: Sequence[Row] = dataset.load(catalogue, options.data or ())
            return await search_thresholds(engine, rows)
        finally:
            await engine.close()

    found = asyncio.run(choose())
    if options.json:
        print_json(_shown(found))
    else:
        _print(found)
    if not found.changes:
        return ExitCode.DONE
    # Imported here: little else of the program edits files that have comments.
    from engine.intents.toml_edit import read, with_thresholds

    path = _manners(catalogue)
    before = read(path)
    after = with_thresholds(path, before, {name: new for name, (_, new) in found.changes.items()})
    changes = {path: (before, after)}
    if not options.json:
        print_diff(changes)
    return write_changes(changes, "catalog fit", write=options.write)


def _manners(catalogue: Catalogue) -> Path:
    if not catalogue.folders:
        raise CannotFit("a catalogue of one document has no catalog.toml: put it into a folder")
    # Of several catalogues the first one's manners hold.
    return catalogue.folders[0].path / MANNERS_FILE


def _print(found: ThresholdFit) -> None:
    columns = (found.before, found.after, found.held_out)
    worth = (found.worth_before, found.worth_after, found.worth_held_out)
    rows = [
        ("right intent", *(percent(one.accuracy) for one in columns)),
        ("coverage", *(percent(one.coverage) for one in columns)),
        ("out of scope refused", *(percent(one.out_of_scope_recall) for one in columns)),
        ("small talk kept apart", *(percent(one.small_talk_recall) for one in columns)),
        ("worth", *map(percent, worth)),
    ]
    with output.console() as console:
        list_phrase(console, (f"{found.rows:,} messages", "now", "proposed", "left out"), rows)
    print_line(
        "Worth: the messages that became what they should; one that was asked about\n"
        f"counts half. Left out: chosen on {FOLDS - 1} of {FOLDS} parts, judged on the other; only "
        "these\nfigures are about messages that nothing was chosen by."
    )
    if not found.changes:
        print_line("\nThe thresholds stay: no others gain enough on messages left out.")
    else:
        print_line()


def _shown(found: ThresholdFit) -> dict[str, object]:
    def figures(which: str) -> dict[str, float | None]:
        one = getattr(found, which)
        return {
            "accuracy": one.accuracy,
            "coverage": one.coverage,
            "out_of_scope_recall": one.out_of_scope_recall,
            "small_talk_recall": one.small_talk_recall,
        }

    return {
        "rows": found.rows,
        "changes": {name: list(pair) for name, pair in found.changes.items()},
        "present": asdict(found.present),
        "proposed": asdict(found.proposed),
        "before": {**figures("before"), "worth": found.worth_before},
        "after": {**figures("after"), "worth": found.worth_after},
        "held_out": {**figures("held_out"), "worth": found.worth_held_out},
        "folds": [asdict(thresholds) for thresholds in found.folds],
    }

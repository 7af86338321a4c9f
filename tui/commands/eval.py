"""`eval`: test a catalogue with its evaluation sets. Nothing is executed."""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from engine.chat_model import ModelError
from engine.evaluation import compare, gates, report_junit, report_markdown
from engine.evaluation.description_test import description_scores
from engine.evaluation.gates import Gate, Verdict
from engine.evaluation.metrics import Report, score
from engine.evaluation.runner import End
from engine.paths import write_file
from engine.settings import SettingsError
from engine.text import strip_controls
from storage.database import Database
from storage.evaluations import Evaluations, RunRecord
from tui.commands import output
from tui.commands.argument_parser import PROGRAM
from tui.commands.eval_report import EvalReport, list_phrase
from tui.commands.exit_codes import ExitCode, of_error
from tui.commands.output import print_json
from tui.formatting.time import format_local
from tui.formatting.values import count, spent
from tui.services import evaluation_runs
from tui.services.evaluation_runs import Run, RunSelection
from tui.services.runtime import load_settings_aloud, log_to_file

# Of a run's id in the listing for people: as much as tells runs of the same second apart.
SHORT_ID = 18
# Options that say what a run is about, and so belong to the one that begins it.
OF_A_RUN = ("intent", "data", "from_corrections", "limit", "classification_only")


def run(options: argparse.Namespace) -> int:
    _refuse(options)
    settings = load_settings_aloud(options)
    with closing(Database.open(settings.database)) as database:
        if options.runs:
            return _list(Evaluations(database), as_json=options.json)
        log_to_file(settings)
        engine = evaluation_runs.dry_engine(settings)
        try:
            for problem in engine.catalogue.problems:
                _say(problem)
            cut = None
            if options.resume is not None:
                cut = evaluation_runs.find_resumable(settings, engine, database, options.resume)
            choice = cut.choice if cut else _choice(options)
            asked = _gates(options.gate or (), engine.catalogue.intents, choice)
            baseline = _baseline(options, Evaluations(database))
            parallel = options.parallel
            if cut:
                going = evaluation_runs.resume(engine, database, cut, parallel)
            else:
                going = evaluation_runs.begin(settings, engine, database, choice, parallel)
        except BaseException:
            asyncio.run(engine.close())
            raise
        return asyncio.run(_evaluate(going, options, asked, baseline))


async def _evaluate(
    going: Run,
    options: argparse.Namespace,
    asked: list[Gate],
    baseline: RunRecord | None,
) -> int:
    began, before = time.monotonic(), len(going.done)
    only_route, intents = going.choice.only_route, going.choice.intents
    catalogue, reader = going.engine.catalogue, going.engine.reader
    try:
        end = await _work(going)
        known = None
        if reader and end.reason == "finished":
            try:
                known = await description_scores(
                    going.runner.rows.values(), catalogue, reader.nearest
                )
            except ModelError as error:  # all the rest is there
                _say(f"the descriptions were not tried: {error}")
    except BaseException:
        going.evaluations.interrupt(going.record.id)
        raise
    finally:
        await going.engine.close()
    report = score(going.results, catalogue, only_route=only_route, intents=intents)
    report = replace(report, described=known)
    finished = end.reason == "finished" and not report.failed
    comparison = None
    if baseline is not None:
        comparison = compare.compare(
            evaluation_runs.results_of(going.evaluations, baseline.id),
            going.results,
            catalogue,
            only_route=only_route,
            intents=intents or evaluation_runs.choice_of(baseline).intents,
        )
    # Gates are about the whole set; what is only half done has not passed them.
    verdicts = gates.judge(asked, report) if finished else []
    data: dict[str, Any] = {
        **evaluation_runs.summary(
            going, report, finished=finished, wall_seconds=time.monotonic() - began
        ),
        "gates": [
            {"name": v.gate.name, "least": v.gate.least, "reached": v.reached, "passed": v.passed}
            for v in verdicts
        ],
    }
    if comparison is not None:
        data["baseline"] = compare.to_dict(comparison)
    if finished:
        going.evaluations.finish(going.record.id, data)
    else:
        going.evaluations.interrupt(going.record.id, data)
    title = f"{going.record.catalogue}, {going.record.model}"
    if options.json:
        print_json(data)
    elif not _printed(options):
        total, done = len(going.runner.rows), len(going.done)
        told = count(total, "message")
        if not finished:
            told = f"incomplete: {done:,} of {told}"
        if before:
            told += f", {done - before:,} of these now"
        subtitle = f"{told} in {data['wall_seconds']:,.1f} s, run {data['run']}"
        card = EvalReport(
            report, title, subtitle, verdicts, comparison, whole=bool(going.choice.intents)
        )
        with output.console() as console:
            card.print(console)
    if options.markdown:
        cost = spent(report.spent).removeprefix("cost ")
        _write(
            options.markdown, report_markdown.to_markdown(report, title, cost, verdicts, comparison)
        )
    if options.junit:
        _write(options.junit, report_junit.to_xml(report, going.results, verdicts))
    if going.choice.intents:
        _say("only these intents' messages were tried: whether others are taken for them is open")
    if asked and not finished:
        _say("the gates were not judged: the run is incomplete")
    return _conclude(going, end, report, verdicts)


async def _work(going: Run) -> End:
    """Go through the rows with a progress bar; an interrupt ends the run and keeps what is done."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, going)
    try:
        await going.engine.warm_up()
        with _progress(going):
            return await going.runner.run()
    except ModelError as error:  # of the local router, which reads messages ahead of their turns
        return End("cannot_run", str(error), error.code)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _stop(going: Run) -> None:
    if going.runner.stop():
        _say("stopping: the answers on their way are waited for; Ctrl+C again gives them up")


@contextmanager
def _progress(going: Run) -> Iterator[None]:
    """A bar on standard error, if somebody is there to see it."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        runner = going.runner
        task = bar.add_task("messages", total=len(runner.rows), completed=len(going.done))
        runner.on_done = lambda row, outcome: bar.advance(task)
        yield


def _conclude(going: Run, end: End, report: Report, verdicts: list[Verdict]) -> int:
    """Say what is left to say on standard error; returns the exit code."""
    run_id, total, done = going.record.id, len(going.runner.rows), len(going.done)
    again = f"resume it with: {PROGRAM} eval --resume {run_id}"
    match end.reason:
        case "interrupted":
            _say(f"interrupted after {done:,} of {count(total, 'message')}; {again}")
            return ExitCode.INTERRUPTED
        case "network" | "cannot_run":
            _say(f"stopped after {done:,} of {count(total, 'message')}: {end.message}; {again}")
            return of_error(end.code)
    if report.failed:
        last = report.failed[-1].outcome
        failed = f"{len(report.failed):,} of {count(total, 'message')}"
        _say(f"never answered: {failed}, the last for: {last.message}; {again}")
        return of_error(last.error)
    missed = [verdict for verdict in verdicts if not verdict.passed]
    for verdict in missed:
        gate = verdict.gate
        is_so = f"it is {report_markdown.percent(verdict.reached)}"
        if verdict.reached is None:
            is_so = "no message could show it"
        bound = f"{'at most ' if gate.at_most else ''}{report_markdown.percent(gate.least)}"
        _say(f"gate missed: {gate.name} is to be {bound}, {is_so}")
    return ExitCode.FAILED if missed else ExitCode.DONE


def _refuse(options: argparse.Namespace) -> None:
    """Refuse options that cannot go together. Raises `SettingsError`."""
    if len(printed := _printed(options)) > 1:
        raise SettingsError(f"{' and '.join(printed)} cannot both be printed: name a file for one")
    if options.from_corrections and options.data:
        raise SettingsError("--from-corrections and --data each say which messages: name one")
    chosen = [f"--{name.replace('_', '-')}" for name in OF_A_RUN if getattr(options, name)]
    if options.resume is not None and chosen:
        raise SettingsError(
            f"--resume uses the options that the run began with: leave out {' '.join(chosen)}"
        )


def _printed(options: argparse.Namespace) -> list[str]:
    """Return what is to be printed instead of the tables."""
    named = [f"--{name} -" for name in ("markdown", "junit") if getattr(options, name) == "-"]
    return [*(["--json"] if options.json else []), *named]


def _choice(options: argparse.Namespace) -> RunSelection:
    return RunSelection(
        intents=tuple(options.intent or ()),
        data=tuple(str(path.resolve()) for path in options.data or ()),
        limit=options.limit,
        only_route=options.classification_only,
        from_corrections=options.from_corrections,
    )


def _gates(texts: Iterable[str], intents: Iterable[str], choice: RunSelection) -> list[Gate]:
    only_route, alone = choice.only_route, bool(choice.intents)
    return [gates.parse(text, intents, only_route=only_route, alone=alone) for text in texts]


def _baseline(options: argparse.Namespace, evaluations: Evaluations) -> RunRecord | None:
    # Looked up before this run begins, so that `last` is the one before it.
    return None if options.baseline is None else evaluations.run(options.baseline)


def _list(evaluations: Evaluations, *, as_json: bool) -> int:
    runs = evaluations.runs()
    if as_json:
        print_json([asdict(found) for found in runs])
        return ExitCode.DONE
    rows = []
    for found in runs:
        accuracy = ((found.report or {}).get("classification") or {}).get("accuracy")
        when = format_local(found.started_at)[5:16]  # 80 columns have no room for more
        share = report_markdown.percent(accuracy)
        rows.append(
            (
                found.id[:SHORT_ID],
                when,
                found.state,
                str(found.done),
                share,
                f"{evaluation_runs.choice_of(found).words}; {found.catalogue}",
            )
        )
    heads = ("run", "began", "state", "done", "right", "what")
    with output.console() as console:
        list_phrase(console, heads, rows)
    return ExitCode.DONE


def _write(place: str, text: str) -> None:
    if place == "-":
        output.write(text)
        return
    try:
        write_file(Path(place), strip_controls(text).encode(), private=False)
    except OSError as error:
        raise SettingsError(f"{place} cannot be written: {error.strerror or error}") from error


def _say(text: str) -> None:
    output.say(text, "eval")

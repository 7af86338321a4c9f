"""`demo`: a script in the app, for people who show it; or the list of demos, or a new one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.intents import catalogue as catalogues
from engine.scripted import Script, load_script, load_scripts, script_of
from storage.history import History
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_json, print_line, say, write
from tui.formatting.text import sanitize
from tui.services.backend import DemoStep
from tui.services.runtime import load_settings_aloud, open_to_read


def run(options: argparse.Namespace) -> int:
    settings = load_settings_aloud(options)
    if options.record:
        with closing(open_to_read(settings)) as database:
            write(script_of(History(database).events(options.record)))
        return ExitCode.DONE
    catalogue = catalogues.load(*settings.catalogues)
    found = (load_scripts(folder).items() for folder in catalogue.folders)
    scripts = {name: script for folder in found for name, script in folder}
    if options.name is None:
        _list(scripts, as_json=options.json)
        return ExitCode.DONE
    if options.name.endswith(".toml"):
        options.script = Path(options.name)
        scripts[options.name] = load_script(options.script)
    if options.name not in scripts:
        known = ", ".join(scripts) or "none"
        say(
            f"there is no demo {sanitize(options.name)!r}; there are: {known}, "
            "and any script's .toml file",
            "demo",
        )
        return ExitCode.USAGE
    script = scripts[options.name]
    faults = [(n, f) for n, turn in enumerate(script.turns, 1) for f in turn.lacking(catalogue)]
    if faults:
        for number, fault in faults:
            say(f"{options.name}: message {number}: {fault}", "demo")
        return ExitCode.USAGE
    # Back end and history of its own, made new: the demo is the same each time, and what is the
    # person's stays as it is. With --db the talk is kept there.
    with TemporaryDirectory(prefix="intentbot-demo-") as folder:
        from tui.commands.app import show

        if "db" not in options:
            options.db = Path(folder) / "intentbot.db"
        code, _ = show(options, steps=_steps(script), data_dir=Path(folder), cast=options.cast)
        return code


def _list(scripts: Mapping[str, Script], *, as_json: bool) -> None:
    if as_json:
        found = [
            {"name": name, "title": script.title, "messages": len(script.turns)}
            for name, script in scripts.items()
        ]
        print_json(found)
        return
    width = max(map(len, scripts), default=0)
    for name, script in scripts.items():
        print_line(f"{name:<{width}}  {sanitize(script.title)} ({len(script.turns)} messages)")


def _steps(script: Script) -> Sequence[DemoStep]:
    return [
        DemoStep(turn.message, turn.note, turn.route, turn.intents, turn.pause)
        for turn in script.turns
    ]

"""`replay`: a recorded session played from the database; no model is asked and no tool runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing

from engine.events import Event
from storage.history import History
from tui import preferences
from tui.commands.app import has_terminal, save_bandwidth
from tui.exit_codes import ExitCode
from tui.output import say
from tui.setup import load_settings_aloud, open_to_read


def run(options: argparse.Namespace) -> int:
    recorded = _recorded(options)
    if not has_terminal():
        say(
            f"this needs a terminal; without one use: intentbot-tui sessions show {options.id}",
            "replay",
        )
        return ExitCode.USAGE
    save_bandwidth(options)
    for fault in preferences.take_keys():
        say(fault, "replay")
    from tui import running
    from tui.replay import ReplayApp

    app = ReplayApp(
        recorded, low_bandwidth=options.low_bandwidth, kept_theme=preferences.kept_theme()
    )
    return running.run(app, mouse=not options.no_mouse)


def _recorded(options: argparse.Namespace) -> Sequence[Event]:
    with closing(open_to_read(load_settings_aloud(options))) as database:
        return History(database).events(options.id)

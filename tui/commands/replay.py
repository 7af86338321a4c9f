"""`replay`: a recorded session played from the database; no model is asked and no tool runs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing

from engine.events import Event
from storage.history import History
from tui.commands.app import has_terminal, save_bandwidth
from tui.commands.exit_codes import ExitCode
from tui.commands.output import say
from tui.services import preferences
from tui.services.runtime import load_settings_aloud, open_to_read


def run(options: argparse.Namespace) -> int:
    recorded = _recorded(options)
    if not has_terminal():
        say(
            f"this needs a terminal; without one use: intentbot-tui sessions show {options.id}",
            "replay",
        )
        return ExitCode.USAGE
    save_bandwidth(options)
    for fault in preferences.load_keybindings():
        say(fault, "replay")
    from tui.playback.app import ReplayApp
    from tui.terminal import run_app

    app = ReplayApp(
        recorded, low_bandwidth=options.low_bandwidth, kept_theme=preferences.chosen_theme(options)
    )
    return run_app.run(app, mouse=not options.no_mouse)


def _recorded(options: argparse.Namespace) -> Sequence[Event]:
    with closing(open_to_read(load_settings_aloud(options))) as database:
        return History(database).events(options.id)

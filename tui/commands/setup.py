"""`setup`: choose what answers, in a dialogue that tries it and writes the person's config.toml."""

from __future__ import annotations

import argparse

from tui.commands.app import has_terminal
from tui.commands.exit_codes import ExitCode
from tui.commands.output import say
from tui.services import preferences


def run(options: argparse.Namespace) -> int:
    if not has_terminal():
        say("this needs a terminal; without one use: intentbot-tui config set NAME VALUE", "setup")
        return ExitCode.USAGE
    from tui.app import SetupApp
    from tui.services.configuration import Configuration
    from tui.terminal import run_app

    configuration = Configuration(options)
    configuration.load()
    app = SetupApp(configuration, kept_theme=preferences.saved_theme())
    code = run_app.run(app, mouse=True)
    if app.said is None:
        say("nothing was changed", "setup")
        return code or ExitCode.DONE
    say(" · ".join(filter(None, [f"written to {configuration.place}", app.said])), "setup")
    return code

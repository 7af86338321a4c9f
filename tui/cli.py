"""The command line: reads it, puts the parts together, hands over.

Nothing heavy is imported here: each command brings its own.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tui.exit_codes import ExitCode

PROGRAM = "intentbot-tui"
PROVIDERS = ("auto", "azure", "openai", "embedded", "scripted")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    options = parser().parse_args(arguments)
    if options.command is None:
        from tui.commands.app import run

        return _guarded(run, options)
    module = importlib.import_module(f"tui.commands.{options.command}")
    return _guarded(module.run, options)


def _guarded(run: object, options: argparse.Namespace) -> int:
    """Run a command; what a person can mend is told in one line on standard error."""
    assert callable(run)
    try:
        return int(run(options))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, which is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:
        from tui.setup import explain

        text = explain(error)
        if text is None:
            raise
        print(f"{PROGRAM}: {text}", file=sys.stderr)
        return ExitCode.USAGE


def parser() -> argparse.ArgumentParser:
    """The whole command line. The common options stand before or after the subcommand."""
    common = _common()
    main_parser = argparse.ArgumentParser(
        prog=PROGRAM,
        parents=[common],
        description="An assistant in the terminal that performs real tasks. "
        "Without a subcommand the app opens.",
        epilog="Exit codes: 0 done, 1 the model or a tool failed, 2 usage or configuration, "
        "3 network, 4 limit or time-out, 5 approval needed and nobody to ask, 130 interrupted.",
    )
    main_parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    which = main_parser.add_mutually_exclusive_group()
    which.add_argument(
        "--continue", dest="continue_last", action="store_true", help="go on with the last session"
    )
    which.add_argument("--resume", metavar="ID", help="go on with this session")
    main_parser.add_argument(
        "--no-mouse", action="store_true", help="leave the mouse to the terminal"
    )
    main_parser.add_argument(
        "--low-bandwidth", action="store_true", help="send less: for slow connections"
    )
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_ask(commands, common)
    _add_sessions(commands, common)
    _add_actions(commands, common)
    doctor = commands.add_parser(
        "doctor", parents=[common], help="check terminal, database, settings, model"
    )
    doctor.add_argument("--json", action="store_true", help="print JSON")
    config = commands.add_parser("config", parents=[common], help="show the settings in force")
    config.add_argument("verb", choices=("show", "path"))
    config.add_argument("--json", action="store_true", help="print JSON")
    return main_parser


Commands = argparse._SubParsersAction  # argparse has no public name for it


def _common() -> argparse.ArgumentParser:
    """Options of every command. Suppressed defaults let either place set them."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--catalog", type=Path, metavar="DIR", help="a catalogue folder")
    common.add_argument("--db", type=Path, metavar="FILE", help="where the history is kept")
    common.add_argument("--provider", choices=PROVIDERS, help="what answers (default: auto)")
    return common


def _add_ask(commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    ask = commands.add_parser("ask", parents=[common], help="one message, answered on the spot")
    ask.add_argument("text", metavar="TEXT", help="the message, or - to read standard input")
    ask.add_argument("--session", metavar="ID", help="go on with this session")
    ask.add_argument("--json", action="store_true", help="print the events, one JSON object a line")
    answer = ask.add_mutually_exclusive_group()
    answer.add_argument("--yes", action="store_true", help="approve every action")
    answer.add_argument("--deny", action="store_true", help="deny every action that asks")


def _add_sessions(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    sessions = commands.add_parser("sessions", parents=[common], help="past sessions")
    verbs = sessions.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="newest first")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    show = verbs.add_parser("show", parents=[common], help="what was said and done")
    show.add_argument("id", metavar="ID", help="a session's id, or its beginning")
    show.add_argument("--json", action="store_true", help="print its events as one JSON array")


def _add_actions(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    actions = commands.add_parser("actions", parents=[common], help="what was executed")
    verbs = actions.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="newest first")
    listing.add_argument("--session", metavar="ID", help="of this session only")
    listing.add_argument("--json", action="store_true", help="print one JSON array")
    for verb, purpose in (
        ("show", "one action and its fate"),
        ("check", "ask the back end what became of an unknown action, without repeating it"),
    ):
        one = verbs.add_parser(verb, parents=[common], help=purpose)
        one.add_argument("id", metavar="ID", help="an action's id, or its beginning")
        one.add_argument("--json", action="store_true", help="print the action as JSON")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib.metadata import version

        print(f"{PROGRAM} {version(PROGRAM)}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())

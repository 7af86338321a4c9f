"""The command line: hands over to the command. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from tui.exit_codes import ExitCode
from tui.parser import PROGRAM, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    options = parser().parse_args(arguments)
    if options.command is None:
        from tui.commands.app import run

        return _guarded(run, options)
    module = importlib.import_module(f"tui.commands.{options.command}")
    return _guarded(module.run, options)


def _guarded(run: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    """Run a command; what a person can mend is told in one line on standard error."""
    try:
        code = run(options)
        sys.stdout.flush()  # here a reader that has gone is no error; at the exit it would be
        return code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, which is its right.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except Exception as error:
        from tui.setup import exit_code, explain

        text = explain(error)
        if text is None:
            raise
        print(f"{PROGRAM}: {text}", file=sys.stderr)
        return exit_code(error)


if __name__ == "__main__":
    sys.exit(main())

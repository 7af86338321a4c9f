"""The command line: hands over to the command. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from tui.commands import output
from tui.commands.exit_codes import ExitCode
from tui.commands.output import OutputError
from tui.commands.parser import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    output.open_standard_streams()
    code: int = ExitCode.DONE
    try:
        code = _guarded(arguments)
        output.flush()  # at the exit it would be too late to say that it failed
    except OutputError as error:
        output.discard()
        if not error.gone:
            output.say(str(error))
            code = code or ExitCode.FAILED
    return code


def _guarded(arguments: Sequence[str] | None) -> int:
    """Run a command; what a person can mend is said in one line on standard error."""
    try:
        options = parser().parse_args(arguments)
        module = importlib.import_module(f"tui.commands.{options.command or 'app'}")
        run: Callable[[argparse.Namespace], int] = module.run
        return run(options)
    except SystemExit as end:  # argparse has said why
        return end.code if isinstance(end.code, int) else ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OutputError:
        raise
    except Exception as error:
        from tui.services.runtime import exit_code, user_message

        text = user_message(error)
        if text is None:
            raise
        output.say(text)
        return exit_code(error)


if __name__ == "__main__":
    sys.exit(main())

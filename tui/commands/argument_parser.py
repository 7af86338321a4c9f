"""How a command line is read: argparse, with the manners of this program.

A word that is misspelt is told the word that was meant, the help has examples, and options of every
command may stand before and after it.
"""

from __future__ import annotations

import argparse
import re
import sys
from difflib import get_close_matches
from typing import Any, NoReturn

from tui.commands.examples import EXAMPLES

PROGRAM = "intentbot-tui"
EVERYWHERE = ("catalog", "db", "provider", "model_file")  # options of every command


class ArgumentParser(argparse.ArgumentParser):
    """Prints what argparse has to say the way the commands do, and adds examples to the help.

    The help of a subcommand has its own options only, and names the others.
    """

    def format_help(self) -> str:
        whole = self.prog == PROGRAM
        own = [one for one in self._actions if whole or one.dest not in EVERYWHERE]
        shown = self._get_formatter()
        shown.add_usage(self.usage, own, self._mutually_exclusive_groups)
        shown.add_text(self.description)
        for group in self._action_groups:
            shown.start_section(group.title)
            shown.add_arguments([one for one in group._group_actions if one in own])
            shown.end_section()
        others = [one for one in self._actions if one not in own]
        names = ", ".join(name for one in others for name in one.option_strings)
        also = f"Options of every command: {names}; see {PROGRAM} --help." if names else ""
        shown.add_text(self.epilog or also)
        return shown.format_help() + self._examples()

    def _examples(self) -> str:
        examples = EXAMPLES.get(self.prog.removeprefix(PROGRAM).strip(), ())
        lines = [f"  {PROGRAM} {example}".rstrip() for example in examples]
        return "\n".join(["", "examples:", *lines, ""] if lines else [])

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and which word may have been meant."""
        found = re.search(r"invalid choice: '(.+)' \(choose from (.+)\)$", message)
        if found is not None:
            known = [word.strip(" '") for word in found[2].split(",")]
            if near := get_close_matches(found[1], known, n=1):
                before = message[: found.start()]
                message = f"{before}invalid choice: {found[1]!r}, did you mean {near[0]!r}?"
        super().error(message)

    def _print_message(self, message: str, file: object = None) -> None:
        from tui.commands import output

        if file is sys.stderr:
            output.tell(message, end="")
        else:
            output.write(message)


def moment(typed: str) -> str:
    from tui.formatting.time import parse_time

    try:
        return parse_time(typed)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def count(text: str) -> int:
    """A number of things: one or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


class Collect(argparse.Action):
    """`append` for an option that may stand before and after the subcommand.

    argparse reads the subcommand's options into a namespace of their own and copies that over the
    first one, so `append` would lose what stood before. A parser is made for each command line.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: Any,
        option_string: str | None = None,
    ) -> None:
        self.const = [*(self.const or []), value]
        setattr(namespace, self.dest, self.const)


class Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib.metadata import version

        parser._print_message(f"{PROGRAM} {version(PROGRAM)}\n", sys.stdout)
        parser.exit()

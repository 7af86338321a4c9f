"""`help [COMMAND]`: the same as `COMMAND --help`."""

from __future__ import annotations

import argparse

from tui.commands.parser import parser


def run(options: argparse.Namespace) -> int:
    parser().parse_args([*options.words, "--help"])
    raise AssertionError("the help ends the program")

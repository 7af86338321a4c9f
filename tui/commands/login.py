"""`login`: sign in to an MCP server that wants OAuth, or forget the tokens again."""

from __future__ import annotations

import argparse
import asyncio

from engine.settings import SettingsError
from engine.text import show_controls
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_line, say, tell


def run(options: argparse.Namespace) -> int:
    from engine.tools.mcp.sign_in import SignInError, TokenFile, sign_in

    shown = show_controls(options.address)
    if options.remove:
        try:
            found = TokenFile(options.address).forget()
        except OSError as error:
            raise SettingsError(f"the tokens cannot be removed: {error}") from error
        print_line(f"{shown}: {'forgotten' if found else 'nobody had signed in there'}")
        return ExitCode.DONE
    try:
        asyncio.run(sign_in(options.address, _tell))
    except SignInError as error:
        say(f"{shown}: {error}", "login")
        return ExitCode.FAILED
    print_line(f"{shown}: signed in")
    return ExitCode.DONE


def _tell(page: str) -> None:
    tell(f"Open this page in a browser on this machine and sign in:\n{page}")

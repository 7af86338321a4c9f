"""`ask`: answer one message on standard output; actions are reported on standard error."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys

from engine.builder import Engine
from engine.events import (
    ApprovalRequested,
    Event,
    InputRequested,
    InputResolved,
    RetryScheduled,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    to_dict,
)
from engine.ports import Answer
from engine.typed_input import Command, MessageText, read_input
from tui.chat.notes import remark
from tui.commands import output
from tui.commands.exit_codes import ExitCode, of_turn
from tui.commands.output import OutputError, print_json, talk_aside, write
from tui.formatting.call_text import question_lines, shown_line
from tui.formatting.text import one_line
from tui.services.runtime import load_settings, open_runtime

# What is known of a catalogue is read in a second; a large one that is not takes half a minute.
PATIENCE_S, MANY_PHRASES = 3.0, 500


def run(options: argparse.Namespace) -> int:
    if options.text is None and sys.stdin.isatty():
        output.say("what is the message? give it as TEXT, or through a pipe", "ask")
        return ExitCode.USAGE
    text = sys.stdin.read() if options.text in (None, "-") else options.text
    if not text.strip():
        output.say("the message is empty", "ask")
        return ExitCode.USAGE
    if options.deny and options.yes_destructive:
        output.say("--yes-destructive and --deny cannot both be meant", "ask")
        return ExitCode.USAGE
    message = read_input(text)
    if isinstance(message, Command):
        output.say(_refusal(message), "ask")
        return ExitCode.USAGE
    with talk_aside():
        return asyncio.run(_ask(options, message))


def _refusal(command: Command) -> str:
    shown = one_line(command.typed, 60)
    if command.name == "help":
        return f"{shown!r} asks no model: see intentbot-tui ask --help"
    if command.name == "quit":
        return f"{shown!r} leaves the app and is not a message: nothing was sent"
    escape = "begin the text with // to send a slash"
    return f"{shown!r} is a command of the app, not a message: nothing was sent; {escape}"


async def _ask(options: argparse.Namespace, text: MessageText) -> int:
    parts = await asyncio.to_thread(open_runtime, load_settings(options))
    for notice in parts.notices:
        output.say(notice)
    try:
        session = parts.history.session(options.session).id if options.session else None
        assistant = parts.assistant(session, _Approver(options))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, assistant.cancel)
        happened: list[Event] = []
        failed: OutputError | None = None
        patience = loop.call_later(PATIENCE_S, _say, learning(parts.engine))
        async for event in assistant.respond(text):
            happened.append(event)
            if not isinstance(event, TurnStarted):
                patience.cancel()
            try:
                if failed is None and options.json:
                    print_json(to_dict(event), flush=True)
                elif failed is None:
                    _tell(event)
            except OutputError as error:
                failed = error
                assistant.cancel()  # what has begun is waited for, and all of it is recorded
        if failed is not None and not failed.gone:
            raise failed
        if not options.json and any(isinstance(event, TextDelta) for event in happened):
            write("\n", flush=True)
        return of_turn(happened)
    finally:
        await parts.close()


def learning(engine: Engine) -> str:
    """Return what the first message waits for where a large catalogue has yet to be learnt."""
    examples = (i.examples.values() for i in engine.catalogue.intents.values())
    count = sum(len(phrases) for own in examples for phrases in own)
    if engine.reader is None or count < MANY_PHRASES:
        return ""
    return f"learning {count:,} phrases, which is kept for the next time…"


def _say(text: str) -> None:
    if text:
        output.say(text)


class _Approver:
    """Answers as the flags say, else asks at the terminal, else nobody is there.

    `--yes` answers for changes, never for destructive calls: these need `--yes-destructive`, which
    answers for both. Only the command line says so, neither environment nor settings.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._deny: bool = options.deny
        self._yes: bool = options.yes or options.yes_destructive
        self._yes_destructive: bool = options.yes_destructive
        # With the message or the events in the pipes there is nobody to talk to.
        self._can_ask = sys.stdin.isatty() and sys.stderr.isatty()

    async def decide(self, request: ApprovalRequested) -> Answer:
        if self._deny:
            return Answer("denied", "flag")
        destructive = request.effect == "destructive"
        yes = self._yes_destructive if destructive else self._yes
        if yes and not request.person_only:
            return Answer("approved", "flag")
        if not self._can_ask:
            flag = "--yes-destructive" if destructive else "--yes"
            tool = shown_line(request.tool)
            how = f"add {flag}, or run it in a terminal"
            if request.person_only:
                how = "run it in a terminal, since it is not certain that you asked for this"
            output.say(f"{tool} is {request.effect} and needs approval: {how}")
            return Answer("unanswered", "nobody")
        answer = await _prompt(request)
        return Answer("approved" if answer in ("y", "yes") else "denied", "person")


async def _prompt(request: ApprovalRequested) -> str:
    width = max(40, shutil.get_terminal_size().columns)
    output.tell("\n".join(["", *question_lines(request, width)]))
    return await output.ask_meanwhile("Do it? [y/N] ")


def _tell(event: Event) -> None:
    match event:
        case TextDelta():
            write(event.text, flush=True)
        case ToolStarted() | ToolFinished():
            pass
        case InputRequested() | InputResolved():
            output.say(remark(event, {}))
        case RetryScheduled():
            output.tell(f"{event.reason}; again in {event.delay_s:g} s")
        case TurnFinished(cut=True):
            output.say("the server cut this reply short")
        case TurnFailed():
            output.say(event.message)

"""`ask`: one message, answered on standard output; what is done is told on standard error."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from typing import TextIO

from engine.assembly import Engine
from engine.events import (
    ApprovalRequested,
    Event,
    RetryScheduled,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFailed,
    TurnStarted,
    to_dict,
)
from engine.ports import Answer
from engine.typed_input import Command, MessageText, read_input
from tui.exit_codes import ExitCode, of_turn
from tui.output import talk_aside
from tui.setup import load_settings, put_together
from tui.text import one_line, plain

# What is known of a catalogue is read in a second; a large one that is not takes half a minute.
PATIENCE_S, MANY_PHRASES = 3.0, 500


def run(options: argparse.Namespace) -> int:
    text = sys.stdin.read() if options.text == "-" else options.text
    if not text.strip():
        print("intentbot-tui ask: the message is empty", file=sys.stderr)
        return ExitCode.USAGE
    message = read_input(text)
    if isinstance(message, Command):
        print(f"intentbot-tui ask: {_refusal(message)}", file=sys.stderr)
        return ExitCode.USAGE
    with talk_aside() as out:
        return asyncio.run(_ask(options, message, out))


def _refusal(command: Command) -> str:
    shown = one_line(command.typed, 60)
    if command.name == "help":
        return f"{shown!r} asks no model: see intentbot-tui ask --help"
    if command.name == "quit":
        return f"{shown!r} leaves the app and is not a message: nothing was sent"
    escape = "begin the text with // to send a slash"
    return f"{shown!r} is a command of the app, not a message: nothing was sent; {escape}"


async def _ask(options: argparse.Namespace, text: MessageText, out: TextIO) -> int:
    parts = await asyncio.to_thread(put_together, load_settings(options))
    for notice in parts.notices:
        print(f"intentbot-tui: {plain(notice)}", file=sys.stderr)
    try:
        session = parts.history.session(options.session).id if options.session else None
        assistant = parts.assistant(session, _Approver(options))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, assistant.cancel)
        happened: list[Event] = []
        patience = loop.call_later(PATIENCE_S, _say, learning(parts.engine))
        async for event in assistant.respond(text):
            happened.append(event)
            if not isinstance(event, TurnStarted):
                patience.cancel()
            try:
                if options.json:
                    print(json.dumps(to_dict(event), ensure_ascii=False), file=out, flush=True)
                else:
                    _tell(event, out)
            except OSError as error:
                _talk_to_nobody(error, out)
                assistant.cancel()
        if not options.json and any(isinstance(event, TextDelta) for event in happened):
            print(file=out, flush=True)
        return of_turn(happened)
    finally:
        await parts.close()


def learning(engine: Engine) -> str:
    """What keeps the first message waiting, where a large catalogue has yet to be learnt."""
    examples = (i.examples.values() for i in engine.catalogue.intents.values())
    count = sum(len(phrases) for own in examples for phrases in own)
    if engine.worker is None or count < MANY_PHRASES:
        return ""
    return f"learning {count:,} phrases, which is kept for the next time…"


def _say(text: str) -> None:
    if text:
        print(f"intentbot-tui: {text}", file=sys.stderr, flush=True)


def _talk_to_nobody(error: OSError, out: TextIO) -> None:
    """The reader of our output has gone, or the whole terminal: the rest goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    if not isinstance(error, BrokenPipeError):
        os.dup2(nowhere, sys.stderr.fileno())


class _Approver:
    """Answers as the flags say, else asks at the terminal, else nobody is there."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._flag = Answer("approved", "flag") if options.yes else None
        if options.deny:
            self._flag = Answer("denied", "flag")
        # With the message or the events in the pipes there is nobody to talk to.
        self._can_ask = sys.stdin.isatty() and sys.stderr.isatty()

    async def decide(self, request: ApprovalRequested) -> Answer:
        if self._flag is not None:
            return self._flag
        if not self._can_ask:
            return Answer("unanswered", "nobody")
        answer = await asyncio.to_thread(_prompt, request)
        return Answer("approved" if answer in ("y", "yes") else "denied", "person")


def _prompt(request: ApprovalRequested) -> str:
    arguments = json.dumps(dict(request.arguments), ensure_ascii=False)
    print(f"\n{plain(request.summary)}  [{request.effect}]", file=sys.stderr)
    print(f"  {request.tool} {plain(arguments)}", file=sys.stderr)
    if request.would:
        print(f"  if yes: {plain(request.would)}", file=sys.stderr)
    if request.before:
        print(f"  done before: {plain(request.before)}", file=sys.stderr)
    print("Do it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower()


def _tell(event: Event, out: TextIO) -> None:
    match event:
        case TextDelta():
            print(plain(event.text), end="", file=out, flush=True)
        case ToolStarted() | ToolFinished():
            pass
        case RetryScheduled():
            print(f"{plain(event.reason)}; again in {event.delay_s:g} s", file=sys.stderr)
        case TurnFailed():
            print(f"intentbot-tui: {plain(event.message)}", file=sys.stderr)

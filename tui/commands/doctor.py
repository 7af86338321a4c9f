"""`doctor`: is everything in place? Each check says what is wrong and what to do."""

from __future__ import annotations

import argparse
import asyncio
import json
import locale
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from engine.assembly import assemble
from engine.conversation import Conversation, Message
from engine.intents import catalogue as catalogues
from engine.intents.router import Routing
from engine.models.port import ChatRequest
from engine.settings import Settings
from storage.database import Database
from tui.exit_codes import ExitCode
from tui.setup import explain, load_settings, log_to_file
from tui.text import plain

MIN_COLUMNS, MIN_ROWS = 60, 14


@dataclass(frozen=True)
class Check:
    """The outcome of one check: `warn` is worth knowing, `fail` stops the program."""

    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str


def run(options: argparse.Namespace) -> int:
    checks = []
    for check in _checks(options):
        checks.append(check)
        if not options.json:
            mark = {"ok": "ok  ", "warn": "note", "fail": "FAIL"}[check.state]
            print(f"{mark}  {check.name:<10} {plain(check.detail)}", flush=True)
    if options.json:
        print(json.dumps([asdict(check) for check in checks], ensure_ascii=False))
    return ExitCode.USAGE if any(c.state == "fail" for c in checks) else ExitCode.DONE


def _checks(options: argparse.Namespace) -> Iterator[Check]:
    yield Check("python", "ok", sys.version.split()[0])
    yield _terminal()
    yield _locale()
    settings = None

    def read_settings() -> str:
        nonlocal settings
        settings = load_settings(options)
        return settings.provider + (f" at {settings.server.host}" if settings.server else "")

    yield _try("settings", read_settings)
    if settings is not None:
        log_to_file(settings)
        yield from _catalogue(settings)
        yield _try("database", lambda: _database(settings))
        yield _try("model", lambda: asyncio.run(_ask(settings)))


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except Exception as error:
        text = explain(error)
        if text is None:
            raise
        return Check(name, "fail", text)


def _terminal() -> Check:
    size = shutil.get_terminal_size()
    colours = os.environ.get("COLORTERM", "")
    where = " in tmux" if "TMUX" in os.environ else ""
    detail = f"{os.environ.get('TERM', 'no TERM')} {size.columns}x{size.lines}{where} {colours}"
    small = size.columns < MIN_COLUMNS or size.lines < MIN_ROWS
    if small:
        detail += f"; the app wants {MIN_COLUMNS}x{MIN_ROWS} or more"
    return Check("terminal", "warn" if small else "ok", detail.strip())


def _locale() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check("locale", "ok", encoding)
    return Check("locale", "warn", f"{encoding}: set LANG=C.UTF-8 to see every character")


def _catalogue(settings: Settings) -> Iterator[Check]:
    problems: tuple[str, ...] = ()

    def load() -> str:
        nonlocal problems
        loaded = catalogues.load(*settings.catalogues)
        asyncio.run(loaded.close())
        problems = loaded.problems
        return f"{loaded.title}: {len(loaded.intents)} intents, {len(loaded.tools)} tools"

    yield _try("catalogue", load)
    for problem in problems:
        yield Check("catalogue", "warn", problem)


def _database(settings: Settings) -> str:
    Database.open(settings.database).close()
    return str(settings.database)


async def _ask(settings: Settings) -> str:
    """One tiny request to each model, the way a turn makes them."""
    engine = assemble(settings)
    try:
        conversation = Conversation(messages=[Message("user", "hello")])
        async for item in engine.router.route("hello", conversation):
            if isinstance(item, Routing):
                routed = item.source
        if settings.server is not None:
            async for _ in engine.model.stream(ChatRequest((Message("user", "Say OK."),))):
                pass
        return f"{engine.label}: answers (routing by {routed})"
    finally:
        await engine.close()

"""`doctor`: is everything in place? Each check says what is wrong and what to do."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict

from engine.builder import Engine, build_engine
from engine.conversation import Conversation, Message
from engine.intents import catalogue as catalogues
from engine.intents.routing import Routing
from engine.settings import Settings, SettingsError
from storage.database import Database, StorageError
from tui.commands.config import origin
from tui.commands.doctor_checks import terminal
from tui.commands.doctor_checks.check import Check
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_json, print_line
from tui.formatting.text import sanitize
from tui.services import config_file, preferences
from tui.services.runtime import faults_of_env, load_settings, log_to_file, user_message

LOOKS_FOR_S = 5.0  # for damage in the history; a gigabyte takes some three
LITTLE_SPACE = 100 * 2**20  # bytes; a busy year takes less


def run(options: argparse.Namespace) -> int:
    checks = []
    for check in _checks(options):
        checks.append(check)
        if not options.json:
            mark = {"ok": "ok  ", "warn": "note", "fail": "FAIL"}[check.state]
            print_line(f"{mark}  {check.name:<11} {sanitize(check.detail)}", flush=True)
    if options.json:
        print_json([asdict(check) for check in checks])
    return ExitCode.USAGE if any(c.state == "fail" for c in checks) else ExitCode.DONE


def _checks(options: argparse.Namespace) -> Iterator[Check]:
    yield Check("python", "ok", sys.version.split()[0])
    yield from terminal.look(os.environ)
    for fault in faults_of_env():
        yield Check(".env", "warn", fault)
    for fault in preferences.load_keybindings():
        yield Check("keybindings", "warn", fault)
    for fault in config_file.exposed():
        yield Check("config", "warn", fault)
    settings = None

    def read_settings() -> str:
        nonlocal settings
        settings = load_settings(options)
        chosen = f"{settings.provider} ({origin(settings, 'provider')})"
        if settings.server is None:
            return chosen
        if settings.server.refused:
            raise SettingsError(settings.server.refused)
        return f"{chosen} at {settings.server.host} ({origin(settings, 'server')})"

    yield _try("settings", read_settings)
    if settings is None:
        return
    log_to_file(settings)
    for notice in settings.notices:
        yield Check(".env", "warn", notice)
    yield _try("database", lambda: _database(settings))
    yield from _space(settings)
    usable = True
    for check in _catalogue(settings):
        yield check
        usable = usable and check.state != "fail"
    if settings.server is not None and not settings.server.refused:
        # Imported when there is a server: the SDK is slow to load.
        from tui.commands.doctor_checks import provider

        yield provider.keys(settings.values)
        try:
            yield from provider.look(settings, settings.server)
        except Exception as error:
            yield _failed("agent", error)
    local = settings.server is None or settings.router in ("embedded", "cascade")
    if local and usable and not (settings.server and settings.server.refused):
        yield _try("router", lambda: asyncio.run(_route(build_engine(settings))))


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except Exception as error:
        return _failed(name, error)


def _failed(name: str, error: Exception) -> Check:
    text = user_message(error)
    if text is None:
        raise error
    return Check(name, "fail", text)


def _database(settings: Settings) -> str:
    """Opened, looked through, and locked for writing as a turn does it."""
    with closing(Database.open(settings.database)) as database:
        sound = database.is_sound(LOOKS_FOR_S)
        if sound is False:
            raise StorageError(
                f"The history in {database.path} is damaged: export what can still be read, then "
                "restore a copy or choose another file with --db."
            )
        looked = " and is sound" if sound else f", but not looked through in {LOOKS_FOR_S:g} s"
        with database.write():
            return f"{database.path} can be written{looked}"


def _space(settings: Settings) -> Iterator[Check]:
    try:
        free = shutil.disk_usage(settings.database.expanduser().absolute().parent).free
    except OSError:
        return  # the database said it
    text = f"{free / 2**30:,.1f} GiB free for the history"
    if free < LITTLE_SPACE:
        yield Check("disk", "warn", f"{text}: make room, or choose another place with --db")
    else:
        yield Check("disk", "ok", text)


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


async def _route(engine: Engine) -> str:
    """Route one message with the models of this machine as a turn does, and say by whom."""
    routed = "nobody"
    try:
        await engine.warm_up()
        conversation = Conversation(messages=[Message("user", "hello")])
        async for item in engine.router.route("hello", conversation):
            if isinstance(item, Routing):
                routed = item.source
        return f"{engine.label}: answers (routing by {routed})"
    finally:
        await engine.close()

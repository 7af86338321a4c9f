"""From options to the parts of the program: settings, log, database, engine, assistants."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import cast

from engine import env_file
from engine import settings as engine_settings
from engine.assistant import Assistant
from engine.builder import Engine, build_engine
from engine.chat_model import ModelError
from engine.conversation import Conversation
from engine.events import ActionSettled
from engine.ids import new_id
from engine.intents.catalogue import CatalogueError
from engine.intents.intent import Catalogue
from engine.paths import data_folder
from engine.ports import Approver, RecordingError
from engine.settings import Settings, SettingsError
from engine.taint import Marks
from engine.tools.reconcile import reconcile_action
from engine.tools.tool import ToolContext
from storage.database import Database, StorageError
from storage.history import ActionRecord, History
from storage.recorder import SqliteRecorder
from tui.commands import output
from tui.commands.exit_codes import ExitCode

log = logging.getLogger(__name__)

# Of a resumed session the engine folds the last turns; older ones could not be sent anyway.
TURNS_TO_RESUME = 200
LOG_BYTES = 1_000_000  # then a new file begins, and one earlier file is kept


def user_message(error: Exception) -> str | None:
    """Return the line for a person if `error` is something that a person can correct."""
    known = (SettingsError, CatalogueError, StorageError, RecordingError, ModelError)
    return str(error) if isinstance(error, known) else None


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code for an error that `user_message` knows."""
    if isinstance(error, CatalogueError) and error.unreachable:
        return ExitCode.NETWORK
    return ExitCode.USAGE


def load_settings(
    options: argparse.Namespace,
    *,
    without_untrusted: bool = False,
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> Settings:
    """Return the settings in force, the options taken into account; see `engine.settings.load`.

    `overrides` are variables that count before those of all sources; empty ones unset them.
    """
    unset = {name for name, text in overrides.items() if not text}
    unset |= {alias for name in unset for alias in engine_settings.ALIASES.get(name, ())}
    return engine_settings.load(
        {name: text for name, text in {**os.environ, **overrides}.items() if name not in unset},
        Path.cwd(),
        provider=getattr(options, "provider", None),
        catalogues=getattr(options, "catalog", ()),
        database=getattr(options, "db", None),
        model_file=getattr(options, "model_file", None),
        script=getattr(options, "script", None),
        unset=unset,
        without_untrusted=without_untrusted,
    )


def load_settings_aloud(options: argparse.Namespace) -> Settings:
    """`load_settings`, saying on standard error what is not used of an untrusted `.env`."""
    settings = load_settings(options)
    for notice in settings.notices:
        output.say(notice)
    return settings


def faults_of_env() -> tuple[str, ...]:
    """Return the lines of `.env` that set nothing, in words; none if it cannot be read."""
    try:
        file = env_file.read(Path.cwd(), os.environ)
    except env_file.EnvFileError:
        return ()
    if file is None or file.decision == "ignored":
        return ()
    return tuple(
        f"{file}, line {number} is left out: write NAME=value" for number in file.broken_lines
    )


@dataclass
class Runtime:
    """Everything an assistant needs, shared by the sessions of one program.

    `data_dir` is where back ends keep their files. `notices` are for the person: what a catalogue's
    sources had to leave out, and actions of which a crash left unknown whether they were done.
    """

    settings: Settings
    engine: Engine
    database: Database
    history: History
    journal: SqliteRecorder
    data_dir: Path
    notices: tuple[str, ...]

    @property
    def demos(self) -> tuple[str, ...]:
        """The names of the catalogue's demos."""
        from engine.scripted import load_scripts

        folders = self.engine.catalogue.folders
        return tuple(name for folder in folders for name in load_scripts(folder))

    def assistant(self, session_id: str | None, approver: Approver) -> Assistant:
        """Return an assistant for a new session, or for a past one with its context."""
        conversation = Conversation()
        if session_id is not None:
            session = self.history.session(session_id)
            session_id = session.id  # of which the beginning may have been given
            past = self.history.events(session_id, last_turns=TURNS_TO_RESUME)
            conversation = Conversation.replay(past)
            # What the whole session has cost and read, its older turns too.
            conversation.cost_usd = max(conversation.cost_usd, session.cost_usd or 0.0)
            if session.turns > TURNS_TO_RESUME:
                earlier = self.history.events(
                    session_id, skip_turns=TURNS_TO_RESUME, kinds=Marks.KINDS
                )
                for event in earlier:
                    conversation.marks.apply(event)
        return Assistant(
            catalogue=self.engine.catalogue,
            router=self.engine.router,
            model=self.engine.model,
            recorder=self.journal,
            approver=approver,
            data_dir=self.data_dir,
            session_id=session_id or new_id(),
            conversation=conversation,
            price=self.engine.price,
            decider=self.engine.decider,
        )

    async def check(self, action_id: str) -> ActionSettled | None:
        """See `check_action`. A conversation that is open takes the event in with `apply`."""
        return await check_action(action_id, self.engine.catalogue, self.history, self.journal)

    async def close(self) -> None:
        """Let go of everything; what was recorded is on disk."""
        await self.engine.close()
        try:
            await self.journal.close()
        except RecordingError as error:
            log.warning("at the end: %s", error)  # the turn that it belongs to has failed of it
        self.database.close()


async def replace_engine(runtime: Runtime, settings: Settings) -> None:
    """Let another engine answer from now on; where it cannot be built, the one there is stays.

    Raises what `user_message` knows.
    """
    engine = await asyncio.to_thread(build_engine, settings)
    try:
        await engine.warm_up()
    except BaseException:
        await engine.close()
        raise
    before, runtime.engine, runtime.settings = runtime.engine, engine, settings
    runtime.journal.model = engine.label
    await before.close()


def open_runtime(settings: Settings, data_dir: Path | None = None) -> Runtime:
    """Build the parts; back ends keep their files beside the database, or in `data_dir`.

    Raises what `explain` knows.
    """
    log_to_file(settings)
    engine = build_engine(settings)
    database = Database.open(settings.database)
    journal = SqliteRecorder(database, model=engine.label, data_dir=data_dir)
    notices = (
        *settings.notices,
        *faults_of_env(),
        *engine.catalogue.problems,
        *notices_of(journal.settle_interrupted()),
    )
    history = History(database)
    history.purge()
    folder = data_dir or database.path.parent
    return Runtime(settings, engine, database, history, journal, folder, notices)


def open_to_read(settings: Settings) -> Database:
    """Open the history for reading only. Raises `StorageError`.

    A file that somebody named is not made here: a mistyped name would read as an empty history.
    """
    if settings.database != data_folder() / "intentbot.db" and not settings.database.exists():
        raise StorageError(
            f"There is no history in {settings.database}: check --db and INTENTBOT_DB."
        )
    return Database.open_to_read(settings.database)


def notices_of(unknown: Iterable[ActionRecord]) -> tuple[str, ...]:
    """Return what to tell the person about actions that a crash left unknown."""
    return tuple(
        f"{action.summary or action.tool}: the program ended while this ran, so it may or may not "
        f"have been done. Before doing it again: intentbot-tui actions check {action.id}"
        for action in unknown
    )


async def check_action(
    action_id: str, catalogue: Catalogue, history: History, journal: SqliteRecorder
) -> ActionSettled | None:
    """Ask the back end that an unknown action went to what became of it, and keep the answer.

    `action_id` may be the beginning of the id. None: the back end cannot tell, and the action
    stays unknown. Raises `StorageError`, also where there is nothing to check.
    """
    action = await asyncio.to_thread(history.unknown_action, action_id)
    data_dir = await asyncio.to_thread(history.data_dir, action)
    context = ToolContext(action.id, action.session_id, data_dir)
    found = await reconcile_action(
        catalogue.tools, context, tool=action.tool, call_id=action.call_id
    )
    return None if found is None else await asyncio.to_thread(journal.settle, found)


def log_to_file(settings: Settings) -> None:
    """Send the log to a private file, without secrets; the screen and stderr get none of it."""

    class Redacting(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return settings.redact(super().format(record))

    path = log_path()
    root = logging.getLogger()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path.parent, 0o700)
        for earlier in path.parent.glob(f"{path.name}.*"):
            _make_private(earlier, 0o600)
        handler: logging.Handler = _PrivateLog(
            path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", errors="replace"
        )
    except OSError:
        handler = logging.NullHandler()  # no log is better than no program
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.handlers[:] = [handler]
    logging.captureWarnings(True)
    root.setLevel(logging.WARNING)


class _PrivateLog(RotatingFileHandler):
    """A log whose files are for their owner alone, those that it begins when one is full too."""

    def _open(self) -> TextIOWrapper:
        def opener(name: str, flags: int) -> int:
            return os.open(name, flags, 0o600)

        _make_private(Path(self.baseFilename), 0o600)
        return cast(
            "TextIOWrapper",
            open(
                self.baseFilename,
                self.mode,
                encoding=self.encoding,
                errors=self.errors,
                opener=opener,
            ),
        )


def _make_private(path: Path, mode: int) -> None:
    # Another user's file that we may write to stays as it is.
    with suppress(FileNotFoundError, PermissionError):
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)


def log_path() -> Path:
    """Return where the log is: the platform's folder for such files."""
    from platformdirs import user_log_path

    return user_log_path("intentbot") / "intentbot.log"

"""No subcommand: the app. Only what the first frame needs is imported before it is shown."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from engine.events import Event, UsageTotals
from engine.ports import Approver
from tui.commands.exit_codes import ExitCode
from tui.commands.output import say
from tui.services.backend import (
    CostsBy,
    DemoStep,
    IntentRow,
    SessionSnapshot,
)

if TYPE_CHECKING:
    from engine.tools.source import Attachable, ServerPrompt
    from storage.records import ActionFilter, ActionRecord, CostRecord, Found
    from tui.services.backend import AppBackend, ChatSession
    from tui.services.configuration import Configuration
    from tui.services.evaluation_results import RunRow, RunView
    from tui.services.evaluation_task import EvaluationTask
    from tui.services.folder_trust import Ask
    from tui.services.runtime import Runtime

log = logging.getLogger(__name__)

# What the screen lists at most.
MOST_RUNS, MOST_SESSIONS, MOST_DAYS = 200, 200, 365


def run(options: argparse.Namespace) -> int:
    from tui.services.configuration import Configuration

    configuration = Configuration(options)  # what was chosen for this time outlasts a demo
    resume, continue_last = resumed_id(options) if options.resume else None, options.continue_last
    while True:
        code, demo = show(
            options, resume=resume, continue_last=continue_last, configuration=configuration
        )
        if demo is None:
            return code
        _play(options, demo)
        resume, continue_last = None, True


def resumed_id(options: argparse.Namespace) -> str:
    """Return the id of the session to resume, before there is a screen. Raises `UnknownSession`.

    Where the settings are wrong, return what was typed: the app says so and waits until they are
    corrected.
    """
    from engine import settings
    from storage.session_lookup import whole_id

    try:
        database = settings.load(
            os.environ,
            Path.cwd(),
            provider=getattr(options, "provider", None),
            database=getattr(options, "db", None),
        ).database
    except settings.SettingsError:
        return str(options.resume)
    return whole_id(database, options.resume)


def _play(options: argparse.Namespace, name: str) -> None:
    """A demo that was asked for in the app, to which the person then comes back."""
    from tui.commands import demo

    own = {key: value for key, value in vars(options).items() if key != "db"}
    demo.run(argparse.Namespace(**own, name=name, record=None, json=False, cast=None))


def show(
    options: argparse.Namespace,
    *,
    resume: str | None = None,
    continue_last: bool = False,
    steps: Sequence[DemoStep] = (),
    data_dir: Path | None = None,
    cast: Path | None = None,
    configuration: Configuration | None = None,
) -> tuple[int, str | None]:
    """Open the app; with `steps` as a demo, with `data_dir` on a back end that is kept there, with
    `cast` recorded to that file.

    Returns the exit code, and the demo that the person wants to see now.
    """
    if not has_terminal():
        say("the app needs a terminal; without one use: intentbot-tui ask TEXT")
        return ExitCode.USAGE, None
    save_bandwidth(options)
    from tui.services import preferences

    faults = preferences.load_keybindings()
    from tui.app import IntentBotApp
    from tui.services.configuration import Configuration
    from tui.terminal import run_app

    configuration = configuration or Configuration(options)
    app = IntentBotApp(
        lambda: open_backstage(configuration, data_dir, faults, app.tell_start, app.ask),
        resume=resume,
        continue_last=continue_last,
        steps=steps,
        configuration=None if steps else configuration,
        low_bandwidth=options.low_bandwidth,
        kept_theme=preferences.chosen_theme(options),
        keep_theme=preferences.save_theme,
    )
    if cast is not None:
        from tui.terminal.cast import CastRecorder

        size = shutil.get_terminal_size()
        try:
            app.recorder = CastRecorder(cast, size.columns, size.lines)
        except OSError as error:
            say(f"{cast} cannot be written: {error.strerror or error}")
            return ExitCode.USAGE, None
    try:
        return run_app.run(app, mouse=not options.no_mouse), app.demo_wanted
    finally:
        if app.recorder is not None:
            app.recorder.close()


def has_terminal() -> bool:
    """Return whether there is a terminal to draw on (Textual uses standard error) and to read.

    A server that shows the app in a browser names a driver instead.
    """
    return "TEXTUAL_DRIVER" in os.environ or (sys.stdin.isatty() and sys.stderr.isatty())


def save_bandwidth(options: argparse.Namespace) -> None:
    """Tell Textual, which reads this from the environment when it is imported."""
    if options.low_bandwidth:
        os.environ.setdefault("TEXTUAL_FPS", "15")
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")


async def open_backstage(
    configuration: Configuration,
    data_dir: Path | None = None,
    notices: Sequence[str] = (),
    tell: Callable[[str], None] = lambda text: None,
    ask: Ask | None = None,
) -> AppBackend:
    """Import and open what is behind the screen in a thread, so that typing never waits.

    The `notices` are said at start, too; `tell` is told what a long start is busy with. `ask` puts
    the question whether this folder's `.env` is trusted, before anything of it is used.
    """
    without_untrusted, more = False, ""
    if ask is not None:
        from tui.services.folder_trust import settle

        without_untrusted, more = await settle(configuration.load, ask)
    parts = await asyncio.to_thread(_put_together, configuration, data_dir, without_untrusted)
    from tui.commands.ask import PATIENCE_S, learning

    patience = asyncio.get_running_loop().call_later(PATIENCE_S, tell, learning(parts.engine))
    try:
        await parts.engine.warm_up()
    finally:
        patience.cancel()
    return RuntimeBackend(parts, (*notices, *filter(None, [more])), configuration)


def _put_together(
    configuration: Configuration, data_dir: Path | None, without_untrusted: bool
) -> Runtime:
    from tui.services.runtime import open_runtime

    return open_runtime(configuration.load(without_untrusted=without_untrusted), data_dir)


class RuntimeBackend:
    """Implements `AppBackend` with the engine and the storage."""

    def __init__(
        self,
        parts: Runtime,
        notices: Sequence[str] = (),
        configuration: Configuration | None = None,
    ) -> None:
        self._parts, self._configuration = parts, configuration
        catalogue = parts.engine.catalogue
        self.title = catalogue.title
        self.assistant_name = catalogue.assistant_name
        self.suggestions = catalogue.suggestions
        self.notices = (*notices, *parts.notices)
        self._tell_open_chat: Callable[[Event], None] | None = None
        self._evaluation: EvaluationTask | None = None

    @property
    def model_label(self) -> str:
        return self._parts.engine.label

    @property
    def offline(self) -> bool:
        return self._parts.engine.offline

    @property
    def demos(self) -> tuple[str, ...]:
        return self._parts.demos

    async def reload(self) -> None:
        from tui.services.runtime import replace_engine

        if self._configuration is not None:
            settings = await asyncio.to_thread(self._configuration.load)
            await replace_engine(self._parts, settings)

    @property
    def intent_titles(self) -> Mapping[str, str]:
        return {key: intent.title for key, intent in self._parts.engine.catalogue.intents.items()}

    def intents(self) -> tuple[IntentRow, ...]:
        from tui.services.catalogue_view import rows

        return rows(self._parts.engine.catalogue)

    async def material(self) -> tuple[Sequence[ServerPrompt], Sequence[Attachable]]:
        from engine.tools.tool import ToolUserError

        prompts: list[ServerPrompt] = []
        attachable: list[Attachable] = []
        for one in self._parts.engine.catalogue.material:
            try:
                prompts += await one.prompts()
                attachable += await one.attachable()
            except ToolUserError as error:
                log.warning("what a server has cannot be listed: %s", error)
        return prompts, attachable

    async def prompt_text(self, prompt: ServerPrompt, arguments: Mapping[str, str]) -> str:
        servers = {one.key: one for one in self._parts.engine.catalogue.material}
        return await servers[prompt.key].prompt_text(prompt.name, arguments)

    async def complete(self, prompt: ServerPrompt, argument: str, begun: str) -> Sequence[str]:
        from engine.tools.tool import ToolUserError

        servers = {one.key: one for one in self._parts.engine.catalogue.material}
        try:
            return await servers[prompt.key].complete(prompt.name, argument, begun)
        except ToolUserError as error:
            log.warning("an argument cannot be completed: %s", error)
            return ()

    async def take_changes(self) -> Mapping[str, frozenset[str]]:
        from engine.tools.tool import ToolUserError

        changes: dict[str, frozenset[str]] = {}
        for one in self._parts.engine.catalogue.material:
            try:
                changes[one.key] = await one.take_changes()
            except ToolUserError as error:
                log.warning("what a server changed cannot be read: %s", error)
        return changes

    async def open(self, session_id: str | None, approver: Approver) -> ChatSession:
        assistant = await asyncio.to_thread(self._parts.assistant, session_id, approver)
        self._tell_open_chat = assistant.conversation.apply
        return assistant

    async def sessions(
        self, filter_text: str = "", limit: int = 200, *, offset: int = 0, archived: bool = False
    ) -> list[Found]:
        return await asyncio.to_thread(
            self._parts.history.search, filter_text, limit, offset, archived=archived
        )

    async def rename(self, session_id: str, title: str) -> None:
        await asyncio.to_thread(self._parts.history.rename, session_id, title)

    async def archive(self, session_id: str, *, archived: bool) -> None:
        await asyncio.to_thread(self._parts.history.archive, session_id, archived=archived)

    async def discard(self, session_id: str) -> None:
        await asyncio.to_thread(self._parts.history.discard, session_id)

    async def restore(self, session_id: str) -> None:
        await asyncio.to_thread(self._parts.history.restore, session_id)

    async def export(self, session_id: str, form: str) -> str:
        from tui.services.export_file import export

        settings = self._parts.settings
        return await asyncio.to_thread(
            export, self._parts.history, session_id, form, settings.redact, Path.cwd()
        )

    async def actions(self, which: ActionFilter, limit: int, offset: int) -> list[ActionRecord]:
        return await asyncio.to_thread(self._parts.history.actions, which, limit, offset)

    async def action_names(self) -> tuple[Sequence[str], Sequence[str]]:
        history = self._parts.history
        return await asyncio.to_thread(lambda: (history.intents_used(), history.tools_used()))

    async def prompts(self) -> list[str]:
        return await asyncio.to_thread(self._parts.history.prompts)

    async def draft(self, session_id: str | None) -> str:
        return await asyncio.to_thread(self._parts.history.draft, session_id)

    async def keep_draft(self, session_id: str | None, text: str) -> None:
        await asyncio.to_thread(self._parts.history.keep_draft, session_id, text)

    async def evaluations(self) -> list[RunRow]:
        from tui.services.evaluation_views import runs

        return await asyncio.to_thread(runs, self._parts.database, MOST_RUNS)

    async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
        from tui.services.evaluation_views import measured

        parts = self._parts
        return await asyncio.to_thread(
            measured, parts.database, parts.engine.catalogue, run_id, against
        )

    @property
    def evaluation_progress(self) -> tuple[int, int] | None:
        return self._evaluation.progress if self._evaluation else None

    async def start_evaluation(self, kind: str) -> None:
        from tui.services.evaluation_task import EvaluationTask

        if self._evaluation is None:
            self._evaluation = EvaluationTask(self._parts.settings, self._parts.database)
        await self._evaluation.start(kind)

    async def cancel_evaluation(self) -> None:
        if self._evaluation is not None:
            await self._evaluation.cancel()

    async def delete_evaluation(self, run_id: str) -> None:
        from tui.services.evaluation_views import delete

        await asyncio.to_thread(delete, self._parts.database, run_id)

    async def past(self, session_id: str, last_turns: int | None = None) -> SessionSnapshot:
        return await asyncio.to_thread(self._past, session_id, last_turns)

    def _past(self, session_id: str, last_turns: int | None) -> SessionSnapshot:
        from storage.costs import Costs

        history = self._parts.history
        running = history.runs_elsewhere(session_id)
        recorded = history.events(session_id, last_turns)
        session = history.session(session_id)
        before = max(0, session.turns - last_turns) if last_turns else 0
        costs = Costs(self._parts.database)
        spent = costs.until(session.id, before) if before else UsageTotals()
        return SessionSnapshot(recorded, before, session.title, spent, running)

    async def costs(self, by: CostsBy, session_id: str) -> list[CostRecord]:
        return await asyncio.to_thread(self._costs, by, session_id)

    def _costs(self, by: CostsBy, session_id: str) -> list[CostRecord]:
        from storage.costs import Costs
        from storage.errors import UnknownSession

        costs = Costs(self._parts.database)
        match by:
            case "sessions":
                return costs.sessions(MOST_SESSIONS)
            case "days":
                return costs.days(MOST_DAYS)
            case "turns":
                # A new session is recorded with its first turn.
                with suppress(UnknownSession):
                    return costs.turns(session_id)
                return []

    async def check(self, action_id: str) -> Event | None:
        settled = await self._parts.check(action_id)
        if settled is not None and self._tell_open_chat is not None:
            self._tell_open_chat(settled)
        return settled

    async def close(self) -> None:
        await self.cancel_evaluation()
        await self._parts.close()

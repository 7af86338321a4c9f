"""The terminal app: shows its first frame at once and builds everything else behind it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rich.terminal_theme import TerminalTheme
from textual import work
from textual.app import ScreenStackError
from textual.content import Content
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Resize
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import Theme

from tui import theme
from tui.formatting.text import one_line, sanitize
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.screens.base import BaseScreen
from tui.screens.chat import ChatScreen
from tui.services.backend import AppBackend, DemoStep
from tui.terminal import ascii_fallback
from tui.terminal.frame_diff import FrameDiff
from tui.terminal.key_queue import SequentialKeysApp
from tui.terminal.palette import Only256
from tui.widgets.footer import FooterBar

if TYPE_CHECKING:
    from tui.screens.palette import Entry
    from tui.services.configuration import Configuration
    from tui.terminal.cast import CastRecorder

CLOSES_WITHIN_S = 5.0  # what is behind the screen; then the app ends without it


def _local_now() -> datetime:
    return datetime.now().astimezone()


class PanesApp(SequentialKeysApp):
    """Colours, help and palette: what the chat and the replay have in common.

    `low_bandwidth` is for slow lines: no animation, no blinking, and replies drawn less often (a
    lower frame rate has to be asked for with TEXTUAL_FPS before Textual is imported). `saved_theme`
    is the theme that was chosen last; `save_theme` is told of another choice. `clock` counts
    seconds, `now` is the local time.
    """

    TITLE = "intentbot"
    CSS_PATH = theme.STYLES
    BINDINGS = registry.bindings("anywhere")

    def __init__(
        self,
        *,
        low_bandwidth: bool = False,
        kept_theme: str = "",
        keep_theme: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _local_now,
    ) -> None:
        # Kept, for they are asked for with every widget that is drawn.
        self._readable: dict[str, Theme] = {}
        self._named_colours: dict[str, TerminalTheme] = {}
        self._only_256 = False
        super().__init__()
        self._only_256 = self.console.color_system == "256"
        self._readable.clear()  # of what was asked for before the terminal was known
        self.clock, self.now, self.low_bandwidth = clock, now, low_bandwidth
        self.thrift = FrameDiff()
        self._own_filters = ascii_fallback.of_terminal()
        if self._only_256:
            self._own_filters.append(Only256())
        if low_bandwidth:
            self.animation_level = "none"
        for own in (theme.HARBOUR, theme.HARBOUR_256, theme.HARBOUR_16):
            self.register_theme(own)
        if "TEXTUAL_THEME" not in os.environ:
            kept = self.available_themes.get(kept_theme)
            self.theme = theme.first_theme(kept, self.console.color_system)
        self._keep_theme = keep_theme
        self._previews = False
        self.recorder: CastRecorder | None = None  # of what the terminal is sent

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        # After ctrl+z in the shell's way, or an editor: the terminal shows something else.
        self.app_resume_signal.subscribe(self, lambda _: self.action_repaint())

    def on_notify(self) -> None:
        """One notice at a time: the newest takes the place of the one before it."""
        self.clear_notifications()
        with suppress(ScreenStackError):
            self.screen.query("ToastHolder").remove()  # Textual leaves them, empty

    def _theme_changed(self, chosen: Theme) -> None:
        if self._keep_theme and not self._previews:
            self._keep_theme(chosen.name)

    def get_theme(self, theme_name: str) -> Theme | None:
        shown = self._readable.get(theme_name)
        if shown is None and (found := super().get_theme(theme_name)):
            shown = self._readable[theme_name] = theme.readable(found, only_256=self._only_256)
        return shown

    @property
    def ansi_theme(self) -> TerminalTheme:
        shown = self.current_theme
        if shown.name not in self._named_colours:
            self._named_colours[shown.name] = theme.named_colours(shown)
        return self._named_colours[shown.name]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return theme.FALLBACKS

    def get_driver_class(self) -> type[Driver]:
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":
            return chosen
        from tui.terminal.driver import TolerantLinuxDriver

        return TolerantLinuxDriver

    def restore_terminal(self) -> None:
        """Put the terminal back at once, for a program that cannot end in order."""
        restore = getattr(self._driver, "restore_terminal", None)
        if restore is not None:
            restore()

    def on_resize(self, event: Resize) -> None:
        self.thrift.forget()
        if self.recorder is not None:
            self.recorder.resize(event.size.width, event.size.height)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._own_filters]

    async def stop(self, return_code: int = 0) -> None:
        """Go, with this exit code, when all that runs has ended."""
        self.exit(return_code=return_code)

    # Actions; keys.py has their keys.

    def palette_entries(self, screen: Screen[Any]) -> list[Entry]:
        """The commands of this screen that can be done now, each once."""
        from tui.screens.palette import Entry

        entries: dict[str, Entry] = {}
        for place, node in self.holders(screen).items():
            for command in registry.of(place):
                offers = getattr(screen, "offers", None)
                possible = node.check_action(command.name.split("(")[0], ()) is not False
                if command.in_palette and possible and (offers is None or offers(command)):
                    entries.setdefault(command.help, Entry(command, node))
        return list(entries.values())

    def action_command_palette(self) -> None:
        from tui.screens.palette import PaletteScreen

        if not isinstance(self.screen, PaletteScreen):
            self._offer_commands()

    @work(exit_on_error=False)
    async def _offer_commands(self) -> None:
        from tui.screens.palette import PaletteScreen

        chosen = await self.push_screen_wait(PaletteScreen(self.palette_entries(self.screen)))
        if chosen is not None:
            await self.run_action(chosen.command.name, default_namespace=chosen.node)

    @work(exit_on_error=False)
    async def action_theme(self, name: str = "") -> None:
        """Take this theme, or one that the person chooses and sees meanwhile."""
        if name in self.available_themes:
            self.theme = name
            return
        from tui.screens.list_screen import ChoiceDialog

        was = self.theme
        names = sorted(self.available_themes, key=lambda one: (not one.startswith("harbour"), one))
        choices = {one: Content(one) for one in names}
        self._previews = True
        try:
            dialog = ChoiceDialog("Theme", choices, marked=was, on_marked=self._preview_theme)
            chosen = await self.push_screen_wait(dialog)
        finally:
            self._previews = False
        self.theme = was
        if chosen is not None:
            self.theme = chosen
            if self._keep_theme:
                self._keep_theme(chosen)

    def _preview_theme(self, name: str) -> None:
        self.theme = name

    def holders(self, screen: Screen[object]) -> Mapping[Context, DOMNode]:
        """The places whose commands work now, and what has their actions."""
        if isinstance(screen, BaseScreen):
            return {**screen.holders(), "anywhere": self}
        holders: dict[Context, DOMNode] = {}
        for bar in screen.query(FooterBar):
            holders |= dict.fromkeys(bar.places, screen)
        if screen.focused is not None:
            holders[getattr(screen.focused, "PLACE", "anywhere")] = screen.focused
        return {**holders, "anywhere": self}

    async def on_footer_bar_pressed(self, message: FooterBar.Pressed) -> None:
        """A key of the footer was clicked: do what it does where the focus is."""
        command = message.command
        holders, focused = dict(self.holders(self.screen)), self.screen.focused
        if focused is not None:
            holders[getattr(focused, "PLACE", "anywhere")] = focused
        holders["anywhere"] = self
        if command.place in holders:
            node = holders[command.place]
            await self.run_action(command.name, default_namespace=node)

    def action_help(self) -> None:
        # Imported when asked for, like all that the first frame does not show.
        from tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            bar = self.screen.query(FooterBar)
            self.push_screen(HelpScreen(bar.first().places if bar else ()))

    def action_picture(self) -> None:
        """A picture of the screen, in the working folder."""
        try:
            name = self.save_screenshot(f"intentbot-{self.now():%Y%m%d-%H%M%S}.svg")
        except OSError as error:
            self.notify(f"No picture: {error}", severity="error", markup=False)
        else:
            self.notify(f"Written to {name}", markup=False)

    def action_repaint(self) -> None:
        self.thrift.forget()
        self.refresh(repaint=True, layout=True)


class IntentBotApp(PanesApp):
    """`backstage` builds what is behind the screen; it runs after the first frame.

    `resume` opens that session, `continue_last` the newest one, `steps` make it a demo. The
    other options are those of `PanesApp`.
    """

    def __init__(
        self,
        backstage: Callable[[], Awaitable[AppBackend]],
        *,
        resume: str | None = None,
        continue_last: bool = False,
        steps: Sequence[DemoStep] = (),
        configuration: Configuration | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._configuration = configuration
        self.demo_wanted: str | None = None  # to be played when the app has gone
        self._build, self._resume, self._continue_last = backstage, resume, continue_last
        self._chat = self._chat_screen(steps)
        self._backstage: AppBackend | None = None

    def _chat_screen(self, steps: Sequence[DemoStep]) -> ChatScreen:
        if not steps:
            return ChatScreen(self.clock, low_bandwidth=self.low_bandwidth)
        from tui.screens.demo import DemoScreen

        return DemoScreen(steps, self.clock, low_bandwidth=self.low_bandwidth)

    def get_default_screen(self) -> ChatScreen:
        return self._chat

    def on_ready(self) -> None:
        self.start()

    @work(exclusive=True, group="start", exit_on_error=False)
    async def start(self) -> None:
        """Build what is behind the screen and open the session; a failure is said, not fatal."""
        try:
            if self._backstage is None:
                self._backstage = await self._build()
            backstage = self._backstage
            session_id = self._resume
            if session_id is None and self._continue_last:
                newest = await backstage.sessions(limit=1)
                session_id = newest[0].session.id if newest else None
            await self._chat.begin(backstage, session_id)
        except Exception as error:
            await self._chat.fail_to_start(sanitize(str(error)) or type(error).__name__)
        # The first reply will want it, and it is slow to load.
        await asyncio.to_thread(import_module, "tui.widgets.streaming_message")

    def tell_start(self, text: str) -> None:
        """Say what a long start is busy with, if anything that a person can wait for."""
        if text:
            self._chat.status.idle(f"starting: {text}", "$quiet")

    async def ask(self, question: str, answers: Sequence[str]) -> str | None:
        """Have the person type one of the answers; None: they left the question.

        For what no key should decide that was meant for the prompt. Only a worker may wait for it.
        """
        from tui.screens.dialogs import ConfirmDialog

        said: str | None = ""
        while said is not None and said not in answers:
            typed = await self.push_screen_wait(ConfirmDialog("Before starting", question, ""))
            said = None if typed is None else typed.strip().casefold()
        return said

    # Actions; keys.py has their keys.

    @work(exit_on_error=False)
    async def review(self, session_id: str, at: str = "") -> None:
        """Show a recorded session, to be read and played, from the action or turn `at` on."""
        from tui.screens.playback import PlaybackScreen

        if self._backstage is None:
            return
        try:
            past = await self._backstage.past(session_id)
        except Exception as error:
            message = one_line(f"The session cannot be read: {error}", 400)
            self.notify(message, severity="error", markup=False)
            return
        await self.push_screen(
            PlaybackScreen(
                past.events,
                self._backstage.intent_titles,
                self.clock,
                playing=False,
                running=past.running,
                at=at,
                low_bandwidth=self.low_bandwidth,
            )
        )

    @work(exclusive=True, group="setup", exit_on_error=False)
    async def set_up(self, model: str | None = None) -> None:
        """Have what answers chosen and use it; with `model` only the model, empty to choose it."""
        from tui.screens import setup

        if (configuration := self._configuration) is None:
            self.notify("There is nothing to set up here", markup=False)
            return
        if self._chat.dialogue.running:
            self.notify("A turn is running: ctrl+c cancels it first", markup=False)
            return
        if model is None:
            said = await setup.set_up(self, configuration)
        else:
            said = await setup.choose_model(self, configuration, model)
        if said is not None:
            await self._use_settings(said)

    @work(exclusive=True, group="setup", exit_on_error=False)
    async def change_settings(self) -> None:
        from tui.screens.settings import SettingsScreen

        if (configuration := self._configuration) is None:
            self.notify("There is nothing to set up here", markup=False)
        elif await self.push_screen_wait(SettingsScreen(configuration)):
            await self._use_settings("")

    @work(exclusive=True, group="setup", exit_on_error=False)
    async def action_reload(self) -> None:
        """Read documents and servers again, which starts servers anew."""
        if self._chat.dialogue.running:
            self.notify("A turn is running: ctrl+c cancels it first", markup=False)
        else:
            await self._use_settings("")

    async def _use_settings(self, said: str) -> None:
        """Let what the settings say now answer, in the session that is open."""
        if self._backstage is None:
            self.start()
            return
        chat = self._chat.dialogue.chat
        self._chat.status.idle("starting", "$quiet")
        try:
            await self._backstage.reload()
        except Exception as error:
            text = f"{one_line(str(error), 300)}; the model before it stays"
            self.notify(text, severity="error", timeout=10, markup=False)
            self._chat.status.idle("ready")
            return
        kept = chat.session_id if chat and self._chat.presenter.record.turns else None
        await self._chat.begin(self._backstage, kept, again=True)
        self.notify(
            " · ".join(filter(None, [f"Now answering: {self._backstage.model_label}", said])),
            markup=False,
        )

    async def action_quit(self) -> None:
        await self.stop()

    async def stop(self, return_code: int = 0) -> None:
        """Stop the turn, let everything be written down, and go."""
        await self._close_backstage()
        await super().stop(return_code)

    async def on_unmount(self) -> None:
        await self._close_backstage()

    async def _close_backstage(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSES_WITHIN_S):
                await self._chat.keep_draft()
                await self._chat.dialogue.detach()
                if self._backstage is not None:
                    backstage, self._backstage = self._backstage, None
                    await backstage.close()


class SetupApp(PanesApp):
    """The set-up alone. `said` is what there is to say of what was chosen; None: nothing was."""

    def __init__(self, configuration: Configuration, **options: Any) -> None:
        super().__init__(**options)
        self._configuration = configuration
        self.said: str | None = None

    @work(exit_on_error=False)
    async def on_ready(self) -> None:
        from tui.screens import setup

        try:
            self.said = await setup.set_up(self, self._configuration, keep=True)
        finally:
            self.exit()

"""The screens that one goes to from the chat, and what comes back from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import work
from textual.content import Content

from tui.chat.controller import ChatController
from tui.chat.typed_commands import as_typed, sent_again
from tui.formatting.text import one_line
from tui.host import host
from tui.screens.base import BaseScreen
from tui.services.backend import AppBackend
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from storage.records import Found


class OpensScreens(BaseScreen):
    """Has the actions that show another screen; each is imported when it is asked for, like all
    that the first frame does not show."""

    dialogue: ChatController
    prompt: Prompt
    _backstage: AppBackend | None = None
    _deleted: list[str]  # sessions that can be brought back

    async def open(self, session_id: str | None, found: Found | None = None) -> None:
        """Show this session, where something was `found` in it; None begins a new one."""
        raise NotImplementedError

    def _complain(self, error: Exception, what: str = "Something could not be shown") -> None:
        if not self.is_attached:
            return
        message = one_line(f"{what}: {error}", 400)
        self.notify(message, severity="error", markup=False)

    def action_new_session(self) -> None:
        self._switch(None)

    def _ready(self) -> AppBackend | None:
        """What is behind the screen; None, which is said, until it is there."""
        if self._backstage is None:
            self.notify("Still starting", markup=False)
        return self._backstage

    @work(exit_on_error=False)
    async def action_sessions(self, words: str = "") -> None:
        if (backstage := self._ready()) is None:
            return
        from tui.screens.sessions import SessionsScreen

        listed = SessionsScreen(backstage, host(self).now, self._deleted, self._running_in, words)
        chosen = await self.app.push_screen_wait(listed)
        chat = self.dialogue.chat
        if chosen is not None or (chat and chat.session_id in self._deleted):
            self._switch(chosen)

    def _running_in(self) -> str | None:
        """The session in which a turn runs."""
        chat = self.dialogue.chat
        return chat.session_id if chat and self.dialogue.running else None

    def action_model(self, name: str = "") -> None:
        host(self).set_up(name)

    def action_setup(self) -> None:
        host(self).set_up()

    def action_settings(self) -> None:
        host(self).change_settings()

    @work(exit_on_error=False)
    async def action_demo(self, name: str = "") -> None:
        """Leave the app for a demo, which comes back to it when it is over."""
        if (backstage := self._ready()) is None:
            return
        if name not in backstage.demos:
            from tui.screens.list_screen import ChoiceDialog

            choices = {one: Content(one) for one in backstage.demos}
            chosen = await self.app.push_screen_wait(ChoiceDialog("Demo", choices))
            name = chosen or ""
        if name:
            host(self).demo_wanted = name
            await self.app.action_quit()

    @work(exit_on_error=False)
    async def action_export(self, form: str = "") -> None:
        """Write this session to a file."""
        backstage, chat = self._ready(), self.dialogue.chat
        if backstage is None or chat is None or not self.presenter.record.turns:
            self.notify("There is nothing to export yet", markup=False)
            return
        from tui.screens.sessions import FORMATS, export_session

        if form and form not in FORMATS:
            self.notify(f"The formats are {', '.join(FORMATS)}", severity="warning", markup=False)
            form = ""
        await export_session(self, backstage, chat.session_id, form)

    @work(exit_on_error=False)
    async def action_catalogue(self) -> None:
        if (backstage := self._ready()) is None:
            return
        from tui.screens.catalogue import CatalogueScreen

        screen = CatalogueScreen(backstage.intents())
        if await self.app.push_screen_wait(screen) == "evaluations":
            self.action_evaluations()

    @work(exit_on_error=False)
    async def action_evaluations(self) -> None:
        """Look at evaluation runs; a message that was missed becomes a draft."""
        if (backstage := self._ready()) is None:
            return
        from tui.screens.evaluations import EvaluationsScreen

        missed = await self.app.push_screen_wait(EvaluationsScreen(backstage, host(self).now))
        if missed is None:
            return
        written = self.prompt.text
        if self.presenter.record.turns:
            # It was evaluated without any context; a question that waits here would change it.
            if self.dialogue.running:
                self.notify("A turn is running: ctrl+c cancels it first", markup=False)
                return
            await self.open(None)
        self.prompt.remember(written)
        self.prompt.put(as_typed(missed))
        self.prompt.focus()

    @work(exclusive=True, group="correct", exit_on_error=False)
    async def action_correct(self) -> None:
        """Have the selected or newest message handled again, as what the person says it is."""
        cursor = self.transcript.cursor
        turn = cursor.turn if cursor else self.presenter.record.newest
        if turn is None or turn.route is None or not self.dialogue.attached:
            self.notify("There is no routed message to correct yet", markup=False)
            return
        if self.dialogue.running:
            self.notify("The intent can be corrected when this turn has ended", markup=False)
            return
        from tui.screens.correction import CorrectionScreen

        chosen = await self.app.push_screen_wait(CorrectionScreen(turn, self.presenter.titles))
        if chosen is not None:
            await self.transcript.follow()
            if not self.dialogue.correct(sent_again(turn.text), chosen, turn.turn_id):
                self.notify("Another turn runs already; nothing was corrected", markup=False)

    def action_executed(self) -> None:
        if backstage := self._ready():
            from tui.screens.action_list import ActionsScreen

            self.app.push_screen(ActionsScreen(backstage, host(self).now))

    def action_costs(self) -> None:
        if (backstage := self._ready()) is None:
            return
        from tui.screens.costs import CostsScreen

        session_id = chat.session_id if (chat := self.dialogue.chat) else ""
        self.app.push_screen(CostsScreen(backstage, session_id, host(self).now))

    @work(exclusive=True, group="switch", exit_on_error=False)
    async def _switch(self, chosen: Found | None) -> None:
        if self.dialogue.running and not self.dialogue.cancelling:
            self.notify("A turn is running: ctrl+c cancels it first", markup=False)
            return
        try:
            await self.open(chosen.session.id if chosen else None, chosen)
        except Exception as error:
            self._complain(error, "The session cannot be opened")

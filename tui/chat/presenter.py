"""Events to widget calls: the only place that knows both.

Live turns and recorded sessions are folded by the same `Record`; a recorded one is folded first
and then shown at once, so nothing is animated and only what is seen is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine import events
from engine.events import Event
from tui.chat.transcript import (
    ActionBlock,
    Added,
    Appended,
    Change,
    Changed,
    FailureBlock,
    NoteBlock,
    ReplyBlock,
    TranscriptModel,
    TurnView,
)
from tui.formatting.text import one_line
from tui.formatting.values import parameter_list, progress
from tui.services.backend import SessionSnapshot
from tui.widgets.action_log import ActionLog
from tui.widgets.banner import Banner
from tui.widgets.inspector import Inspector
from tui.widgets.status_line import StatusLine
from tui.widgets.transcript import Transcript


class Presenter:
    """Shows one session; `record` is what it has shown, `titles` are those of the intents.

    `also` gets each event after it was shown.
    """

    def __init__(
        self,
        banner: Banner,
        transcript: Transcript,
        inspector: Inspector,
        log: ActionLog,
        status: StatusLine,
    ) -> None:
        self._banner, self._transcript, self._inspector = banner, transcript, inspector
        self._log, self._status = log, status
        self.titles: Mapping[str, str] = {}
        self.record = TranscriptModel()
        self.also: Callable[[Event], None] | None = None

    async def load(self, past: SessionSnapshot, *, ended: bool = True) -> None:
        """Show a recorded session, or an empty one, instead of what is there.

        Unless it has `ended` more of it may follow, and nothing in it was interrupted.
        """
        self.record = TranscriptModel(self.titles, past.before, past.title)
        self.record.bill = past.spent
        for event in past.events:
            self.record.take(event)
        if ended:
            self.record.interrupt(elsewhere=past.running)
        newest = self.record.newest
        await self._transcript.show(self.record.blocks, past.before)
        self._log.show(self.record.actions)
        self._banner.title_text = self.record.title
        self.inspect(None)
        self._status.idle(*(_ending(newest) if ended else ("paused", "$warning")))
        self._status.session = self.record.bill
        self._status.look_back(newest)

    async def tell(self, block: FailureBlock | NoteBlock) -> None:
        """Show something that no turn said."""
        await self._transcript.add(block)

    def inspect(self, turn: TurnView | None) -> None:
        """Show how this turn was routed, and mark its calls; None: the newest."""
        self._inspector.show(turn or self.record.newest, self.record.bill)
        self._log.mark(turn)

    async def apply(self, event: Event) -> None:
        """Show what happened."""
        for change in self.record.take(event):
            await self._show(change)
        if self.also:
            self.also(event)
        turn = self.record.newest
        if turn is None or isinstance(event, events.TextDelta):
            return
        self._inspector.show(turn, self.record.bill)
        self._status.session = self.record.bill
        self._tell_status(turn, event)

    async def _show(self, change: Change) -> None:
        match change:
            case Added(block):
                await self._transcript.add(block)
                if isinstance(block, ActionBlock):
                    self._log.add(block)
                elif isinstance(block, ReplyBlock) and not block.done:
                    self._status.busy("answering")
            case Appended(block, text):
                await self._transcript.write(block, text)
            case Changed(ActionBlock() as action):
                self._transcript.changed(action)
                self._log.changed(action)
            case Changed(ReplyBlock() as reply):
                await self._transcript.freeze(reply)

    def _tell_status(self, turn: TurnView, event: Event) -> None:
        match event:
            case events.TurnStarted():
                self._banner.title_text = self.record.title
                self._status.begin(turn)
            case events.ToolCallProposed():
                self._banner.title_text = self.record.title
            case events.RetryScheduled():
                self._status.retry(event.delay_s, event.reason)
            case events.ApprovalRequested():
                self._status.wait("waiting for your approval")
            case events.ToolStarted():
                action = turn.actions.get(event.call_id)
                name = one_line(action.tool, 40) if action else "a tool"
                self._status.busy(f"running {name}")
            case events.ToolProgress():
                self._status.busy(f"running: {progress(event)}")
            case events.InputRequested():
                self._status.wait("waiting for your answer to a tool")
            case (
                events.IntentClassified()
                | events.TaskStarted()
                | events.IntentSwitched()
                | events.ToolFinished()
                | events.ApprovalResolved()
                | events.InputResolved()
            ):
                self._status.busy("thinking")
            case events.TurnFinished() | events.TurnFailed():
                self._status.idle(*_ending(turn))


def _ending(turn: TurnView | None) -> tuple[str, str]:
    """Return how a turn ended, in words and their style."""
    if turn is None or turn.state == "completed":
        return "ready", "$success"
    if turn.state == "needs_input":
        missing = parameter_list(turn.pending)
        return f"waiting for your answer{': ' if missing else ''}{missing}", "$warning"
    if turn.state == "elsewhere":
        return "running in another window", "$warning"
    return turn.state, "$error" if turn.state == "failed" else "$warning"

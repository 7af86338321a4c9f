"""What the screen asks of the rest of the program. `tui.cli` implements it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine.events import Event, UsageTotals
from engine.ports import Approver

if TYPE_CHECKING:
    from engine.tools.source import Attachable, ServerPrompt
    from storage.records import ActionFilter, ActionRecord, CostRecord, Found
    from tui.services.evaluation_results import RunRow, RunView


@dataclass(frozen=True)
class SessionSnapshot:
    """What was recorded of a session, in order.

    `before` is how many turns came before that, and `spent` what these took. With `running`
    another program is at work on the newest turn.
    """

    events: Sequence[Event]
    before: int = 0
    title: str = ""
    spent: UsageTotals = field(default_factory=UsageTotals)
    running: bool = False


CostsBy = Literal["turns", "sessions", "days"]


@dataclass(frozen=True)
class DemoStep:
    """One message of a demo, and what is expected of it. `pause_s` is how long the demo that
    runs by itself lets the people read before this message is written."""

    message: str
    note: str = ""
    route: str = "task"
    intents: tuple[str, ...] = ()
    pause_s: float = 2.0


@dataclass(frozen=True)
class ParameterRow:
    """A parameter of a tool; `kind` is its type and limits in words."""

    name: str
    kind: str
    required: bool = True
    default: str | None = None
    description: str = ""


@dataclass(frozen=True)
class ToolRow:
    """A tool as the catalogue screen shows it.

    `shortened` is what a prompt has of a `description` that is too long; `policy` says in words
    when it runs; `summary` is the template of the question for approval.
    """

    name: str
    effect: str
    description: str
    shortened: str = ""
    policy: str = ""
    parameters: tuple[ParameterRow, ...] = ()
    summary: str = ""
    questions: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IntentRow:
    """An intent; `source` is `python`, `openapi` or `mcp`; `examples` belong to no single tool."""

    key: str
    title: str
    description: str
    source: str = "python"
    instructions: str = ""
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()
    tools: tuple[ToolRow, ...] = ()


class ChatSession(Protocol):
    """The assistant of one session."""

    @property
    def session_id(self) -> str: ...

    def respond(
        self, text: str, *, as_intent: str | None = None, corrects: str | None = None
    ) -> AsyncIterator[Event]:
        """Return the events of one turn, in order.

        `as_intent`: the message is about this intent, or no task (`NO_TASK`); it is that of the
        turn which this `corrects`.
        """
        ...

    def cancel(self) -> None:
        """Ask the running turn to stop; it then soon yields `turn_finished`, `cancelled`."""
        ...


class AppBackend(Protocol):
    """Everything behind the screen, built after the first frame.

    `model_label` names what answers ("gpt-5.4-mini · Azure"); with `offline` nothing leaves this
    machine. `notices` are said at start, such as actions that a crash left unknown.
    """

    @property
    def title(self) -> str: ...
    @property
    def assistant_name(self) -> str: ...
    @property
    def suggestions(self) -> tuple[str, ...]: ...
    @property
    def model_label(self) -> str: ...
    @property
    def offline(self) -> bool: ...
    @property
    def intent_titles(self) -> Mapping[str, str]: ...
    @property
    def notices(self) -> tuple[str, ...]: ...
    @property
    def demos(self) -> tuple[str, ...]:
        """The names of the scripted demos."""
        ...

    async def reload(self) -> None:
        """Let what the settings say now answer. Raises where it cannot; then all stays as it was.

        The session has to be opened again.
        """
        ...

    def intents(self) -> tuple[IntentRow, ...]:
        """Return what the assistant can do."""
        ...

    async def material(self) -> tuple[Sequence[ServerPrompt], Sequence[Attachable]]:
        """Return what servers have for the person now; one that does not answer has nothing."""
        ...

    async def prompt_text(self, prompt: ServerPrompt, arguments: Mapping[str, str]) -> str:
        """Return the text of a server's prompt. Raises where the server has none."""
        ...

    async def complete(self, prompt: ServerPrompt, argument: str, begun: str) -> Sequence[str]:
        """Return what an argument of a server's prompt may become; nothing where it cannot say."""
        ...

    async def take_changes(self) -> Mapping[str, frozenset[str]]:
        """Return what servers changed since the last time: `tools`, `prompts`, `resources`."""
        ...

    async def open(self, session_id: str | None, approver: Approver) -> ChatSession:
        """Return the session's assistant; None begins a new session."""
        ...

    async def sessions(
        self, filter_text: str = "", limit: int = 200, *, offset: int = 0, archived: bool = False
    ) -> list[Found]:
        """Return past sessions, newest first; with `filter_text` those it is found in."""
        ...

    async def rename(self, session_id: str, title: str) -> None: ...

    async def archive(self, session_id: str, *, archived: bool) -> None: ...

    async def discard(self, session_id: str) -> None:
        """Delete a session so that `restore` can bring it back."""
        ...

    async def restore(self, session_id: str) -> None: ...

    async def export(self, session_id: str, form: str) -> str:
        """Write the session to a new file in the working folder; returns the file's name.

        `form` is markdown, json or html.
        """
        ...

    async def actions(self, which: ActionFilter, limit: int, offset: int) -> list[ActionRecord]:
        """Return actions of all sessions, newest first."""
        ...

    async def action_names(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the intents and the tools that there are actions of."""
        ...

    async def prompts(self) -> list[str]:
        """Return what the person wrote in all sessions, newest first, each text once."""
        ...

    async def draft(self, session_id: str | None) -> str:
        """Return what was written there and not sent; None: before there was a session."""
        ...

    async def keep_draft(self, session_id: str | None, text: str) -> None:
        """Keep it; of a session without a turn as of none."""
        ...

    async def evaluations(self) -> list[RunRow]:
        """Runs over evaluation sets, newest first."""
        ...

    async def evaluation(self, run_id: str, against: str | None = None) -> RunView:
        """Return all that is known of a run, held against another one."""
        ...

    @property
    def evaluation_progress(self) -> tuple[int, int] | None:
        """How many messages the run that was started here has done, of how many; None: none is
        running."""
        ...

    async def start_evaluation(self, kind: str) -> None:
        """Start a run: `routing`, `whole` or `corrections`. Raises where it cannot start."""
        ...

    async def cancel_evaluation(self) -> None:
        """End the run early; what is done is kept."""
        ...

    async def delete_evaluation(self, run_id: str) -> None:
        """Remove a run for good."""
        ...

    async def past(self, session_id: str, last_turns: int | None = None) -> SessionSnapshot:
        """Return what was recorded of a session, all of it or its last turns only."""
        ...

    async def costs(self, by: CostsBy, session_id: str) -> list[CostRecord]:
        """Return what the turns of this session, all sessions or all days took, the oldest first.

        Only the newest sessions and days are returned.
        """
        ...

    async def check(self, action_id: str) -> Event | None:
        """Ask the back end what became of an action left unknown; None: it cannot tell.

        The open chat's assistant has taken the event in. Raises where there is nothing to check.
        """
        ...

    async def close(self) -> None:
        """Finish writing and let go of everything."""
        ...

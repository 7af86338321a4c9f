"""The life of a tool call: offered? → parsed? → valid? → asked → written down → run → written down.

Only what the request offered can run, only with arguments that the schema takes, and for
anything but a read only after somebody said yes to exactly these arguments. Each step leaves as
an event, and an event is on record before the next step begins.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from engine.conversation import ToolCall, arguments_of
from engine.events import (
    ApprovalRequested,
    ApprovalResolved,
    Event,
    Outcome,
    PendingCall,
    ToolCallProposed,
    ToolFinished,
    ToolStarted,
    ValueSource,
)
from engine.ids import new_id
from engine.ports import Answer, Approver, RecordingError
from engine.tools.approval_policy import Policy, evaluate_policy
from engine.tools.call_summary import summarize_call
from engine.tools.effective_arguments import Effective, effective, fingerprint, same
from engine.tools.live_call import LiveCall
from engine.tools.tool import (
    InvalidArguments,
    OutcomeUnknown,
    Tool,
    ToolContext,
    ToolUserError,
)
from engine.tools.verbalize import verbalize

# A call with invalid arguments goes back to the model this often, then the turn gives up.
MAX_CORRECTIONS = 2
MAX_RESULT_CHARACTERS = 20_000
REHEARSAL_LIMIT_S = 3.0  # then the person is asked without it

DECLINED = "You declined this, so nothing was changed."
FORBIDDEN = "This is not allowed here, so nothing was changed."
NOBODY = "This needs your approval and nobody could be asked, so nothing was changed."
DONE_ONCE = "This was done in this turn, once. Nobody could be asked whether to do it again."
DOUBLE = "This reply makes exactly this call already. Is it meant twice? Then call it once more."
LOGGED = "the details are in the log that `intentbot-tui config show` names"
CANCELLED = "This was cancelled before it ran; nothing was changed."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judgement:
    """What is known of a change before it is proposed.

    `question`, where there is one, is put to the person instead: the call lacks a value that
    somebody said, or may not be wanted. `wanted` is the probability that the person asked for it,
    `doubted` says that no flag and no policy may approve it.
    """

    sources: Mapping[str, ValueSource] = field(default_factory=dict)
    wanted: float | None = None
    doubted: bool = False
    question: PendingCall | None = None


Judge = Callable[[ToolCall, Tool, Mapping[str, Any]], Awaitable[Judgement]]
"""Judges a valid change by its effective arguments, as JSON data. May raise `ModelError`."""


class TooManyCorrections(Exception):
    """The model kept calling a tool with arguments that do not fit."""


@dataclass
class _Action:
    """One call on its way. `given` is what the model wrote, where that is JSON, `effective` what
    is approved and run; `settled` says that its fate is on record."""

    call: ToolCall
    id: str
    tool: Tool | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    effective: Effective | None = None
    proposed: Mapping[str, Any] = field(default_factory=dict)  # before the person edited it
    problems: tuple[str, ...] = ()
    edited: bool = False
    settled: bool = False
    judgement: Judgement = Judgement()

    @property
    def changes(self) -> bool:
        """Whether it is a change that can be made."""
        return self.tool is not None and self.tool.effect != "read" and not self.problems

    @property
    def sources(self) -> Mapping[str, ValueSource]:
        """Where the arguments come from, as they are now: what the person edited, they said."""
        if not self.edited or self.effective is None:
            return self.judgement.sources
        kept = self.judgement.sources
        return {
            n: kept.get(n, "said") if same({n: v}, {n: self.proposed.get(n)}) else "said"
            for n, v in self.arguments.items()
        }

    @property
    def valid(self) -> Effective:
        assert self.effective is not None
        return self.effective

    @property
    def arguments(self) -> Mapping[str, Any]:
        """As they are shown and recorded."""
        return self.given if self.effective is None else self.effective.shown

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.call.name, self.valid.values)


@dataclass
class Executor:
    """Runs the calls of one turn. `allowed` are the fingerprints of the calls approved for the
    whole session, `tainted` says that a result which strangers wrote was read, `changed` that
    something was, or may have been, changed. `words` are what the tools said of what they changed,
    `question` is what the person has to be asked before a call can be proposed.

    `emit` puts an event on record and sends it on; it returns when that is done. `changed_before`
    says in plain words what a tool has last changed in this session, or nothing. `working` counts
    the time spent inside, except for what is spent in `asking`.
    """

    session_id: str
    data_dir: Path
    approver: Approver
    emit: Callable[[Event], Awaitable[None]]
    time_limit_s: float
    changed_before: Callable[[str], str]
    judge: Judge
    working: Callable[[], AbstractContextManager[None]] = nullcontext
    asking: Callable[[], AbstractContextManager[None]] = nullcontext
    allowed: set[str] = field(default_factory=set)
    tainted: bool = False
    changed: bool = False
    words: list[str] = field(default_factory=list)
    question: PendingCall | None = None
    _made: set[str] = field(default_factory=set)  # fingerprints of this turn's changes
    _corrections: dict[str, int] = field(default_factory=dict)

    async def execute(
        self, calls: Sequence[ToolCall], offered: Mapping[str, Tool], intent: str
    ) -> None:
        """Bring every call to its end: reads side by side, then the others one by one.

        A change that is not asked for, or with values that nobody said, is not proposed: see
        `question`. However this is left, each proposed call has had its `tool_finished`. Raises
        `TooManyCorrections`.
        """
        actions = [self._prepare(call, offered) for call in calls]
        _refuse_doubles(actions)
        actions = [action for action in actions if await self._is_asked_for(action)]
        try:
            for action in actions:
                await self.emit(_proposal(action, intent))
            for action in actions:
                if action.problems:
                    await self._finish(action, "error", {"error": " ".join(action.problems)})
            ready = [action for action in actions if not action.problems]
            reads = [a for a in ready if a.tool is not None and _runs_unasked(a.tool)]
            await self._run_together(reads)
            for action in ready:
                if not action.settled and await self._approved(action):
                    await self._run(action)
        finally:
            for action in actions:
                if not action.settled:
                    await self._finish(action, "cancelled", {"error": CANCELLED})
        self._count_corrections(actions)

    async def _is_asked_for(self, action: _Action) -> bool:
        """Whether the call can be proposed; if not, the first such has its question kept."""
        if action.changes and action.tool is not None:
            action.judgement = await self.judge(action.call, action.tool, action.arguments)
            self.question = self.question or action.judgement.question
        return action.judgement.question is None

    async def _run_together(self, reads: Sequence[_Action]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for action in reads:
                    group.create_task(self._run(action))
        except* RecordingError as failures:
            raise failures.exceptions[0] from None

    def _prepare(self, call: ToolCall, offered: Mapping[str, Tool]) -> _Action:
        action = _Action(call, new_id(), offered.get(call.name))
        if action.tool is None:
            known = ", ".join(offered) or "none"
            action.problems = (f"{call.name!r} is not one of the tools on offer ({known}).",)
            return action
        try:
            action.given = arguments_of(call)
            action.effective = effective(action.tool, action.given)
        except InvalidArguments as error:
            action.problems = error.problems
        except ValueError as error:
            action.problems = (f"The arguments are not valid JSON: {error}.",)
        return action

    async def _approved(self, action: _Action) -> bool:
        """Whether this exact call may run; a no is put on record as its end."""
        tool = action.tool
        assert tool is not None
        try:
            answer = await self._ask(action, tool)
        except InvalidArguments as fault:
            await self._finish(action, "error", {"error": str(fault)})
            return False
        except ToolUserError as refusal:
            told = {"error": str(refusal)}
            await self._finish(action, "error", told, untrusted=tool.untrusted)
            return False
        approved = answer.decision == "approved"
        edited = approved and action.edited
        await self.emit(
            ApprovalResolved(
                call_id=action.call.id,
                decision=answer.decision,
                by=answer.by,
                arguments=action.arguments if edited else None,
                summary=summarize_call(tool, action.arguments) if edited else "",
            )
        )
        if not approved:
            reason = {"policy": FORBIDDEN, "nobody": NOBODY}.get(answer.by, DECLINED)
            if answer.by == "nobody" and action.fingerprint in self._made:
                reason = DONE_ONCE
            await self._finish(action, "denied", {"error": reason})
            return False
        if answer.for_session and tool.effect != "destructive" and not edited:
            self.allowed.add(action.fingerprint)
        return True

    async def _rehearse(self, action: _Action, tool: Tool) -> str:
        """What the call would come to, where its back end can say so. Raises `ToolUserError`."""
        if not tool.rehearses:
            return ""
        context = ToolContext(action.id, self.session_id, self.data_dir, rehearsal=True)
        try:
            # A copy: whatever the rehearsal does to its arguments, they are not what will run.
            values = copy.deepcopy(action.valid.values)
            return verbalize(await asyncio.wait_for(tool.run(context, values), REHEARSAL_LIMIT_S))
        except ToolUserError:
            self.tainted = self.tainted or tool.untrusted
            raise
        except Exception:
            log.debug("tool %s could not be rehearsed", tool.name, exc_info=True)
            return ""

    async def _ask(self, action: _Action, tool: Tool) -> Answer:
        """The answer for this exact call, as it stands in the end.

        Edited arguments are judged as the proposed ones were. Where they come to something else
        than the person wrote (a default was left out, say), the person is asked once more.
        Raises `InvalidArguments` for edited ones that do not fit, and `ToolUserError` where the
        back end would refuse the call.
        """
        while True:
            repeated = action.fingerprint in self._made
            doubted = action.judgement.doubted
            judge = partial(
                evaluate_policy,
                tool.effect,
                tool.policy,
                action.valid.judged,
                tainted=self.tainted,
                doubted=doubted,
            )
            verdict, by = judge(allowed=action.fingerprint in self.allowed, repeated=repeated)
            if verdict == "deny" or (verdict == "auto" and not action.edited):
                return Answer("approved" if verdict == "auto" else "denied", by)
            would = await self._rehearse(action, tool)
            request = ApprovalRequested(
                call_id=action.call.id,
                action_id=action.id,
                tool=tool.name,
                effect=tool.effect,
                summary=summarize_call(tool, action.arguments),
                arguments=action.arguments,
                before=self.changed_before(tool.name) if tool.effect != "read" else "",
                would=would,
                allowable=not action.edited and judge(allowed=True)[0] == "auto",
                sources=action.sources,
                wanted=action.judgement.wanted,
                person_only=doubted,
            )
            await self.emit(request)
            asked = action.fingerprint
            answer = await self.approver.decide(request)
            # The yes was to these arguments; should anything have changed them, it is none.
            if action.fingerprint != asked:
                return Answer("denied", "policy")
            # A flag said yes to what was asked for, not to doing it again and again.
            if (repeated or doubted) and answer.decision == "approved" and answer.by != "person":
                return Answer("unanswered", "nobody")
            if answer.decision != "approved" or answer.arguments is None:
                return answer
            action.proposed = action.proposed or action.arguments
            action.effective = effective(tool, answer.arguments)
            changed = action.fingerprint != asked
            action.edited = action.edited or changed
            seen = not changed or same(action.arguments, answer.arguments)
            if seen and evaluate_policy(tool.effect, tool.policy, action.valid.judged)[0] != "deny":
                return answer

    async def _run(self, action: _Action) -> None:
        """Run an approved call. A write that has begun is waited for, whatever is cancelled."""
        tool = action.tool
        assert tool is not None
        await self.emit(ToolStarted(call_id=action.call.id, action_id=action.id))
        started = time.perf_counter()
        live = LiveCall(action.call.id, self.approver, self.emit, self.time_limit_s, self.asking)
        context = ToolContext(action.id, self.session_id, self.data_dir, caller=live)
        running = asyncio.ensure_future(live.bound(tool.run(context, action.valid.values)))
        cancelled = False
        with self.working():
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                cancelled = True
                live.cancel()
                if tool.effect == "read":
                    running.cancel()
            except Exception:
                log.debug("tool %s raised", tool.name, exc_info=True)
            await asyncio.wait([running])
        outcome, result = _fate(tool, running, self.time_limit_s)
        self.tainted = self.tainted or tool.untrusted
        if tool.effect != "read" and outcome in ("ok", "unknown"):
            self.changed = True
            self._made.add(action.fingerprint)
            self.words.append(_words(tool, action.arguments, outcome, result))
        if action.edited:
            told = result if isinstance(result, Mapping) else {"result": result}
            result = {**told, "arguments_changed_by_the_person": dict(action.arguments)}
        elapsed = round((time.perf_counter() - started) * 1000)
        await self._finish(action, outcome, result, elapsed, untrusted=tool.untrusted)
        if cancelled:
            raise asyncio.CancelledError

    async def _finish(
        self,
        action: _Action,
        outcome: Outcome,
        result: Any,
        duration_ms: int = 0,
        *,
        untrusted: bool = False,
    ) -> None:
        action.settled = True
        await self.emit(
            ToolFinished(
                call_id=action.call.id,
                outcome=outcome,
                result=truncate_result(result),
                duration_ms=duration_ms,
                untrusted=untrusted,
            )
        )

    def _count_corrections(self, actions: Sequence[_Action]) -> None:
        for name in {action.call.name for action in actions if action.problems}:
            self._corrections[name] = self._corrections.get(name, 0) + 1
            if self._corrections[name] > MAX_CORRECTIONS:
                raise TooManyCorrections(name)


def _refuse_doubles(actions: Sequence[_Action]) -> None:
    """The same change twice in one reply is more often a slip than a wish."""
    seen: set[str] = set()
    for action in actions:
        if action.problems or action.tool is None or action.tool.effect == "read":
            continue
        if action.fingerprint in seen:
            action.problems = (DOUBLE,)
        seen.add(action.fingerprint)


def _runs_unasked(tool: Tool) -> bool:
    return tool.effect == "read" and tool.policy == Policy()


def _proposal(action: _Action, intent: str) -> ToolCallProposed:
    tool = action.tool
    return ToolCallProposed(
        call_id=action.call.id,
        action_id=action.id,
        intent=intent,
        tool=action.call.name,
        arguments=action.arguments,
        effect=tool.effect if tool else "write",
        problems=action.problems,
        summary=summarize_call(tool, action.arguments) if tool and not action.problems else "",
        sources=action.sources,
    )


def _words(tool: Tool, arguments: Mapping[str, Any], outcome: Outcome, result: Any) -> str:
    """What the person is told of a change, whatever the model says of it: the tool's own words.

    Strangers' words are not passed on as the assistant's.
    """
    done = summarize_call(tool, arguments)
    if outcome == "unknown":
        return f"{done}: {verbalize(result)}"
    if isinstance(result, Mapping) and not tool.untrusted:
        said = result.get("summary")
        if isinstance(said, str) and said.strip():
            return said
    return f"Done: {done}."


def _fate(tool: Tool, running: asyncio.Future[Any], time_limit_s: float) -> tuple[Outcome, Any]:
    """What became of a call. Only words a tool meant to be read are passed on."""
    if running.cancelled():
        return "cancelled", {"error": CANCELLED}
    error = running.exception()
    if error is None:
        return "ok", running.result()
    if isinstance(error, ToolUserError):
        return "error", {"error": str(error)}
    if isinstance(error, OutcomeUnknown):
        return "unknown", {"error": str(error)}
    if isinstance(error, TimeoutError):
        if tool.effect == "read":
            return "timed_out", {"error": f"No answer within {time_limit_s:g} seconds."}
        return "unknown", {
            "error": f"No answer within {time_limit_s:g} seconds. It may or may not have been "
            "done: check before trying again."
        }
    log.error("tool %s failed", tool.name, exc_info=error)
    if tool.effect == "read":
        return "error", {"error": f"The tool failed; {LOGGED}."}
    return "unknown", {
        "error": f"The tool failed in the middle; {LOGGED}. It may or may not have been done: "
        "check before trying again."
    }


def truncate_result(result: Any) -> Any:
    """The result as JSON data, or its beginning as text where it is too long to be of use."""
    text = json.dumps(result, ensure_ascii=False, default=str)
    if len(text) > MAX_RESULT_CHARACTERS:
        return {"truncated": text[:MAX_RESULT_CHARACTERS]}
    # Python writes NaN and Infinity bare, which other readers of JSON refuse.
    return json.loads(text, parse_constant=lambda _: None)

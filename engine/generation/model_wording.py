"""Wording by a language model: one request for each tool, and one for each intent.

Every answer is kept as it comes, so that who begins again pays for nothing twice.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.chat_model import ChatModel, ChatRequest, ModelError, Reply, Usage
from engine.conversation import Message
from engine.generation.gaps import IntentGap, Wording, plain_summary
from engine.generation.phrase_check import PhraseCheck
from engine.intents.intent import Intent
from engine.intents.lexical_index import PHRASE_CHARACTERS
from engine.paths import write_privately
from engine.text import strip_controls
from engine.tools.call_summary import summary_values
from engine.tools.tool import Tool, first_sentence

EXAMPLES, TESTS, COUNTER_EXAMPLES = 10, 3, 5
# For the estimate: characters of a token, at least, and tokens of an answer, at most.
CHARACTERS, ANSWER = 3, 900
# Of what is asked for, so many kept phrases are enough; with fewer the rest is asked for again.
ENOUGH = 6

_SYSTEM = """\
You write the wording of an assistant that people talk to in a chat. Write as different people \
type: short and long, plain and polite, with and without names of things, in everyday words and \
not in those of the definition. Never mention functions, parameters or field names. Where a value \
is needed, make up a plausible one. Answer with the JSON object that is asked for."""


@dataclass(frozen=True)
class Task:
    """One request: what is asked, of which tool (None: of the intent itself)."""

    gap: IntentGap
    intent: Intent
    tool: Tool | None
    prompt: str
    schema: Mapping[str, Any]

    @property
    def messages(self) -> tuple[Message, ...]:
        return (Message("system", _SYSTEM), Message("user", self.prompt))


@dataclass
class Generated:
    """By file what to add; `tests` are rows of an evaluation set; `dropped` by phrase why."""

    files: dict[Path, Wording] = field(default_factory=dict)
    tests: list[dict[str, Any]] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)


class Kept:
    """The answers that came so far, by what was asked of which model; in one private file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            found = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            found = {}
        self._answers: dict[str, Any] = found if isinstance(found, dict) else {}

    @staticmethod
    def key(model: str, task: Task, more: str = "") -> str:
        """The same for the same question to the same model."""
        asked = json.dumps([model, _SYSTEM, task.prompt, task.schema, more], default=str)
        return hashlib.sha256(asked.encode()).hexdigest()[:32]

    def get(self, key: str) -> Mapping[str, Any] | None:
        """The answer, if there was one."""
        found = self._answers.get(key)
        return found if isinstance(found, dict) else None

    def add(self, key: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer at once. Raises `OSError`."""
        self._answers[key] = dict(answer)
        write_privately(self._path, json.dumps(self._answers))

    def forget(self) -> None:
        """Once all is written down nothing needs to be kept."""
        self._path.unlink(missing_ok=True)


def tasks(found: Sequence[IntentGap]) -> list[Task]:
    """What to ask a model, in the order of the files."""
    return [task for gap in found for task in _tasks(gap, found)]


def most_tokens(asked: Sequence[Task], model: str) -> Usage:
    """What the requests take at most, each of them made twice."""
    sent = sum(len(_SYSTEM) + len(t.prompt) + len(json.dumps(t.schema)) for t in asked)
    return Usage(
        model, input_tokens=2 * (sent // CHARACTERS + 1), output_tokens=2 * ANSWER * len(asked)
    )


async def generate(
    asked: Sequence[Task],
    model: ChatModel,
    check: PhraseCheck,
    kept: Kept,
    *,
    may_spend: Callable[[Usage], bool],
    done: Callable[[int], None],
) -> Generated:
    """Ask for everything. `may_spend` hears what each request took, and says whether the next may
    be made; `done` hears the number of tasks that are through.

    Raises `ModelError`, after which what came so far is kept.
    """
    made = Generated()
    for number, task in enumerate(asked, 1):
        wording = made.files.setdefault(task.gap.path, Wording())
        answer = await _answer(task, model, kept, may_spend)
        if task.tool is None:
            _add_intent(task, answer, check, wording)
        else:
            await _add_tool(
                task, answer, check, wording, made, _again(task, model, kept, may_spend)
            )
        done(number)
    return made


def _tasks(gap: IntentGap, found: Sequence[IntentGap]) -> Iterator[Task]:
    for intent in gap.intents:
        for tool in intent.tools:
            if gap.lacks_anything(tool):
                yield Task(gap, intent, tool, _tool_prompt(intent, tool), _tool_schema(gap, tool))
    alone = len(gap.intents) == 1
    named = bool(gap.data.title and gap.data.description)
    if alone and not (named and gap.data.counter_examples):
        intent = gap.intents[0]
        others = [i for other in found for i in other.intents if i is not intent]
        yield Task(gap, intent, None, _intent_prompt(intent, others), _INTENT_SCHEMA)


def _tool_prompt(intent: Intent, tool: Tool) -> str:
    others = "\n".join(f"- {first_sentence(t)}" for t in intent.tools if t is not tool)
    parameters = {
        name: {k: v for k, v in schema.items() if k in ("type", "description", "enum", "format")}
        for name, schema in tool.parameters.get("properties", {}).items()
        if isinstance(schema, Mapping)
    }
    lines = [
        f"Area: {intent.title}. {intent.description}",
        f"Function: {tool.name}: {tool.description}",
        f"Parameters: {json.dumps(parameters, ensure_ascii=False, default=str)}",
        f"Required: {', '.join(tool.required) or 'none'}",
        *([f"The same area also has, which is not meant here:\n{others}"] if others else []),
        f"examples: {EXAMPLES} messages that ask for this. tests: {TESTS} more, different ones. "
        "summary: what will be done, as a short sentence in the imperative, with the parameters in "
        "braces, like “Send {text} to {name}”. questions: for each required parameter the question "
        "by which the assistant asks for it.",
    ]
    return "\n".join(lines)


def _tool_schema(gap: IntentGap, tool: Tool) -> dict[str, Any]:
    names = gap.lacking_questions(tool)
    questions = {name: {"type": "string"} for name in names}
    properties = {
        "examples": _texts(),
        "tests": _texts(),
        "summary": {"type": "string"},
        "questions": _object(questions),
    }
    return _object(properties)


def _intent_prompt(intent: Intent, others: Sequence[Intent]) -> str:
    does = "\n".join(f"- {first_sentence(tool)}" for tool in intent.tools)
    beside = "\n".join(f"- {other.title}: {other.description[:120]}" for other in others[:30])
    return (
        f"Area: {intent.title}. {intent.description}\nWhat it does:\n{does}\n"
        f"Other areas:\n{beside or '- none'}\n"
        "title: a name for this area of one to three words. description: one line that says what "
        f"belongs to it. counter_examples: {COUNTER_EXAMPLES} messages that sound alike but belong "
        "to another area, or to none."
    )


def _texts() -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


_INTENT_SCHEMA = _object(
    {
        "title": {"type": "string"},
        "description": {"type": "string"},
        "counter_examples": _texts(),
    }
)

Ask = Callable[[Mapping[str, str]], Any]


def _again(task: Task, model: ChatModel, kept: Kept, may_spend: Callable[[Usage], bool]) -> Ask:
    async def ask(dropped: Mapping[str, str]) -> Mapping[str, Any]:
        told = "\n".join(f"- {phrase}: {why}" for phrase, why in dropped.items())
        more = f"These cannot be used; write others instead of them:\n{told}"
        return await _answer(task, model, kept, may_spend, more)

    return ask


async def _answer(
    task: Task,
    model: ChatModel,
    kept: Kept,
    may_spend: Callable[[Usage], bool],
    more: str = "",
) -> Mapping[str, Any]:
    key = kept.key(model.name, task, more)
    if (known := kept.get(key)) is not None:
        return known
    if not may_spend(Usage(model.name)):
        raise ModelError("limit", "the price that was announced is reached")
    messages = (*task.messages, *([Message("user", more)] if more else []))
    reply: Reply | None = None
    async for item in model.stream(ChatRequest(messages, output_schema=task.schema)):
        if isinstance(item, Reply):
            reply = item
    assert reply is not None
    may_spend(reply.usage)
    try:
        answer = json.loads(reply.text)
    except ValueError:
        answer = {}
    answer = answer if isinstance(answer, dict) else {}
    kept.add(key, answer)
    return answer


async def _add_tool(
    task: Task,
    answer: Mapping[str, Any],
    check: PhraseCheck,
    wording: Wording,
    made: Generated,
    again: Ask,
) -> None:
    tool, gap = task.tool, task.gap
    assert tool is not None
    about = [tool.name.replace("_", " "), first_sentence(tool)]
    if gap.lacks_examples(tool):
        first = check.check(task.intent.key, about, _phrases(answer.get("examples")))
        phrases, dropped = list(first.kept), dict(first.dropped)
        if len(phrases) < ENOUGH:
            more = _phrases((await again(dropped)).get("examples"))
            second = check.check(task.intent.key, [*about, *phrases], more)
            phrases += second.kept
            dropped |= second.dropped
        if phrases:
            wording.examples[tool.name] = phrases[:EXAMPLES]
        made.dropped |= dropped
        tested = check.check(task.intent.key, [*about, *phrases], _phrases(answer.get("tests")))
        made.tests += [
            {"text": text, "intent": task.intent.key, "tool": tool.name}
            for text in tested.kept[:TESTS]
        ]
    if gap.lacks_summary(tool):
        wording.summaries[tool.name] = _summary(tool, answer) or plain_summary(tool)
    told = answer.get("questions")
    told = told if isinstance(told, dict) else {}
    for name in gap.lacking_questions(tool):
        question = _line(told.get(name))
        own = question if question.endswith("?") else tool.question((name,))
        wording.questions.setdefault(tool.name, {})[name] = own


def _add_intent(
    task: Task, answer: Mapping[str, Any], check: PhraseCheck, wording: Wording
) -> None:
    data = task.gap.data
    if not data.title:
        wording.title = _line(answer.get("title"))[:60]
    if not data.description:
        wording.description = _line(answer.get("description"))[:300]
    if not data.counter_examples:
        own = {p.casefold() for phrases in task.intent.examples.values() for p in phrases}
        own |= {p.casefold() for phrases in wording.examples.values() for p in phrases}
        phrases = [p for p in _phrases(answer.get("counter_examples")) if p.casefold() not in own]
        wording.counter_examples = check.apart(task.intent.key, phrases)[:COUNTER_EXAMPLES]


def _summary(tool: Tool, answer: Mapping[str, Any]) -> str:
    """The model's summary, with what it leaves out: who approves must see every value."""
    said = _line(answer.get("summary"))
    if not said or set("[]") & set(said):
        return ""
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(said) if name is not None}
    except ValueError:
        return ""
    if named - set(tool.required):
        return ""
    rest = {**tool.parameters, "properties": {}}
    for name, schema in tool.parameters.get("properties", {}).items():
        if name not in named:
            rest["properties"][name] = schema
    return said.rstrip(".") + summary_values(rest, ": " if not named else ", ")


def _phrases(value: object) -> list[str]:
    listed = value if isinstance(value, list) else []
    phrases = [_line(each) for each in listed]
    return [phrase for phrase in phrases if 0 < len(phrase) <= PHRASE_CHARACTERS]


def _line(value: object) -> str:
    return " ".join(strip_controls(value).split()) if isinstance(value, str) else ""

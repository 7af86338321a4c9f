"""The router that needs no key and no network: the catalogue's examples decide."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import chain
from typing import Any

from engine.chat_model import Usage
from engine.conversation import MAX_CHOICES, Conversation, for_intent
from engine.events import Alternative, RetryScheduled, Route
from engine.intents.intent import Catalogue
from engine.intents.routing import Routing, Task
from engine.offline.confirmation import ORDERS, takes_back
from engine.offline.follow_ups import asks_on, told_result
from engine.offline.labels import Label, Prediction
from engine.offline.lexicon import TALK
from engine.offline.message_reader import TEXT_LIMIT
from engine.offline.segmentation import Reader, split_tasks, undropped
from engine.offline.selection import pointed_row, without_pointer
from engine.offline.speech import follows, goes_on, points_there
from engine.offline.values.readers import extract_values, sole_value
from engine.offline.values.schema import is_free, resolve_schema, words
from engine.tools.naming import singular
from engine.tools.tool import Tool

NAME = "all-MiniLM-L6-v2"

# Small talk that is not clear must be at least this likely.
POSSIBLE = 0.3
# Who only asks for help may mean another intent than the likeliest, if it is not so much less so.
RIVAL = 10.0
YES = "yes"  # the key of small talk that agrees
LAST = "last_action"  # of small talk about what was just done
# Of what a catalogue names: intents that are put to the person, letters that a word needs to tell
# anything, and the share of the intents that may have it.
MAX_NAMED, SHORTEST, COMMON = 3, 4, 0.3
# Words; a longer message that is unclear by itself is not taken for a follow-up.
SHORT = 8


class OfflineRouter:
    """Implements `Router` on the classifier, with the catalogue's thresholds."""

    def __init__(self, reader: Reader, catalogue: Catalogue) -> None:
        self._reader = reader
        self._catalogue = catalogue
        self._thresholds = catalogue.thresholds
        self._changes = {tool.name for tool in catalogue.tools if tool.effect != "read"}

    @cached_property
    def _vocabulary(self) -> Mapping[str, Sequence[str]]:
        """Of intents whose phrases are only made of names, little is known of how people ask."""
        return {} if self._catalogue.made_index is None else _vocabulary(self._catalogue)

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        started = time.perf_counter()
        if len(text) > TEXT_LIMIT or not text.strip():
            yield Routing("clarify", "embedded", reply=_TOO_LONG if text.strip() else _EMPTY)
            return
        yield await self._routing(text, conversation, started)

    async def _routing(self, text: str, conversation: Conversation, started: float) -> Routing:
        said, text = text, await undropped(text, self._reader)
        readings, tokens = await self._reader.read(text)
        reading = readings[0]
        ranking = reading.intents()
        usage = Usage(
            NAME,
            input_tokens=tokens,
            duration_ms=round((time.perf_counter() - started) * 1000),
            estimated=True,
        )
        route, tasks, confidence, reply = await self._decide(text, reading, conversation)
        chosen = {task.intent for task in tasks}
        return Routing(
            route,
            "embedded",
            tasks,
            confidence=round(confidence, 4),
            alternatives=tuple(
                Alternative(key, round(share, 4))
                for key, share in ranking[: 3 + len(chosen)]
                if key not in chosen
            )[:3],
            reply=reply,
            usage=usage,
            drops=text != said,
        )

    async def _decide(
        self, text: str, reading: Prediction, conversation: Conversation
    ) -> tuple[Route, tuple[Task, ...], float, str]:
        ranking, clear = reading.intents(), self._thresholds.clear
        intent, share = ranking[0] if ranking else ("", 0.0)
        talk, talk_share = reading.talk()
        open_intent = conversation.awaiting.intent if conversation.awaiting else None
        focus = open_intent or conversation.focus
        if focus not in self._catalogue.intents:
            open_intent = focus = None
        if self._is_value(text, conversation):
            assert focus is not None
            return "continue", (Task(focus, text),), max(share, clear), ""
        if focus is not None and (
            reading.act == "again"
            or self._points_back(text, reading, conversation)
            or asks_on(text, for_intent(conversation.messages, conversation.focus))
        ):
            return "continue", (Task(focus, text),), max(share, clear), ""
        if self._asks_there(text, reading, conversation):
            assert conversation.focus is not None
            return "continue", (Task(conversation.focus, text),), max(share, clear), ""
        if talk.kind == "cancel" and reading.act == "yes":
            talk = Label("small_talk", YES)  # "ok do it" is near "don't do it"
        tasks = await split_tasks(text, reading, self._reader, self._changes)
        if tasks:
            return "task", tasks, share, ""
        # "It doesn't work" is no more beyond this than within.
        talks = talk_share >= clear and (talk.kind != "out_of_scope" or "my" in words(text))
        if reading.act == "trouble" and not focus and not talks and self._is_open(ranking):
            return "clarify", (), share, self._ask([key for key, _ in ranking[:MAX_CHOICES]])
        if reading.familiar and share >= clear and share > talk_share:
            return ("continue" if intent == focus else "task"), (Task(intent, text),), share, ""
        if focus is not None and self._has_value(text, focus):
            return "continue", (Task(focus, text),), share, ""
        named = () if open_intent or conversation.choices else self._named(text, ranking)
        if named[:1] == (intent,) and (talk.kind != "small_talk" or talk_share < share):
            return "task", (Task(intent, text),), share, ""
        if named and talk.kind != "small_talk" and talk_share > share:
            return "clarify", (), share, self._ask(named)
        if talk_share >= clear and not (open_intent and talk.key == YES):
            return self._talk(talk, talk_share, reading, conversation)
        if open_intent or (focus and self._follows_up(text, focus)):
            assert focus is not None
            return "continue", (Task(focus, text),), share, ""
        if talk_share > max(share, POSSIBLE):
            return self._talk(talk, talk_share, reading, conversation)
        if not reading.familiar:
            if named:
                return "clarify", (), share, self._ask(named)
            return self._strange(reading, share, conversation)
        near = [key for key, other in ranking[:3] if share - other <= self._thresholds.margin]
        if len(near) > 1 and share < self._thresholds.unclear:
            return "clarify", (), share, self._ask(near)
        return "task", (Task(intent, text),), share, ""

    def _named(self, text: str, ranking: Sequence[tuple[str, float]]) -> tuple[str, ...]:
        """The intents that a message may mean by its words, of a catalogue that knows nothing but
        words; none where not one of them is the catalogue's own, which is refused."""
        weights: dict[str, float] = defaultdict(float)
        for word in {singular(word) for word in words(text)}:
            for key in (keys := self._vocabulary.get(word, ())):
                weights[key] += 1 / len(keys)
        best = sorted(weights, key=lambda key: -weights[key])
        others = [key for key, _ in ranking] if best else []
        return tuple(dict.fromkeys([*best[: MAX_NAMED - 1], *others]))[:MAX_NAMED]

    def _is_open(self, ranking: Sequence[tuple[str, float]]) -> bool:
        """Whether another intent than the likeliest may be meant by who leaves it open."""
        return len(ranking) > 1 and ranking[1][1] >= max(share for _, share in ranking) / RIVAL

    def _strange(
        self, reading: Prediction, share: float, conversation: Conversation
    ) -> tuple[Route, tuple[Task, ...], float, str]:
        """What resembles no example of a task: small talk where it sounds like it."""
        talk, talk_share = reading.talk()
        among_talk = talk_share / (reading.beside() or 1.0)
        if talk.kind == "small_talk" and talk_share > share and among_talk >= POSSIBLE:
            return self._talk(talk, among_talk, reading, conversation)
        return "out_of_scope", (), 1 - share, self._catalogue.out_of_scope_reply

    def _talk(
        self, talk: Label, share: float, reading: Prediction, conversation: Conversation
    ) -> tuple[Route, tuple[Task, ...], float, str]:
        """The answer to what is no task."""
        match talk.kind:
            case "cancel":
                return "cancel", (), share, self._dropped(reading, conversation)
            case "small_talk":
                return "small_talk", (), share, self._say(talk.key, conversation)
            case _:
                return "out_of_scope", (), share, self._catalogue.out_of_scope_reply

    def _is_value(self, text: str, conversation: Conversation) -> bool:
        """Whether the text is just what the open task waits for, or a value of the active intent.

        Free text is taken for a value only while it is waited for.
        """
        awaiting = conversation.awaiting
        focus = awaiting.intent if awaiting else conversation.focus
        for tool, name, schema in self._parameters(focus):
            waited_for = awaiting and tool.name == awaiting.tool and name in awaiting.missing
            if (waited_for or not is_free(schema)) and sole_value(
                text, schema, name=name
            ) is not None:
                return True
        return False

    def _has_value(self, text: str, focus: str) -> bool:
        """Whether a short text has a value for the active intent: "add 3 then", "no, 50"."""
        return len(text.split()) <= SHORT and any(
            extract_values(text, schema, name=name) for _, name, schema in self._parameters(focus)
        )

    def _follows_up(self, text: str, focus: str) -> bool:
        """Whether an unclear text goes on with the last task: "and for Spain?", "Germany"."""
        if len(text.split()) > SHORT:
            return False
        if goes_on(text):
            return True
        return any(
            sole_value(text, schema, name=name) is not None
            for tool, name, schema in self._parameters(focus)
            if name in tool.required
        )

    def _asks_there(self, text: str, reading: Prediction, conversation: Conversation) -> bool:
        """Whether the last look-up is to be made of the same place: "what about data there?"."""
        asks = follows(text) or reading.act == "question" or text.rstrip().endswith("?")
        looked_up = {
            tool.name
            for tool, name, schema in self._parameters(conversation.focus)
            if tool.effect == "read" and name in tool.required and is_free(schema)
        }
        calls = [call.name for message in conversation.messages for call in message.tool_calls]
        return asks and points_there(text) and bool(looked_up & set(calls[-1:]))

    def _points_back(self, text: str, reading: Prediction, conversation: Conversation) -> bool:
        """Whether the text means one of what was last listed: "pay the older one", "take that"."""
        asks = reading.act == "question" and "one" in words(text)
        messages = for_intent(conversation.messages, conversation.focus)
        intent = self._catalogue.intents.get(conversation.focus or "")
        undoes = without_pointer(text, messages) != text and any(
            takes_back(text, tool.name, reading) for tool in (intent.tools if intent else ())
        )
        orders = reading.act in ORDERS or undoes
        if conversation.awaiting is None and not asks and not orders:
            return False
        return pointed_row(text, messages, date.today()) is not None

    def _parameters(self, key: str | None) -> Iterator[tuple[Tool, str, Mapping[str, Any]]]:
        """Every parameter of an intent's tools."""
        intent = self._catalogue.intents.get(key or "")
        for tool in intent.tools if intent else ():
            for name, schema in tool.parameters.get("properties", {}).items():
                yield tool, name, resolve_schema(schema, tool.parameters)

    def _dropped(self, reading: Prediction, conversation: Conversation) -> str:
        """What to say to who calls something off, which may be nothing, or done already."""
        if conversation.awaiting or conversation.choices:
            return self._catalogue.cancel_reply
        done = next((m.change for m in reversed(conversation.messages) if m.change), "")
        return STAYS.format(done) if done and reading.act == "undo" else NOTHING_OPEN

    def _say(self, key: str, conversation: Conversation) -> str:
        """One of the replies, in turn; or what was last done, to who asks about that."""
        done = next((m for m in reversed(conversation.messages) if m.change), None)
        if key == LAST and done is not None:
            return f"{DONE.format(done.change)} {told_result(done)}".strip()
        replies = next(talk.replies for talk in self._catalogue.small_talk if talk.key == key)
        return replies[len(conversation.messages) // 2 % len(replies)]

    def _ask(self, keys: Sequence[str]) -> str:
        titles = [self._catalogue.intents[key].title for key in keys]
        if len(titles) == 1:
            return f"Is this about {titles[0]}?"
        return f"Is this about {', '.join(titles[:-1])} or {titles[-1]}?"


def _vocabulary(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """For each word of the phrases and descriptions the intents that have it, unless many do."""
    owners: dict[str, dict[str, None]] = {}
    for key, intent in catalogue.intents.items():
        phrases = chain(
            [intent.title], *intent.examples.values(), (tool.description for tool in intent.tools)
        )
        for word in {singular(word) for phrase in phrases for word in words(phrase)}:
            if len(word) >= SHORTEST and word not in TALK:
                owners.setdefault(word, {})[key] = None
    most = max(1, round(COMMON * len(catalogue.intents)))
    return {word: tuple(keys) for word, keys in owners.items() if len(keys) <= most}


DONE = "The last thing that I did: {}."
NOTHING_OPEN = "All right. What else can I do for you?"
STAYS = "That's already done and can't be undone: {}. What else can I do for you?"
_EMPTY = "I didn't catch that. What can I do for you?"
_TOO_LONG = "That is a lot at once for me. Could you tell me in a sentence or two what you need?"

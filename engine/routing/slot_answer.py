"""Messages that need no classification: the value or the choice that the assistant waits for."""

from __future__ import annotations

from engine.conversation import Conversation
from engine.events import PendingCall
from engine.intents.intent import Catalogue
from engine.intents.routing import Routing, Task
from engine.offline.selection import is_ordinal_only
from engine.offline.speech import agrees, resumes
from engine.offline.values.readers import sole_value


def route_without_model(
    text: str, conversation: Conversation, catalogue: Catalogue
) -> Routing | None:
    """The route of a message that is just what was asked for ("15", "L", "2"); else None."""
    return _choice(text, conversation, catalogue) or _value(text, conversation, catalogue)


def pending_task(text: str, conversation: Conversation) -> PendingCall | None:
    """What waits for the person; else what they declined, if they want it after all."""
    return conversation.awaiting or (conversation.declined if resumes(text) else None)


def _choice(text: str, conversation: Conversation, catalogue: Catalogue) -> Routing | None:
    """One of the offered intents, by its number or title: the unclear message is then for it."""
    said = text.strip().casefold()
    for number, key in enumerate(conversation.choices, start=1):
        intent = catalogue.intents.get(key)
        if intent and said in (str(number), key.casefold(), intent.title.casefold()):
            return Routing("task", "shortcut", (Task(key, conversation.unclear),))
    return None


def _value(text: str, conversation: Conversation, catalogue: Catalogue) -> Routing | None:
    """The value of a missing parameter. One that takes any text takes "never mind" too, so
    those are left to the router.
    """
    awaiting = pending_task(text, conversation)
    intent = catalogue.intents.get(awaiting.intent if awaiting else conversation.focus or "")
    if intent is None or not (conversation.asked or awaiting):
        return None
    if awaiting and not awaiting.missing:
        return Routing("continue", "shortcut", (Task(intent.key, text),)) if agrees(text) else None
    if awaiting and is_ordinal_only(text):
        return Routing("continue", "shortcut", (Task(intent.key, text),))
    for tool in intent.tools:
        if awaiting and tool.name != awaiting.tool:
            continue
        for name in awaiting.missing if awaiting else tool.required:
            schema = tool.parameters.get("properties", {}).get(name, {})
            is_free_text = schema.get("type") == "string" and not {"enum", "pattern"} & set(schema)
            if not is_free_text and sole_value(text, schema, name=name) is not None:
                return Routing("continue", "shortcut", (Task(intent.key, text),))
    return None

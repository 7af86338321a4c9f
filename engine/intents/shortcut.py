"""Messages that need no classification: a bare value while the assistant waits for one."""

from __future__ import annotations

from engine.conversation import Conversation
from engine.intents.intent import Catalogue
from engine.intents.router import Routing, Task
from engine.tools.values import bare_value


def shortcut(text: str, conversation: Conversation, catalogue: Catalogue) -> Routing | None:
    """The route of a message that is just the value asked for ("15", "L"); else None.

    A parameter that takes any text takes "never mind" too, so those are left to the router.
    """
    awaiting = conversation.awaiting
    intent = catalogue.intents.get(awaiting.intent if awaiting else conversation.focus or "")
    if intent is None or not conversation.asked:
        return None
    for tool in intent.tools:
        if awaiting and tool.name != awaiting.tool:
            continue
        for name in awaiting.missing if awaiting else tool.required:
            schema = tool.parameters.get("properties", {}).get(name, {})
            is_free_text = schema.get("type") == "string" and not {"enum", "pattern"} & set(schema)
            if not is_free_text and bare_value(text, schema) is not None:
                return Routing("continue", "shortcut", (Task(intent.key, text),))
    return None

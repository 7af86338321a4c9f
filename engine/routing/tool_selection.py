"""Which tools of an intent a request offers: all of them, or of many the nearest ten."""

from __future__ import annotations

from itertools import chain

from engine.conversation import Conversation
from engine.intents.intent import EVERYTHING, Intent
from engine.tools.tool import Tool

# Small models choose among so many, and large ones no better among more. Of 77 narrow tools with
# ten examples each (BANKING77), the right one is among the nearest ten for 95.7 % of messages.
MOST = 10
# Of these, at most: tools that were called before, and tools near to what was said before.
CALLED, EARLIER = 4, 2
EARLIER_CHARACTERS = 300


def select_tools(intent: Intent, text: str, conversation: Conversation) -> tuple[Tool, ...]:
    """The intent's tools for a message, in the order of the catalogue.

    The tool that waits for an answer and those called last stay, since messages that follow up
    on them seldom name them.
    """
    if len(intent.tools) <= MOST or intent.key == EVERYTHING:
        return intent.tools
    awaiting = conversation.awaiting
    waiting = [awaiting.tool] if awaiting and awaiting.intent == intent.key else []
    called = (
        call.name
        for message in reversed(conversation.messages)
        if message.intent == intent.key
        for call in reversed(message.tool_calls)
    )
    spoken = [m.content for m in conversation.messages if m.role == "user" and m.content != text]
    earlier = spoken[-1][:EARLIER_CHARACTERS] if spoken else ""
    near = [one.name for one in intent.tool_index.nearest(text, MOST)]
    before = [one.name for one in intent.tool_index.nearest(earlier, EARLIER)]
    known = {tool.name for tool in intent.tools}
    kept = [name for name in dict.fromkeys([*waiting, *called]) if name in known][:CALLED]
    wanted = chain(
        kept, near[: MOST - CALLED - EARLIER], before, near, (t.name for t in intent.tools)
    )
    chosen = set(list(dict.fromkeys(wanted))[:MOST])
    return tuple(tool for tool in intent.tools if tool.name in chosen)

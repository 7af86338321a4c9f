"""The assistant as a library: routes, acts, replies. Knows no screen and no disk.

`docs/library.md` has programs to begin with. Start reading at `assistant.Assistant.respond`;
what it yields is in `events`. Each name is imported when it is first used (PEP 562), so that
`import engine` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine import events
    from engine.assistant import Assistant
    from engine.builder import open_assistant
    from engine.chat_model import ChatModel
    from engine.intents.catalogue import CatalogueError, make_catalogue, mcp_source, openapi_source
    from engine.intents.catalogue import load as load_catalogue
    from engine.intents.intent import Catalogue, Intent
    from engine.intents.routing import Router
    from engine.ports import (
        Answer,
        ApproveAll,
        Approver,
        AskOnConsole,
        DenyAll,
        InputAnswer,
        InputProvider,
        MemoryRecorder,
        Recorder,
    )
    from engine.scripted import ScriptedModel
    from engine.settings import load as load_settings
    from engine.tools.function import effect
    from engine.tools.function import tool_from_function as tool
    from engine.tools.tool import Tool, ToolContext, ToolUserError

# Where each name is, and what it is called there if that is another name.
_HOMES = {
    "Assistant": "assistant",
    "open_assistant": "builder",
    "ChatModel": "chat_model",
    "CatalogueError": "intents.catalogue",
    "load_catalogue": "intents.catalogue:load",
    "make_catalogue": "intents.catalogue",
    "mcp_source": "intents.catalogue",
    "openapi_source": "intents.catalogue",
    "Catalogue": "intents.intent",
    "Intent": "intents.intent",
    "Router": "intents.routing",
    "Answer": "ports",
    "ApproveAll": "ports",
    "Approver": "ports",
    "AskOnConsole": "ports",
    "DenyAll": "ports",
    "InputAnswer": "ports",
    "InputProvider": "ports",
    "MemoryRecorder": "ports",
    "Recorder": "ports",
    "ScriptedModel": "scripted",
    "load_settings": "settings:load",
    "effect": "tools.function",
    "tool": "tools.function:tool_from_function",
    "Tool": "tools.tool",
    "ToolContext": "tools.tool",
    "ToolUserError": "tools.tool",
}

__all__ = [
    "Answer",
    "ApproveAll",
    "Approver",
    "AskOnConsole",
    "Assistant",
    "Catalogue",
    "CatalogueError",
    "ChatModel",
    "DenyAll",
    "InputAnswer",
    "InputProvider",
    "Intent",
    "MemoryRecorder",
    "Recorder",
    "Router",
    "ScriptedModel",
    "Tool",
    "ToolContext",
    "ToolUserError",
    "effect",
    "events",
    "load_catalogue",
    "load_settings",
    "make_catalogue",
    "mcp_source",
    "open_assistant",
    "openapi_source",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name == "events":
        return import_module("engine.events")
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, _, own = _HOMES[name].partition(":")
    value = globals()[name] = getattr(import_module(f"engine.{module}"), own or name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The set-up: what answers, tried before it is used; and the choice of another model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from textual.app import App
from textual.content import Content

from tui.formatting.text import one_line
from tui.screens.form import Field, FormScreen
from tui.screens.list_screen import ChoiceDialog

if TYPE_CHECKING:
    from tui.services.configuration import Configuration

OPENAI_URL = "https://api.openai.com/v1"
WAYS: Mapping[str, tuple[str, str]] = {
    "embedded": ("Offline", "two small models here; no data leaves this machine"),
    "openai": ("OpenAI", "with a key from platform.openai.com"),
    "azure": ("Azure OpenAI", "with your resource's address and key"),
    "server": ("Compatible server", "Ollama, vLLM, llama.cpp, LM Studio, a gateway, ..."),
    "model_file": ("Model file", "a file on this machine"),
}
SESSION, KEEP = "session", "keep"


async def set_up(app: App[Any], configuration: Configuration, *, keep: bool = False) -> str | None:
    """Have the person choose what answers; None: they left everything as it was.

    With `keep` it is for good; else they are asked. Returns what is to be said about it, which may
    be nothing. Only a worker may wait for it.
    """
    ways = {
        key: Content.assemble((f"{title:<19}", "bold"), (about, "$quiet"))
        for key, (title, about) in WAYS.items()
        if key != "model_file" or configuration.takes_model_file
    }
    way = await app.push_screen_wait(ChoiceDialog("What should answer?", ways))
    if way is None:
        return None
    values = await _fill_in(app, configuration, way)
    if values is None:
        return None
    return await _use(app, configuration, values, keep=keep)


async def choose_model(app: App[Any], configuration: Configuration, name: str = "") -> str | None:
    """Have another model of the same server chosen, or take this one; as `set_up`."""
    if not name:
        try:
            found = await configuration.models()
        except Exception as error:
            app.notify(one_line(str(error), 300), severity="warning", markup=False)
            found = []
        if not found and configuration.current().get("provider", "auto") in ("auto", "embedded"):
            return await set_up(app, configuration)
        now = configuration.current().get("agent_model", "")
        chosen = await _pick_model(app, found, now, other=True)
        if chosen is None:
            return None
        if chosen == OTHER:
            return await set_up(app, configuration)
        name = chosen
    return await _use(app, configuration, {"agent_model": name, "classifier_model": name})


OTHER = "\0other"


async def _pick_model(
    app: App[Any], found: Sequence[str], now: str, *, other: bool = False
) -> str | None:
    lines = {name: Content(one_line(name, 60)) for name in found}
    if other:
        lines[OTHER] = Content.styled("Another provider or server …", "$primary")
    dialog = ChoiceDialog("Model", lines, marked=now or None, free="Use")
    return await app.push_screen_wait(dialog)


async def _fill_in(app: App[Any], configuration: Configuration, way: str) -> dict[str, str] | None:
    """The settings of this way to answer, by the names of config.toml."""
    if way == "embedded":
        return {"provider": "embedded"}
    now = configuration.current()
    found: list[str] = []

    def settings(typed: Mapping[str, str]) -> dict[str, str]:
        if way == "openai":
            return {"provider": "openai", "base_url": OPENAI_URL, **typed}
        if way == "model_file":
            return {"provider": "embedded", **typed}
        return {"provider": "azure" if way == "azure" else "openai", **typed}

    async def check(typed: Mapping[str, str]) -> str:
        if way == "model_file":
            return ""
        try:
            found[:] = await configuration.models(settings(typed))
        except Exception as error:
            return str(error)
        return ""

    form = FormScreen(WAYS[way][0], _FIELDS[way](now), about=_ABOUT[way], check=check)
    typed = await app.push_screen_wait(form)
    if typed is None:
        return None
    values = settings(typed)
    if way == "model_file":
        return values
    model = await _pick_model(app, [] if way == "azure" else found, now.get("agent_model", ""))
    if model is None:
        return None
    return values | {"agent_model": model, "classifier_model": model}


async def _use(
    app: App[Any], configuration: Configuration, values: Mapping[str, str], *, keep: bool = False
) -> str | None:
    if not keep:
        choices = {
            SESSION: Content("Until I leave the app"),
            KEEP: Content.assemble(
                "From now on ", (f"(written to {configuration.place}, for you alone)", "$quiet")
            ),
        }
        which = await app.push_screen_wait(ChoiceDialog("Use it", choices))
        if which is None:
            return None
        keep = which == KEEP
    try:
        return configuration.change(values, keep=keep)
    except Exception as error:
        app.notify(one_line(str(error), 300), severity="error", timeout=10, markup=False)
        return None


def _openai_fields(now: Mapping[str, str]) -> list[Field]:
    # A key is offered again only for the server that it is used for now.
    key = now.get("api_key", "") if now.get("base_url", OPENAI_URL) == OPENAI_URL else ""
    return [Field("api_key", "Key", key, "sk-...", secret=True, needed=True)]


def _azure_fields(now: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            *("azure_endpoint", "Address of the resource", now.get("azure_endpoint", "")),
            "https://RESOURCE.openai.azure.com",
            needed=True,
        ),
        Field(
            *("azure_api_key", "Key", ""),
            "empty: your Azure login",
            secret=True,
        ),
        Field(
            *("api_version", "API version", now.get("api_version", "")),
            "empty: the current API",
        ),
    ]


def _server_fields(now: Mapping[str, str]) -> list[Field]:
    address = now.get("base_url", OPENAI_URL)
    return [
        Field(
            *("base_url", "Address", "" if address == OPENAI_URL else address),
            "http://localhost:11434/v1",
            needed=True,
        ),
        Field("api_key", "Key", "", "empty if it needs none", secret=True),
    ]


def _file_fields(now: Mapping[str, str]) -> list[Field]:
    return [Field("model_file", "File", now.get("model_file", ""), "/path/to/model", needed=True)]


class _Fields(Protocol):
    def __call__(self, now: Mapping[str, str]) -> list[Field]: ...


_FIELDS: Mapping[str, _Fields] = {
    "openai": _openai_fields,
    "azure": _azure_fields,
    "server": _server_fields,
    "model_file": _file_fields,
}
_TRIED = "The connection is tested before anything is saved."
_ABOUT = {
    "openai": f"The key goes to api.openai.com only. {_TRIED}",
    "azure": f"{_TRIED} Then name the deployment that answers.",
    "server": f"A server that speaks the OpenAI protocol, on this machine or elsewhere. {_TRIED}",
    "model_file": "A model that this program can run by itself.",
}

"""Put an engine together from settings and a catalogue, or one assistant in a line."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine import pricing
from engine import settings as engine_settings
from engine.addresses import is_loopback
from engine.assistant import Assistant
from engine.chat_model import ChatModel, Usage
from engine.decisions.deciders import FirstThatCan
from engine.decisions.questions import Decider
from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue
from engine.intents.routing import Router
from engine.ports import Approver, DenyAll, MemoryRecorder, Recorder
from engine.server import OPENAI_URL
from engine.settings import Server, Settings, SettingsError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from engine.offline.message_reader import MessageReader


@dataclass(frozen=True)
class Engine:
    """The parts that all sessions share. `label` names the model for the person.

    `starters` load what would otherwise be loaded by the first message; `offline` says that
    nothing leaves this machine. `reader` has the offline models, where any are used. `decider`
    answers whether a change is wanted; the offline model judges that itself.
    """

    catalogue: Catalogue
    router: Router
    model: ChatModel
    price: pricing.Price
    label: str
    offline: bool
    starters: Sequence[Callable[[], Awaitable[None]]] = ()
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    reader: MessageReader | None = None
    decider: Decider | None = None

    async def warm_up(self) -> None:
        """Load ahead of the first message. Raises `ModelError`."""
        for starter in self.starters:
            await starter()

    async def close(self) -> None:
        """Close connections and child processes."""
        for closer in self.closers:
            await closer()
        await self.catalogue.close()


def open_assistant(
    catalogue: Catalogue,
    *,
    approver: Approver | None = None,
    recorder: Recorder | None = None,
    model: ChatModel | None = None,
    router: Router | None = None,
    settings: Settings | None = None,
    data_dir: Path | None = None,
) -> Assistant:
    """Build an assistant for one session; use it with `async with`, which closes `catalogue`, too.

    Without an `approver` nothing is changed, and without a `recorder` events are kept in memory.
    The settings choose model and router as they do for the app: by default they are those of the
    environment and of `.env`. A `model` of your own gets the whole catalogue at once (at most 20
    tools) unless there is a `router`, too. Tools keep their files in `data_dir`, by default the
    working folder. Raises `SettingsError`, and `CatalogueError` for too many tools.
    """
    if model is None:
        found = settings or engine_settings.load(os.environ, Path.cwd())
        engine = build_engine_for(found, catalogue)
    else:
        from engine.routing.bypass import BypassRouter, flatten_catalogue

        if router is None:
            catalogue, router = flatten_catalogue(catalogue), BypassRouter()
        engine = Engine(
            catalogue, router, model, pricing.free, "", offline=False, closers=(model.close,)
        )
    return Assistant(
        engine.catalogue,
        router or engine.router,
        engine.model,
        recorder or MemoryRecorder(),
        approver or DenyAll(),
        data_dir or Path.cwd(),
        price=engine.price,
        closers=(engine.close,),
    )


def build_engine(settings: Settings) -> Engine:
    """Build the engine that the settings describe. Raises `CatalogueError` and `SettingsError`."""
    if settings.server is not None and settings.server.refused:
        raise SettingsError(settings.server.refused)  # before anything is started
    return build_engine_for(settings, catalogues.load(*settings.catalogues))


def build_engine_for(settings: Settings, catalogue: Catalogue) -> Engine:
    """Build the engine around this catalogue. Raises `SettingsError`."""
    if settings.server is not None:
        return _hosted(settings, settings.server, catalogue)
    if settings.provider == "scripted":
        return _scripted(catalogue, settings.script)
    if settings.model_file is not None:
        return _with_own_words(_embedded(catalogue), settings.model_file)
    return _embedded(catalogue)


def _hosted(settings: Settings, server: Server, catalogue: Catalogue) -> Engine:
    from engine.llm.client import make_client
    from engine.llm.openai_chat import OpenAIModel
    from engine.llm.server_capabilities import keep_capabilities, kept_capabilities
    from engine.offline.decider import EncoderDecider
    from engine.offline.message_reader import MessageReader
    from engine.offline.router import NAME as LOCAL_ROUTER
    from engine.offline.router import OfflineRouter
    from engine.routing.bypass import BypassRouter, flatten_catalogue
    from engine.routing.cascade import CascadeRouter
    from engine.routing.decisions import DecisionRouter
    from engine.routing.llm import RoutingModel

    client = make_client(server)
    quirks = kept_capabilities(server.url)
    quirks.separates_thoughts = server.azure or server.url == OPENAI_URL

    async def keep_quirks() -> None:
        keep_capabilities(server.url, quirks)

    def model(name: str, setting: str) -> OpenAIModel:
        return OpenAIModel(
            client,
            name,
            host=server.host,
            secrets=settings.secrets,
            quirks=quirks,
            setting=setting,
        )

    agent = model(settings.agent_model, "INTENTBOT_AGENT_MODEL")
    router_model = model(settings.classifier_model, "INTENTBOT_CLASSIFIER_MODEL")
    chat = RoutingModel(router_model, catalogue)
    decider: Decider = chat
    if settings.router in ("auto", "decisions"):
        decider = _deciding(settings, server, client, chat)
    asking = DecisionRouter(decider, catalogue)
    router: Router = asking
    starters: list[Callable[[], Awaitable[None]]] = [asking.start, chat.start]
    closers: list[Callable[[], Awaitable[None]]] = [keep_quirks, agent.close]
    reader = None
    if settings.router in ("embedded", "cascade"):
        reader = MessageReader(catalogue)
        local = OfflineRouter(reader, catalogue)
        decider = EncoderDecider(reader)
        if settings.router == "embedded":
            router, starters = local, [reader.start]
        else:
            router = CascadeRouter(local, asking, catalogue.thresholds.sure)
            starters.append(reader.start)
    elif settings.router == "auto" and catalogue.router == "bypass":
        catalogue, router, starters = flatten_catalogue(catalogue), BypassRouter(), []
    paid = pricing.price_at(server.url, azure=server.azure, own=settings.prices)

    def price(usage: Usage) -> float | None:
        return 0.0 if usage.model == LOCAL_ROUTER else paid(usage)

    return Engine(
        catalogue,
        router,
        agent,
        price,
        f"{settings.agent_model} at {server.host}",
        offline=False,
        starters=starters,
        closers=closers,
        reader=reader,
        decider=decider,
    )


def _may_decide(server: Server) -> bool:
    """Whether a server is one that offers decisions: OpenAI's own, or Azure without a version."""
    own = server.azure and not server.dated and not is_loopback(urlsplit(server.url).hostname or "")
    return own or server.url == OPENAI_URL


def _deciding(settings: Settings, server: Server, client: AsyncOpenAI, chat: Decider) -> Decider:
    """Return what decides at this server. Which endpoints it has is found out once and kept.

    Unless the person asks for decisions, only a server that is known to offer them is tried.
    """
    from engine.llm.deciders import (
        DecisionsModel,
        SystemOneModel,
        keep_unsupported,
        place_of,
        unsupported,
    )

    place = place_of(server, settings.classifier_model)
    known = unsupported(place)
    if settings.router == "auto" and known is None and not _may_decide(server):
        return chat

    def parts(kind: type[DecisionsModel] | type[SystemOneModel]) -> Decider:
        return kind(
            client,
            settings.classifier_model,
            host=server.host,
            secrets=settings.secrets,
            setting="INTENTBOT_CLASSIFIER_MODEL",
        )

    return FirstThatCan(
        parts(DecisionsModel),
        parts(SystemOneModel),
        chat,
        begin=known or 0,
        keep=partial(keep_unsupported, place),
        silent=settings.router == "auto",
    )


def _scripted(catalogue: Catalogue, own: Path | None) -> Engine:
    from engine.scripted import ScriptedModel, load_script, load_scripts

    scripts = [script for folder in catalogue.folders for script in load_scripts(folder).values()]
    scripts += [load_script(own)] if own else []
    model = ScriptedModel(scripts)
    return Engine(catalogue, model, model, pricing.free, "scripted model", offline=True)


def _embedded(catalogue: Catalogue) -> Engine:
    from engine.offline.message_reader import MessageReader
    from engine.offline.model import OfflineModel
    from engine.offline.router import OfflineRouter

    reader = MessageReader(catalogue)
    return Engine(
        catalogue,
        OfflineRouter(reader, catalogue),
        OfflineModel(reader, catalogue),
        pricing.free,
        "offline models",
        offline=True,
        starters=(reader.start,),
        reader=reader,
    )


def _with_own_words(engine: Engine, file: Path) -> Engine:
    """The offline engine with a language model of this machine for its words."""
    from engine.llm.llama_server import LlamaServer
    from engine.own_words import OwnWordsModel, OwnWordsRouter

    server = LlamaServer(file)
    return replace(
        engine,
        router=OwnWordsRouter(engine.router, server),
        model=OwnWordsModel(engine.model, server),
        label=f"{server.name} on this machine",
        starters=(*engine.starters, server.start),
        closers=(*engine.closers, server.close),
    )

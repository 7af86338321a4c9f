"""Puts an engine together from settings and a catalogue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import pricing
from engine.chat_model import ChatModel, Usage
from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue
from engine.intents.routing import Router
from engine.server import OPENAI_URL
from engine.settings import Server, Settings, SettingsError

if TYPE_CHECKING:
    from engine.offline.worker_client import WorkerClient


@dataclass(frozen=True)
class Engine:
    """The parts that all sessions share. `label` names the model for the person.

    `starters` load what would otherwise be loaded by the first message; `offline` says that
    nothing leaves this machine. `worker` has the offline models, where any are used.
    """

    catalogue: Catalogue
    router: Router
    model: ChatModel
    price: pricing.Price
    label: str
    offline: bool
    starters: Sequence[Callable[[], Awaitable[None]]] = ()
    closers: Sequence[Callable[[], Awaitable[None]]] = ()
    worker: WorkerClient | None = None

    async def warm_up(self) -> None:
        """Load ahead of the first message. Raises `ModelError`."""
        for starter in self.starters:
            await starter()

    async def close(self) -> None:
        """Let go of connections and child processes."""
        for closer in self.closers:
            await closer()
        await self.catalogue.close()


def build_engine(settings: Settings) -> Engine:
    """The engine that the settings describe. Raises `CatalogueError` and `SettingsError`."""
    if settings.server is not None and settings.server.refused:
        raise SettingsError(settings.server.refused)  # before anything is started
    return build_engine_for(settings, catalogues.load(*settings.catalogues))


def build_engine_for(settings: Settings, catalogue: Catalogue) -> Engine:
    """The engine around this catalogue. Raises `SettingsError`."""
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
    from engine.llm.server_capabilities import ServerCapabilities
    from engine.offline.router import NAME as LOCAL_ROUTER
    from engine.offline.router import OfflineRouter
    from engine.offline.worker_client import WorkerClient
    from engine.routing.bypass import BypassRouter, flatten_catalogue
    from engine.routing.cascade import CascadeRouter
    from engine.routing.llm import LlmRouter

    client = make_client(server)
    quirks = ServerCapabilities(separates_thoughts=server.azure or server.url == OPENAI_URL)

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
    classifier = LlmRouter(router_model, catalogue)
    router: Router = classifier
    starters: list[Callable[[], Awaitable[None]]] = [classifier.start]
    closers: list[Callable[[], Awaitable[None]]] = [agent.close]
    worker = None
    if settings.router in ("embedded", "cascade"):
        worker = WorkerClient(catalogue)
        local = OfflineRouter(worker, catalogue)
        if settings.router == "embedded":
            router, starters = local, [worker.start]
        else:
            router = CascadeRouter(local, classifier, catalogue.thresholds.sure)
            starters.append(worker.start)
        closers.append(worker.close)
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
        worker=worker,
    )


def _scripted(catalogue: Catalogue, own: Path | None) -> Engine:
    from engine.scripted import ScriptedModel, load_script, load_scripts

    scripts = [script for folder in catalogue.folders for script in load_scripts(folder).values()]
    scripts += [load_script(own)] if own else []
    model = ScriptedModel(scripts)
    return Engine(catalogue, model, model, pricing.free, "scripted model", offline=True)


def _embedded(catalogue: Catalogue) -> Engine:
    from engine.offline.model import OfflineModel
    from engine.offline.router import OfflineRouter
    from engine.offline.worker_client import WorkerClient

    worker = WorkerClient(catalogue)
    return Engine(
        catalogue,
        OfflineRouter(worker, catalogue),
        OfflineModel(worker, catalogue),
        pricing.free,
        "offline models",
        offline=True,
        starters=(worker.start,),
        closers=(worker.close,),
        worker=worker,
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

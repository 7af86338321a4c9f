"""The server and its models: is it there, does it know us, does each model answer?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies

from openai import AsyncOpenAI

from engine.chat_model import UNSUPPORTED, ChatRequest, ModelError, Reply
from engine.conversation import Message
from engine.decisions.questions import DecisionRequest, Predicate
from engine.events import RetryScheduled
from engine.llm.client import make_client
from engine.llm.deciders import DecisionsModel, SystemOneModel, keep_unsupported, place_of
from engine.llm.openai_chat import OpenAIModel
from engine.redaction import masked
from engine.setting_values import Value
from engine.settings import ALIASES, SECRETS, Server, Settings
from tui.commands.doctor_checks.check import Check

CONNECTS_WITHIN_S = 5.0
ANSWERS_WITHIN_S = 20.0
_NAMES = {"classifier": "INTENTBOT_CLASSIFIER_MODEL", "agent": "INTENTBOT_AGENT_MODEL"}
_TINY_DECISION = DecisionRequest(
    (Predicate("greets", "The message greets."),), (Message("user", "Hello."),)
)
_TINY = ChatRequest((Message("user", "Say OK."),))


def keys(values: Mapping[str, Value]) -> Check:
    """Return which keys are set, and where."""
    said = [
        f"{values[name].variable} {masked(values[name].text)} of {values[name].place}"
        for name in SECRETS
        if name in values
    ]
    clashing = [
        f"{values[name].origin} and {values[alias].origin} differ: the first is used"
        for name, aliases in ALIASES.items()
        for alias in aliases
        if name in SECRETS and alias in values and values[alias].text != values[name].text
    ]
    detail = "; ".join([", ".join(said) or "none is set", *clashing])
    return Check("keys", "warn" if clashing else "ok", detail)


def look(settings: Settings, server: Server) -> Iterator[Check]:
    unnamed = [name for name in _NAMES.values() if name not in settings.values]
    if server.azure and len(unnamed) == len(_NAMES):
        yield Check(
            "deployments",
            "warn",
            f"not named, so {settings.classifier_model} and {settings.agent_model} are guessed: "
            f"set {' and '.join(unnamed)} to the names of your deployments",
        )
    endpoint = _endpoint(server)
    yield endpoint
    if endpoint.state != "fail":
        yield from asyncio.run(_models(settings, server))


def _endpoint(server: Server) -> Check:
    """Try to open a connection. A proxy's answer would say nothing about the server."""
    parts = urlsplit(server.url)
    if parts.scheme in getproxies():
        return Check("endpoint", "ok", f"{server.host} through a proxy, so not tried by itself")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECTS_WITHIN_S).close()
    except socket.gaierror:
        what = f"there is no {parts.hostname}: check the address, or the network"
    except TimeoutError:
        what = f"{server.host} does not answer within {CONNECTS_WITHIN_S:g} s: is a firewall there?"
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        what = f"no connection to {server.host}: {reason}; check the address, or start the server"
    else:
        return Check("endpoint", "ok", f"{server.host} can be reached")
    return Check("endpoint", "fail", what)


async def _models(settings: Settings, server: Server) -> list[Check]:
    """Send one tiny request to each model that a turn would ask."""
    names = {"agent": settings.agent_model}
    if settings.router != "embedded":
        names = {"classifier": settings.classifier_model, **names}
    client = make_client(server)
    try:
        checks = [
            await _ask(role, OpenAIModel(client, name, host=server.host, secrets=settings.secrets))
            for role, name in names.items()
        ]
        if "classifier" in names and all(check.state == "ok" for check in checks):
            checks.append(await _deciding(settings, server, client))
        return checks
    finally:
        await client.close()


async def _deciding(settings: Settings, server: Server, client: AsyncOpenAI) -> Check:
    """Ask each endpoint for decisions one tiny question; remember and return what there is."""
    endpoints = (DecisionsModel, "/v1/decisions"), (SystemOneModel, "/v1/systemone")
    for missing, (kind, path) in enumerate(endpoints):
        model = kind(client, settings.classifier_model, host=server.host, secrets=settings.secrets)
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                async for item in model.decide(_TINY_DECISION):
                    if isinstance(item, RetryScheduled):
                        return Check("decisions", "warn", f"{path}: {item.reason}")
        except TimeoutError:
            told = f"{path} does not answer within {ANSWERS_WITHIN_S:g} s"
            return Check("decisions", "warn", told)
        except ModelError as error:
            if error.code == UNSUPPORTED:
                continue
            return Check("decisions", "warn", f"{path}: {error}")
        keep_unsupported(place_of(server, settings.classifier_model), missing)
        took = asyncio.get_running_loop().time() - begun
        return Check("decisions", "ok", f"{path} answers in {took:.1f} s")
    keep_unsupported(place_of(server, settings.classifier_model), len(endpoints))
    return Check("decisions", "ok", "none here, so the classifier decides in a chat request")


async def _ask(role: str, model: OpenAIModel) -> Check:
    begun = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            async for item in model.stream(_TINY):
                if isinstance(item, RetryScheduled):
                    return Check(role, "fail", f"{model.name}: {item.reason}")
                if isinstance(item, Reply):
                    break
    except TimeoutError:
        return Check(role, "fail", f"{model.name} does not answer within {ANSWERS_WITHIN_S:g} s")
    except ModelError as error:
        hint = f" (this one: {_NAMES[role]})" if error.code == "configuration" else ""
        return Check(role, "fail", f"{error}{hint}")
    took = asyncio.get_running_loop().time() - begun
    return Check(role, "ok", f"{model.name} answers in {took:.1f} s")

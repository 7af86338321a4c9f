"""Where the settings come from, and what they mean.

Precedence: command line, process environment, `.env` in the working folder, `config.toml` in
the platform's configuration folder, defaults. Wrong or half-made settings raise `SettingsError`,
whose text says what to change. How an Azure endpoint is read follows the Azure documentation of
the dated and the `/openai/v1/` API, as of 2026-11.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from engine.prices import OwnPrice, read_own
from engine.redaction import MIN_SECRET, redacted

Provider = Literal["azure", "openai", "embedded", "scripted"]
RouterKind = Literal["auto", "llm", "embedded", "cascade"]

PROVIDERS = ("auto", "azure", "openai", "embedded", "scripted")
ROUTERS = ("auto", "llm", "embedded", "cascade")
OPENAI_URL = "https://api.openai.com/v1"
# Asked for when the person names no model; on Azure these are the usual deployment names.
DEFAULT_CLASSIFIER_MODEL = "gpt-6-luna"
DEFAULT_AGENT_MODEL = "gpt-5.4-mini"

# The SDK's own name first; the others are what people have in their files.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "AZURE_OPENAI_API_KEY": ("AZURE_OPENAI_KEY",),
    "OPENAI_API_VERSION": ("AZURE_OPENAI_API_VERSION", "AZURE_OPENAI_VERSION"),
}
# What config.toml may hold: no keys and no tokens, these belong into the environment.
FILE_KEYS: Mapping[str, str] = {
    "provider": "INTENTBOT_PROVIDER",
    "classifier_model": "INTENTBOT_CLASSIFIER_MODEL",
    "agent_model": "INTENTBOT_AGENT_MODEL",
    "router": "INTENTBOT_ROUTER",
    "catalog": "INTENTBOT_CATALOG",
    "db": "INTENTBOT_DB",
}
PRICES = "prices"  # a table of the file only: [prices."MODEL"]
SECRETS = ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_KEY")


class SettingsError(Exception):
    """What is wrong with the configuration and what to change, in one line."""


@dataclass(frozen=True)
class Server:
    """A hosted or local server that speaks the OpenAI protocol.

    `dated` is the dated Azure API: `url` is then the resource's root and `api_version` its
    version; otherwise `url` is the base of the `/v1` API. Without key and token on Azure, the
    login of `azure-identity` is used.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    ad_token: str | None = field(default=None, repr=False)
    api_version: str | None = None
    azure: bool = False

    @property
    def dated(self) -> bool:
        return self.api_version is not None

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


@dataclass(frozen=True)
class Settings:
    """Everything the program needs to know before it starts.

    `catalogues` are folders, or OpenAPI documents (an address stays text); none: the built-in one.
    `prices` are the person's own, by the name of the model or deployment. `script` is a demo's
    file that the scripted model plays beside those of the catalogues.
    """

    provider: Provider
    server: Server | None
    classifier_model: str
    agent_model: str
    router: RouterKind
    catalogues: tuple[Path | str, ...]
    database: Path
    secrets: tuple[str, ...] = field(default=(), repr=False)
    prices: Mapping[str, OwnPrice] = field(default_factory=dict)
    script: Path | None = None

    @property
    def offline(self) -> bool:
        return self.server is None

    def redact(self, text: str) -> str:
        """`text` without any of the configured keys and tokens."""
        return redacted(text, self.secrets)


def load(
    environ: Mapping[str, str],
    folder: Path,
    *,
    provider: str | None = None,
    catalogues: Sequence[str | Path] = (),
    database: Path | None = None,
    script: Path | None = None,
) -> Settings:
    """The settings for a program started in `folder`; the keywords are the command line's."""
    values = read_values(environ, folder)
    chosen = provider or values.get("INTENTBOT_PROVIDER", "auto")
    if chosen not in PROVIDERS:
        raise SettingsError(f"provider {chosen!r} is not one of {', '.join(PROVIDERS)}")
    if chosen == "auto":
        chosen = _detect(values)
    router = values.get("INTENTBOT_ROUTER", "auto")
    if router not in ROUTERS:
        known = f"INTENTBOT_ROUTER {router!r} is not one of {', '.join(ROUTERS)}"
        asked = '; it is a catalogue that asks for it: router = "bypass" in its catalog.toml'
        raise SettingsError(known + (asked if router == "bypass" else ""))
    server = _server(chosen, values)
    if server is None and router in ("llm", "cascade"):
        raise SettingsError(
            f"INTENTBOT_ROUTER {router!r} needs a hosted or local model: "
            "set one up in .env, or leave the router to auto"
        )
    classifier, agent = _models(values)
    places = [str(place) for place in catalogues] or split_places(
        values.get("INTENTBOT_CATALOG", "")
    )
    return Settings(
        provider=chosen,  # type: ignore[arg-type]  # one of PROVIDERS, checked above
        server=server,
        classifier_model=classifier,
        agent_model=agent,
        router=router,  # type: ignore[arg-type]  # one of ROUTERS, checked above
        catalogues=tuple(_place(place) for place in places),
        database=database or _path(values.get("INTENTBOT_DB")) or data_folder() / "intentbot.db",
        secrets=tuple(values[name] for name in SECRETS if len(values.get(name, "")) >= MIN_SECRET),
        prices=_own_prices(),
        script=script,
    )


def read_values(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Every setting that was given, under its first name, the strongest source winning."""
    from dotenv import dotenv_values

    env_file = folder / ".env"
    try:
        dotenv = dotenv_values(env_file) if env_file.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} cannot be read: {error}") from error
    merged: dict[str, str] = {}
    for source in (_config_file(), dotenv, environ):
        given = {name: value.strip() for name, value in source.items() if value and value.strip()}
        for name, aliases in ALIASES.items():
            for alias in aliases:
                if alias in given:
                    given.setdefault(name, given[alias])
        merged.update(given)
    return merged


def broken_lines(env_file: Path) -> list[int]:
    """The numbers of the lines of a `.env` file that set nothing; a file may also be missing.

    Raises `OSError` and `UnicodeDecodeError`.
    """
    from dotenv.parser import parse_stream

    if not env_file.is_file():
        return []
    with env_file.open(encoding="utf-8") as file:
        return [
            # A part begins with the empty lines before it.
            part.original.line + len(text) - len(text.lstrip("\n"))
            for part in parse_stream(file)
            if part.error or (part.key and part.value is None)
            for text in (part.original.string,)
        ]


def config_path() -> Path:
    """Where `config.toml` is looked for."""
    from platformdirs import user_config_path

    return user_config_path("intentbot") / "config.toml"


def data_folder() -> Path:
    """The platform's folder for this program's data."""
    from platformdirs import user_data_path

    return user_data_path("intentbot")


def _config() -> dict[str, object]:
    """What `config.toml` has, under names that are settings."""
    path = config_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    data.pop("keys", None)  # the screen's own table, see tui.preferences
    known = (*FILE_KEYS, PRICES)
    if unknown := sorted(set(data) - set(known)):
        raise SettingsError(
            f"{path}: {unknown[0]!r} is not a setting; there are {', '.join(known)}"
        )
    return data


def _config_file() -> dict[str, str]:
    """Those of its settings that the environment may have as well."""
    return {FILE_KEYS[name]: _written(value) for name, value in _config().items() if name != PRICES}


def _own_prices() -> dict[str, OwnPrice]:
    try:
        return read_own(_config().get(PRICES, {}))
    except ValueError as error:
        raise SettingsError(f"{config_path()}: {error}") from None


def _written(value: object) -> str:
    """A setting of the file as it would stand in the environment; a list has its separator."""
    return os.pathsep.join(map(str, value)) if isinstance(value, list) else str(value)


def _detect(values: Mapping[str, str]) -> Provider:
    if "AZURE_OPENAI_ENDPOINT" in values:
        return "azure"
    if "AZURE_OPENAI_API_KEY" in values:
        raise SettingsError(
            "there is an Azure key but no AZURE_OPENAI_ENDPOINT: "
            "add the address of your resource, or choose --provider embedded"
        )
    if "OPENAI_API_KEY" in values or "OPENAI_BASE_URL" in values:
        return "openai"
    return "embedded"


def _models(values: Mapping[str, str]) -> tuple[str, str]:
    """Classifier and agent; where only one is named, it serves for both."""
    classifier = values.get("INTENTBOT_CLASSIFIER_MODEL")
    agent = values.get("INTENTBOT_AGENT_MODEL")
    if classifier is None and agent is None:
        return DEFAULT_CLASSIFIER_MODEL, DEFAULT_AGENT_MODEL
    return classifier or agent or "", agent or classifier or ""


def _server(provider: str, values: Mapping[str, str]) -> Server | None:
    if provider == "azure":
        return _azure(values)
    if provider == "openai":
        return _openai(values)
    return None


def _openai(values: Mapping[str, str]) -> Server:
    url = values.get("OPENAI_BASE_URL", OPENAI_URL)
    _check_url("OPENAI_BASE_URL", url)
    key = values.get("OPENAI_API_KEY")
    if key is None and url == OPENAI_URL:
        raise SettingsError(
            "OPENAI_API_KEY is missing: put it into .env, "
            "or set OPENAI_BASE_URL to a local server, or choose --provider embedded"
        )
    return Server(url, api_key=key)


def _azure(values: Mapping[str, str]) -> Server:
    endpoint = values.get("AZURE_OPENAI_ENDPOINT")
    if endpoint is None:
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT is missing: add https://RESOURCE.openai.azure.com to .env"
        )
    host = _check_url("AZURE_OPENAI_ENDPOINT", endpoint)
    path = urlsplit(endpoint).path.rstrip("/")
    root = endpoint.split("?")[0].removesuffix("/").removesuffix(path)
    version = values.get("OPENAI_API_VERSION")
    key, token = values.get("AZURE_OPENAI_API_KEY"), values.get("AZURE_OPENAI_AD_TOKEN")
    if "/api/projects/" in path + "/":
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT is a project's address, which takes no key: "
            f"use the resource's own, {root}"
        )
    if "/deployments/" in path or path.endswith("/chat/completions"):
        raise SettingsError(
            f"AZURE_OPENAI_ENDPOINT names a whole request: shorten it to {root}, "
            "and put the deployment's name into INTENTBOT_AGENT_MODEL"
        )
    is_v1 = path.endswith("/v1") or host.endswith(".models.ai.azure.com")
    if is_v1 and version is not None:
        raise SettingsError(
            "AZURE_OPENAI_ENDPOINT ends in /v1, which takes no version: "
            f"remove AZURE_OPENAI_VERSION, or shorten the endpoint to {root}"
        )
    if not is_v1 and path not in ("", "/openai"):
        raise SettingsError(
            f"AZURE_OPENAI_ENDPOINT has a path this program does not know, {path}: "
            f"use {root} or {root}/openai/v1/"
        )
    if is_v1:
        url = f"{root}{path}/"
    elif version is None:
        # A bare resource without a version: the current API needs none.
        url = f"{root}/openai/v1/"
    else:
        url = root
    return Server(url, api_key=key, ad_token=token, api_version=version, azure=True)


def _check_url(name: str, url: str) -> str:
    """The host of `url`, which must be whole, and encrypted unless it stays on this machine."""
    parts = urlsplit(url)
    try:
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {error}") from None
    if parts.scheme not in ("https", "http") or not host:
        raise SettingsError(f"{name} is not a whole address: it should begin with https://")
    if parts.username or parts.password:
        raise SettingsError(f"{name} carries a password: put the key into its own variable")
    if name.startswith("AZURE") and parts.scheme == "http" and not _is_local(host):
        raise SettingsError(f"{name} would send your key unencrypted: write https://")
    return host


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


# An address has colons of its own: after its scheme, in brackets and before its port.
_PLACES = re.compile(rf"https?://(?:\[[^\]]*\]|[^/:])*(?::\d+)?[^{os.pathsep}]*|[^{os.pathsep}]+")


def split_places(text: str) -> list[str]:
    """The places of a list as the environment has it, parted like PATH."""
    return [place.strip() for place in _PLACES.findall(text) if place.strip()]


def _place(text: str) -> Path | str:
    return text if text.startswith(("http://", "https://")) else Path(text).expanduser()


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None

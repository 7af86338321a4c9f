"""Where the settings come from.

Precedence: command line, process environment, `.env` in the working folder, `config.toml` in
the platform's configuration folder, defaults. Wrong or half-made settings raise `SettingsError`,
whose text says what to change. An untrusted `.env` is used in part, see `engine.env_file`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine import env_file, paths
from engine.env_file import EnvFile, EnvFileError
from engine.pricing import OwnPrice, read_own
from engine.redaction import MIN_SECRET, redacted
from engine.server import (
    AZURE_KEYS,
    ENDPOINTS,
    HOW_TO_TRUST,
    OPENAI_KEYS,
    Provider,
    choose_provider,
    choose_server,
)
from engine.server import PROVIDERS as PROVIDERS
from engine.server import Server as Server
from engine.setting_values import SettingsError as SettingsError
from engine.setting_values import Value, Values
from engine.text import show_controls

RouterKind = Literal["auto", "decisions", "llm", "embedded", "cascade"]

ROUTERS = ("auto", "decisions", "llm", "embedded", "cascade")
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
    "model_file": "INTENTBOT_MODEL_FILE",
}
PRICES = "prices"  # a table of the file only: [prices."MODEL"]
SECRETS = (*AZURE_KEYS, *OPENAI_KEYS)


@dataclass(frozen=True)
class Settings:
    """Everything the program needs to know before it starts.

    `catalogues` are folders, or files that stand for themselves (an address stays text); none: the
    built-in one.
    `model_file` is a language model on this machine, which puts the offline answers into words.
    `prices` are the person's own, by the name of the model or deployment. `script` is a demo's
    file that the scripted model plays beside those of the catalogues. `values` has what was given,
    by the name of its variable, and where; `options` names what the command line set instead.
    `untrusted` is a `.env` that wants more than it may, `withheld` what of it is not used.
    """

    provider: Provider
    server: Server | None
    classifier_model: str
    agent_model: str
    router: RouterKind
    catalogues: tuple[Path | str, ...]
    database: Path
    model_file: Path | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    prices: Mapping[str, OwnPrice] = field(default_factory=dict)
    script: Path | None = None
    values: Mapping[str, Value] = field(default_factory=dict, repr=False)
    options: frozenset[str] = frozenset()
    untrusted: EnvFile | None = field(default=None, repr=False)
    withheld: tuple[str, ...] = ()

    @property
    def offline(self) -> bool:
        return self.server is None

    @property
    def endpoint(self) -> Value | None:
        """The server's address as it was given; None: there is none, or it is the usual one."""
        return self.values.get(ENDPOINTS.get(self.provider, ""))

    @property
    def notices(self) -> tuple[str, ...]:
        """What of a `.env` is not used, for the person, a line each."""
        if not self.withheld:
            return ()
        names = ", ".join(self.withheld)
        return (f"{self.untrusted} is not trusted, so {names} is not used: {HOW_TO_TRUST}",)

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
    model_file: Path | None = None,
    script: Path | None = None,
    without_untrusted: bool = False,
) -> Settings:
    """The settings for a program started in `folder`; the other keywords are the command line's.

    `without_untrusted` leaves an untrusted `.env` out as a whole.
    """
    values = read_values(environ, folder, without_untrusted=without_untrusted)
    given = values.texts
    local_model = model_file or _path(given.get("INTENTBOT_MODEL_FILE"))
    wanted = provider
    if local_model and {provider, given.get("INTENTBOT_PROVIDER")} <= {None, "auto"}:
        wanted = "embedded"  # a file that is named is meant, whatever keys lie around
    chosen, refused = choose_provider(wanted, values)
    server = choose_server(chosen, values, refused)
    if chosen != "embedded":
        local_model = None
    elif local_model and not local_model.is_file():
        shown = show_controls(str(local_model))
        raise SettingsError(f"INTENTBOT_MODEL_FILE: there is no file {shown}")
    router = given.get("INTENTBOT_ROUTER", "auto")
    if router not in ROUTERS:
        known = f"INTENTBOT_ROUTER {router!r} is not one of {', '.join(ROUTERS)}"
        asked = '; it is a catalogue that asks for it: router = "bypass" in its catalog.toml'
        raise SettingsError(known + (asked if router == "bypass" else ""))
    if server is None and router in ("decisions", "llm", "cascade"):
        raise SettingsError(
            f"INTENTBOT_ROUTER {router!r} needs a hosted or local model: "
            "set one up in .env, or leave the router to auto"
        )
    classifier, agent = _models(given)
    places = [str(place) for place in catalogues] or split_places(
        given.get("INTENTBOT_CATALOG", "")
    )
    said = {
        "provider": provider,
        "catalog": catalogues,
        "db": database,
        "model_file": model_file,
    }
    options = frozenset(name for name, word in said.items() if word)
    overruled = {FILE_KEYS[name] for name in options} | set(values.own)
    withheld = tuple(
        name for name in (values.file.withheld if values.file else ()) if name not in overruled
    )
    return Settings(
        provider=chosen,
        server=server,
        classifier_model=classifier,
        agent_model=agent,
        router=router,  # type: ignore[arg-type]  # one of ROUTERS, checked above
        catalogues=tuple(_place(place) for place in places),
        database=database
        or _path(given.get("INTENTBOT_DB"))
        or paths.data_folder() / "intentbot.db",
        model_file=local_model,
        secrets=values.secrets,
        prices=_own_prices(),
        script=script,
        values=values.given,
        options=options,
        untrusted=values.file if withheld or (server and server.refused) else None,
        withheld=withheld,
    )


def read_values(
    environ: Mapping[str, str], folder: Path, *, without_untrusted: bool = False
) -> Values:
    """Every setting that was given, and by whom. Raises `SettingsError`."""
    try:
        file = env_file.read(folder, environ)
    except EnvFileError as error:
        raise SettingsError(str(error)) from error
    if file is not None and not file.trusted and (without_untrusted or file.decision == "ignored"):
        file = None
    sources = [_config_file()]
    if file is not None:
        place = f"{file}{'' if file.trusted else ', not trusted'}"
        sources.append(_given(file.values, place, own=file.trusted))
    sources.append(_given(environ, "the environment"))
    return Values(
        given=_merged(sources),
        own=_merged({n: v for n, v in source.items() if v.own} for source in sources),
        secrets=tuple(
            source[name].text
            for name in SECRETS
            for source in sources
            if name in source and len(source[name].text) >= MIN_SECRET
        ),
        file=file,
    )


def _given(texts: Mapping[str, str], place: str, *, own: bool = True) -> dict[str, Value]:
    """What one source gives; of several names for a setting, the first one counts."""
    found = {
        name: Value(text.strip(), name, place, own)
        for name, text in texts.items()
        if text and text.strip()
    }
    for name, aliases in ALIASES.items():
        for alias in aliases:
            if alias in found:
                found.setdefault(name, found[alias])
    return found


def _merged(sources: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    """All of the sources, the later ones winning."""
    return {name: value for source in sources for name, value in source.items()}


def _config() -> dict[str, object]:
    """What `config.toml` has, under names that are settings."""
    path = paths.config_path()
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


def _config_file() -> dict[str, Value]:
    """Those of its settings that the environment may have as well."""
    return {
        FILE_KEYS[name]: Value(_written(value), name, paths.config_path().name)
        for name, value in _config().items()
        if name != PRICES
    }


def _own_prices() -> dict[str, OwnPrice]:
    try:
        return read_own(_config().get(PRICES, {}))
    except ValueError as error:
        raise SettingsError(f"{paths.config_path()}: {error}") from None


def _written(value: object) -> str:
    """A setting of the file as it would stand in the environment; a list has its separator."""
    return os.pathsep.join(map(str, value)) if isinstance(value, list) else str(value)


def _models(values: Mapping[str, str]) -> tuple[str, str]:
    """Classifier and agent; where only one is named, it serves for both."""
    classifier = values.get("INTENTBOT_CLASSIFIER_MODEL")
    agent = values.get("INTENTBOT_AGENT_MODEL")
    if classifier is None and agent is None:
        return DEFAULT_CLASSIFIER_MODEL, DEFAULT_AGENT_MODEL
    return classifier or agent or "", agent or classifier or ""


# An address has colons of its own: after its scheme, in brackets and before its port.
_PLACES = re.compile(rf"https?://(?:\[[^\]]*\]|[^/:])*(?::\d+)?[^{os.pathsep}]*|[^{os.pathsep}]+")


def split_places(text: str) -> list[str]:
    """The places of a list as the environment has it, parted like PATH."""
    return [place.strip() for place in _PLACES.findall(text) if place.strip()]


def _place(text: str) -> Path | str:
    return text if text.startswith(("http://", "https://")) else Path(text).expanduser()


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None

"""Where the settings come from.

Precedence: command line, process environment, `.env` in the working folder, `config.toml` in
the platform's configuration folder, defaults. Wrong or half-made settings raise `SettingsError`,
whose text says what to change. An untrusted `.env` is used in part, see `engine.env_file`.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
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
# What config.toml may hold. It is the person's own file; what writes keys into it makes it private.
FILE_KEYS: Mapping[str, str] = {
    "provider": "INTENTBOT_PROVIDER",
    "classifier_model": "INTENTBOT_CLASSIFIER_MODEL",
    "agent_model": "INTENTBOT_AGENT_MODEL",
    "router": "INTENTBOT_ROUTER",
    "base_url": "OPENAI_BASE_URL",
    "api_key": "OPENAI_API_KEY",
    "azure_endpoint": "AZURE_OPENAI_ENDPOINT",
    "azure_api_key": "AZURE_OPENAI_API_KEY",
    "api_version": "OPENAI_API_VERSION",
    "catalog": "INTENTBOT_CATALOG",
    "db": "INTENTBOT_DB",
    "model_file": "INTENTBOT_MODEL_FILE",
}
PRICES = "prices"  # a table of the file only: [prices."MODEL"]
KEYS = "keys"  # another one, the screen's own: see `tui.services.preferences`
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
        """Return `text` without any of the configured keys and tokens."""
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
    unset: Collection[str] = (),
) -> Settings:
    """Load the settings of a program started in `folder`; other keywords are the command line's.

    `without_untrusted` leaves an untrusted `.env` out as a whole. Variables that are `unset` count
    only where `environ` has them.
    """
    values = read_values(environ, folder, without_untrusted=without_untrusted, unset=unset)
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
    environ: Mapping[str, str],
    folder: Path,
    *,
    without_untrusted: bool = False,
    unset: Collection[str] = (),
) -> Values:
    """Return every setting that was given, and by whom. Raises `SettingsError`."""
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
    sources = [{n: v for n, v in source.items() if n not in unset} for source in sources]
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
    """Merge the sources; later ones win."""
    return {name: value for source in sources for name, value in source.items()}


def _config() -> dict[str, object]:
    """What `config.toml` has, under names that are settings."""
    path = paths.config_path()
    data = read_config(path)
    data.pop(KEYS, None)
    if unknown := sorted(set(data) - {*FILE_KEYS, PRICES}):
        raise SettingsError(f"{path}: {unknown_setting(unknown[0])}")
    return data


def read_config(path: Path) -> dict[str, object]:
    """Return what the file says; nothing where there is none. Raises `SettingsError`."""
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        # Where a file ends too early, the parser names no line.
        lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}"
        said = str(error).replace("at end of document", end)
        raise SettingsError(f"{path} cannot be read: {said}") from error


def unknown_setting(name: str) -> str:
    """Say that this is no setting of `config.toml`, and what there is instead."""
    known = (*FILE_KEYS, PRICES, KEYS)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{name!r} is not a setting; {hint}there are {', '.join(known)}"


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
    """Split a list of places as the environment has it, separated like `PATH`."""
    return [place.strip() for place in _PLACES.findall(text) if place.strip()]


def _place(text: str) -> Path | str:
    return text if text.startswith(("http://", "https://")) else Path(text).expanduser()


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None

"""The person's own `config.toml`: read for the screen, changed in place, private."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from engine import settings as engine_settings
from engine.paths import config_path, write_file
from engine.settings import FILE_KEYS, SettingsError

SECRET_KEYS = ("api_key", "azure_api_key")
# What a setting is about, in the order in which the screen lists them.
MEANINGS: Mapping[str, str] = {
    "provider": "what answers: a server, or models on this machine",
    "agent_model": "the model that calls the tools and writes the replies",
    "classifier_model": "the model that chooses the intent; a small one is enough",
    "router": "how the intent is chosen: by a model, locally, or locally where that is certain",
    "base_url": "the address of an OpenAI-compatible server",
    "api_key": "the key for OpenAI or the compatible server",
    "azure_endpoint": "the address of your Azure OpenAI resource",
    "azure_api_key": "the key of that resource",
    "api_version": "the dated Azure API; leave it empty for the current one",
    "model_file": "a model file that answers on this machine",
    "catalog": "your own catalogue: a folder or an OpenAPI document",
    "db": "the file with your sessions, from the next start on",
}

# The values of those settings that have only a few.
CHOICES: Mapping[str, Sequence[str]] = {
    "provider": engine_settings.PROVIDERS,
    "router": engine_settings.ROUTERS,
}


def names() -> list[str]:
    """Return the settings that the file may have, in the order of the screen."""
    return [*(name for name in MEANINGS if name in FILE_KEYS), *(FILE_KEYS.keys() - MEANINGS)]


def read() -> dict[str, Any]:
    """Return what the file says, tables too. Raises `SettingsError`."""
    return engine_settings.read_config(config_path())


def exposed() -> list[str]:
    """Say whether others may read a key in the file."""
    path = config_path()
    try:
        open_to_others = path.stat().st_mode & 0o077
        has_key = any(name in read() for name in SECRET_KEYS)
    except (OSError, SettingsError):
        return []
    if not (open_to_others and has_key):
        return []
    return [f"{path} holds a key and others may read it: chmod 600 {path}"]


def write(changes: Mapping[str, str]) -> None:
    """Change these settings, an empty text removes one; all else stays as it was written.

    Raises `OSError`, and `SettingsError` for a name that is no setting, for a value that cannot be
    and for a file that is broken already.
    """
    import tomlkit

    for name in changes:
        if name not in FILE_KEYS:
            raise SettingsError(engine_settings.unknown_setting(name))
    for name, allowed in CHOICES.items():
        if changes.get(name, allowed[0]) not in ("", *allowed):
            raise SettingsError(f"{name} {changes[name]!r} is not one of {', '.join(allowed)}")
    read()
    path = config_path()
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    document = tomlkit.parse(text)
    for name, value in changes.items():
        if value:
            document[name] = value  # tomlkit puts a new key before the first table
        else:
            document.pop(name, None)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    after = tomlkit.dumps(document)
    tomllib.loads(after)
    write_file(path, after.encode())

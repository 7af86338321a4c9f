"""`config show|path|keys|set|edit`: the settings in force, secrets masked; the file; the keys."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from engine.paths import config_path, write_file
from engine.redaction import masked, shown_address
from engine.settings import SECRETS, Settings
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_json, print_line, say
from tui.formatting.text import sanitize
from tui.keybindings import registry
from tui.services import config_file, preferences
from tui.services.runtime import load_settings, log_path


def run(options: argparse.Namespace) -> int:
    if options.verb == "path":
        print_line(str(config_path()))
        return ExitCode.DONE
    if options.verb == "keys":
        _print_keys(as_json=options.json)
        return ExitCode.DONE
    if options.verb == "set":
        config_file.write({options.name: options.value})
        say(f"written to {config_path()}", "config")
        return ExitCode.DONE
    if options.verb == "edit":
        return _edit()
    settings = load_settings(options)
    shown = describe(settings)
    origins = {n: origin(settings, n) for n, value in shown.items() if value and n in _VARIABLES}
    refused = settings.server.refused if settings.server else ""
    faults = preferences.load_keybindings()
    for notice in (*settings.notices, *faults, *([refused] if refused else [])):
        say(notice)
    if options.json:
        print_json({**shown, "sources": origins}, indent=2)
    else:
        width = max(map(len, shown))
        for name, value in shown.items():
            source = f"  [{origins[name]}]" if name in origins else ""
            print_line(f"{name:<{width}}  {value if value is not None else '-'}{source}")
    return ExitCode.USAGE if refused else ExitCode.DONE


def _edit() -> ExitCode:
    """Open the file in the person's editor, and say what is then wrong with it."""
    from tui.terminal import external_editor

    path = config_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = external_editor.edit(before, suffix=".toml")
    except OSError as error:
        say(f"no editor: {error}; set $EDITOR to one that can be run", "config")
        return ExitCode.USAGE
    if after.strip() != before.strip():
        write_file(path, f"{after.rstrip()}\n".encode())
    config_file.read()
    for fault in preferences.load_keybindings():
        say(fault)
    return ExitCode.DONE


# By the name in `config show`: the settings that it comes from, and the option that overrules them.
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "provider": ("INTENTBOT_PROVIDER", "AZURE_OPENAI_ENDPOINT", "OPENAI_BASE_URL", *SECRETS),
    "router": ("INTENTBOT_ROUTER",),
    "server": ("AZURE_OPENAI_ENDPOINT", "OPENAI_BASE_URL"),
    "api_version": ("OPENAI_API_VERSION",),
    "api_key": ("AZURE_OPENAI_API_KEY", "OPENAI_API_KEY"),
    "ad_token": ("AZURE_OPENAI_AD_TOKEN",),
    "classifier_model": ("INTENTBOT_CLASSIFIER_MODEL", "INTENTBOT_AGENT_MODEL"),
    "agent_model": ("INTENTBOT_AGENT_MODEL", "INTENTBOT_CLASSIFIER_MODEL"),
    "catalog": ("INTENTBOT_CATALOG",),
    "db": ("INTENTBOT_DB",),
    "model_file": ("INTENTBOT_MODEL_FILE",),
}
_OTHERS = {"azure": "OPENAI_", "openai": "AZURE_", "embedded": "", "scripted": ""}


def origin(settings: Settings, name: str) -> str:
    """Return where the setting that `config show` calls `name` comes from."""
    if name in settings.options:
        return f"command line: --{name.replace('_', '-')}"
    other = _OTHERS[settings.provider]
    for variable in _VARIABLES[name]:
        value = settings.values.get(variable)
        if value is not None and not (other and variable.startswith(other)):
            return value.origin
    return "default"


def _print_keys(*, as_json: bool) -> None:
    """Every command with its id and keys, for `[keys]` of config.toml."""
    for fault in preferences.load_keybindings():
        say(fault)
    if as_json:
        found = [{"id": c.id, "keys": c.keys, "help": c.help} for c in registry.COMMANDS]
        print_json(found)
        return
    width = max(len(command.id) for command in registry.COMMANDS)
    for command in registry.COMMANDS:
        print_line(f"{command.id:<{width}}  {command.keys:<20} {command.help}")


def describe(settings: Settings) -> dict[str, str | None]:
    """Return the settings by name, as a person may see them."""
    server = settings.server
    shown: dict[str, str | None] = {"provider": settings.provider, "router": settings.router}
    if server is not None:
        shown |= {
            "server": shown_address(server.url),
            "api_version": server.api_version,
            "api_key": masked(server.api_key),
            "ad_token": masked(server.ad_token),
            "classifier_model": settings.classifier_model,
            "agent_model": settings.agent_model,
        }
    if settings.model_file is not None:
        shown["model_file"] = str(settings.model_file)
    for name, price in settings.prices.items():
        amounts = f"{price.input} in, {price.cached} cached, {price.output} out"
        shown[f"price of {sanitize(name)}"] = f"${amounts}, for a million tokens"
    shown |= {
        "catalog": ", ".join(map(str, settings.catalogues)) or "built-in (telecom)",
        "db": str(settings.database),
        "log": str(log_path()),
        "config_file": str(config_path()),
    }
    return shown

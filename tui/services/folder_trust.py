"""What a folder's `.env` would do once it is trusted, and the question whether it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from engine.env_file import EnvFile, is_setting
from engine.redaction import masked, shown_address
from engine.server import ENDPOINTS
from engine.settings import ALIASES, SECRETS, Settings, split_places
from engine.text import show_controls

# Takes a question and the words that answer it; returns one of them, or None.
Ask = Callable[[str, Sequence[str]], Awaitable[str | None]]

_SECRET = {name for secret in SECRETS for name in (secret, *ALIASES.get(secret, ()))}
_LONGEST = 200  # characters of a value; more is said to be there
_MOST_LINES = 8  # in the question, which has to fit into a small terminal
# What matters most comes first, where not everything is shown.
_FIRST = (
    *("INTENTBOT_CATALOG", "INTENTBOT_DB", "INTENTBOT_MODEL_FILE"),
    *("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "INTENTBOT_PROVIDER"),
)
TRUST, IGNORE = "trust", "ignore"  # what is typed for an answer: no key that is pressed by mistake


def question(settings: Settings) -> str:
    """Return the question about a `.env` that names more than it may."""
    file = settings.untrusted
    assert file is not None
    told = list(lines(file))
    if len(told) > _MOST_LINES:
        told[_MOST_LINES:] = [f"and {len(told) - _MOST_LINES:,} more lines"]
    refused = settings.server.refused_because if settings.server else ""
    runs = "INTENTBOT_CATALOG" in settings.withheld
    return "\n".join(
        [
            f"{file} sets",
            *(f"  {line}" for line in told),
            *([f"Without your trust, {refused}."] if refused else []),
            *(["Code of that catalogue will run, also when it changes later."] if runs else []),
            "",
            f"Type {TRUST} to use all of it until it changes, or {IGNORE} to leave it out from now "
            "on. Esc leaves it out this time.",
        ]
    )


async def settle(load: Callable[[], Settings], ask: Ask) -> tuple[bool, str]:
    """Have the person decide of a `.env` that wants more than it may, and keep what they say.

    `load` reads the settings. Returns whether it is left out this time, and what to tell them.
    """
    settings = await asyncio.to_thread(load)
    file, endpoint = settings.untrusted, settings.endpoint
    if file is not None:
        answer = await ask(question(settings), (TRUST, IGNORE))
        if answer is not None:
            try:
                file.decide("trusted" if answer == TRUST else "ignored")
            except OSError as error:
                return True, f"{file} is left out this time: the decision cannot be kept: {error}"
            settings = await asyncio.to_thread(load)
            endpoint = settings.endpoint
    if settings.server is None or endpoint is None or endpoint.own:
        return False, ""
    if settings.server.refused:
        return True, f"{file} is left out this time: {settings.server.refused}"
    return False, f"What you write goes to {settings.server.host}: {endpoint.origin}"


def lines(file: EnvFile) -> Iterator[str]:
    """Yield every setting of the file, a line each: keys masked, paths as they are resolved."""
    names = sorted(file.written, key=lambda name: (name not in _FIRST, not is_setting(name), name))
    for name in names:
        if is_setting(name):
            yield f"{show_controls(name)} = {_shown(name, file.written[name].strip(), file.folder)}"
        else:
            # A catalogue may hand it on to a program that it starts; it may be a secret.
            yield f"{show_controls(name)} = ***"


def _shown(name: str, value: str, folder: Path) -> str:
    if name in _SECRET:
        return masked(value) or ""
    if name in ENDPOINTS.values():
        value = shown_address(value)
    elif "${" not in value:
        if name == "INTENTBOT_CATALOG":
            value = ", ".join(_place(place, folder) for place in split_places(value))
        elif name in ("INTENTBOT_DB", "INTENTBOT_MODEL_FILE"):
            value = _place(value, folder)
    more = len(value) - _LONGEST
    shown = show_controls(value[:_LONGEST]).replace("\n", "\\n")
    return f"{shown}… ({more:,} more characters)" if more > 0 else shown


def _place(text: str, folder: Path) -> str:
    if text.startswith(("http://", "https://")):
        return text
    return str((folder / Path(text).expanduser()).resolve())

"""What answers: tried, chosen for this time or for good. The set-up and the model switch use it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tui.formatting.text import one_line

if TYPE_CHECKING:
    from engine.server import Server
    from engine.settings import Settings

LISTED_WITHIN_S = 15.0


@dataclass(frozen=True)
class Setting:
    """A setting as the screen lists it: `shown` is its value without what is secret, `place` where
    it comes from."""

    name: str
    about: str
    value: str = field(repr=False)
    shown: str = ""
    place: str = ""
    secret: bool = False
    choices: Sequence[str] = ()  # where it has one of a few values


class Configuration:
    """The settings of one program: the command line's, and what was chosen since it began."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._overrides: dict[str, str] = {}

    @property
    def place(self) -> str:
        """Where a choice for good is written."""
        from engine.paths import config_path

        return str(config_path()).replace(str(Path.home()), "~", 1)

    @property
    def takes_model_file(self) -> bool:
        from engine.settings import FILE_KEYS

        return "model_file" in FILE_KEYS

    def load(self, *, without_untrusted: bool = False) -> Settings:
        """Return the settings in force. Raises `SettingsError`."""
        from tui.services.runtime import load_settings

        return load_settings(
            self._options, without_untrusted=without_untrusted, overrides=self._overrides
        )

    def change(self, values: Mapping[str, str], *, keep: bool) -> str:
        """Use these settings, by the names of config.toml; with `keep` for good.

        Returns what is to be said about it, if anything. Raises `SettingsError` and `OSError`;
        then nothing has changed.
        """
        from engine.settings import FILE_KEYS, SettingsError
        from tui.services import config_file

        before, options = dict(self._overrides), self._options
        if "provider" in values:  # the command line's was for the start
            given = {name: value for name, value in vars(options).items() if name != "provider"}
            self._options = argparse.Namespace(**given)
        self._overrides |= {FILE_KEYS[name]: text for name, text in values.items()}
        try:
            self.load()
            if keep:
                config_file.write(values)
        except (SettingsError, OSError):
            self._overrides, self._options = before, options
            raise
        return self._still_overruled(values) if keep else ""

    def _still_overruled(self, values: Mapping[str, str]) -> str:
        """Say what of the environment will win over the file at the next start."""
        from engine.settings import FILE_KEYS
        from tui.services.runtime import load_settings

        found = load_settings(self._options).values
        stronger = [
            found[FILE_KEYS[name]].origin
            for name, text in values.items()
            if FILE_KEYS[name] in found and found[FILE_KEYS[name]].text != text
        ]
        if not stronger:
            return ""
        return f"{', '.join(stronger)} will win over it at the next start"

    def current(self) -> dict[str, str]:
        """Return the settings in force by the names of config.toml, keys too, for the form."""
        from engine.settings import FILE_KEYS

        found = self.load().values
        return {
            name: found[variable].text for name, variable in FILE_KEYS.items() if variable in found
        }

    def settings(self) -> dict[str, Setting]:
        """Return all that config.toml may say, by its names, with the values in force."""
        from engine.redaction import masked
        from engine.settings import FILE_KEYS
        from tui.services import config_file

        found = self.load().values
        listed = {}
        for name in config_file.names():
            given = found.get(FILE_KEYS[name])
            secret = name in config_file.SECRET_KEYS
            value = given.text if given else ""
            listed[name] = Setting(
                *(name, config_file.MEANINGS.get(name, ""), value),
                shown=masked(value) or "" if secret and value else value,
                place=given.place if given else "",
                secret=secret,
                choices=config_file.CHOICES.get(name, ()),
            )
        return listed

    async def models(self, values: Mapping[str, str] | None = None) -> list[str]:
        """Connect to the server and return the names of its models; without values, to the present.

        Raises `SettingsError`: why it cannot be used, in one line for the person.
        """
        server = self.load().server if values is None else _server_of(values)
        if server is None:
            return []
        return await _list_models(server)


def _server_of(values: Mapping[str, str]) -> Server | None:
    """Return the server that these settings describe. Raises `SettingsError`."""
    from engine.server import ENDPOINTS, Provider, choose_server
    from engine.setting_values import Value, Values
    from engine.settings import FILE_KEYS

    given = {
        FILE_KEYS[name]: Value(text, name, "this form") for name, text in values.items() if text
    }
    provider = values.get("provider", "")
    if provider not in ENDPOINTS:
        return None
    return choose_server(cast(Provider, provider), Values(given=given, own=given))


async def _list_models(server: Server) -> list[str]:
    import openai

    from engine.chat_model import ModelError
    from engine.llm.client import make_client
    from engine.llm.http_errors import Refusals
    from engine.redaction import redacted
    from engine.settings import SettingsError

    def redact(text: str) -> str:
        return redacted(text, [key for key in (server.api_key, server.ad_token) if key])

    client = make_client(server)
    try:
        async with asyncio.timeout(LISTED_WITHIN_S):
            found = (await client.with_options(max_retries=0).models.list()).data
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501):
            return []  # it lists none, and may answer all the same
        raise SettingsError(str(Refusals(server.host, "", redact).of_status(error).error)) from None
    except TimeoutError:
        raise SettingsError(f"{server.host} does not answer within {LISTED_WITHIN_S:g} s") from None
    except (openai.APIError, ModelError, OSError, ValueError) as error:
        cause = error.__cause__ or error
        said = one_line(redact(str(cause)), 200) or type(cause).__name__
        raise SettingsError(f"no connection to {server.host}: {said}") from None
    finally:
        await client.close()
    return sorted({one_line(str(model.id), 200) for model in found if getattr(model, "id", "")})

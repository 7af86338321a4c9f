"""Settings as they were given: each value with its name and its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.env_file import EnvFile


class SettingsError(Exception):
    """What is wrong with the configuration and what to change, in one line."""


@dataclass(frozen=True)
class Value:
    """A setting as it was given: `variable` is the name that it was given under.

    `own` says that it is the person's own word, so not that of an untrusted `.env`; `place` names
    where it stands.
    """

    text: str = field(repr=False)
    variable: str
    place: str
    own: bool = True

    @property
    def origin(self) -> str:
        """The name and the place, for the person."""
        return f"{self.variable} of {self.place}" if self.place else self.variable


@dataclass(frozen=True)
class Values:
    """Every setting that was given, under its first name (see `ALIASES`).

    `given` is by all sources, the strongest winning, `own` by those of the person alone. `secrets`
    are the keys and tokens of all sources, `file` is the `.env`, if there is one.
    """

    given: Mapping[str, Value]
    own: Mapping[str, Value]
    secrets: tuple[str, ...] = field(default=(), repr=False)
    file: EnvFile | None = None

    @property
    def texts(self) -> dict[str, str]:
        return {name: value.text for name, value in self.given.items()}

    @property
    def variables(self) -> dict[str, str]:
        """What a catalogue may ask for by name, such as the key of a server of its own."""
        return {**(self.file.others if self.file else {}), **self.texts}

    @property
    def untrusted(self) -> frozenset[str]:
        """Those of the `variables` that only an untrusted `.env` gives."""
        own = {name for name, value in self.given.items() if value.own}
        trusted = self.file is None or self.file.trusted
        return frozenset() if trusted else frozenset(self.variables).difference(own)

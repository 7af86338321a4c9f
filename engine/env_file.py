"""The `.env` of a folder: read once, within bounds, and only as far as the folder is trusted.

Anybody can put a `.env` into a folder: it comes with a clone, an archive or a shared disk. Without
the person's trust it may give keys, endpoints and names of models (see `FREE`); the rest waits.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from engine import trust
from engine.text import show_controls

MAX_BYTES = 64 * 2**10  # of the file; a long one has some hundred lines of a hundred bytes

# What an untrusted file may set. Where a key then goes is decided in `engine.settings`.
FREE = frozenset(
    {
        *("AZURE_OPENAI_ENDPOINT", "OPENAI_BASE_URL"),
        *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_KEY"),
        *("OPENAI_API_VERSION", "AZURE_OPENAI_API_VERSION", "AZURE_OPENAI_VERSION"),
        *("INTENTBOT_CLASSIFIER_MODEL", "INTENTBOT_AGENT_MODEL"),
        *("INTENTBOT_ROUTER", "INTENTBOT_PROVIDER"),
    }
)
# The others of our own. They name code, or where what was said is kept.
OURS = "INTENTBOT_"


class EnvFileError(Exception):
    """A `.env` cannot be read: says which one and why, in one line."""


@dataclass(frozen=True)
class EnvFile:
    """What a `.env` says. `values` may be used, `withheld` need the person's trust.

    `others` are not settings of this program. A catalogue may name them as keys of its servers.
    `written` has all of them as they stand in the file, with `${NAME}` where it refers to a name.
    """

    path: Path
    content: bytes = field(repr=False)
    decision: trust.Decision | None
    values: Mapping[str, str] = field(repr=False)
    withheld: Mapping[str, str] = field(repr=False)
    others: Mapping[str, str] = field(repr=False)
    written: Mapping[str, str] = field(repr=False)
    broken_lines: tuple[int, ...] = ()

    @property
    def folder(self) -> Path:
        return self.path.parent

    @property
    def digest(self) -> str:
        return trust.digest_of(self.content)

    @property
    def trusted(self) -> bool:
        return self.decision == "trusted"

    def decide(self, decision: trust.Decision) -> None:
        """Store the person's decision about the file as it was read. Raises `OSError`."""
        trust.decide(self.folder, self.digest, decision)

    def __str__(self) -> str:
        return show_controls(str(self.path))


def read(folder: Path, environ: Mapping[str, str]) -> EnvFile | None:
    """Read the `.env` of `folder`; None if there is none. Raises `EnvFileError`.

    Variables such as `${HOME}` are replaced as python-dotenv does it, except that an untrusted file
    cannot refer to `environ`: an endpoint with a key of the environment in its path would take the
    key along. A setting that tries is withheld.
    """
    path = folder.absolute() / ".env"
    content = _content(path)
    if content is None:
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EnvFileError(f"{show_controls(str(path))} cannot be read: {error}") from None
    decision = trust.decision_on(folder, content)
    trusted = decision == "trusted"
    values: dict[str, str] = {}
    withheld: dict[str, str] = {}
    others: dict[str, str] = {}
    written: dict[str, str] = {}
    for name, (raw, value, refers) in _resolved(text, environ if trusted else {}).items():
        known = is_setting(name)
        written[name] = raw
        if not value.strip() and not refers:
            continue
        if known and not trusted and (refers or name not in FREE):
            withheld[name] = value
        elif known:
            values[name] = value
        elif trusted or not refers:
            others[name] = value
    return EnvFile(path, content, decision, values, withheld, others, written, tuple(_broken(text)))


def is_setting(name: str) -> bool:
    """Return whether this program reads the variable for itself."""
    return name in FREE or name.startswith(OURS)


def _content(path: Path) -> bytes | None:
    """The bytes of a regular file. What else there may be, such as a pipe, would block."""
    shown = show_controls(str(path))
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise EnvFileError(f"{shown} is not a regular file: remove it")
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None  # a folder of this name is a virtual environment, by an old custom
    except OSError as error:
        raise EnvFileError(f"{shown} cannot be read: {error.strerror}") from None
    if b"\0" in content:
        raise EnvFileError(f"{shown} is not text: it contains a NUL byte")
    if len(content) > MAX_BYTES:
        raise EnvFileError(f"{shown} is longer than {MAX_BYTES:,} bytes: it cannot be settings")
    return content


def _open(path: str, flags: int) -> int:
    """Open without waiting for a writer at the other end of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)


def _resolved(text: str, environ: Mapping[str, str]) -> dict[str, tuple[str, str, bool]]:
    """Of each name the value as written and as meant, and whether it needs more than the file."""
    from dotenv.parser import parse_stream
    from dotenv.variables import Variable, parse_variables

    found: dict[str, tuple[str, str, bool]] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.key is None or binding.value is None:
            continue
        atoms = list(parse_variables(binding.value))
        names = [atom.name for atom in atoms if isinstance(atom, Variable)]
        known = {**environ, **{name: value for name, (_, value, _) in found.items()}}
        refers = any(name not in found or found[name][2] for name in names)
        meant = "".join(atom.resolve(known) for atom in atoms)
        found[binding.key] = (binding.value, meant, refers)
    return found


def _broken(text: str) -> Iterator[int]:
    """Return the numbers of the lines that set nothing."""
    from dotenv.parser import parse_stream

    for part in parse_stream(StringIO(text)):
        if part.error or (part.key and part.value is None):
            # A part begins with the empty lines before it.
            original = part.original.string
            yield part.original.line + len(original) - len(original.lstrip("\n"))

"""What a catalogue's TOML files may hold, read strictly: a misspelt key is told, not ignored."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.intents.thresholds import Thresholds
from engine.tools.approval_policy import Policy, Verdict
from engine.tools.function import plain_fault

ENCODING = "utf-8-sig"  # some editors begin a file with a mark
MANNERS = Path(__file__).parent / "small_talk.toml"

Text = Annotated[str, Field(min_length=1)]
Phrases = tuple[Text, ...]
Share = Annotated[float, Field(ge=0, le=1)]


class CatalogueError(Exception):
    """A catalogue that cannot be used: which file, what is wrong, in one line.

    `unreachable`: only the network or a server behind it is at fault; it may work another time.
    """

    def __init__(self, message: str, *, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyTable(Strict):
    decision: Verdict | None = None
    up_to: dict[str, Decimal] = {}

    @property
    def policy(self) -> Policy:
        return Policy(self.decision, self.up_to)


class _Sections(Strict):
    """What files of both kinds may say about tools."""

    counter_examples: Phrases = ()
    instructions: str = ""
    summaries: dict[str, Text] = {}
    questions: dict[str, dict[str, Text]] = {}
    policy: dict[str, PolicyTable] = {}
    untrusted: tuple[Text, ...] = ()
    examples: Phrases | dict[str, Phrases] = {}

    @property
    def phrases(self) -> dict[str, Phrases]:
        """The examples by tool; "" has those that belong to none."""
        return self.examples if isinstance(self.examples, dict) else {"": self.examples}

    def named(self) -> list[tuple[str, str]]:
        """Every (section, tool) that the file names outside `tools`."""
        sections = {
            "examples": [tool for tool in self.phrases if tool],
            "summaries": self.summaries,
            "questions": self.questions,
            "policy": self.policy,
            "untrusted": self.untrusted,
        }
        return [(section, tool) for section, tools in sections.items() for tool in tools]


class IntentFile(_Sections):
    """`intents/KEY.toml` with tools of the catalogue's own."""

    title: Text
    description: Text
    examples: Phrases | dict[str, Phrases]
    tools: tuple[Text, ...] = ()


# The tables that bring tools from elsewhere.
SOURCES = frozenset({"openapi", "mcp", "python"})


class SourceFile(_Sections):
    """`intents/KEY.toml` whose tools come from a document or a server."""

    title: str = ""
    description: str = ""
    arguments: dict[str, dict[str, Any]] = {}
    openapi: dict[str, Any] | None = None
    mcp: dict[str, Any] | None = None
    python: dict[str, Any] | None = None

    @property
    def kind(self) -> Literal["openapi", "mcp", "python"]:
        """Which of the tables it has."""
        if self.openapi is not None:
            return "openapi"
        return "mcp" if self.mcp is not None else "python"

    @property
    def table(self) -> dict[str, Any]:
        return self.openapi or self.mcp or self.python or {}


class SmallTalkConfig(Strict):
    examples: Phrases
    replies: Annotated[Phrases, Field(min_length=1)]


class CannedReply(Strict):
    examples: Phrases = ()
    reply: str = ""


class ChangePolicy(Strict):
    """`[policy]` of `catalog.toml`: of which changes it is asked if the person wants them."""

    wanted: Literal["free", "changes", "destructive"] = "free"


class CatalogueConfig(Strict):
    """`catalog.toml`, with what it inherits from `small_talk.toml`."""

    title: str = ""
    assistant_name: str = "the assistant"
    persona: str = ""
    suggestions: Phrases = ()
    router: Literal["", "bypass"] = ""
    policy: ChangePolicy = ChangePolicy()
    thresholds: dict[str, Share] = {}
    small_talk: dict[str, SmallTalkConfig] = {}
    cancel: CannedReply = CannedReply()
    out_of_scope: CannedReply = CannedReply()
    strange: CannedReply = CannedReply()

    @field_validator("thresholds")
    @classmethod
    def _known(cls, table: dict[str, float]) -> dict[str, float]:
        known = [field.name for field in dataclasses.fields(Thresholds)]
        if unknown := sorted(set(table) - set(known)):
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(known)}")
        return table


def read_intent(path: Path, data: dict[str, Any]) -> IntentFile | SourceFile:
    """An intent's file, of which `data` was read. Raises `CatalogueError`."""
    kinds = sorted(SOURCES & set(data))
    if len(kinds) > 1:
        raise CatalogueError(f"{path}: [{kinds[0]}] and [{kinds[1]}] need a file each")
    if kinds:
        return _checked(SourceFile, path, data)
    return _checked(IntentFile, path, data)


def read_catalogue_config(path: Path | None, own: dict[str, Any]) -> CatalogueConfig:
    """What `catalog.toml` says, over the manners every catalogue starts with."""
    base = read_toml(MANNERS)
    for section, value in own.items():
        inherited = base.get(section)
        both = isinstance(inherited, dict) and isinstance(value, dict)
        base[section] = inherited | value if both else value
    return _checked(CatalogueConfig, path or MANNERS, base)


def read_toml(path: Path) -> dict[str, Any]:
    """The data of a TOML file. Raises `CatalogueError`."""
    try:
        return tomllib.loads(path.read_text(encoding=ENCODING))
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} is not valid TOML: {toml_fault(error)}") from error


def toml_fault(error: tomllib.TOMLDecodeError | UnicodeDecodeError) -> str:
    """What is wrong with the text of a file, in words for who wrote it."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    said = re.sub(r"^Cannot declare .* twice", "this table is in the file twice", str(error))
    return said.replace("Cannot overwrite a value", "this key is there twice")


_T = TypeVar("_T", bound=Strict)


def _checked(shape: type[_T], path: Path, data: dict[str, Any]) -> _T:
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        first = next(validation_errors(error))
        where = ".".join(str(part) for part in first.place)
        raise CatalogueError(f"{path}: {where}: {first.text}") from None


@dataclasses.dataclass(frozen=True)
class ValidationFault:
    """One thing that a file may not say: where in its data, and why in plain words."""

    place: tuple[str | int, ...]
    text: str
    unknown: bool


def validation_errors(error: ValidationError) -> Iterator[ValidationFault]:
    """What Pydantic found, each thing once.

    Of a value that may have two forms it tells what either lacks: the form that got furthest is
    the one that was meant.
    """
    found: dict[tuple[str | int, ...], ValidationFault] = {}
    for item in error.errors(include_url=False, include_input=False):
        # The name of such a form is in the place, too: "tuple[…]".
        place = tuple(part for part in item["loc"] if not re.search(r"\W", str(part)))
        unknown = item["type"] == "extra_forbidden"
        said = "there is no such key" if unknown else plain_fault(item["type"], item["msg"])
        found.setdefault(place, ValidationFault(place, said, unknown))
    for place, fault in found.items():
        if not any(other != place and other[: len(place)] == place for other in found):
            yield fault

"""Evaluation sets: messages with what should become of them, one JSON object a line.

    text           the message; or `conversation`: a list that ends with it (see `Said`)
    intent         the intent's key, null where the message is no task; or `intents` for several
    route          what the route should be, where that is to be checked
    tool           the tool that should be called; `arguments` exactly with these
    missing        parameters that are not said, so that a question is right and a call wrong
    changes        false: no write or destructive call may be proposed; such a row needs no intent

Other fields are ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from engine.events import Route
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import Catalogue, Folder

MOST_FAULTS = 20  # that are reported
TASK_ROUTES: tuple[Route, ...] = ("task", "continue")


class DatasetError(CatalogueError):
    """A set that cannot be used: which file and line, what is wrong; a line for each fault."""


class DatasetMessage(BaseModel):
    """An earlier message of a conversation; a plain string is one of the person's.

    `intent` is what a message of the person was about (without it, it is routed first). `tool`
    and `missing` say what an answer of the assistant asked for: without `missing`, whether to make
    the call.
    """

    model_config = ConfigDict(frozen=True)

    role: Literal["user", "assistant"] = "user"
    content: str
    intent: str | None = None
    tool: str | None = None
    arguments: Mapping[str, Any] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One message and what is expected of it. Without `intents` it is not a task.

    `arguments` None: they are not checked. `before` is the conversation up to the message, and
    `where` its file and line. `changes` False: nothing that changes something may be proposed.
    `labelled` False: nothing else is known of it, so its routing is not judged.
    """

    text: str
    intents: tuple[str, ...] = ()
    route: Route | None = None
    tool: str | None = None
    arguments: Mapping[str, Any] | None = None
    missing: tuple[str, ...] = ()
    before: tuple[DatasetMessage, ...] = ()
    where: str = ""
    changes: bool = True
    labelled: bool = True

    @property
    def key(self) -> str:
        """The same for the same message in every set and run."""
        said = [self.text, *([said.role, said.content] for said in self.before)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    @property
    def expected(self) -> str:
        """The expected label: an intent, or why there is none."""
        return " + ".join(self.intents) or self.route or "no task"


class _Line(BaseModel):
    text: str | None = None
    conversation: list[str | DatasetMessage] | None = None
    intent: str | None = None
    intents: list[str] = []
    route: Route | None = None
    tool: str | None = None
    arguments: dict[str, Any] | None = None
    missing: tuple[str, ...] = ()
    changes: bool = True

    @property
    def labelled(self) -> bool:
        return bool({"intent", "intents"} & self.model_fields_set)

    @model_validator(mode="after")
    def _is_whole(self) -> _Line:
        if not self.labelled and (self.changes or self.route is not None):
            raise ValueError("intent is missing; for a message that is not a task, say null")
        if (self.text is None) == (self.conversation is None):
            raise ValueError("either text or conversation must be there")
        if self.intent is not None and self.intents and self.intent not in self.intents:
            raise ValueError("intent is not one of intents")
        is_task = bool(self.intent or self.intents)
        if self.route is not None and is_task != (self.route in TASK_ROUTES):
            given = "an intent" if is_task else "intent null"
            raise ValueError(f"route {self.route!r} does not go with {given}")
        if self.tool and not is_task:
            raise ValueError("a tool needs an intent")
        if (self.missing or self.arguments is not None) and not self.tool:
            raise ValueError("arguments and missing need a tool")
        return self

    def row(self) -> Row:
        said = [
            DatasetMessage(content=m) if isinstance(m, str) else m for m in self.conversation or ()
        ]
        if self.conversation is not None and (not said or said[-1].role != "user"):
            raise ValueError("the conversation does not end with a message of the person")
        text = self.text if self.text is not None else said.pop().content
        if not text.strip():
            raise ValueError("the message is empty")
        alone = (self.intent,) if self.intent else ()
        return Row(
            text=text,
            intents=tuple(dict.fromkeys(self.intents)) or alone,
            route=self.route,
            tool=self.tool,
            arguments=self.arguments,
            missing=self.missing,
            before=tuple(said),
            changes=self.changes,
            labelled=self.labelled,
        )


def files(catalogue: Catalogue) -> dict[Path, Folder]:
    """Return the catalogue's own sets, each with the folder whose names it uses."""
    return {
        path: folder
        for folder in catalogue.folders
        for path in sorted((folder.path / "evaluation").glob("*.jsonl"))
    }


def load(catalogue: Catalogue, given: Sequence[Path] = ()) -> list[Row]:
    """Return the rows of the `given` files, or of the catalogue's own. Raises `DatasetError`."""
    own: dict[Path, Folder | None] = dict.fromkeys(given) if given else dict(files(catalogue))
    if not own:
        folders = ", ".join(str(folder.path) for folder in catalogue.folders) or "the catalogue"
        raise DatasetError(
            f"{folders} has no evaluation set: write evaluation/NAME.jsonl, or name one by --data"
        )
    rows: list[Row] = []
    faults: list[str] = []
    for path, folder in own.items():
        good, wrong = read(path, folder, catalogue)
        rows += good
        faults += [f"{path}:{line}: {fault}" for line, fault in wrong]
    if faults:
        raise DatasetError(_listed(faults))
    if not rows:
        raise DatasetError(f"there is not a single message in {', '.join(map(str, own))}")
    return rows


def checked(row: Row, catalogue: Catalogue) -> Row:
    """Return the row if the catalogue has what it names. Raises `ValueError`."""
    for key in (*row.intents, *(said.intent for said in row.before if said.intent)):
        if key not in catalogue.intents:
            raise ValueError(f"the catalogue has no intent {key!r}")
    for name in (row.tool, *(said.tool for said in row.before)):
        if name and name not in {tool.name for tool in catalogue.tools}:
            raise ValueError(f"the catalogue has no tool {name!r}")
    if row.tool:
        offered = {t.name: t for key in row.intents for t in catalogue.intents[key].tools}
        if row.tool not in offered:
            raise ValueError(f"the tool {row.tool!r} is not one of intent {row.intents[0]!r}")
        known = offered[row.tool].parameters.get("properties", {})
        for name in (*row.missing, *(row.arguments or ())):
            if name not in known:
                raise ValueError(f"the tool {row.tool!r} has no parameter {name!r}")
    return row


def to_dict(row: Row) -> dict[str, Any]:
    """Return the JSON form, which `from_dict` reads."""
    data: dict[str, Any] = _ROW.dump_python(row, mode="json", exclude_defaults=True)
    return data


def from_dict(data: Mapping[str, Any]) -> Row:
    """Return the row that `to_dict` wrote. Raises `ValueError`."""
    return _ROW.validate_python(data)


def spread(rows: Sequence[Row], limit: int) -> list[Row]:
    """Return at most `limit` rows in their order, evenly of all that is expected: what a set has
    many of stays much, however its rows lie.
    """
    if limit >= len(rows):
        return list(rows)
    alike = sorted(range(len(rows)), key=lambda n: (rows[n].intents, rows[n].route or ""))
    return [rows[n] for n in sorted(alike[i * len(rows) // limit] for i in range(limit))]


_ROW = TypeAdapter(Row)


def read(
    path: Path, folder: Folder | None, catalogue: Catalogue
) -> tuple[list[Row], list[tuple[int, str]]]:
    """Return the rows of a file, in the names of its `folder` if it is the catalogue's own, and
    what is wrong with the other lines, by their numbers. Raises `DatasetError` when it cannot be
    read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text: {error}") from error
    rows: list[Row] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _Line.model_validate_json(line).row()
            row = checked(_renamed(row, folder) if folder else row, catalogue)
        except ValidationError as error:
            faults.append((number, _told(error)))
        except ValueError as error:
            faults.append((number, str(error)))
        else:
            rows.append(replace(row, where=f"{path.name}:{number}"))
    return rows, faults


def _renamed(row: Row, folder: Folder) -> Row:
    """Return the row in the catalogue's names, where the folder's own had to be changed."""

    def intents(keys: Iterable[str]) -> tuple[str, ...]:
        return tuple(folder.intents.get(key, key) for key in keys)

    def tool(name: str | None) -> str | None:
        return folder.tools.get(name, name) if name else name

    before = tuple(
        said.model_copy(
            update={
                "intent": intents([said.intent])[0] if said.intent else None,
                "tool": tool(said.tool),
            }
        )
        for said in row.before
    )
    return replace(row, intents=intents(row.intents), tool=tool(row.tool), before=before)


def _listed(faults: Sequence[str]) -> str:
    if len(faults) == 1:
        return faults[0]
    more = len(faults) - MOST_FAULTS
    lines = [f"{len(faults):,} lines cannot be used:", *faults[:MOST_FAULTS]]
    return "\n".join([*lines, f"and {more:,} more"] if more > 0 else lines)


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message

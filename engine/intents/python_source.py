"""The functions of a Python file as a `Source`: the `[python]` table of an intent's file.

file        the file, relative to the catalogue's folder
include     patterns of the names of functions; all public ones with types if nothing is said
exclude     and of those to leave out
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.intents.catalogue_schema import CatalogueError
from engine.intents.function_loader import Functions
from engine.tools.source import Source, SourceError
from engine.tools.tool import Tool
from engine.tools.tool_groups import groups_of

Text = Annotated[str, Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Text
    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()


def load_python(
    key: str,
    table: Mapping[str, Any],
    folder: Path,
    *,
    title: str = "",
    description: str = "",
    examples: Sequence[str] = (),
    environ: Mapping[str, str],
) -> Source:
    """Run the file and offer its functions as intents. Raises `SourceError`."""
    try:
        settings = _Table.model_validate(dict(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("python", *first["loc"])))
        raise SourceError(f"{where}: {first['msg']}") from None
    path = (folder / Path(settings.file).expanduser()).resolve()
    if not path.is_file():
        raise SourceError(f"{path}: there is no such file")
    try:
        functions = Functions(path.parent, module=path)
    except CatalogueError as error:
        raise SourceError(str(error)) from error
    tools: list[Tool] = []
    problems: list[str] = []
    for name in functions.public():
        chosen = not settings.include or any(fnmatchcase(name, p) for p in settings.include)
        if not chosen or any(fnmatchcase(name, p) for p in settings.exclude):
            continue
        try:
            tool = functions.tool(name)
        except CatalogueError as error:
            problems.append(f"{key}: {error}; this function is left out")
            continue
        if tool is not None:
            tools.append(tool)
    if not tools:
        raise SourceError(f"{path} has no public function whose parameters all have types")
    about = functions.documentation.partition("\n\n")[0]
    groups = groups_of(
        key,
        tools,
        title=title or key.replace("_", " ").capitalize(),
        description=description or " ".join(about.split()),
        examples=examples,
    )
    return Source(groups, problems=tuple(problems))

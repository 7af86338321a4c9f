"""The Python functions of a catalogue: its `tools.py`, or its package `tools/`."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic.errors import PydanticUserError

from engine.intents import catalogue_cache
from engine.intents.catalogue_schema import CatalogueError
from engine.tools.function import Bound, Facts, tool_from_facts
from engine.tools.tool import InvalidArguments, Tool, ToolContext

# The folder beside the database that holds a data folder for each catalogue.
DATA = "catalogues"
BUILT_IN = Path(__file__).parent.parent / "catalogs" / "telecom"
Run = Callable[[ToolContext, Mapping[str, Any]], Awaitable[Any]]


def data_name(folder: Path) -> str:
    """The name of a catalogue's data folder: its own, and what tells it from others of the name."""
    where = folder.resolve()
    return f"{where.stem}-{hashlib.sha256(os.fsencode(where)).hexdigest()[:8]}"


class Functions:
    """The functions of the catalogue in `folder`, or of a `module`, a file of its own.

    The module is run at once, unless what it says is `known` from an earlier start (and whether
    it `tells` outcomes): then when one of its functions is first called.
    """

    def __init__(
        self,
        folder: Path,
        known: Mapping[str, Facts] | None = None,
        *,
        tells: bool = False,
        module: Path | None = None,
    ) -> None:
        self._folder = folder
        built_in = module is None and folder.resolve() == BUILT_IN.resolve()
        self._data = "" if built_in else data_name(module or folder)
        package = folder / "tools" / "__init__.py"
        self.path = module or (package if package.exists() else folder / "tools.py")
        self._lock = threading.Lock()
        self._module: ModuleType | None = None
        self._known = known
        before = list(sys.modules)
        if known is None:
            tells = self.function("outcome_of") is not None
        self.imported = catalogue_cache.imported(folder, before) if known is None else []
        self._outcome_of = self._ask if tells else None
        self.facts: dict[str, Facts] = dict(known or {})

    @property
    def tells(self) -> bool:
        """Whether the back end can be asked what became of an action."""
        return self._outcome_of is not None

    @property
    def documentation(self) -> str:
        """What the module says of itself."""
        return inspect.getdoc(self._module) or "" if self._module else ""

    def public(self) -> list[str]:
        """The names of the functions that the module defines for others, in its order."""
        module = self._module
        return [
            name
            for name, value in (vars(module).items() if module else ())
            if not name.startswith("_") and name != "outcome_of"
            if inspect.isfunction(value) and module and value.__module__ == module.__name__
        ]

    def tool(self, name: str) -> Tool | None:
        """The tool of a function; None: there is none. Raises `CatalogueError` for a wrong one."""
        if self._known is None:
            function = self.function(name)
            if function is None:
                return None
            bound = self._bound(name, function)
            self.facts[name] = bound.facts
            tool = tool_from_facts(name, bound.facts, lambda: bound)
        elif name in self._known:
            tool = tool_from_facts(name, self._known[name], lambda: self._late(name))
        else:
            return None
        return replace(tool, run=self._in_own_folder(tool.run), outcome_of=self._outcome_of)

    def _in_own_folder(self, run: Run) -> Run:
        async def run_there(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
            return await run(self._own(context), arguments)

        return run_there

    def _own(self, context: ToolContext) -> ToolContext:
        """The context with the data folder of this catalogue: two that call their file alike must
        not overwrite each other's. The built-in one's lies beside the database."""
        if not self._data:
            return context
        own = context.data_dir / DATA / self._data
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return replace(context, data_dir=own)

    def _bound(self, name: str, function: Callable[..., Any]) -> Bound:
        try:
            bound = Bound(function)
            _ = bound.facts
        except (TypeError, NameError, PydanticUserError, ValueError) as error:
            fault = str(error).strip().splitlines()[0]
            named = fault if fault.startswith(f"{name}:") else f"{name}: {fault}"
            raise CatalogueError(f"{self.path}: {named}") from error
        return bound

    def _late(self, name: str) -> Bound:
        """The function of a tool that was offered by what is kept, which must still be true."""
        try:
            function = self.function(name)
            bound = self._bound(name, function) if function else None
        except CatalogueError as error:
            catalogue_cache.invalidate(self._folder)
            raise InvalidArguments((f"This tool cannot be used: {error}.",)) from error
        if bound is None or bound.facts != self.facts[name]:
            catalogue_cache.invalidate(self._folder)
            raise InvalidArguments(("This tool has changed; the program has to be started anew.",))
        return bound

    def _ask(self, context: ToolContext) -> Any:
        """`outcome_of` of the module; what it returns may have to be awaited."""
        function = self.function("outcome_of")
        if function is None:
            raise CatalogueError(f"{self.path} has no outcome_of any more")
        return function(self._own(context))

    def function(self, name: str) -> Callable[..., Any] | None:
        """What the module has under this name. Raises `CatalogueError` when it cannot be run."""
        with self._lock:
            if self._module is None and self.path.exists():
                self._module = _run(self._folder, self.path)
        function = vars(self._module).get(name) if self._module else None
        return function if callable(function) else None


def _run(folder: Path, path: Path) -> ModuleType:
    """The module, run as part of a package, so that it can import its siblings."""
    digest = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:12]
    package = ModuleType(f"intentbot_catalogue_{digest}")
    for name in [name for name in sys.modules if name.startswith(f"{package.__name__}.")]:
        del sys.modules[name]  # siblings of an earlier load, which may have changed since
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    spec = importlib.util.spec_from_file_location(f"{package.__name__}.tools", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CatalogueError(f"{path} cannot be imported: {_reason(error)}") from error
    return module


def _reason(error: BaseException) -> str:
    """Why a module cannot be run: without its kind, many an error says little ('HOME')."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error}: install it where intentbot-tui is installed"
    if isinstance(error, ImportError | SyntaxError):
        return str(error)
    return f"{type(error).__name__}: {error}"

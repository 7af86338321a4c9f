"""The Python functions of a catalogue: its `tools.py`, or its package `tools/`."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.intents.files import CatalogueError


class Functions:
    """The functions of the catalogue in `folder`, whose module is run when first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        package = folder / "tools" / "__init__.py"
        self.path = package if package.exists() else folder / "tools.py"

    def run(self) -> None:
        """Run the module, if there is one. Raises `CatalogueError`."""
        _ = self.module

    def get(self, name: str) -> Callable[..., Any] | None:
        """The function of this name. Raises `CatalogueError` when the module cannot be run."""
        function = vars(self.module).get(name) if self.module else None
        return function if callable(function) else None

    @property
    def outcome_of(self) -> Callable[..., Any] | None:
        """See `Tool.outcome_of`."""
        return self.get("outcome_of")

    @cached_property
    def module(self) -> ModuleType | None:
        """Loaded as part of a package, so that it can import its siblings."""
        if not self.path.exists():
            return None
        digest = hashlib.sha256(str(self._folder.resolve()).encode()).hexdigest()[:12]
        package = ModuleType(f"intentbot_catalogue_{digest}")
        package.__path__ = [str(self._folder)]
        sys.modules[package.__name__] = package
        spec = importlib.util.spec_from_file_location(f"{package.__name__}.tools", self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise CatalogueError(f"{self.path} cannot be imported: {error}") from error
        return module

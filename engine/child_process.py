"""How a child process in Python is started so that it imports nothing from the working folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).parent  # where such a child runs
_INSTALLED_IN = {"site-packages", "dist-packages"}


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process that imports nothing from the working folder.

    Python's documentation of the command line says what `-P`, `PYTHONSAFEPATH` and `PYTHONPATH` do.
    An entry of the latter that is empty or relative depends on where the program was started.
    """
    given = environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [entry for entry in given if os.path.isabs(entry)]
    if _INSTALLED_IN.isdisjoint(PACKAGE.parts):
        kept.append(str(PACKAGE.parent))  # a checkout, which may be found by the working folder
    clean = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    return {
        **clean,
        "PYTHONSAFEPATH": "1",
        **({"PYTHONPATH": os.pathsep.join(kept)} if kept else {}),
    }

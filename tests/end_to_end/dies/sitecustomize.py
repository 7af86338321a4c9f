"""With this folder in `PYTHONPATH`, a Python program kills itself before a database statement.

`DIES_AT` says before which, counted from 0. `STATEMENTS` names a file that gets the text of each,
a line each.
"""

import os
import signal
import sqlite3
from itertools import count
from typing import Any

_number = count()
_connect = sqlite3.connect


def _before(statement: str) -> None:
    if str(next(_number)) == os.environ.get("DIES_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    if "STATEMENTS" in os.environ:
        with open(os.environ["STATEMENTS"], "a", encoding="utf-8") as file:
            file.write(" ".join(statement.split()) + "\n")


def _traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*args, **kwargs)
    connection.set_trace_callback(_before)
    return connection


sqlite3.connect = sqlite3.dbapi2.connect = _traced  # type: ignore[assignment]

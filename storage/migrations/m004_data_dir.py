"""Version 4: where a turn's back end keeps its files, if not beside the database.

A demo has a back end of its own. Asked later what became of one of its actions, the program must
look there and nowhere else. Turns of earlier versions did not say; theirs is beside the database.
"""

from __future__ import annotations

import sqlite3


def add_data_dir(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE turn ADD COLUMN data_dir TEXT")

"""Version 3: what each request would have cost with every tool in its prompt.

Of the requests made before, the price of a flat prompt was not kept: it is unknown.
"""

from __future__ import annotations

import sqlite3


def add_flat_costs(connection: sqlite3.Connection) -> None:
    for statement in _STATEMENTS:
        connection.execute(statement)


_STATEMENTS = (
    "ALTER TABLE model_call ADD COLUMN flat_cached_tokens INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE model_call ADD COLUMN flat_cost_usd REAL",
    "ALTER TABLE model_call ADD COLUMN flat_warm_cost_usd REAL",
)

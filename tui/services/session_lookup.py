"""Which session `--resume` means, found before there is a screen to say it on."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine import settings
from storage import session_lookup


def whole_id(options: argparse.Namespace) -> str:
    """The session to go on with. Raises `UnknownSession`.

    Where the settings are wrong it is what was typed: the app says so, and waits until it is
    mended.
    """
    try:
        database = settings.load(
            os.environ,
            Path.cwd(),
            provider=getattr(options, "provider", None),
            database=getattr(options, "db", None),
        ).database
    except settings.SettingsError:
        return str(options.resume)
    return session_lookup.whole_id(database, options.resume)

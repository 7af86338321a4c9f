"""What a person chose on the screen and wants to find again, and the keys of the configuration.

Read before the first frame, so nothing heavy is imported here.
"""

from __future__ import annotations

import argparse
import tomllib
from contextlib import suppress
from pathlib import Path

from engine.paths import config_path
from tui.keybindings import registry


def theme_path() -> Path:
    """Return where the name of the theme is kept: the platform's folder for a program's state."""
    from platformdirs import user_state_path

    return user_state_path("intentbot") / "theme"


def saved_theme() -> str:
    """Return the theme that was chosen last, or nothing."""
    try:
        return theme_path().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def chosen_theme(options: argparse.Namespace) -> str:
    """Return the theme that the command line names, or else the one that was chosen last."""
    return getattr(options, "theme", None) or saved_theme()


def save_theme(name: str) -> None:
    """Keep the choice; where that cannot be written, it is one for this time."""
    with suppress(OSError):
        theme_path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        theme_path().write_text(f"{name}\n", encoding="utf-8")


def load_keybindings() -> tuple[str, ...]:
    """Use the keys that `[keys]` of config.toml names; returns what is wrong with some of them."""
    path = config_path()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ()  # a missing file is none; what is wrong with a broken one is said by the settings
    wishes = data.get("keys", {})
    if not isinstance(wishes, dict):
        return (f'{path}: [keys]: it should be like "chat.sessions" = "ctrl+o,f7"',)
    if not wishes:
        return ()
    from tui.keybindings import overrides

    commands, faults = overrides.apply_overrides(registry.COMMANDS, wishes)
    registry.use(commands)
    return tuple(f"{path}: [keys]: {fault}" for fault in faults)

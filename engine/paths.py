"""The folders of the platform in which this program keeps its own files."""

from __future__ import annotations

from pathlib import Path


def config_path() -> Path:
    """Return where `config.toml` is looked for."""
    from platformdirs import user_config_path

    return user_config_path("intentbot") / "config.toml"


def data_folder() -> Path:
    """Return the platform's folder for this program's data."""
    from platformdirs import user_data_path

    return user_data_path("intentbot")

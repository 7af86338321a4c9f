"""Which tests belong to the quick loop: every test is `unit`, `slow` or `end_to_end`.

`make test` runs the unit tests, CI runs all. A test is slow by what it needs: real offline models,
other processes, or a screen.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing about it where other programs have the processor.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

HERE = Path(__file__).parent
# Folders whose tests need a screen, or a conversation with the offline models.
SLOW_FOLDERS = {"tui", "conversations", "dialogue_acts"}
# Modules that load the offline models, start other programs, or try many cases.
SLOW_MODULES = {
    "test_any_moment",
    "test_asking",
    "test_confusion",
    "test_database",
    "test_earlier_versions",
    "test_embedded",
    "test_message_reader",
    "test_excluded",
    "test_heads",
    "test_hostile",
    "test_journal",
    "test_kept",
    "test_listening",
    "test_many_programs",
    "test_mcp_hanging",
    "test_mcp_processes",
    "test_mcp_servers",
    "test_migrations",
    "test_openapi_hostile",
    "test_recording_fails",
    "test_recovery",
    "test_small_catalogues",
    "test_telecom_books",
    "test_telecom_evaluation",
    "test_telecom_ledger",
    "test_two_programs",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(_marker(item.path))


def pytest_collection_finish() -> None:
    """Let the collector look at what a test makes, not at all that was imported for it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _marker(path: Path) -> str:
    folders = path.relative_to(HERE).parts
    if folders[0] == "end_to_end":
        return "end_to_end"
    if SLOW_FOLDERS & set(folders) or path.stem in SLOW_MODULES:
        return "slow"
    return "unit"

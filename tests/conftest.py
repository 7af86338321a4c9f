"""Which tests belong to the quick loop: every test is `unit`, `slow` or `end_to_end`.

`make test` runs the unit tests, CI runs all. A test is slow by what it needs: real offline models,
other processes, or a screen. A module outside the slow folders says so with a `pytestmark`.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A message's matrices are too small for several threads, which would spin while they wait. numpy's
# library reads this when it is loaded; the program sets it where it loads numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# How long an example takes says nothing about it where other programs have the processor.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

HERE = Path(__file__).parent
# Folders whose tests need a screen, or a conversation with the offline models.
SLOW_FOLDERS = {"tui", "conversations", "dialogue_acts"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folders = set(item.path.relative_to(HERE).parts)
        if "end_to_end" in folders:
            item.add_marker("end_to_end")
        elif SLOW_FOLDERS & folders:
            item.add_marker("slow")
        elif item.get_closest_marker("slow") is None:
            item.add_marker("unit")


@pytest.fixture(scope="session", autouse=True)
def _no_server_is_known() -> Iterator[None]:
    """A server on loopback gets a port that another one had: nothing is known of it from before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.llm.server_capabilities.FRESH_S", -1.0)
        yield


def pytest_collection_finish() -> None:
    """Let the collector look at what a test makes, not at all that was imported for it."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)

"""The log: for its owner alone, whatever the umask is and however often it is begun anew."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import settings as engine_settings
from tui.services import runtime

KEY = "sk-a-key-that-is-long-enough-to-be-one"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A log that is full after a few lines; nothing is masked by the umask meanwhile."""
    path = tmp_path / "state" / "log" / "intentbot.log"
    monkeypatch.setattr(runtime, "log_path", lambda: path)
    monkeypatch.setattr(runtime, "LOG_BYTES", 400)
    root = logging.getLogger()
    before, level, mask = root.handlers[:], root.level, os.umask(0)
    yield path
    os.umask(mask)
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level = before, level
    logging.captureWarnings(False)


def begin(folder: Path) -> None:
    environ = {"OPENAI_API_KEY": KEY}
    runtime.log_to_file(engine_settings.load(environ, folder, provider="scripted"))


def modes(path: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}


def test_a_rotated_log_stays_private(log: Path, tmp_path: Path) -> None:
    begin(tmp_path)
    for number in range(20):
        logging.getLogger("x").warning("line %d, which is as long as lines are", number)
    assert modes(log) == {"intentbot.log": 0o600, "intentbot.log.1": 0o600}
    assert log.parent.stat().st_mode & 0o777 == 0o700
    assert "line 19" in log.read_text()


def test_a_log_that_others_could_read_becomes_private(log: Path, tmp_path: Path) -> None:
    log.parent.mkdir(parents=True, mode=0o755)
    for path in (log, log.with_name("intentbot.log.1")):
        path.write_text("earlier\n")
        path.chmod(0o644)
    begin(tmp_path)
    assert modes(log) == {"intentbot.log": 0o600, "intentbot.log.1": 0o600}
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_the_log_takes_any_text(log: Path, tmp_path: Path) -> None:
    """Half a character ends no program, and what cannot be logged is not printed."""
    begin(tmp_path)
    logging.getLogger("x").warning("half \ud83d")
    assert "half ?" in log.read_text()


def test_a_log_that_cannot_be_written_ends_nothing(log: Path, tmp_path: Path) -> None:
    log.parent.parent.mkdir()
    log.parent.write_text("a file in place of the folder")
    begin(tmp_path)
    logging.getLogger("x").warning("nobody reads this")

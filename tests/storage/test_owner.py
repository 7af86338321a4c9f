from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from storage import process_identity


def test_this_process_is_alive() -> None:
    assert process_identity.is_alive(process_identity.this_process())
    assert process_identity.this_process() == process_identity.this_process()


def test_another_process_that_got_the_same_number_is_not_the_owner() -> None:
    number, _, began = process_identity.this_process().partition(":")
    assert not process_identity.is_alive(f"{number}:{began}0")


def test_a_name_with_brackets_and_spaces_hides_nothing(tmp_path: Path) -> None:
    program = tmp_path / "a) Z (b"
    program.symlink_to(shutil.which("sleep") or "/bin/sleep")
    with subprocess.Popen([program, "60"]) as running:
        try:
            assert process_identity.is_alive(
                f"{running.pid}:{process_identity._began(running.pid)}"
            )
        finally:
            running.kill()


@pytest.mark.parametrize("has_ps", [True, False])
def test_where_there_is_no_proc_the_answer_is_sound(
    has_ps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if has_ps and shutil.which("ps") is None:
        pytest.skip("no ps here")
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    if not has_ps:
        monkeypatch.setenv("PATH", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        name = f"{running.pid}:{process_identity._began(running.pid)}"
        assert process_identity.is_alive(name)
        assert process_identity.is_alive(process_identity.this_process())
        running.kill()
    assert not process_identity.is_alive(name)
    assert process_identity.is_alive(f"{os.getpid()}:1970") is not has_ps


def test_the_moment_ps_tells_does_not_depend_on_the_time_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("ps") is None:
        pytest.skip("no ps here")
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    here = process_identity.this_process()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert process_identity.this_process() == here

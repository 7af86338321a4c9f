"""What must not be imported before the first frame; who may import whom is in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("openai", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "httpx2")


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["tui.app", "tui.commands.app"])
def test_the_first_frame_needs_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}").isdisjoint(HEAVY)


def test_a_session_is_looked_up_before_anything_heavy(tmp_path: Path) -> None:
    options = f"Namespace(resume='zzz', db=Path({str(tmp_path / 'x.db')!r}))"
    code = f"""
from argparse import Namespace
from pathlib import Path
from tui.commands.app import resumed_id
try: resumed_id({options})
except Exception as error: assert "no session" in str(error)
"""
    assert loaded_by(code).isdisjoint({*HEAVY, "textual"})


def test_the_version_needs_no_textual() -> None:
    code = "from tui.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert loaded_by(code).isdisjoint({*HEAVY, "textual"})

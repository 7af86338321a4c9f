"""Who may import whom, and what must not be imported before the first frame."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("engine", "storage", "tui")
# storage knows what happened and what the engine asks of it, nothing else of the engine.
STORAGE_MAY = {
    "engine.events",
    "engine.markdown",
    "engine.ports",
    "engine.text",
    "engine.turn_log",
}
HEAVY = ("openai", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "needle", "httpx2")


def imports(room: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                # "from engine import events" imports a module by its package.
                if node.module in ROOMS:
                    yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)
                else:
                    yield path, node.module


def test_the_engine_knows_no_screen_and_no_disk() -> None:
    rooms = {name.split(".")[0] for _, name in imports("engine")}
    assert rooms.isdisjoint({"tui", "storage", "textual", "sqlmodel", "sqlalchemy"})


def test_storage_knows_only_events_and_ports() -> None:
    for path, name in imports("storage"):
        room = name.split(".")[0]
        assert room not in ("tui", "textual"), path
        assert room != "engine" or name in STORAGE_MAY, f"{path} imports {name}"


def test_only_the_composition_puts_rooms_together() -> None:
    """Widgets and screens get what they show handed to them."""
    for path, name in imports("tui"):
        inside = path.relative_to(ROOT / "tui").parts
        if inside[0] in ("screens", "widgets") or path.name in ("app.py", "presenter.py"):
            assert not name.startswith("storage"), f"{path} imports {name}"
            assert not name.startswith("engine") or name in STORAGE_MAY, f"{path} imports {name}"


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
from tui.services.session_lookup import whole_id
try: whole_id({options})
except Exception as error: assert "no session" in str(error)
"""
    assert loaded_by(code).isdisjoint({*HEAVY, "textual"})


def test_the_version_needs_no_textual() -> None:
    code = "from tui.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert loaded_by(code).isdisjoint({*HEAVY, "textual"})

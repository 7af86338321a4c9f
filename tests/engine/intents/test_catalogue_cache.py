"""What was read of a large catalogue is believed only while nothing of it has changed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.intents import catalogue_cache
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.tools.reconcile import reconcile_action
from engine.tools.tool import InvalidArguments, ToolContext

pytestmark = pytest.mark.slow

COUNT = catalogue_cache.WORTH_KEEPING
HEAD = """from engine.tools.function import effect
from engine.tools.tool import ToolContext
from . import plans
with open(__file__.replace('mine/tools.py', 'runs'), 'a') as runs:
    runs.write('x')
async def outcome_of(context: ToolContext) -> str:
    return 'done'
"""
FUNCTION = '''
@effect("read")
def look_{n}(plan: plans.Plan, count: float = 1.5) -> str:
    """Look at {n}."""
    return f"{{plan}} {n}"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    mine = tmp_path / "mine"
    (mine / "intents").mkdir(parents=True)
    names = [f"look_{n}" for n in range(COUNT)]
    (mine / "intents" / "look.toml").write_text(
        f'title = "Look"\ndescription = "Look"\nexamples = ["look"]\ntools = {names}\n'
    )
    (mine / "plans.py").write_text("from typing import Literal\nPlan = Literal['S', 'M']\n")
    (mine / "tools.py").write_text(HEAD + "".join(FUNCTION.format(n=n) for n in range(COUNT)))
    return mine


def runs(folder: Path) -> int:
    """How often tools.py has been run since this was asked."""
    path = folder.parent / "runs"
    count = len(path.read_text()) if path.exists() else 0
    path.unlink(missing_ok=True)
    return count


def shown(catalogue: Catalogue) -> list[object]:
    return [(t.name, t.description, t.parameters, t.effect) for t in catalogue.tools]


async def test_the_second_start_runs_nothing_and_offers_the_same(folder: Path) -> None:
    first = load(folder)
    assert runs(folder) == 1
    second = load(folder)
    assert runs(folder) == 0
    assert shown(first) == shown(second)
    tool = second.tools[7]
    arguments = tool.validate({"plan": "S"})
    assert await tool.run(ToolContext("a", "s", folder), arguments) == "S 7"
    with pytest.raises(InvalidArguments, match="plan"):
        tool.validate({"plan": "XL"})
    assert runs(folder) == 1
    told = await reconcile_action(
        second.tools, ToolContext("a", "s", folder), tool="look_7", call_id="c"
    )
    assert told is not None
    assert told.result == "done"


def _tools(folder: Path) -> None:
    path = folder / "tools.py"
    path.write_text(path.read_text().replace("Look at", "Watch"))


def _sibling(folder: Path) -> None:
    (folder / "plans.py").write_text("from typing import Literal\nPlan = Literal['L']\n")


def _intent(folder: Path) -> None:
    path = folder / "intents" / "look.toml"
    path.write_text(path.read_text().replace("'look_0', ", ""))


def _damage(folder: Path) -> None:
    for path in (folder.parent / "cache").rglob("*.json"):
        path.write_bytes(path.read_bytes()[:-9])


def _forge(folder: Path) -> None:
    for path in (folder.parent / "cache").rglob("*.json"):
        path.write_text(path.read_text().replace('"read"', '"harmless"'))


@pytest.mark.parametrize("change", [_tools, _sibling, _intent, _damage, _forge])
def test_any_change_is_seen(folder: Path, change: Callable[[Path], None]) -> None:
    load(folder)
    runs(folder)
    change(folder)
    catalogue = load(folder)
    assert runs(folder) == 1
    assert all(tool.effect == "read" for tool in catalogue.tools)
    plans = catalogue.tools[-1].parameters["properties"]["plan"]
    assert plans == ({"const": "L", "type": "string"} if change is _sibling else plans)


def test_a_module_from_elsewhere_that_changed_is_seen(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "company_plans_of_this_test.py").write_text("Plan = str\n")
    (folder / "plans.py").write_text("from company_plans_of_this_test import Plan as Plan\n")
    monkeypatch.syspath_prepend(str(elsewhere))
    load(folder)
    runs(folder)
    load(folder)
    assert runs(folder) == 0
    (elsewhere / "company_plans_of_this_test.py").write_text("Plan = int  # now\n")
    load(folder)
    assert runs(folder) == 1


def test_a_function_that_is_not_what_was_kept_is_not_called(folder: Path) -> None:
    """Changed between the start and the first call."""
    load(folder)
    tool = load(folder).tools[0]
    path = folder / "tools.py"
    path.write_text(path.read_text().replace('@effect("read")', '@effect("destructive")'))
    with pytest.raises(InvalidArguments, match="has changed"):
        tool.validate({"plan": "S"})


def test_it_is_private_and_small_catalogues_leave_nothing(folder: Path, tmp_path: Path) -> None:
    load(folder)
    (file,) = (tmp_path / "cache").rglob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.unlink()
    names = [f"look_{n}" for n in range(COUNT - 1)]
    (folder / "intents" / "look.toml").write_text(
        f'title = "Look"\ndescription = "Look"\nexamples = ["look"]\ntools = {names}\n'
    )
    load(folder)
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_a_cache_folder_that_cannot_be_written_is_no_fault(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert len(load(folder).tools) == COUNT


def test_what_is_no_file_in_the_folder_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    load(folder)
    load(folder)
    assert runs(folder) == 1

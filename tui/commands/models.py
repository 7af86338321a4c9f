"""`models`: language models that put the offline answers into words, on this machine."""

from __future__ import annotations

import argparse
import shlex
import sys

from engine.settings import SettingsError
from tui.commands.exit_codes import ExitCode
from tui.commands.output import PROGRAM, print_json, print_line, say, tell
from tui.services.model_download import MODELS, DownloadError, Model, download

BAR = 30  # characters


def run(options: argparse.Namespace) -> int:
    if options.verb == "list":
        _list(as_json=options.json)
        return ExitCode.DONE
    model = next((model for model in MODELS if model.name == options.name), None)
    if model is None:
        known = ", ".join(model.name for model in MODELS)
        raise SettingsError(f"there is no model {options.name!r}; there are {known}")
    progress = _Progress(model)
    try:
        file = download(model, progress.show)
    except DownloadError as error:
        progress.end()
        say(str(error), "models")
        return ExitCode.NETWORK if error.retryable else ExitCode.FAILED
    progress.end()
    tell(f"use it: {PROGRAM} --model-file {shlex.quote(str(file))}")
    print_line(str(file))
    return ExitCode.DONE


def _list(*, as_json: bool) -> None:
    rows = [
        {
            "name": model.name,
            "state": _state(model),
            "bytes": model.size,
            "sha256": model.sha256,
            "about": model.about,
            "file": str(model.file),
        }
        for model in MODELS
    ]
    if as_json:
        print_json(rows)
        return
    for model, row in zip(MODELS, rows, strict=True):
        gigabytes = f"{model.size / 1e9:.1f} GB"
        print_line(f"{model.name:<14}  {gigabytes:>7}  {row['state']:<8}  {model.about}")


def _state(model: Model) -> str:
    if model.file.exists():
        return "here"
    return "begun" if model.part.exists() else "-"


class _Progress:
    """A bar on a terminal; elsewhere a line for every tenth."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._shown = -1

    def show(self, there: int) -> None:
        """Show how many bytes are there."""
        live = sys.stderr.isatty()
        percent = min(100, there * 100 // self._model.size)
        step = percent if live else percent // 10
        if step == self._shown:
            return
        self._shown = step
        amount = f"{there / 1e6:,.0f} of {self._model.size / 1e6:,.0f} MB"
        if live:
            bar = "#" * (percent * BAR // 100)
            tell(f"\r{self._model.name} [{bar:<{BAR}}] {percent:3} %  {amount}", end="")
        else:
            tell(f"{self._model.name}: {percent} %, {amount}")

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._shown >= 0 and sys.stderr.isatty():
            tell("")

"""The command line as people at a shell expect it: completion, man page, help, spelling, pipes."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import paths
from tui.cli import main
from tui.commands import ask, completion, output
from tui.commands.app import has_terminal
from tui.commands.exit_codes import ExitCode
from tui.commands.output import PROGRAM
from tui.commands.parser import EXAMPLES, parser
from tui.services import config_file

COMMANDS = [(" ".join(words), of) for words, of in completion.walk(parser())]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_completion(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    checked = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (["se"], {"sessions", "setup"}),
        (["sessions", "ex"], {"export"}),
        (["--provider", "emb"], {"embedded"}),
        (["sessions", "export", "--for"], {"--format"}),
        (["sessions", "export", "--format", "h"], {"html"}),
        (["completion", "f"], {"fish"}),
    ],
)
def test_bash_completes(line: list[str], offered: set[str], tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(completion._bash())
    words = " ".join(f"'{word}'" for word in [PROGRAM, *line])
    asked = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(line)}; "
        f'{completion.FUNCTION}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered


def test_the_man_page_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "man"]) == 0
    page = capsys.readouterr().out
    for command, _ in COMMANDS[1:]:
        assert f"\n.SS {command}\n" in page.replace("\\-", "-")


@pytest.mark.parametrize(("command", "of"), COMMANDS, ids=[name or "app" for name, _ in COMMANDS])
def test_every_option_is_explained_and_every_example_is_understood(
    command: str, of: object
) -> None:
    for example in EXAMPLES.get(command, ()):
        words = example.split(" > ")[0].split(" | ")[0]
        import shlex

        parser().parse_args(shlex.split(words))
    for action in of._actions:  # type: ignore[attr-defined]
        assert action.help or action.choices, (command, action.dest)


def test_every_command_has_examples() -> None:
    tops = {name for name, of in COMMANDS if " " not in name}
    assert tops - set(EXAMPLES) <= {"help"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("sesions", "sessions"), ("doktor", "doctor"), ("config shw", "show"), ("evla", "eval")],
)
def test_a_slip_of_the_finger_is_named(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed.split()) == ExitCode.USAGE
    assert f"did you mean '{meant}'?" in capsys.readouterr().err


def test_help_of_a_command_is_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "sessions", "export"]) == 0
    told = capsys.readouterr().out
    assert main(["sessions", "export", "--help"]) == 0
    assert capsys.readouterr().out == told


def test_ask_without_text_reads_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("/new\n"))
    assert ask.run(Namespace(text=None, deny=False, yes_destructive=False)) == ExitCode.USAGE
    assert "'/new' is a command" in capsys.readouterr().err


def test_a_setting_is_written_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "new" / "config.toml"
    monkeypatch.setattr(paths, "config_path", lambda: place)
    monkeypatch.setattr(config_file, "config_path", lambda: place)
    assert main(["config", "set", "router", "embedded"]) == 0
    assert config_file.read() == {"router": "embedded"}
    assert place.stat().st_mode & 0o777 == 0o600
    assert main(["config", "set", "router", ""]) == 0
    assert config_file.read() == {}
    assert main(["config", "set", "router", "banana"]) == ExitCode.USAGE
    assert main(["config", "set", "ruoter", "llm"]) == ExitCode.USAGE
    assert "did you mean 'router'?" in capsys.readouterr().err
    assert config_file.read() == {}


@given(st.lists(st.text("0123456789abcdef-", min_size=14, max_size=36), unique=True))
def test_short_ids_tell_all_apart(ids: list[str]) -> None:
    short = output.short_ids(ids)
    assert len(set(short)) == len(ids)
    assert all(id.startswith(one) for id, one in zip(ids, short, strict=True))


def test_the_help_of_a_subcommand_has_its_purpose_and_its_own_options() -> None:
    for command, of in COMMANDS[1:]:
        shown = of.format_help()
        assert of.description
        assert of.description.split()[0] in shown, command
        described = [line.strip() for line in shown.splitlines()]
        assert not any(line.startswith(("--db FILE", "--provider {")) for line in described)
        if command.split()[0] != "models":
            assert "Options of every command: --catalog, --db" in shown, command


def test_a_driver_that_is_named_takes_the_place_of_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    assert not has_terminal()
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert has_terminal()

"""`completion bash|zsh|fish|man`: what shells complete, and the man page, made of the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field

from tui.commands.argument_parser import EVERYWHERE, PROGRAM
from tui.commands.examples import EXAMPLES
from tui.commands.exit_codes import ExitCode
from tui.commands.output import write
from tui.commands.parser import parser

NOT_OWN = {"help", *EVERYWHERE}
FUNCTION = "_intentbot_tui"


@dataclass(frozen=True)
class Words:
    """What may follow a command: `command` are its words, `choices` and `options` with help."""

    command: tuple[str, ...]
    choices: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of some options
    takes_file: bool = False


def run(options: argparse.Namespace) -> int:
    made = {"bash": _bash, "zsh": _zsh, "fish": _fish, "man": _man}[options.shell]()
    write(made)
    return ExitCode.DONE


def walk(
    of: argparse.ArgumentParser, command: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield every command with its parser, the program itself first."""
    yield command, of
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from walk(inner, (*command, name))


def words() -> list[Words]:
    """Return what may follow each command."""
    return [_words(command, inner) for command, inner in walk(parser())]


def _words(command: tuple[str, ...], of: argparse.ArgumentParser) -> Words:
    found = Words(command)
    takes_file = False
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.choices.update({one.dest: one.help or "" for one in action._choices_actions})
        elif not action.option_strings:
            found.choices.update(dict.fromkeys(map(str, action.choices or ()), ""))
            takes_file = takes_file or action.metavar in ("FILE", "FOLDER", "TEXT")
        else:
            for name in action.option_strings:
                found.options[name] = action.help or ""
                if action.choices:
                    found.values[name] = tuple(map(str, action.choices))
                elif action.metavar in ("FILE", "DIR"):
                    found.values[name] = ()
    return Words(command, found.choices, found.options, found.values, takes_file)


def _bash() -> str:
    cases = []
    for one in words():
        offered = " ".join([*one.choices, *one.options])
        cases.append(f'    "{" ".join(one.command)}") offered="{offered}" ;;')
    values = {name: given for one in words() for name, given in one.values.items() if given}
    chosen = [
        f'    {name}) COMPREPLY=($(compgen -W "{" ".join(v)}" -- "${{word}}")); return ;;'
        for name, v in values.items()
    ]
    files = sorted({name for one in words() for name, given in one.values.items() if not given})
    nested = "|".join(dict.fromkeys(" ".join(one.command) for one in words() if one.command))
    return f"""# bash completion of {PROGRAM}: source it, or save it where bash-completion looks.
{FUNCTION}() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  local command="" offered="" one
  for one in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "${{command:+$command }}$one" in
    {_quoted(nested)}) command="${{command:+$command }}$one" ;;
    esac
  done
  case "${{before}}" in
{chr(10).join(chosen)}
    {"|".join(files)}) COMPREPLY=($(compgen -f -- "${{word}}")); return ;;
  esac
  case "${{command}}" in
{chr(10).join(cases)}
  esac
  COMPREPLY=($(compgen -W "${{offered}}" -- "${{word}}"))
}}
complete -o default -F {FUNCTION} {PROGRAM}
"""


def _quoted(patterns: str) -> str:
    return "|".join(f'"{one}"' for one in patterns.split("|"))


def _zsh() -> str:
    cases = []
    for one in words():
        offered = [*one.choices.items(), *one.options.items()]
        lines = " ".join(f"'{_zsh_text(name)}:{_zsh_text(said)}'" for name, said in offered)
        cases.append(f'    "{" ".join(one.command)}") offered=({lines}) ;;')
    nested = "|".join(" ".join(one.command) for one in words() if one.command)
    return f"""#compdef {PROGRAM}
# zsh completion of {PROGRAM}: save it as {FUNCTION} in a folder of $fpath.
{FUNCTION}() {{
  local command="" one
  local -a offered
  for one in "${{words[@]:1:$((CURRENT-2))}}"; do
    case "${{command:+$command }}$one" in
    {_quoted(nested)}) command="${{command:+$command }}$one" ;;
    esac
  done
  case "${{command}}" in
{chr(10).join(cases)}
  esac
  _describe '{PROGRAM}' offered || _files
}}
compdef {FUNCTION} {PROGRAM}
"""


def _zsh_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "'\\''").replace(":", "\\:")


def _fish() -> str:
    lines = [f"# fish completion of {PROGRAM}", f"complete -c {PROGRAM} -f"]
    for one in words():
        inner = " ".join(f"'{word}'" for word in one.choices)
        seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in one.command)
        if not one.command:
            seen = "__fish_use_subcommand"
        elif inner and not one.takes_file:
            seen += f"; and not __fish_seen_subcommand_from {inner}"
        start = f"complete -c {PROGRAM} -n '{_fish_text(seen)}'"
        lines += [
            f"{start} -a '{_fish_text(name)}' -d '{_fish_text(said)}'"
            for name, said in one.choices.items()
        ]
        for name, said in one.options.items():
            kind = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
            given = one.values.get(name)
            takes = "" if given is None else f" -xa '{' '.join(given)}'" if given else " -rF"
            lines.append(f"{start} {kind}{takes} -d '{_fish_text(said)}'")
    return "\n".join(lines) + "\n"


def _fish_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _man() -> str:
    of = parser()
    lines = [
        f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM}" "User Commands"',
        *(".SH NAME", _roff(f"{PROGRAM} - {of.description}")),
        *(".SH SYNOPSIS", f".B {_roff(PROGRAM)}", "[OPTIONS] [COMMAND]"),
        *(".SH OPTIONS", *_options(of)),
        ".SH COMMANDS",
    ]
    for command, inner in walk(of):
        if command:
            usage = " ".join(inner.format_usage().removeprefix("usage: ").split())
            lines += [f".SS {_roff(' '.join(command))}", _roff(usage), *_options(inner, own=True)]
    lines += [".SH EXAMPLES", ".nf"]
    lines += [_roff(f"{PROGRAM} {one}") for examples in EXAMPLES.values() for one in examples]
    return "\n".join([*lines, ".fi", ".SH NOTES", _roff(of.epilog or ""), ""])


def _options(of: argparse.ArgumentParser, *, own: bool = False) -> Iterator[str]:
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction) or (own and action.dest in NOT_OWN):
            continue
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        takes = f" {action.metavar or action.dest.upper()}" if action.option_strings else ""
        takes = "" if action.nargs == 0 else takes
        yield from (".TP", f".B {_roff(names + takes)}", _roff(action.help or ""))


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped

"""What may be typed after `intentbot-tui`. Each command is a module of `tui.commands`."""

from __future__ import annotations

import argparse
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from engine.settings import PROVIDERS
from tui.commands import output
from tui.commands.output import PROGRAM

STATES = (
    *("proposed", "approved", "started", "succeeded", "failed"),
    *("denied", "timed_out", "cancelled", "unknown"),
)

EVERYWHERE = ("catalog", "db", "provider", "model_file")  # options of every command
Commands = argparse._SubParsersAction  # argparse has no public name for it


EXAMPLES: dict[str, tuple[str, ...]] = {
    "": ("", "--continue", "ask 'how much money do I have?'", "setup", "demo tour"),
    "ask": (
        "ask 'top up 20 dollars' --yes",
        "ask --session 01a21fda-82b3 'and 10 more'",
        "ask --json 'pay my bill' | jq -r .kind",
    ),
    "sessions": ("sessions list -n 5", "sessions search invoice", "sessions export 01a21fda-82b3"),
    "sessions list": ("sessions list -n 5", "sessions list --json"),
    "sessions search": ("sessions search 'invoice OR bill'",),
    "sessions show": ("sessions show 01a21fda-82b3", "sessions show 01a21fda-82b3 --costs"),
    "sessions rename": ("sessions rename 01a21fda-82b3 'The trip to Spain'",),
    "sessions archive": ("sessions archive 01a21fda-82b3", "sessions archive 01a21fda-82b3 --undo"),
    "sessions delete": ("sessions delete 01a21fda-82b3",),
    "sessions export": ("sessions export 01a21fda-82b3 --format html -o session.html",),
    "sessions import": ("sessions import session.json --copy",),
    "actions": ("actions list --state unknown", "actions check 01a21fda-82b3"),
    "actions list": ("actions list --since 3d --tool pay_invoice", "actions list --csv"),
    "actions show": ("actions show 01a21fda-82b3",),
    "actions check": ("actions check 01a21fda-82b3",),
    "replay": ("replay 01a21fda-82b3",),
    "demo": ("demo", "demo tour", "demo tour --cast tour.cast"),
    "eval": ("eval --classification-only", "eval --gate intent=0.95 --junit report.xml"),
    "catalog": ("catalog list", "--catalog ./mine catalog check"),
    "catalog list": ("catalog list", "--catalog ./mine catalog list"),
    "catalog check": ("--catalog ./mine catalog check",),
    "catalog fit": ("catalog fit", "--catalog ./mine catalog fit --write"),
    "catalog learn": ("--catalog ./mine catalog learn --write",),
    "config": ("config show", "config set router llm", "config edit"),
    "config set": ("config set agent_model gpt-5.4-mini", 'config set router ""'),
    "setup": ("setup",),
    "doctor": ("doctor", "doctor --json"),
    "trust": ("trust", "trust --list"),
    "login": ("login https://example.com/mcp", "login https://example.com/mcp --remove"),
    "init": ("init", "init openapi.yaml", "init mcp.json tools.py --to mine --write"),
    "models": ("models list", "models get smollm2"),
    "models list": ("models list", "models list --json"),
    "models get": ("models get smollm2",),
    "completion": (
        "completion bash > ~/.local/share/bash-completion/completions/intentbot-tui",
        "completion fish > ~/.config/fish/completions/intentbot-tui.fish",
        "completion man > ~/.local/share/man/man1/intentbot-tui.1",
    ),
}
ENVIRONMENT = (
    "Environment: OPENAI_API_KEY, OPENAI_BASE_URL, AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, "
    "OPENAI_API_VERSION, INTENTBOT_AGENT_MODEL, INTENTBOT_CLASSIFIER_MODEL, INTENTBOT_ROUTER, "
    "INTENTBOT_PROVIDER, INTENTBOT_MODEL_FILE, INTENTBOT_CATALOG, INTENTBOT_DB, NO_COLOR."
)


class _Parser(argparse.ArgumentParser):
    """Prints what argparse has to say the way the commands do, and adds examples to the help.

    The help of a subcommand has its own options only, and names the others.
    """

    def format_help(self) -> str:
        whole = self.prog == PROGRAM
        own = [one for one in self._actions if whole or one.dest not in EVERYWHERE]
        shown = self._get_formatter()
        shown.add_usage(self.usage, own, self._mutually_exclusive_groups)
        shown.add_text(self.description)
        for group in self._action_groups:
            shown.start_section(group.title)
            shown.add_arguments([one for one in group._group_actions if one in own])
            shown.end_section()
        others = [one for one in self._actions if one not in own]
        names = ", ".join(name for one in others for name in one.option_strings)
        also = f"Options of every command: {names}; see {PROGRAM} --help." if names else ""
        shown.add_text(self.epilog or also)
        return shown.format_help() + self._examples()

    def _examples(self) -> str:
        examples = EXAMPLES.get(self.prog.removeprefix(PROGRAM).strip(), ())
        lines = [f"  {PROGRAM} {example}".rstrip() for example in examples]
        return "\n".join(["", "examples:", *lines, ""] if lines else [])

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and which word may have been meant."""
        found = re.search(r"invalid choice: '(.+)' \(choose from (.+)\)$", message)
        if found is not None:
            known = [word.strip(" '") for word in found[2].split(",")]
            if near := get_close_matches(found[1], known, n=1):
                before = message[: found.start()]
                message = f"{before}invalid choice: {found[1]!r}, did you mean {near[0]!r}?"
        super().error(message)

    def _print_message(self, message: str, file: object = None) -> None:
        if file is sys.stderr:
            output.tell(message, end="")
        else:
            output.write(message)


def parser() -> argparse.ArgumentParser:
    """Return the parser. The common options stand before or after the subcommand."""
    common = _common()
    main_parser: argparse.ArgumentParser = _Parser(
        prog=PROGRAM,
        parents=[common],
        description="An assistant in the terminal that performs real tasks. "
        "Without a subcommand the app opens.",
        epilog="Exit codes: 0 done, 1 the model or a tool failed, 2 usage or configuration, "
        "3 network, 4 limit or time-out, 5 approval needed and nobody to ask, 130 interrupted. "
        + ENVIRONMENT,
    )
    main_parser.add_argument("-V", "--version", action=_Version, nargs=0, help="show the version")
    which = main_parser.add_mutually_exclusive_group()
    which.add_argument(
        *("-c", "--continue"),
        dest="continue_last",
        action="store_true",
        help="continue the last session",
    )
    which.add_argument("-r", "--resume", metavar="ID", help="continue this session")
    _add_screen_options(main_parser)
    commands = main_parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_ask(commands, common)
    _add_sessions(commands, common)
    _add_actions(commands, common)
    _add_replay(commands, common)
    _add_demo(commands, common)
    _add_eval(commands, common)
    _add_catalog(commands, common)
    doctor = commands.add_parser(
        "doctor", parents=[common], help="check terminal, database, settings, model"
    )
    _json(doctor)
    commands.add_parser(
        "setup", parents=[common], help="choose what answers: offline, OpenAI, Azure, a server"
    )
    _add_config(commands, common)
    _add_trust(commands, common)
    login = commands.add_parser(
        "login", parents=[common], help="sign in to an MCP server that wants OAuth"
    )
    login.add_argument("address", metavar="URL", help="its address, as the catalogue has it")
    login.add_argument("--remove", action="store_true", help="forget the tokens again")
    _add_init(commands, common)
    _add_models(commands)
    completion = commands.add_parser(
        "completion", parents=[common], help="print a shell's completion, or the man page"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish", "man"))
    helped = commands.add_parser("help", parents=[common], help="show the help of a command")
    helped.add_argument("words", metavar="COMMAND", nargs="*", help="such as sessions list")
    _describe(main_parser)
    return main_parser


def _describe(of: argparse.ArgumentParser) -> None:
    """Let the help of each subcommand begin with what its command's help says of it."""
    for action in of._actions:
        if isinstance(action, Commands):
            for told in action._choices_actions:
                one, said = action.choices[told.dest], told.help or ""
                one.description = one.description or f"{said[:1].upper()}{said[1:]}."
                _describe(one)


def _add_init(commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    init = commands.add_parser(
        "init", parents=[common], help="make a catalogue of a document, an mcp.json or functions"
    )
    init.add_argument(
        "source",
        metavar="SOURCE",
        nargs="*",
        help="an OpenAPI document or its address, an mcp.json, a Python file; default: those here",
    )
    init.add_argument(
        "--to",
        type=Path,
        metavar="DIR",
        default=Path("catalogue"),
        help="the folder to make (default: catalogue)",
    )
    init.add_argument("--write", action="store_true", help="write the files that are shown")


def _add_models(commands: Commands[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="language models that run on this machine")
    verbs = models.add_subparsers(dest="verb", metavar="VERB", required=True)
    _json(verbs.add_parser("list", help="list the known models, and which are here"))
    get = verbs.add_parser("get", help="download a model, or resume a download")
    get.add_argument("name", metavar="NAME", help="as the list has it")


def _add_config(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    config = commands.add_parser("config", parents=[common], help="show and change the settings")
    verbs = config.add_subparsers(dest="verb", metavar="VERB", required=True)
    show = verbs.add_parser(
        "show", parents=[common], help="show the settings in force, and from where"
    )
    path = verbs.add_parser("path", parents=[common], help="print where config.toml is")
    keys = verbs.add_parser(
        "keys", parents=[common], help="list every command of the app and its keys"
    )
    for command in (show, path, keys):
        _json(command)
    change = verbs.add_parser("set", parents=[common], help="write a setting to config.toml")
    change.add_argument("name", metavar="NAME", help="such as router; config show lists them")
    change.add_argument("value", metavar="VALUE", help='an empty one, "", removes the setting')
    verbs.add_parser("edit", parents=[common], help="open config.toml in your $EDITOR")


def _add_trust(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    trust = commands.add_parser(
        "trust", parents=[common], help="let the .env of a folder name code, data and servers"
    )
    trust.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=Path, help="default: the working folder"
    )
    what = trust.add_mutually_exclusive_group()
    what.add_argument("--ignore", action="store_true", help="never use its .env, and do not ask")
    what.add_argument("--remove", action="store_true", help="forget what was decided of it")
    what.add_argument("--list", action="store_true", help="what was decided, newest first")
    _json(trust, "with --list: print one JSON array")


def _common() -> argparse.ArgumentParser:
    """Options of every command. Suppressed defaults let either place set them."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options of every command")
    group.add_argument(
        "--catalog",
        action=_Collect,
        metavar="PLACE",
        help="a catalogue's folder, an OpenAPI document (file or URL), an mcp.json or a Python "
        "file; given more than once, they are merged",
    )
    group.add_argument("--db", type=Path, metavar="FILE", help="where the history is kept")
    group.add_argument("--provider", choices=PROVIDERS, help="what answers (default: auto)")
    group.add_argument(
        "--model-file",
        type=Path,
        metavar="FILE",
        help="a language model on this machine (GGUF), which puts the offline answers into words",
    )
    return common


def _json(command: argparse._ActionsContainer, help: str = "print JSON") -> None:
    command.add_argument("--json", action="store_true", help=help)


def _add_screen_options(command: argparse.ArgumentParser) -> None:
    """Options of what opens the app."""
    command.add_argument("--theme", metavar="NAME", help="colours for this time, such as nord")
    command.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    command.add_argument(
        "--low-bandwidth", action="store_true", help="send less: for slow connections"
    )


def _add_ask(commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    ask = commands.add_parser("ask", parents=[common], help="send one message and print the reply")
    ask.add_argument(
        *("text",), metavar="TEXT", nargs="?", help="the message; without it, or -, standard input"
    )
    ask.add_argument("-s", "--session", metavar="ID", help="continue this session")
    _json(ask, "print the events, one JSON object per line")
    answer = ask.add_mutually_exclusive_group()
    answer.add_argument(
        *("-y", "--yes"), action="store_true", help="approve changes, except destructive ones"
    )
    answer.add_argument("--deny", action="store_true", help="deny every action that asks")
    # Not in the group: it may stand beside --yes.
    ask.add_argument(
        "--yes-destructive", action="store_true", help="approve changes, destructive ones, too"
    )


def _add_sessions(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    sessions = commands.add_parser("sessions", parents=[common], help="past sessions")
    verbs = sessions.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", parents=[common], help="list past sessions, newest first")
    listing.add_argument("--archived", action="store_true", help="those that were archived")
    found = verbs.add_parser(
        "search", parents=[common], help="find what was said or done, archived or not"
    )
    found.add_argument(
        "query", metavar="QUERY", help='words in any order, "a phrase", this OR that'
    )
    for command in (listing, found):
        _limit(command)
        _json(command, "print one JSON array")
    show = verbs.add_parser("show", parents=[common], help="show what was said and done")
    rename = verbs.add_parser("rename", parents=[common], help="give a session another title")
    archive = verbs.add_parser("archive", parents=[common], help="take a session out of the list")
    delete = verbs.add_parser("delete", parents=[common], help="remove a session for good")
    export = verbs.add_parser("export", parents=[common], help="write a session as a file")
    for command in (show, rename, archive, delete, export):
        command.add_argument("id", metavar="ID", help="a session's ID, or a unique prefix")
    show.add_argument(
        "--costs", action="store_true", help="what each request took, and what a flat prompt would"
    )
    form = show.add_mutually_exclusive_group()
    _json(form, "print its events as one JSON array; with --costs, the requests and their total")
    form.add_argument("--csv", action="store_true", help="print the costs, for spreadsheets")
    rename.add_argument("title", metavar="TITLE", help="the new title")
    archive.add_argument("--undo", action="store_true", help="put it back into the list")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    export.add_argument(
        "--format",
        choices=("markdown", "json", "html"),
        default="markdown",
        help="default: markdown; json can be imported",
    )
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write here, not to standard output"
    )
    load = verbs.add_parser(
        "import", parents=[common], help="import a session that was exported as JSON"
    )
    load.add_argument("file", type=Path, metavar="FILE", help="or - for standard input")
    load.add_argument("--copy", action="store_true", help="under a new id")


def _limit(command: argparse.ArgumentParser) -> None:
    command.add_argument("-n", "--limit", type=_count, metavar="N", help="the newest N")


def _add_actions(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    actions = commands.add_parser("actions", parents=[common], help="what was executed")
    verbs = actions.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser(
        "list", parents=[common], help="list what was executed, newest first"
    )
    listing.add_argument("--session", metavar="ID", help="of this session only")
    listing.add_argument("--intent", metavar="NAME", help="of this intent only")
    listing.add_argument("--tool", metavar="NAME", help="of this tool only")
    listing.add_argument("--state", choices=STATES, metavar="STATE", help=" | ".join(STATES))
    listing.add_argument("--search", metavar="WORDS", help="with this in arguments or result")
    for option, meaning in (("--since", "not before"), ("--until", "before")):
        listing.add_argument(
            option, type=_moment, metavar="WHEN", help=f"{meaning} 30m, 2h, 3d ago, or a date"
        )
    _limit(listing)
    form = listing.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON array")
    form.add_argument("--csv", action="store_true", help="print a table for spreadsheets")
    for verb, purpose in (
        ("show", "show one action"),
        ("check", "ask the back end what became of an unknown action, without repeating it"),
    ):
        one = verbs.add_parser(verb, parents=[common], help=purpose)
        one.add_argument("id", metavar="ID", help="an action's ID, or a unique prefix")
        _json(one, "print the action as JSON")


def _moment(typed: str) -> str:
    from tui.formatting.time import parse_time

    try:
        return parse_time(typed)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_replay(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    replay = commands.add_parser(
        "replay", parents=[common], help="play a recorded session; nothing is executed"
    )
    replay.add_argument("id", metavar="SESSION", help="a session's ID, or a unique prefix")
    _add_screen_options(replay)


def _add_demo(commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    demo = commands.add_parser("demo", parents=[common], help="run a scripted demo")
    demo.add_argument(
        "name", metavar="NAME", nargs="?", help="a demo, or a script's file; without it, a list"
    )
    demo.add_argument(
        "--record", metavar="SESSION", help="print a script made of this session instead"
    )
    demo.add_argument(
        "--cast", type=Path, metavar="FILE", help="record what is shown, as asciicast v2"
    )
    _json(demo, "print the list of demos as one JSON array")
    _add_screen_options(demo)


def _add_eval(commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    evaluation = commands.add_parser(
        "eval", parents=[common], help="test a catalogue with its evaluation sets"
    )
    _json(evaluation, "print the report as one JSON object")
    rows = evaluation.add_argument_group("which messages")
    rows.add_argument(
        "--intent", action="append", metavar="NAME", help="only those of this intent; repeatable"
    )
    rows.add_argument(
        "--data",
        action="append",
        type=Path,
        metavar="FILE",
        help="this set instead of the catalogue's own; repeatable",
    )
    rows.add_argument("--from-corrections", action="store_true", help="what people corrected")
    rows.add_argument("--limit", type=_count, metavar="N", help="sample at most N messages")
    evaluation.add_argument(
        "--classification-only", action="store_true", help="route only; leave the tools out"
    )
    evaluation.add_argument(
        "--parallel",
        type=_count,
        metavar="N",
        help="run N in parallel (default: 4, or 1 with the offline models)",
    )
    evaluation.add_argument(
        "--resume",
        nargs="?",
        const="last",
        metavar="RUN",
        help="resume an interrupted run, this or the newest that fits; what was paid for is not "
        "repeated",
    )
    evaluation.add_argument(
        "--baseline", metavar="RUN", help="compare with this run, or with the last"
    )
    evaluation.add_argument(
        "--gate",
        action="append",
        metavar="NAME=SHARE",
        help="exit with 1 if less is reached: intent=0.95, tools=0.9, out_of_scope=0.8, "
        "f1.INTENT=0.9, ...; repeatable",
    )
    evaluation.add_argument("--markdown", metavar="FILE", help="write Markdown; - prints it")
    evaluation.add_argument("--junit", metavar="FILE", help="write JUnit XML, for CI; - prints it")
    evaluation.add_argument("--runs", action="store_true", help="list the runs, newest first")


def _add_catalog(
    commands: Commands[argparse.ArgumentParser], common: argparse.ArgumentParser
) -> None:
    catalog = commands.add_parser("catalog", parents=[common], help="what the assistant can do")
    verbs = catalog.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, purpose in (
        ("list", "intents and their tools"),
        ("check", "find faults in a catalogue; exit code 2 where there are errors"),
    ):
        _json(verbs.add_parser(verb, parents=[common], help=purpose))
    fit = verbs.add_parser(
        "fit", parents=[common], help="choose the thresholds on the evaluation set; shows a diff"
    )
    fit.add_argument(
        "--data", action="append", type=Path, metavar="FILE", help="on this set; repeatable"
    )
    fit.add_argument("--write", action="store_true", help="change catalog.toml")
    _json(fit)
    learn = verbs.add_parser(
        "learn", parents=[common], help="what people corrected, for the intents' files; as a diff"
    )
    learn.add_argument("--write", action="store_true", help="change the files")


def _count(text: str) -> int:
    """Return the number of an option that counts things: one or more."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


class _Collect(argparse.Action):
    """`append` for an option that may stand before and after the subcommand.

    argparse reads the subcommand's options into a namespace of their own and copies that over the
    first one, so `append` would lose what stood before. A parser is made for each command line.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: Any,
        option_string: str | None = None,
    ) -> None:
        self.const = [*(self.const or []), value]
        setattr(namespace, self.dest, self.const)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from importlib.metadata import version

        parser._print_message(f"{PROGRAM} {version(PROGRAM)}\n", sys.stdout)
        parser.exit()

"""What may be typed after `intentbot-tui`. Each command is a module of `tui.commands`."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.settings import PROVIDERS
from tui.commands.argument_parser import (
    PROGRAM,
    ArgumentParser,
    Collect,
    Version,
    count,
    moment,
)

STATES = (
    *("proposed", "approved", "started", "succeeded", "failed"),
    *("denied", "timed_out", "cancelled", "unknown"),
)

Commands = argparse._SubParsersAction  # argparse has no public name for it


ENVIRONMENT = (
    "Environment: OPENAI_API_KEY, OPENAI_BASE_URL, AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, "
    "OPENAI_API_VERSION, INTENTBOT_AGENT_MODEL, INTENTBOT_CLASSIFIER_MODEL, INTENTBOT_ROUTER, "
    "INTENTBOT_PROVIDER, INTENTBOT_MODEL_FILE, INTENTBOT_CATALOG, INTENTBOT_DB, NO_COLOR."
)


def parser() -> argparse.ArgumentParser:
    """Return the parser. The common options stand before or after the subcommand."""
    common = _common()
    main_parser: argparse.ArgumentParser = ArgumentParser(
        prog=PROGRAM,
        parents=[common],
        description="An assistant in the terminal that performs real tasks. "
        "Without a subcommand the app opens.",
        epilog="Exit codes: 0 done, 1 the model or a tool failed, 2 usage or configuration, "
        "3 network, 4 limit or time-out, 5 approval needed and nobody to ask, 130 interrupted. "
        + ENVIRONMENT,
    )
    main_parser.add_argument("-V", "--version", action=Version, nargs=0, help="show the version")
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
        action=Collect,
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
    command.add_argument("-n", "--limit", type=count, metavar="N", help="the newest N")


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
            option, type=moment, metavar="WHEN", help=f"{meaning} 30m, 2h, 3d ago, or a date"
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
    rows.add_argument("--limit", type=count, metavar="N", help="sample at most N messages")
    evaluation.add_argument(
        "--classification-only", action="store_true", help="route only; leave the tools out"
    )
    evaluation.add_argument(
        "--parallel",
        type=count,
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
    made = verbs.add_parser(
        "generate",
        parents=[common],
        help="phrases, questions and summaries that a catalogue lacks, by the model; as a diff",
    )
    made.add_argument("--rules", action="store_true", help="by names and descriptions alone")
    made.add_argument("--yes", action="store_true", help="make the requests without asking")
    made.add_argument("--write", action="store_true", help="change the files")

"""`catalog list|check|fit|learn|generate`: what the assistant can do, its faults, improving it."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue, Intent
from engine.settings import Settings
from tui.commands.catalog_fit import fit_thresholds
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_headings, print_json, print_line, say, talk_aside, tell
from tui.formatting.text import one_line, sanitize
from tui.formatting.values import count
from tui.services.runtime import load_settings_aloud, log_to_file


def run(options: argparse.Namespace) -> int:
    settings = load_settings_aloud(options)
    log_to_file(settings)
    if options.verb == "check":
        return _check(settings, as_json=options.json)
    if options.verb == "learn":
        from tui.commands.catalog_learn import learn

        return learn(settings, write=options.write)
    if options.verb == "generate":
        from tui.commands.catalog_generate import generate_wording

        return generate_wording(
            settings, rules=options.rules, sure=options.yes, write=options.write
        )
    if options.verb == "fit":
        return fit_thresholds(settings, options)
    with talk_aside():
        catalogue = catalogues.load(*settings.catalogues)
    asyncio.run(catalogue.close())
    for problem in catalogue.problems:
        say(problem)
    if options.json:
        print_json([_shown(i) for i in catalogue.intents.values()])
    else:
        _print(catalogue)
    return ExitCode.DONE


def _shown(intent: Intent) -> dict[str, Any]:
    return {
        "key": intent.key,
        "title": intent.title,
        "description": intent.description,
        "source": intent.source,
        "examples": sum(map(len, intent.examples.values())),
        "tools": [
            {
                "name": tool.name,
                "effect": tool.effect,
                "description": tool.detail or tool.description,
                "parameters": tool.parameters,
            }
            for tool in intent.tools
        ],
    }


def _print(catalogue: Catalogue) -> None:
    width = max((len(tool.name) for tool in catalogue.tools), default=0)
    print_headings(f"{'INTENT / TOOL':<{width + 2}}  {'EFFECT':<11}  DESCRIPTION")
    for intent in catalogue.intents.values():
        count = sum(map(len, intent.examples.values()))
        print_line(f"{sanitize(intent.key)}: {one_line(intent.description, 90)} ({count} examples)")
        for tool in intent.tools:
            does = one_line(tool.description, 70)
            print_line(f"  {sanitize(tool.name):<{width}}  {tool.effect:<11}  {does}")


def _check(settings: Settings, *, as_json: bool) -> int:
    from engine.chat_model import ModelError
    from engine.lint import lint
    from engine.lint.confusion import confused

    places: Sequence[Path | str] = settings.catalogues or (catalogues.BUILT_IN,)
    with talk_aside():
        findings, folders = lint(places)
    note = ""
    try:
        findings = sorted({*findings, *asyncio.run(confused(folders))})
    except ModelError as error:
        note = f"the classifier did not try the examples: {error}"
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print_line(str(finding).replace("\n", " "))
    counts = Counter(finding.severity for finding in findings)
    if note:
        say(note)
    intents = sum(len(folder.intents) for folder in folders)
    tools = sum(len({t.name for seen in f.intents for t in seen.intent.tools}) for f in folders)
    numbers = {"intent": intents, "tool": tools, **{s: counts[s] for s in ("error", "warning")}}
    told = [count(number, name) for name, number in numbers.items()]
    tell(f"{', '.join(told[:2])}: {', '.join(told[2:])}")
    return ExitCode.USAGE if counts["error"] else ExitCode.DONE

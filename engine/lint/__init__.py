"""Finds what is wrong or weak in catalogues, with file and line.

finding.py       what is found
positions.py     where in a TOML file a value stands
folder.py        one folder read as far as it can be
phrases.py       examples: overlaps, repetitions, too few
offers.py        intents and their tools
rows.py          evaluation sets and demos
descriptions.py  descriptions that another intent has, or that do not fit the examples
confusion.py     examples that the offline classifier gives to another intent
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.lint import datasets, descriptions, examples, tools
from engine.lint.finding import Finding
from engine.lint.reader import LintContext, catalogue_of, read


def lint(places: Sequence[Path | str]) -> tuple[list[Finding], list[LintContext]]:
    """Return the findings in the catalogues of these places, sorted, and what could be read of
    them.

    Runs `tools.py`, opens documents and starts servers, as loading does.
    """
    folders = [read(place) for place in places]
    findings = [finding for folder in folders for finding in folder.findings]
    for folder in folders:
        findings += tools.findings(folder)
        findings += datasets.findings(folder)
    intents = catalogue_of(folders)[1]
    findings += examples.findings(intents)
    findings += descriptions.repeated(intents)
    return sorted(set(findings)), folders

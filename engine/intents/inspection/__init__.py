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

from engine.intents.inspection import descriptions, offers, phrases, rows
from engine.intents.inspection.finding import Finding
from engine.intents.inspection.folder import Inspected, catalogue_of, read


def inspect(places: Sequence[Path | str]) -> tuple[list[Finding], list[Inspected]]:
    """The findings in the catalogues of these places, sorted, and what could be read of them.

    Runs `tools.py`, opens documents and starts servers, as loading does.
    """
    folders = [read(place) for place in places]
    findings = [finding for folder in folders for finding in folder.findings]
    for folder in folders:
        findings += offers.findings(folder)
        findings += rows.findings(folder)
    intents = catalogue_of(folders)[1]
    findings += phrases.findings(intents)
    findings += descriptions.repeated(intents)
    return sorted(set(findings)), folders

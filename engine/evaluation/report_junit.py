"""A report as JUnit XML, which CI servers show as tests: a suite an intent, a case a row.

The format is nobody's standard; this keeps to what Jenkins' and Ant's schema have in common:
https://github.com/windyroad/JUnit-Schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from engine.evaluation.dataset import Row
from engine.evaluation.gates import Verdict
from engine.evaluation.metrics import Miss, Report
from engine.evaluation.result import RowResult

# What XML 1.0 cannot hold, even escaped: https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml(
    report: Report, results: Iterable[tuple[Row, RowResult]], gates: Iterable[Verdict] = ()
) -> str:
    """Return the XML text.

    A row that is wrong is a failure, one never answered an error; so is a gate.

    `results` are those that the report is about.
    """
    missed: dict[int, Miss] = {}
    for found in (*report.misses, *report.failed):
        missed.setdefault(found.number, found)
    suites: dict[str, list[tuple[int, Row, RowResult]]] = {}
    for number, (row, outcome) in enumerate(results):
        if outcome.state == "begun":
            continue
        suites.setdefault(row.expected, []).append((number, row, outcome))
    root = ElementTree.Element("testsuites", name="intentbot-tui eval")
    for name, rows in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(name))
        for number, row, outcome in rows:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                classname=_clean(name),
                name=_clean(row.text),
                time=f"{outcome.spent.seconds:.3f}",
            )
            if miss := missed.get(number):
                tag = "error" if miss.kind == "error" else "failure"
                said = f"expected {miss.expected}, got {miss.got} ({row.where})"
                fault = ElementTree.SubElement(case, tag, type=miss.kind, message=_clean(said))
                fault.text = _clean(said)
        _count(suite)
    verdicts = list(gates)
    if verdicts:
        suite = ElementTree.SubElement(root, "testsuite", name="gates")
        for verdict in verdicts:
            gate = verdict.gate
            case = ElementTree.SubElement(
                suite, "testcase", classname="gates", name=f"{gate.name}={gate.least:g}", time="0"
            )
            if not verdict.passed:
                reached = "unknown" if verdict.reached is None else f"{verdict.reached:.4f}"
                ElementTree.SubElement(case, "failure", type="gate", message=f"reached {reached}")
        _count(suite)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _count(suite: ElementTree.Element) -> None:
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in suite):.3f}")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)

"""A report as it is printed on a terminal: tables in the terminal's own colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from engine.evaluation import report as reports
from engine.evaluation.compare import Comparison
from engine.evaluation.description_test import DescriptionScore
from engine.evaluation.gates import Verdict
from engine.evaluation.metrics import Miss, PerIntent, Report
from engine.evaluation.report_markdown import percent
from tui.formatting.text import one_line
from tui.formatting.values import count, spent

# Of a long list, unless everything is asked for: intents, pairs, messages of a pair, other misses.
INTENTS, PAIRS, MESSAGES, OTHERS = 40, 10, 4, 10
ALL = 1_000_000
WEAK, FAIR = 0.8, 0.9  # F1 that is red, that is yellow
# One wording wherever the same is said.
GIVEN, RIGHT_OF_GIVEN = "coverage", "right where covered"
EXPLAINED = """\
precision: of the messages given the intent, those that are its own
recall: of its own, those that were given it; F1: both in one figure"""
DESCRIBED = "described: of its own, those to which its description is the nearest"


@dataclass(frozen=True)
class EvalReport:
    """What is to be told about a run. `whole`: every miss instead of the first few."""

    report: Report
    title: str
    subtitle: str
    gates: Sequence[Verdict] = ()
    comparison: Comparison | None = None
    whole: bool = False

    def print(self, console: Console) -> None:
        """Print it, as wide as the console is."""
        console.print(Text(one_line(self.title), "bold"))
        console.print(Text(one_line(self.subtitle), "dim"))
        console.print()
        console.print(self._summary())
        if self.report.classification.per_intent:
            _block(console, self._intents())
            console.print(Text(EXPLAINED, "dim"))
            if self.report.described:
                console.print(Text(DESCRIBED, "dim"))
        if self.report.classification.tasks > 1:
            _block(console, self._curve())
        console.print()
        self._misses(console)
        if self.comparison is not None:
            self._against(console, self.comparison)
        if self.gates:
            console.print(self._gates())
            console.print()

    def _summary(self) -> Table:
        found, tools = self.report.classification, self.report.tools
        table = Table.grid(padding=(0, 2))
        lines = [
            ("right intent", found.accuracy, f"of {count(found.tasks, 'task')}"),
            (GIVEN, found.coverage, "of the tasks, an intent was found"),
            (RIGHT_OF_GIVEN, found.covered_accuracy, "of those tasks"),
            ("out of scope refused", found.out_of_scope_recall, "of what no intent covers"),
            ("small talk kept apart", found.small_talk_recall, "given no intent"),
            ("mean F1", found.macro_f1, "of all intents: macro F1"),
        ]
        if tools is not None:
            lines += [
                ("right tool", tools.name_accuracy, f"of {tools.rows:,} with a tool"),
                ("arguments exact", tools.argument_accuracy, "of those with arguments"),
                ("  told the right intent", tools.given_name_accuracy, "right tool"),
                ("", tools.given_argument_accuracy, "arguments exact"),
                (
                    "asked what was missing",
                    tools.asked_when_missing,
                    f"of {tools.missing_rows:,} that lack a value",
                ),
                (
                    "unwanted changes",
                    tools.unwanted_changes.share,
                    f"of {tools.unwanted_changes.rows:,} that ask for none",
                ),
            ]
        for name, share, note in lines:
            if share is not None:
                table.add_row(
                    Text(name), Text(percent(share), "bold", justify="right"), Text(note, "dim")
                )
        bill = self.report.spent
        tokens = f"{bill.input_tokens:,} in, {bill.output_tokens:,} out"
        flat = f"flat prompts: {bill.flat_input_tokens:,} in"
        table.add_row(Text("tokens"), Text(tokens, justify="right"), Text(flat, "dim"))
        cost = spent(bill).removeprefix("cost ")
        # What is known in part takes more room than a figure has.
        figure, note = ("", cost) if bill.unpriced else (cost, "")
        table.add_row(Text("cost"), Text(figure, justify="right"), Text(note))
        return table

    def _intents(self) -> Table:
        numbers = self.report.classification.per_intent
        cut = not self.whole and len(numbers) > INTENTS
        shown = list(numbers)
        title = ""
        if cut:
            shown = sorted(numbers, key=lambda key: (numbers[key].f1 or 0.0, key))[:INTENTS]
            title = f"the {INTENTS} weakest of {len(numbers)} intents"
        table = _table(title, "intent", "precision", "recall", "F1", "rows")
        was = self.comparison.f1 if self.comparison else {}
        if was:
            table.add_column("F1 before", justify="right")
        described = self.report.described.shares if self.report.described else {}
        if described:
            table.add_column("described", justify="right")
        for key in shown:
            cells = _cells(key, numbers[key])
            if described:
                cells.append(Text(percent(described.get(key))))
            if was:
                cells.append(_change(*was[key]) if key in was else Text("–", "dim"))
            table.add_row(*cells)
        return table

    def _curve(self) -> Table:
        title = "if only what the router is this sure of were done"
        heads = ("confidence", GIVEN, RIGHT_OF_GIVEN, "out of scope refused")
        table = _table(title, *heads, justify="right")
        before = None
        for point in self.report.classification.curve:
            shown = (point.coverage, point.accuracy, point.out_of_scope_recall)
            if shown != before:
                table.add_row(f"≥ {point.threshold:g}", *map(percent, shown))
            before = shown
        return table

    def _misses(self, console: Console) -> None:
        pairs = reports.confusions(self.report)
        if pairs:
            head = Text.assemble(
                ("taken for something else", "bold"), ("  confidence, message", "dim")
            )
            console.print(head)
        for expected, got, misses in pairs[: ALL if self.whole else PAIRS]:
            pair = Text.assemble(
                (one_line(expected), "green"), " → ", (one_line(got), "red"), f"  {len(misses)}"
            )
            console.print(_indented(pair, 2))
            self._list(console, misses, MESSAGES, lambda miss: "")
        _more(console, len(pairs), ALL if self.whole else PAIRS, "pair")
        for kind, title in (
            ("route", "another route"),
            ("tool", "another tool, though told the right intent"),
            ("arguments", "other arguments"),
            ("question", "no question for what was missing"),
            ("change", "a change that nobody asked for"),
            ("error", "errors"),
        ):
            misses = [miss for miss in self.report.misses if miss.kind == kind]
            if misses:
                console.print(Text(title, "bold"))
                self._list(console, misses, OTHERS, _told)
        if self.report.failed:
            console.print(Text("never answered", "bold"))
            self._list(console, self.report.failed, OTHERS, _told)
        if pairs or self.report.misses or self.report.failed:
            console.print()
        self._strays(console)

    def _strays(self, console: Console) -> None:
        """The messages that another description fits better, of intents that miss the gate."""
        least = max((v.gate.least for v in self.gates if v.gate.name == "described"), default=0.0)
        found = self.report.described or DescriptionScore()
        for key in (key for key, share in found.shares.items() if share < least):
            title = f"nearer to another description than that of {one_line(key)}"
            console.print(Text(title, "bold"))
            limit = ALL if self.whole else OTHERS
            for row, nearest in found.strays[key][:limit]:
                line = Text.assemble(one_line(row.text, 300), (f"  {one_line(nearest)}", "dim"))
                console.print(_indented(line, 4))
            _more(console, len(found.strays[key]), limit, "message")
            console.print()

    def _list(
        self, console: Console, misses: Sequence[Miss], limit: int, told: Callable[[Miss], str]
    ) -> None:
        limit = ALL if self.whole else limit
        for miss in misses[:limit]:
            sure = miss.outcome.confidence
            known = "    " if sure is None else f"{sure:.2f}"
            line = Text.assemble(
                (known, "dim"), "  ", one_line(miss.row.text, 300), (told(miss), "dim")
            )
            console.print(_indented(line, 4))
        _more(console, len(misses), limit, "message")

    def _against(self, console: Console, found: Comparison) -> None:
        console.print(Text(f"against the baseline, {count(found.rows, 'message')} in both", "bold"))
        old, new = found.before.classification, found.after.classification
        console.print(
            f"    right intent {percent(old.accuracy)} → {percent(new.accuracy)}, out of scope "
            f"refused {percent(old.out_of_scope_recall)} → {percent(new.out_of_scope_recall)}"
        )
        for title, style, misses in (
            ("newly wrong", "red", found.newly_wrong),
            ("newly right", "green", found.newly_right),
        ):
            console.print(_indented(Text(f"{title}: {len(misses)}", style), 2))
            self._list(console, misses, OTHERS, _told)
        console.print()

    def _gates(self) -> Table:
        table = _table("gates", "gate", "least", "reached", "")
        for verdict in self.gates:
            mark = Text("passed", "green") if verdict.passed else Text("missed", "bold red")
            gate = verdict.gate
            table.add_row(
                Text(one_line(gate.name)),
                f"{'≤ ' if gate.at_most else ''}{percent(gate.least)}",
                percent(verdict.reached),
                mark,
            )
        return table


def _told(miss: Miss) -> str:
    return f"  expected {one_line(miss.expected)}, got {one_line(miss.got)}"


def _cells(key: str, numbers: PerIntent) -> list[Text]:
    # Of an intent without a message nothing is known but what was wrongly given it.
    recall, f1 = (numbers.recall, numbers.f1) if numbers.support else (None, None)
    sure = 1.0 if f1 is None else f1
    style = "red" if sure < WEAK else "yellow" if sure < FAIR else ""
    return [
        Text(one_line(key), style),
        Text(percent(numbers.precision)),
        Text(percent(recall)),
        Text(percent(f1), style),
        Text(str(numbers.support)),
    ]


def _change(old: float, new: float) -> Text:
    """Return the earlier F1 and how far it has moved."""
    moved = round(100 * (new - old), 1)
    style = "green" if moved > 0 else "red" if moved < 0 else "dim"
    return Text(f"{percent(old)} {moved:+.1f}" if moved else percent(old), style)


def _table(title: str, *heads: str, justify: str = "") -> Table:
    table = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=title or None,
        title_justify="left",
        title_style="bold",
    )
    for number, head in enumerate(heads):
        table.add_column(
            Text(head), justify="right" if number or justify else "left", overflow="fold"
        )
    return table


def _block(console: Console, table: Table) -> None:
    console.print()
    console.print(table)


def _more(console: Console, total: int, shown: int, what: str) -> None:
    if total > shown:
        console.print(_indented(Text(f"… and {count(total - shown, f'more {what}')}", "dim"), 4))


def _indented(text: Text, by: int) -> Padding:
    return Padding(text, (0, 0, 0, by), expand=False)


def list_phrase(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a plain listing; what its first column says can always be copied."""
    table = _table("", *heads)
    for column in table.columns:
        column.justify = "left"
    table.columns[0].no_wrap = True
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console.print(table)

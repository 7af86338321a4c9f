"""What the files of a catalogue do not say yet, and what rules can say in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from engine.intents.catalogue_schema import IntentFile, SourceFile, read_intent, read_toml
from engine.intents.intent import Catalogue, Intent
from engine.tools.call_summary import summary_values
from engine.tools.tool import Tool


@dataclass
class Wording:
    """What to add to one intent's file; empty where there is nothing to add.

    `examples`, `summaries` and `questions` are by tool, a tool's questions by parameter.
    """

    title: str = ""
    description: str = ""
    counter_examples: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    questions: dict[str, dict[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(vars(self).values())


@dataclass(frozen=True)
class IntentGap:
    """A file of a catalogue, the intents that it brings, and what it has."""

    path: Path
    data: IntentFile | SourceFile
    intents: tuple[Intent, ...]

    @property
    def tools(self) -> dict[str, Intent]:
        """The intent of each tool, by the tool's name."""
        return {tool.name: intent for intent in self.intents for tool in intent.tools}

    def lacks_examples(self, tool: Tool) -> bool:
        """Whether phrases for the tool can be added: none are there, and the file divides them."""
        divided = isinstance(self.data.examples, dict) or not self.data.examples
        return divided and not self.data.phrases.get(tool.name)

    def lacks_summary(self, tool: Tool) -> bool:
        """Whether the person is asked about a change in words that nobody wrote."""
        theirs = isinstance(self.data, IntentFile) and tool.summary
        return tool.effect != "read" and tool.name not in self.data.summaries and not theirs

    def lacking_questions(self, tool: Tool) -> list[str]:
        """The required parameters that are asked for in words that nobody wrote."""
        asked = self.data.questions.get(tool.name, {})
        theirs = tool.questions if isinstance(self.data, IntentFile) else {}
        return [name for name in tool.required if name not in asked and name not in theirs]

    def lacks_anything(self, tool: Tool) -> bool:
        """Whether any of these is missing for a tool."""
        lacks = self.lacks_examples(tool) or self.lacks_summary(tool)
        return lacks or bool(self.lacking_questions(tool))


def gaps(catalogue: Catalogue) -> list[IntentGap]:
    """The files of a catalogue that is one folder, each with the intents that come from it.

    Raises `CatalogueError` where a file cannot be read.
    """
    files = {
        path.stem: (path, read_intent(path, read_toml(path)))
        for folder in catalogue.folders
        for path in sorted((folder.path / "intents").glob("*.toml"))
    }
    own: dict[str, list[Intent]] = {stem: [] for stem in files}
    for key, intent in catalogue.intents.items():
        # The groups of a large source have its key and their topic.
        homes = [s for s in files if key == s or key.startswith(f"{s}_")]
        if homes:
            own[max(homes, key=len)].append(intent)
    return [IntentGap(*files[stem], tuple(intents)) for stem, intents in own.items() if intents]


def by_rules(gap: IntentGap) -> Wording:
    """What names, descriptions and parameters tell of a file's tools."""
    made = Wording()
    for intent in gap.intents:
        for tool in intent.tools:
            phrases = intent.examples.get(tool.name, ())
            if gap.lacks_examples(tool) and phrases:
                made.examples[tool.name] = list(phrases)
            if gap.lacks_summary(tool):
                made.summaries[tool.name] = plain_summary(tool)
            if names := gap.lacking_questions(tool):
                made.questions[tool.name] = {name: tool.question((name,)) for name in names}
    return made


def plain_summary(tool: Tool) -> str:
    """The template that the tool has, or one of its name and its parameters."""
    if tool.summary:
        return tool.summary
    said = tool.name.replace("_", " ").replace("{", "").replace("}", "")
    return said.capitalize() + summary_values(tool.parameters, ": ")

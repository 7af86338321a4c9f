"""Every command of the app, once: bindings, footer, help and palette all read this list.

Keys that terminals swallow or change are left out: ctrl+h, i, m and [ are other keys on the
wire, alt+enter arrives as enter, ctrl+enter and ctrl+tab never arrive, ctrl+a and ctrl+b belong
to screen and tmux.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding, BindingType

Context = Literal[
    "anywhere",
    "panes",
    "chat",
    "prompt",
    "transcript",
    "find",
    "actions",
    "approval",
    "arguments",
    "sessions",
    "question",
    "written",
    "correction",
    "executed",
    "costs",
    "catalogue",
    "evaluations",
    "run",
    "matrix",
    "playback",
    "demo",
]

PLACES: dict[Context, str] = {
    "prompt": "While writing",
    "chat": "In the chat",
    "panes": "In every pane",
    "transcript": "In the transcript (letters act once an entry is marked; before that they type)",
    "find": "While finding",
    "actions": "In the tool-call log",
    "approval": "When asked for approval",
    "arguments": "While changing the arguments of a call",
    "sessions": "In the list of sessions",
    "question": "When asked a question",
    "written": "In the list of what you wrote",
    "correction": "When correcting an intent",
    "executed": "In the list of actions",
    "costs": "In the costs",
    "catalogue": "In the catalogue",
    "evaluations": "In the list of evaluation runs",
    "run": "In an evaluation run",
    "matrix": "In its confusion matrix",
    "playback": "In a recorded session",
    "demo": "In a demo",
    "anywhere": "Anywhere",
}
CHAT_PLACES: tuple[Context, ...] = (
    "chat",
    "panes",
    "anywhere",
    "prompt",
    "transcript",
    "actions",
)


@dataclass(frozen=True)
class Command:
    """One thing a key does.

    `name` is the Textual action, `title` a word or two for the footer, which shows it if
    `footer`. With `priority` the key is never left to the widget that has the focus.
    """

    place: Context
    name: str
    keys: str
    title: str
    help: str
    footer: bool = False
    priority: bool = False

    @property
    def id(self) -> str:
        return f"{self.place}.{self.name}"

    @property
    def in_palette(self) -> bool:
        """Whether it makes sense without the key: a step of a cursor does not."""
        return self.name.split("(")[0] not in _STEPS

    @property
    def shown_keys(self) -> str:
        return " / ".join(_shown(key) for key in self.keys.split(","))

    @property
    def is_letter(self) -> bool:
        """Whether it has no key but such as would be text where one writes."""
        return all(len(key) == 1 or key == "space" for key in self.keys.split(","))

    @property
    def footer_key(self) -> str:
        return _shown(self.keys.split(",")[0]).replace("ctrl+", "^")


# Actions that move something by one, or that the key itself is the sense of.
_STEPS = {
    *("move", "step", "switch", "choose", "back", "forward", "send", "newline", "first", "last"),
    *(
        "page",
        "line",
        "edge",
        "focus_next",
        "focus_previous",
        "expand",
        "select",
        "command_palette",
    ),
}
_CHECK = "Ask the back end what became of an unknown call"

COMMANDS: tuple[Command, ...] = (
    Command(
        "prompt", "send", "enter", "send", "Send the message; during a turn it waits", footer=True
    ),
    Command(
        "prompt", "newline", "ctrl+j,shift+enter", "newline", "Begin a new line (also \\ enter)"
    ),
    Command("prompt", "edit", "ctrl+g", "editor", "Write in your $EDITOR, from any pane"),
    Command("prompt", "recall", "ctrl+r", "history", "Find what you wrote before, from any pane"),
    Command("prompt", "back", "up", "earlier", "Earlier message, on the first line"),
    Command("prompt", "forward", "down", "later", "Later message, on the last line"),
    *(
        Command(
            "prompt",
            f"choose({n})",
            str(n),
            f"choice {n}",
            f"Answer with choice {n}, in the empty prompt",
        )
        for n in (1, 2, 3)
    ),
    Command("transcript", "move(1)", "down,j", "next", "Next entry", footer=True),
    Command("transcript", "move(-1)", "up,k", "previous", "Previous entry", footer=True),
    Command("transcript", "first", "home,g", "first", "First entry"),
    Command("transcript", "last", "end,G", "last", "Last entry, and follow what arrives"),
    Command(
        "transcript", "expand", "enter,space", "details", "Show or hide a call's details", True
    ),
    Command("transcript", "copy", "y", "copy", "Copy the entry", footer=True),
    Command("transcript", "check", "c", "check", _CHECK, footer=True),
    Command("transcript", "earlier", "ctrl+home", "earlier", "Load earlier entries"),
    Command(
        "actions", "select", "enter,space", "details", "Show or hide a call's details", footer=True
    ),
    Command("actions", "check", "c", "check", _CHECK, footer=True),
    Command("approval", "approve", "y", "approve once", "Run it, this time", footer=True),
    Command("approval", "allow", "a", "this, all session", "Run it, and exactly this later too"),
    Command("approval", "edit", "e", "edit", "Change the arguments first", footer=True),
    Command("approval", "deny", "n,escape", "deny", "Do not run it", footer=True),
    Command("approval", "switch(1)", "right,tab", "next", "Next answer"),
    Command("approval", "switch(-1)", "left,shift+tab", "previous", "Previous answer"),
    Command("approval", "page(1)", "pagedown", "further down", "A page further down in the call"),
    Command("approval", "page(-1)", "pageup", "further up", "A page further up"),
    Command("approval", "line(1)", "down", "down", "A line further down"),
    Command("approval", "line(-1)", "up", "up", "A line further up"),
    Command("approval", "edge(1)", "end", "end", "The end of the call"),
    Command("approval", "edge(-1)", "home", "beginning", "Its beginning"),
    Command("approval", "choose", "enter", "choose", "Give the marked answer", footer=True),
    Command("arguments", "accept", "enter", "use these", "Ask again, with these arguments", True),
    Command("arguments", "newline", "ctrl+j,shift+enter", "newline", "Begin a new line"),
    Command("arguments", "leave", "escape", "back", "Leave the arguments as they were", True),
    Command("sessions", "open", "enter", "open", "Open the session and go on with it", footer=True),
    Command("sessions", "review", "f6,ctrl+r", "review", "Read it turn by turn, or play it", True),
    Command("sessions", "rename", "f2", "rename", "Give it another title", footer=True),
    Command("sessions", "archive", "f4", "archive", "Put it away, or back", footer=True),
    Command("sessions", "archived", "f5", "archived", "Show those that were put away"),
    Command("sessions", "delete", "f8", "delete", "Delete it", footer=True),
    Command("sessions", "export('markdown')", "f9", "export", "Write it to a Markdown file", True),
    Command("sessions", "export('html')", "f10", "as HTML", "Write it to an HTML file"),
    Command("sessions", "export('json')", "f3", "as JSON", "Write it to a JSON file"),
    Command("sessions", "undo", "ctrl+z", "undo", "Bring back what was deleted", priority=True),
    Command("sessions", "close", "escape,ctrl+o", "back", "Back to the chat", footer=True),
    Command("executed", "state", "f2", "state", "Only those of the next state", footer=True),
    Command("executed", "intent", "f3", "intent", "Only those of the next intent", footer=True),
    Command("executed", "tool", "f4", "tool", "Only those of the next tool", footer=True),
    Command("executed", "time", "f5", "time", "Only those of the last days", footer=True),
    Command("executed", "check", "f7", "check", _CHECK, footer=True),
    Command("executed", "review", "enter", "review", "Read the session it is of", footer=True),
    Command("executed", "close", "escape", "back", "Back to the chat", footer=True),
    Command("executed", "move(1)", "down", "next", "Next action"),
    Command("executed", "move(-1)", "up", "previous", "Previous action"),
    Command("executed", "move(10)", "pagedown", "further down", "Ten actions further down"),
    Command("executed", "move(-10)", "pageup", "further up", "Ten actions further up"),
    Command("costs", "show('turns')", "1", "session", "The turns of this session", footer=True),
    Command("costs", "show('sessions')", "2", "sessions", "The newest sessions", footer=True),
    Command("costs", "show('days')", "3", "days", "The days of the last year", footer=True),
    Command("costs", "switch(1)", "right,tab", "next", "From turns to sessions to days"),
    Command("costs", "switch(-1)", "left,shift+tab", "previous", "The other way round"),
    Command("costs", "close", "escape,f10", "back", "Back to the chat", footer=True),
    Command("costs", "measure", "m", "tokens or cost", "Draw tokens, or money", footer=True),
    Command("costs", "review", "enter", "read", "Read the session that is marked"),
    Command("costs", "reload", "f5", "again", "Read what was spent meanwhile"),
    Command("costs", "move(1)", "down", "next", "Next line"),
    Command("costs", "move(-1)", "up", "previous", "Previous line"),
    Command("costs", "move(10)", "pagedown", "further down", "Ten lines further down"),
    Command("costs", "move(-10)", "pageup", "further up", "Ten lines further up"),
    Command("written", "move(1)", "down", "next", "Next message", footer=True),
    Command("written", "move(-1)", "up", "previous", "Previous message", footer=True),
    Command("written", "take", "enter", "take", "Put it into the prompt", footer=True),
    Command("written", "close", "escape,ctrl+r", "back", "Leave the prompt as it is", footer=True),
    Command("question", "yes", "y", "yes", "Do it"),
    Command("question", "no", "n,escape", "no", "Leave it as it is"),
    Command("correction", "choose", "enter", "choose", "Handle the message again, as this"),
    Command("correction", "close", "escape", "leave", "It was right after all"),
    Command("correction", "move(1)", "down", "next", "Next intent"),
    Command("correction", "move(-1)", "up", "previous", "Previous intent"),
    Command("correction", "move(10)", "pagedown", "further down", "Ten intents further down"),
    Command("correction", "move(-10)", "pageup", "further up", "Ten intents further up"),
    Command("sessions", "move(1)", "down", "next", "Next session"),
    Command("sessions", "move(-1)", "up", "previous", "Previous session"),
    Command("sessions", "move(10)", "pagedown", "further down", "Ten sessions further down"),
    Command("sessions", "move(-10)", "pageup", "further up", "Ten sessions further up"),
    Command("demo", "write", "f7", "next", "Write the demo's next message", True, priority=True),
    Command("demo", "alone", "f8", "by itself", "Let the demo run by itself, or stop", True, True),
    Command("playback", "play", "space", "play", "Play, or pause", footer=True),
    Command("playback", "jump('turn', 1)", "n", "turn", "Next turn", footer=True),
    Command("playback", "jump('turn', -1)", "N", "turn back", "Previous turn"),
    Command("playback", "jump('action', 1)", "a", "call", "Next tool call", footer=True),
    Command("playback", "jump('action', -1)", "A", "call back", "Previous tool call"),
    Command("playback", "jump('failure', 1)", "f", "failure", "Next failure", footer=True),
    Command("playback", "jump('failure', -1)", "F", "failure back", "Previous failure"),
    Command("playback", "jump('intent', 1)", "i", "intent", "Next change of intent", footer=True),
    Command("playback", "jump('intent', -1)", "I", "intent back", "Previous change of intent"),
    Command("playback", "step(1)", "right", "step", "One step on", footer=True),
    Command("playback", "step(-1)", "left", "step back", "One step back"),
    Command("playback", "speed(1)", "plus,equals_sign", "faster", "Play faster"),
    Command("playback", "speed(-1)", "minus", "slower", "Play slower"),
    Command("playback", "rewind", "0,home", "beginning", "Back to the beginning"),
    Command("playback", "wind", "end", "end", "Show all of it"),
    Command("playback", "leave", "escape,q", "leave", "Leave the recording", footer=True),
    Command("catalogue", "details", "enter", "details", "Read the details, and back", True),
    Command("catalogue", "close", "escape", "back", "To the list, then to the chat", True),
    Command("catalogue", "leave", "f9", "chat", "Back to the chat"),
    Command("catalogue", "evaluations", "f8", "evaluation", "Runs over its evaluation sets", True),
    Command("catalogue", "move(1)", "down", "next", "Next intent or tool; a line of the details"),
    Command("catalogue", "move(-1)", "up", "previous", "Previous one"),
    Command("catalogue", "move(10)", "pagedown", "further down", "Ten further down"),
    Command("catalogue", "move(-10)", "pageup", "further up", "Ten further up"),
    Command("evaluations", "open", "enter", "open", "Look into the run", footer=True),
    Command("evaluations", "delete", "d", "delete", "Delete the run for good", footer=True),
    Command("evaluations", "close", "escape,f8", "back", "Back to the chat", footer=True),
    Command("evaluations", "move(1)", "down", "next", "Next run, an older one"),
    Command("evaluations", "move(-1)", "up", "previous", "Previous run, a newer one"),
    Command("evaluations", "move(10)", "pagedown", "further down", "Ten runs further down"),
    Command("evaluations", "move(-10)", "pageup", "further up", "Ten runs further up"),
    Command("matrix", "choose", "enter", "messages", "To the messages of the cell", footer=True),
    Command("matrix", "next_miss(1)", "n", "next miss", "Next cell with misses", footer=True),
    Command("matrix", "next_miss(-1)", "N", "miss back", "Previous cell with misses"),
    Command("matrix", "move(0, 1)", "right,l", "right", "One cell to the right"),
    Command("matrix", "move(0, -1)", "left,h", "left", "One cell to the left"),
    Command("matrix", "move(1, 0)", "down,j", "down", "One cell down"),
    Command("matrix", "move(-1, 0)", "up,k", "up", "One cell up"),
    Command("matrix", "page(1)", "pagedown", "further down", "A screen further down"),
    Command("matrix", "page(-1)", "pageup", "further up", "A screen further up"),
    Command("matrix", "move(0, -9999)", "home", "first", "First column"),
    Command("matrix", "move(0, 9999)", "end", "last", "Last column"),
    Command("run", "view('intents')", "f2", "intents", "Figures for each intent", footer=True),
    Command("run", "view('matrix')", "f3", "matrix", "What was taken for what", footer=True),
    Command("run", "view('misses')", "f4", "misses", "The messages that were missed", footer=True),
    Command("run", "against", "b", "against", "Hold it against the next older run", footer=True),
    Command("run", "which", "w", "new", "Misses that the other run had not, or had, or all", True),
    Command("run", "close", "escape", "back", "Back to the list of runs", footer=True),
    Command(
        "chat",
        "interrupt",
        "ctrl+c",
        "cancel",
        "Copy the selection, cancel, clear, or quit (twice)",
        footer=True,
        priority=True,
    ),
    Command("chat", "answer", "tab", "answer", "To the question that waits (also esc)"),
    Command("chat", "leave", "escape", "cancel, back", "Cancel the turn; prompt or transcript"),
    Command(
        "chat", "new_session", "ctrl+n", "new", "Begin a new session", footer=True, priority=True
    ),
    Command(
        "chat", "sessions", "ctrl+o", "sessions", "List past sessions and open one", True, True
    ),
    Command(
        "panes",
        "inspector",
        "ctrl+t",
        "inspector",
        "Show or hide the inspector",
        footer=True,
        priority=True,
    ),
    Command("chat", "catalogue", "f9", "catalogue", "What can be done: intents, tools, schemas"),
    Command(
        "chat", "evaluations", "f8", "evaluation", "Runs over the evaluation sets", False, True
    ),
    Command("panes", "pane('chat')", "f2", "chat", "Go to the chat"),
    Command("panes", "pane('inspector')", "f3", "inspector", "Go to the intent inspector"),
    Command("panes", "pane('actions')", "f4", "tool calls", "Go to the tool-call log"),
    Command("panes", "find", "ctrl+f", "find", "Find words in this session", priority=True),
    Command("find", "step(1)", "down", "next", "Next place, later", footer=True),
    Command("find", "step(-1)", "up,enter", "previous", "Previous place, earlier", footer=True),
    Command("find", "close", "escape", "close", "Stay here and go on", footer=True),
    Command(
        "chat", "executed", "f6", "all actions", "What was executed in all sessions", False, True
    ),
    Command(
        "chat",
        "correct",
        "ctrl+s",
        "wrong intent",
        "Say what a message was about, and have it handled again",
        priority=True,
    ),
    Command("chat", "costs", "f10", "costs", "What turns, sessions and days took and cost"),
    Command("chat", "retry", "f5", "retry", "Try again what failed"),
    Command("panes", "copy_reply", "ctrl+y", "copy reply", "Copy the last reply", priority=True),
    Command(
        "anywhere", "help", "f1,question_mark", "help", "All keys (? outside the prompt)", True
    ),
    Command("anywhere", "quit", "ctrl+q", "quit", "End the program", footer=True, priority=True),
    Command(
        "anywhere",
        "command_palette",
        "ctrl+p",
        "palette",
        "Find any command",
        footer=True,
        priority=True,
    ),
    Command("anywhere", "focus_next", "tab", "next pane", "Next pane"),
    Command("anywhere", "focus_previous", "shift+tab", "previous pane", "Previous pane"),
    Command("anywhere", "repaint", "ctrl+l", "repaint", "Draw the screen anew", priority=True),
)


def use(commands: tuple[Command, ...]) -> None:
    """Take these instead of the usual ones. To be called before anything is shown."""
    global COMMANDS  # bindings are made from it when a screen's module is imported
    COMMANDS = commands


def of(*places: Context) -> Iterator[Command]:
    """The commands of these places, place by place."""
    for place in places:
        yield from (command for command in COMMANDS if command.place == place)


def bindings(place: Context, *names: str) -> list[BindingType]:
    """The bindings of a place, for the `BINDINGS` of the widget or screen that has it; with names,
    only those of these commands."""
    return [
        Binding(
            command.keys,
            command.name,
            command.title,
            show=command.footer,
            priority=command.priority,
            id=command.id,
            tooltip=command.help,
        )
        for command in of(place)
        if not names or command.name in names
    ]


def _shown(key: str) -> str:
    names = {
        "question_mark": "?",
        "pagedown": "pgdn",
        "pageup": "pgup",
        "escape": "esc",
        "plus": "+",
        "equals_sign": "=",
        "minus": "-",
        "left": "←",
        "right": "→",
    }
    return names.get(key, key)

"""Every command of the app, once: bindings, footer, help and palette all read this list.

Keys that terminals swallow or change are left out: ctrl+h, i, m and [ are other keys on the
wire, alt+enter arrives as enter, ctrl+enter and ctrl+tab never arrive, ctrl+a and ctrl+b belong
to screen and tmux.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import Binding, BindingType

from tui.keybindings.command import Command, Context, shown

_CHECK = "Ask the back end what became of an unknown call"

COMMANDS: tuple[Command, ...] = (
    Command(
        "prompt", "send", "enter", "send", "Send the message; during a turn it waits", footer=True
    ),
    Command(
        "prompt", "newline", "ctrl+j,shift+enter", "newline", "Begin a new line (also \\ enter)"
    ),
    Command(
        *("prompt", "edit", "ctrl+g", "editor", "Write in your $EDITOR, from any pane"),
        typed=("editor",),
    ),
    Command(
        *("prompt", "recall", "ctrl+r", "history", "Search the prompt history, from any pane"),
        typed=("history",),
    ),
    Command("menu", "move(1)", "down", "next", "Next command", footer=True),
    Command("menu", "move(-1)", "up", "previous", "Previous command"),
    Command("menu", "complete", "tab", "complete", "Complete the marked command", footer=True),
    Command("menu", "dismiss_menu", "escape", "close", "Close the list", footer=True),
    Command("prompt", "back", "up", "earlier", "Earlier message, on the first line"),
    Command("prompt", "forward", "down", "later", "Later message, on the last line"),
    *(
        Command(
            "prompt",
            f"choose({n})",
            str(n),
            f"choice {n}",
            "Choose this answer, in the empty prompt",
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
    Command("transcript", "check", "c", "check", _CHECK),
    Command("transcript", "earlier", "ctrl+home", "earlier", "Load earlier entries"),
    Command(
        "actions", "select", "enter,space", "details", "Show or hide a call's details", footer=True
    ),
    Command("actions", "check", "c", "check", _CHECK, footer=True),
    Command("approval", "approve", "y", "approve once", "Run it, this time", footer=True),
    Command("approval", "allow", "a", "always this", "Always allow this exact call"),
    Command("approval", "edit", "e", "edit", "Change the arguments first", footer=True),
    Command("approval", "deny", "n,escape", "deny", "Do not run it", footer=True),
    Command(
        "approval", "dismiss", "c", "cancel", "Answer a tool's question with neither yes nor no"
    ),
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
    Command("lists", "move(1)", "down", "next", "Next line", footer=True),
    Command("lists", "move(-1)", "up", "previous", "Previous line"),
    Command("lists", "move(10)", "pagedown", "further down", "Ten lines down"),
    Command("lists", "move(-10)", "pageup", "further up", "Ten lines up"),
    Command("sessions", "open", "enter", "open", "Open the session and continue it", footer=True),
    Command(
        "sessions", "switch", "tab", "actions", "To the list, whose letters act, and back", True
    ),
    Command("sessions", "review", "v", "review", "Read it turn by turn, or play it", True),
    Command("sessions", "rename", "r", "rename", "Change its title", footer=True),
    Command("sessions", "delete", "d,delete", "delete", "Delete the session (asks first)", True),
    Command(
        "sessions", "export", "e", "export", "Write it to a file, in a format you choose", True
    ),
    Command("sessions", "archive", "a", "archive", "Archive / restore", footer=True),
    Command(
        "sessions",
        "mark",
        "space",
        "mark",
        "Mark several, to archive, export or delete at once",
    ),
    Command("sessions", "archived", "A", "archived", "Show archived sessions, or the others", True),
    Command("sessions", "undo", "ctrl+z", "undo", "Bring back what was deleted", priority=True),
    Command("sessions", "close", "escape,ctrl+o", "back", "Back to the chat", footer=True),
    Command("executed", "review", "enter", "read", "Read the session of the action", footer=True),
    Command(
        "executed", "switch", "tab", "filters", "To the list, whose letters act, and back", True
    ),
    Command("executed", "state", "s", "state", "Choose a state", footer=True),
    Command("executed", "intent", "i", "intent", "Choose an intent", footer=True),
    Command("executed", "tool", "t", "tool", "Choose a tool", footer=True),
    Command("executed", "time", "w", "when", "Choose a time", footer=True),
    Command("executed", "clear", "x", "clear", "Clear all filters", footer=True),
    Command("executed", "check", "c", "check", _CHECK, footer=True),
    Command("executed", "details(1)", "J", "details down", "Scroll the details down"),
    Command("executed", "details(-1)", "K", "details up", "Scroll the details up"),
    Command("executed", "close", "escape,f6", "back", "Back to the chat", footer=True),
    Command("costs", "show('turns')", "1", "session", "The turns of this session", footer=True),
    Command("costs", "show('sessions')", "2", "sessions", "The newest sessions", footer=True),
    Command("costs", "show('days')", "3", "days", "The days of the last year", footer=True),
    Command("costs", "switch(1)", "right,tab", "next", "From turns to sessions to days"),
    Command("costs", "switch(-1)", "left,shift+tab", "previous", "The other way round"),
    Command("costs", "close", "escape,f10", "back", "Back to the chat", footer=True),
    Command("costs", "measure", "m", "tokens or cost", "Draw tokens, or money", footer=True),
    Command("costs", "review", "enter", "read", "Read the session that is marked"),
    Command("costs", "reload", "f5", "again", "Read what was spent meanwhile"),
    Command("written", "take", "enter", "insert", "Insert it into the prompt", footer=True),
    Command("written", "close", "escape,ctrl+r", "back", "Leave the prompt as it is", footer=True),
    Command("choice", "choose", "enter", "choose", "Take the marked line", footer=True),
    Command("choice", "close", "escape", "back", "Leave everything as it was", footer=True),
    Command("question", "yes", "y", "yes", "Do it"),
    Command("question", "no", "n,escape", "no", "Leave it as it is"),
    Command("form", "next", "enter,down", "next", "Next field; on the last one: go on", True),
    Command("form", "previous", "up", "previous", "Previous field"),
    Command("form", "test", "ctrl+t", "test", "Test the connection", footer=True, priority=True),
    Command("form", "back", "escape", "back", "Back, without saving", footer=True),
    Command("correction", "choose", "enter", "choose", "Handle the message again, as this", True),
    Command("correction", "close", "escape", "leave", "It was right after all", footer=True),
    Command("demo", "write", "f7", "next", "Write the demo's next message", True, priority=True),
    # Without Kitty's protocol ctrl+space arrives as NUL, which is ctrl+@.
    Command("demo", "alone", "ctrl+space,ctrl+@", "autoplay", "Autoplay, or stop", True, True),
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
    Command("evaluations", "open", "enter", "open", "Open the run", footer=True),
    Command("evaluations", "start", "n", "new run", "Start an evaluation run", footer=True),
    Command("evaluations", "cancel", "c", "cancel run", "Cancel the run that is running", True),
    Command("evaluations", "delete", "d", "delete", "Delete the run for good", footer=True),
    Command("evaluations", "close", "escape,f8", "back", "Back to the chat", footer=True),
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
    Command("run", "view('intents')", "1", "intents", "Figures for each intent", footer=True),
    Command("run", "view('matrix')", "2", "matrix", "The confusion matrix", footer=True),
    Command("run", "view('misses')", "3", "misses", "The messages that were missed", footer=True),
    Command("run", "against", "b", "compare", "Compare with the previous run", footer=True),
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
    Command("chat", "answer", "tab", "answer", "Go to the pending question (also esc)"),
    Command("chat", "leave", "escape", "cancel, back", "Cancel the turn; prompt or transcript"),
    Command(
        *("chat", "new_session", "ctrl+n", "new", "Begin a new session", True, True),
        typed=("new", "clear"),
    ),
    Command(
        *("chat", "sessions", "ctrl+o", "sessions", "Search past sessions and open one"),
        footer=True,
        priority=True,
        typed=("sessions", "resume"),
        takes="WORDS",
    ),
    Command(
        *("chat", "model", "", "model", "Choose the model that answers"),
        typed=("model",),
        takes="NAME",
    ),
    Command(
        *("chat", "setup", "", "set-up", "Set up what answers: offline, OpenAI, Azure, a server"),
        typed=("setup",),
    ),
    Command(
        *("chat", "settings", "", "settings", "Change the settings of config.toml"),
        typed=("settings", "config"),
    ),
    Command(
        *("chat", "export", "", "export", "Write this session to a file"),
        typed=("export",),
        takes="FORMAT",
    ),
    Command(
        *("chat", "demo", "", "demo", "Play a scripted demo; then come back here"),
        typed=("demo",),
        takes="NAME",
    ),
    Command(
        "panes",
        "inspector",
        "ctrl+t",
        "inspector",
        "Show or hide the inspector",
        footer=True,
        priority=True,
        typed=("inspector",),
    ),
    Command(
        *("chat", "catalogue", "f9", "catalogue", "What can be done: intents, tools, schemas"),
        typed=("catalogue", "catalog", "tools"),
    ),
    Command(
        *("chat", "evaluations", "f8", "evaluation", "Evaluation runs: start one, look into one"),
        priority=True,
        typed=("eval", "evaluation"),
    ),
    Command("panes", "pane('chat')", "f2", "chat", "Go to the chat"),
    Command("panes", "pane('inspector')", "f3", "inspector", "Go to the intent inspector"),
    Command("panes", "pane('actions')", "f4", "tool calls", "Go to the tool-call log"),
    Command(
        *("panes", "find", "ctrl+f", "find", "Find words in this session"),
        priority=True,
        typed=("find",),
        takes="WORDS",
    ),
    Command("find", "step(1)", "down", "next", "Next place, later", footer=True),
    Command("find", "step(-1)", "up,enter", "previous", "Previous place, earlier", footer=True),
    Command("find", "close", "escape", "close", "Stay here and go on", footer=True),
    Command(
        *("chat", "executed", "f6", "all actions", "What was executed in all sessions"),
        priority=True,
        typed=("actions",),
    ),
    Command(
        "chat",
        "correct",
        "ctrl+s",
        "wrong intent",
        "Say what a message was about, and have it handled again",
        priority=True,
        typed=("wrong",),
    ),
    Command(
        *("chat", "costs", "f10", "costs", "What turns, sessions and days used and cost"),
        typed=("cost", "costs"),
    ),
    Command(
        *("anywhere", "reload", "", "reload", "Read documents and servers again"),
        typed=("reload",),
    ),
    Command("chat", "retry", "f5", "retry", "Try again what failed", typed=("retry",)),
    Command(
        *("panes", "copy_reply", "ctrl+y", "copy reply", "Copy the last reply"),
        priority=True,
        typed=("copy",),
    ),
    Command(
        *("anywhere", "help", "f1,question_mark", "help", "Show help (also ?, outside the prompt)"),
        footer=True,
        typed=("help", "keys"),
    ),
    Command(
        *("anywhere", "quit", "ctrl+q", "quit", "Leave the app", True, True),
        typed=("quit",),
    ),
    Command(
        *("anywhere", "theme", "", "theme", "Choose the colours"), typed=("theme",), takes="NAME"
    ),
    Command(
        *("anywhere", "picture", "", "picture", "Write this screen to an SVG file"),
        typed=("picture",),
    ),
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
    Command(
        *("anywhere", "repaint", "ctrl+l", "redraw", "Redraw the screen"),
        priority=True,
        typed=("redraw",),
    ),
)

# Ids of earlier versions, as people have them in their configuration.
ALIASES: Mapping[str, str] = {
    **{f"sessions.export('{form}')": "sessions.export" for form in ("markdown", "html", "json")},
    **{
        f"{place}.move({step})": f"lists.move({step})"
        for place in (
            *("sessions", "executed", "costs", "written"),
            *("correction", "catalogue", "evaluations"),
        )
        for step in (1, -1, 10, -10)
    },
}


def use(commands: tuple[Command, ...]) -> None:
    """Take these instead of the usual ones. To be called before anything is shown."""
    global COMMANDS  # bindings are made from it when a screen's module is imported
    COMMANDS = commands


def of(*places: Context) -> Iterator[Command]:
    """The commands of these places, place by place."""
    for place in places:
        yield from (command for command in COMMANDS if command.place == place)


def with_key(place: Context, key: str) -> Command | None:
    """The command of this place that the key gives."""
    return next((one for one in of(place) if key in one.keys.split(",")), None)


def shown_key(place: Context, name: str) -> str:
    """The first key of a command, as people read it."""
    (command,) = (one for one in of(place) if one.name == name)
    return shown(command.keys.split(",")[0])


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
        if command.keys and (not names or command.name in names)
    ]

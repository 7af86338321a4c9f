"""Where the person writes: grows with the text, remembers what was sent."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from tui.chat.typed_commands import Command, MessageText, action_of, read_input
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.terminal.key_queue import dispatch_binding_now, in_burst
from tui.widgets.command_menu import CommandMenu


class Prompt(TextArea):
    """Enter sends; a line that ends in a backslash goes on. Up and down at the edges recall."""

    PLACE: Context = "prompt"
    BINDINGS = registry.bindings("prompt")

    class Sent(Message):
        def __init__(self, text: MessageText) -> None:
            super().__init__()
            self.text = text

    class CommandGiven(Message):
        """The person wrote a command for the app. It stays written until somebody clears it."""

        def __init__(self, command: Command) -> None:
            super().__init__()
            self.command = command

    class HistoryWanted(Message):
        """The person looks for something written before."""

    class Recalled(Message):
        """A suggestion came into the prompt, by its number; None: none is there any more."""

        def __init__(self, suggestion: int | None) -> None:
            super().__init__()
            self.suggestion = suggestion

    def __init__(self, id: str, menu: CommandMenu) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, compact=True)
        self._menu = menu
        self.cursor_blink = False  # an idle screen sends nothing
        self.highlight_cursor_line = False
        self.sent: list[str] = []
        self.suggestions: tuple[str, ...] = ()
        self.choices: tuple[str, ...] = ()  # a digit typed into nothing sends one of these
        self._place: int | None = None  # in what can be recalled; None: the draft
        self._draft = ""

    def render_line(self, y: int) -> Strip:
        """Draw a line; without any room, where Textual cannot wrap the placeholder, a blank."""
        if self.content_size.width <= 0:
            return Strip.blank(self.size.width)
        return super().render_line(y)

    @property
    def asks(self) -> bool:
        """Whether a key may answer; see `tui.terminal.key_queue`."""
        return bool(self.choices) and not self.text

    async def on_key(self, event: events.Key) -> None:
        number = int(event.key) if event.key in ("1", "2", "3") else 0
        if self.asks and 0 < number <= len(self.choices) and not in_burst(event):
            event.stop()
            event.prevent_default()
            self.action_choose(number)
        elif self._menu.display and (command := registry.with_key("menu", event.key)):
            event.stop()
            event.prevent_default()
            await self.app.run_action(command.name, default_namespace=self._menu)
        else:
            await dispatch_binding_now(self, event)

    def action_send(self) -> None:
        row, column = self.cursor_location
        if self.document.get_line(row)[:column].endswith("\\"):
            self.action_delete_left()
            self.action_newline()
        elif typed := self.text.strip():
            match read_input(typed):
                case Command() as command if action_of(command) is None and self._menu.marked:
                    self.give(self._menu.marked)
                case Command() as command:
                    self.post_message(self.CommandGiven(command))
                case message:
                    self._send(message, typed)

    def give(self, typed: str) -> None:
        """Give a command as if it had been written."""
        if isinstance(command := read_input(typed), Command):
            self.post_message(self.CommandGiven(command))

    def action_choose(self, number: int) -> None:
        if not self.text and number <= len(self.choices):
            # A title of the catalogue is a message, even where it is one of the app's words.
            choice = self.choices[number - 1]
            self._send(MessageText(choice), choice)

    def _send(self, text: MessageText, typed: str) -> None:
        self.choices = ()
        self.remember(typed)
        self.put("")
        self.post_message(self.Sent(text))

    def action_edit(self) -> None:
        """Give the terminal to the person's editor, and take over what was written."""
        from tui.terminal import external_editor

        try:
            text = external_editor.edit_over(self.app, self.text)
        except OSError as error:
            message = one_line(f"No editor: {error}; set $EDITOR to one that can be run", 300)
            self.notify(message, severity="error", markup=False)
        else:
            self.put(text)

    def action_recall(self) -> None:
        self.post_message(self.HistoryWanted())

    def action_newline(self) -> None:
        self.insert("\n", maintain_selection_offset=False)

    def remember(self, text: str) -> None:
        """Put a message at the end of what up brings back."""
        if text and self.sent[-1:] != [text]:
            self.sent.append(text)
        self._place = None

    def put(self, text: str) -> None:
        """Replace what is written."""
        self.load_text(text)
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        if select or not self.cursor_at_first_line_wrapped or not self._recall(-1):
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if select or not self.cursor_at_last_line_wrapped or not self._recall(1):
            super().action_cursor_down(select)

    action_back = action_cursor_up
    action_forward = action_cursor_down

    @property
    def cursor_at_first_line_wrapped(self) -> bool:
        return self.wrapped_document.location_to_offset(self.cursor_location).y == 0

    @property
    def cursor_at_last_line_wrapped(self) -> bool:
        here = self.wrapped_document.location_to_offset(self.cursor_location).y
        return here == self.wrapped_document.height - 1

    def suggest(self, number: int) -> None:
        """Write this suggestion, as if it had been picked by key."""
        self.put(self.suggestions[number])
        self._place = None if self.sent else number
        self.post_message(self.Recalled(number))

    def _recall(self, step: int) -> bool:
        """One step through the history; before anything was sent, through the suggestions."""
        if self._place is None:
            self._draft = self.text
        choices = self.sent or list(self.suggestions)
        if not choices:
            return False
        if self.sent:
            place = (len(choices) if self._place is None else self._place) + step
            if not 0 <= place <= len(choices):
                return False
            place_or_draft = None if place == len(choices) else place
        else:
            start = -1 if step > 0 else len(choices)
            place = (start if self._place is None else self._place) + step
            place_or_draft = place if 0 <= place < len(choices) else None
        self.put(self._draft if place_or_draft is None else choices[place_or_draft])
        self._place = place_or_draft
        if not self.sent:
            self.post_message(self.Recalled(place_or_draft))
        return True

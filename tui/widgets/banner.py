"""The top line: whose assistant this is, which session, and what answers."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.formatting.text import one_line


class Banner(Widget):
    name_text: reactive[str] = reactive("intentbot")
    title_text: reactive[str] = reactive("")
    model_text: reactive[str] = reactive("")

    def render(self) -> Content:
        width = self.size.width
        name = Content.assemble(("● ", "$primary"), (one_line(self.name_text, 40), "bold"))
        model = Content.styled(one_line(self.model_text, 48), "$quiet")
        room = width - name.cell_length - model.cell_length - 4
        title = Content.styled(one_line(self.title_text, room) if room > 8 else "", "$quiet")
        if title.cell_length:
            name = Content.assemble(name, ("  ", ""), title)
        gap = width - name.cell_length - model.cell_length
        return Content.assemble(name, " " * gap, model) if gap > 0 else name

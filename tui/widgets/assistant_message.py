"""A finished reply: its Markdown laid out once per width, in one widget."""

from __future__ import annotations

from textual.content import Content
from textual.geometry import Size

from tui.chat.transcript import ReplyBlock
from tui.formatting.highlight import HighlightStatic, highlight
from tui.formatting.text import excerpt, sanitize

# Characters that are laid out as Markdown; what is longer is shown as it was written, in part.
LONGEST_MARKDOWN = 30_000


class AssistantMessage(HighlightStatic):
    def __init__(self, block: ReplyBlock) -> None:
        super().__init__(markup=False)
        self._block = block
        self._laid_out: tuple[tuple[int, str], Content] = ((0, ""), Content(""))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, self._content(width).plain.count("\n") + 1)

    def render(self) -> Content:
        return highlight(self._content(self.content_size.width), self.looked_for)

    def _content(self, width: int) -> Content:
        """Laid out for `width` cells. As `Content` it can be selected with the mouse."""
        wanted = (width, self.app.theme)
        if width and self._laid_out[0] != wanted:
            self._laid_out = (wanted, self._lay_out(width))
        return self._laid_out[1]

    def _lay_out(self, width: int) -> Content:
        source = sanitize(self._block.source).strip()
        parts = []
        if len(source) > LONGEST_MARKDOWN:
            whole = Content(excerpt(source, LONGEST_MARKDOWN))
            parts.append(Content("\n").join(whole.wrap(width)))
        elif source:
            # Rich's Markdown is not needed before the first finished reply.
            from tui.formatting.markdown import render

            console = self.app.console
            parts.append(Content.from_rich_text(render(source, console, width), console))
        if self._block.mark:
            parts.append(Content.styled(f"[{self._block.mark}]", "$warning"))
        return Content("\n").join(parts)

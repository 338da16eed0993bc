"""Lines of toned text that keys scroll under a head that stays, with a thin bar at the right when not all are in sight."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.table import find_thumb
from panels.wrap import Runs

TONES = ("title", "here", "muted", "strong", "accent", "good", "warn", "bad")
BAR, WHEEL = 2, 3


class Scrolled(Lines, can_focus=True):
    """Subclasses lay out their lines for a width, once for each, and call `put` when what they show is another."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"scrolled--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", id="scrolled.up", show=False),
        Binding("down,j", "scroll_by(1)", "Down", id="scrolled.down", show=False),
        Binding("pageup,ctrl+u", "turn(-1)", "Page up", id="scrolled.page_up", show=False),
        Binding("pagedown,ctrl+d,space", "turn(1)", "Page down", id="scrolled.page_down", show=False),
        Binding("home,g", "scroll_by(-1000000)", "Start", id="scrolled.start", show=False),
        Binding("end,G", "scroll_by(1000000)", "End", id="scrolled.end", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._top = 0
        self._page = 1
        self._laid: tuple[int, list[Runs], list[Runs]] | None = None

    def lay_out_head(self, width: int) -> list[Runs]:
        """The lines that stay."""
        return []

    def lay_out(self, width: int) -> list[Runs]:
        """The lines that are scrolled."""
        raise NotImplementedError

    def put(self, *, anew: bool) -> None:
        """Lay out again, from the first line on where it is something else that is shown."""
        self._laid = None
        if anew:
            self._top = 0
        self.redraw()

    # textual has an action_scroll_down of its own, which scrolls what Lines does not have
    def action_scroll_by(self, lines: int) -> None:
        self._top = max(0, self._top + lines)
        self.redraw()

    def action_turn(self, pages: int) -> None:
        self.action_scroll_by(pages * max(1, self._page - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_scroll_by(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_scroll_by(-WHEEL)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        if self._laid is None or self._laid[0] != width:
            room = max(1, width - BAR)
            self._laid = width, self.lay_out_head(room), self.lay_out(room)
        _, head, lines = self._laid
        head = head[: max(0, height - 1)]
        page = self._page = height - len(head)
        self._top = max(0, min(self._top, len(lines) - page))
        tones: dict[str, Style] = {tone: self.get_component_rich_style(f"scrolled--{tone}") for tone in TONES}
        tones[""] = self.rich_style
        if self.has_focus:
            tones["title"] = tones["here"]
        thumb = find_thumb(self._top, page, len(lines))
        shown = [*head, *lines[self._top : self._top + page]]
        strips = []
        for y, runs in enumerate(shown):
            strip = Strip([Segment(text, tones[tone]) for text, tone in runs])
            strip = strip.adjust_cell_length(max(0, width - 1), self.rich_style)
            strips.append(Strip([*strip, Segment("▐" if y - len(head) in thumb else " ", tones["muted"])]))
        return strips

"""The top line: which panel is open, and what the whole workspace is doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.text import plain


class Bar(Lines):
    """Numbered names of the panels at the left, a few words at the right that give way first."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"bar--name", "bar--key", "bar--open", "bar--words"}

    class Chosen(Message):
        """A click on a panel's name."""

        def __init__(self, panel: str) -> None:
            super().__init__()
            self.panel = panel

    def __init__(self, panels: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panels = panels
        self._open = ""
        self._words: Sequence[str] = ()

    def show(self, *, open: str | None = None, words: Sequence[str] | None = None) -> None:
        """What is open, and the words at the right, the last of which give way first; None leaves either as it is."""
        self._open = self._open if open is None else open
        self._words = self._words if words is None else [plain(word) for word in words]
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        name, key, lit, words = (self.get_component_rich_style(f"bar--{s}") for s in ("name", "key", "open", "words"))
        brand = " charlab " if width >= 90 else ""
        segments = [Segment(brand, name)] if brand else []
        for _, number, title in self._places(width):
            style = lit if self._panels[number][0] == self._open else None
            segments += [Segment(f" {number + 1}", style or key), Segment(f" {title} ", style or words)]
        used = sum(segment.cell_length for segment in segments)
        room = width - used - 1
        shown = list(self._words)
        while shown and cell_len("  ".join(shown)) > room - 1:
            shown.pop()
        text = "  ".join(shown)
        return [Strip([*segments, Segment(text.rjust(room) + " " if room > 0 else "", words)])]

    def on_click(self, event: events.Click) -> None:
        for start, number, title in self._places(self.content_size.width):
            if start <= event.x < start + len(title) + 3:
                self.post_message(self.Chosen(self._panels[number][0]))

    def _places(self, width: int) -> list[tuple[int, int, str]]:
        """Where each panel's name begins, its number, and its name, shortened where room is scarce."""
        at = 9 if width >= 90 else 0
        room = width - at
        whole = sum(len(title) + 4 for _, title in self._panels)
        cut = max((n for n in range(1, 12) if sum(min(len(t), n) + 4 for _, t in self._panels) <= room), default=1)
        places = []
        for number, (_, title) in enumerate(self._panels):
            short = title if whole <= room else title[:cut]
            places.append((at, number, short))
            at += len(short) + 3
        return places

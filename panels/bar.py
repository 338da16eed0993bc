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

BRAND = " charlab "
SHORT = {"Training": "Train", "Datasets": "Data"}
"""What is said of a panel where not all names have room."""


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
        at, gap, titles = self._arrange(width)
        segments, before = [Segment(BRAND, name)] if at else [], key
        for number, ((panel, _), title) in enumerate(zip(self._panels, titles, strict=True), 1):
            style = lit if panel == self._open else None
            # where nothing stands between two names, the open one's ground takes the space of the next
            lead = [Segment(f" {number}", style or key)]
            segments += [Segment(" ", lit), Segment(str(number), key)] if before is lit else lead
            segments.append(Segment((f" {title}" if title else "") + gap, style or words))
            before = key if gap or style is None else lit
        segments += [] if gap else [Segment(" ", before)]
        used = sum(segment.cell_length for segment in segments)
        room = width - used - 1
        shown = list(self._words)
        while shown and cell_len("  ".join(shown)) > room - 1:
            shown.pop()
        text = "  ".join(shown)
        return [Strip([*segments, Segment(text.rjust(room) + " " if room > 0 else "", words)])]

    def on_click(self, event: events.Click) -> None:
        at, gap, titles = self._arrange(self.content_size.width)
        for (panel, _), title in zip(self._panels, titles, strict=True):
            start, at = at, at + _measure(title, gap)
            if start <= event.x < at:
                self.post_message(self.Chosen(panel))

    def _arrange(self, width: int) -> tuple[int, str, list[str]]:
        """Where the first panel stands, what follows each, and its name: whole, short, or none but for the open one."""
        whole = [title for _, title in self._panels]
        short = [SHORT.get(title, title) for title in whole]
        alone = [title if panel == self._open else "" for (panel, _), title in zip(self._panels, short, strict=True)]
        forms = [(len(BRAND), " ", whole), (0, " ", whole), (0, " ", short), (0, "", short), (0, "", alone)]
        fitting = (f for f in forms if f[0] + sum(_measure(title, f[1]) for title in f[2]) < width)
        return next(fitting, (0, "", [""] * len(whole)))


def _measure(title: str, gap: str) -> int:
    """Cells of a panel's number and name, with the space before and the gap after."""
    return 2 + (1 + len(title) if title else 0) + len(gap)

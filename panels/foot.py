"""Beneath a recipe: what is wrong, each with its line; else the same act on the command line."""

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip

from panels.fields import Problem
from panels.lines import Lines
from panels.style import read_style
from panels.text import plain
from panels.wrap import fold


class Foot(Lines):
    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"foot--muted", "foot--bad"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._problems: list[Problem] = []
        self._twin = ""
        self._in_file = True

    def show(self, problems: list[Problem], twin: str, *, in_file: bool) -> None:
        self._problems, self._twin, self._in_file = problems, twin, in_file
        self._fit()
        self.redraw()

    def on_resize(self) -> None:
        self._fit()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        ground = self.rich_style
        return [
            Strip([Segment(text, self.get_component_rich_style(f"foot--{tone}"))]).adjust_cell_length(width, ground)
            for text, tone in self._write(width)
        ]

    def _fit(self) -> None:
        height = len(self._write(self.size.width or 80))
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def _write(self, width: int) -> list[tuple[str, str]]:
        lines = []
        for problem in self._problems[:3]:
            place = f"line {problem.line}: " if problem.line else ""
            lines += [(part, "bad") for part in _fold(f"✗ {place}{plain(problem.text)}", width)]
        if len(self._problems) > 3:
            lines.append((f"   and {len(self._problems) - 3} more", "muted"))
        if self._problems:
            return lines
        say = self._twin or (
            "ctrl+s first: no --set says this change" if self._in_file else "ctrl+s first: it has no file"
        )
        return [(part, "muted") for part in _fold(f"$ {plain(say)}", width)]


def _fold(text: str, width: int) -> list[str]:
    """At most two lines, the second set in."""
    return [f"{'   ' if at else ' '}{line}" for at, line in enumerate(fold(text, max(8, width - 4))[:2])]

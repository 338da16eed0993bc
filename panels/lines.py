"""A widget painted line by line that repaints only the cells that changed, so that a live chart costs a few bytes."""

from __future__ import annotations

from typing import ClassVar, Self

from rich.cells import split_graphemes
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

WORTH_MOVING = 12
"""Cells that cost about what it costs to move the cursor and to name a style again."""


class Lines(Widget):
    """Subclasses say in `draw_lines` what they look like; whoever changes what they show calls `redraw`.

    Nothing is drawn while the widget is out of sight: it draws when it is shown again.
    """

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._drawn_for: Size | None = None  # None: all is drawn anew at the next paint
        self._ground: Style | None = None

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        """The whole content as `height` strips of `width` cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw anew, and ask for a repaint of the cells that differ."""
        if self._drawn_for is None:
            return
        size = self.content_size
        if self._drawn_for != size:
            self.refresh()
            return
        before, self._strips = self._strips, self._draw(*size)
        changed = [
            Region(start, y, stop - start, 1)
            for y, (old, new) in enumerate(zip(before, self._strips, strict=True))
            for start, stop in find_changes(old, new)
        ]
        if changed:
            self.refresh(*changed)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if not regions:
            self._drawn_for = self._ground = None
            return super().refresh(repaint=repaint, layout=layout, recompose=recompose)
        # cells changed, not their styles, which Textual would look up anew
        styles = dict(self._rich_style_cache)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        self._rich_style_cache.update(styles)
        return self

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._ground = None

    @property
    def rich_style(self) -> Style:
        if self._ground is None:
            self._ground = super().rich_style
        return self._ground

    def render_line(self, y: int) -> Strip:
        size = self.content_size
        if self._drawn_for != size:
            self._strips, self._drawn_for = self._draw(*size), size
        return self._strips[y] if y < len(self._strips) else Strip.blank(size.width, self.rich_style)

    def _draw(self, width: int, height: int) -> list[Strip]:
        if width < 1 or height < 1:
            return []
        ground = self.rich_style
        strips = [strip.adjust_cell_length(width, ground) for strip in self.draw_lines(width, height)[:height]]
        return strips + [Strip.blank(width, ground)] * (height - len(strips))


def find_changes(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """The spans of cells [start, stop) outside which two strips of one width look the same.

    Equal cells between two spans are in them where moving over would cost more than writing them.
    """
    if old is new or old == new:
        return []
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return [(0, new.cell_length)]
    spans: list[tuple[int, int]] = []
    for i, (a, b) in enumerate(zip(before, after, strict=True)):
        if a == b:
            continue
        start, stop = i, i + 1
        # a wide character is a cell and an empty one, and is not cut in two
        while start and (after[start][0] == "" or before[start][0] == ""):
            start -= 1
        while stop < len(after) and (after[stop][0] == "" or before[stop][0] == ""):
            stop += 1
        if spans and start - spans[-1][1] < WORTH_MOVING:
            spans[-1] = spans[-1][0], max(stop, spans[-1][1])
        else:
            spans.append((start, stop))
    return spans


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        if text.isascii():
            cells += [(char, style) for char in text]
            continue
        for start, end, width in split_graphemes(text)[0]:
            if width == 0 and cells:
                cells[-1] = (cells[-1][0] + text[start:end], style)
            elif width:
                cells += [(text[start:end], style), *[("", style)] * (width - 1)]
    return cells

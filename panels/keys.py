"""The bottom line: the keys that work here and what they do, as many as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style


class Keys(Lines):
    """Keys in the order of their weight; the last ones go first where room is scarce, and `last` always stays."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--words"}

    def __init__(self, *, last: Sequence[str] = ()) -> None:
        super().__init__()
        self._last = last
        self._keys: Sequence[tuple[str, str]] = ()

    def show(self, keys: Sequence[tuple[str, str]]) -> None:
        """Show (key, what it does)."""
        self._keys = keys
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        key, words = (self.get_component_rich_style(f"keys--{name}") for name in ("key", "words"))
        always = [pair for pair in self._keys if pair[1] in self._last]
        shown = [pair for pair in self._keys if pair[1] not in self._last]
        while shown and sum(map(_measure, [*shown, *always])) > width - 1:
            shown.pop()
        segments = [Segment(" ", words)]
        for name, meaning in [*shown, *always]:
            segments += [Segment(name, key), Segment(f" {meaning}  ", words)]
        return [Strip(segments).adjust_cell_length(width, words)]


def _measure(pair: tuple[str, str]) -> int:
    return cell_len(pair[0]) + cell_len(pair[1]) + 3

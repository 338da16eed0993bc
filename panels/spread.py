"""How the rows of a dataset spread: over its categories, and over the lengths of both answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.table import fit
from panels.wrap import Runs

ABREAST = 66
"""Cells from which both pictures stand side by side."""
MOST, NAME, BAR, LABEL, TAIL = 48, 18, 6, 9, 12
"""Cells: of categories at most, of a category's name at most, of its bar at least, of an answer's name, of its median."""
UP = " ▁▂▃▄▅▆▇█"


class Lengths(Protocol):
    """Answers counted by their words, in bins of `step` of them, the last holding whatever is longer."""

    @property
    def step(self) -> int: ...
    @property
    def chosen(self) -> Sequence[int]: ...
    @property
    def rejected(self) -> Sequence[int]: ...
    @property
    def chosen_median(self) -> int: ...
    @property
    def rejected_median(self) -> int: ...
    @property
    def chosen_longer(self) -> float:
        """The share of rows whose chosen answer is the longer."""


class Spread(Lines):
    """Bars of categories, and a histogram of each answer; what does not fit is left out."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "spread--muted", "spread--category", "spread--chosen", "spread--rejected",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._categories: Mapping[str, int] = {}
        self._lengths: Lengths | None = None

    def show(self, categories: Mapping[str, int], lengths: Lengths | None) -> None:
        self._categories, self._lengths = categories, lengths
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        if self._lengths is None or not self._categories:
            return []
        if width >= ABREAST:
            half = min(MOST, (width - 4) * 2 // 5)
            left = [[("categories", "muted")], *draw_categories(self._categories, half, height - 1)]
            right = draw_lengths(self._lengths, width - half - 4, height)
            lines, nothing = [], Runs()
            for a, b in zip_longest(left, right, fillvalue=nothing):
                gap = half + 4 - sum(cell_len(text) for text, _ in a)
                lines.append([*a, (" " * gap, ""), *b])
        else:
            below = draw_lengths(self._lengths, width, 2)
            lines = [*draw_categories(self._categories, width, height - len(below)), *below]
        tones = {name[8:]: self.get_component_rich_style(name) for name in self.COMPONENT_CLASSES}
        tones[""] = self.rich_style
        return [Strip([Segment(text, tones[tone]) for text, tone in line]) for line in lines]


def draw_categories(categories: Mapping[str, int], width: int, height: int) -> list[Runs]:
    """A bar for each category, the largest first; the last line tells of those that have none."""
    names = list(categories)
    if height < 1:
        return []
    shown = names if len(names) <= height else names[: height - 1]
    most = max(categories.values())
    count = len(f" {most:,}")
    name = max(1, min(NAME, width - count - BAR, max(cell_len(n) for n in [*shown, "none"])))
    room = max(0, width - name - count - 1)
    lines: list[Runs] = []
    for n in shown:
        bar = draw_bar(categories[n] / most, room)
        lines.append([(fit(n or "none", name) + " ", ""), (bar, "category"), (f" {categories[n]:,}", "muted")])
    if left := names[len(shown) :]:
        lines.append([(f"and {len(left):,} more, {sum(categories[n] for n in left):,} rows", "muted")])
    return lines


def draw_bar(share: float, width: int) -> str:
    halves = max(1, round(share * width * 2))
    return ("━" * (halves // 2) + "╸" * (halves % 2))[:width]


def draw_lengths(lengths: Lengths, width: int, height: int) -> list[Runs]:
    """Both histograms on one scale, each in as many lines as there are; a title and an axis where there is room."""
    room = width - LABEL - TAIL
    sides = (
        ("chosen", lengths.chosen, lengths.chosen_median),
        ("rejected", lengths.rejected, lengths.rejected_median),
    )
    if room < 4 or height < 2:
        return [[(what.ljust(LABEL), what), (f"median {median:,}", "muted")] for what, _, median in sides][:height]
    bins = len(lengths.chosen)
    joined = max(1, -(-bins // room))
    cells = max(1, min(3, room * joined // bins))
    counts = [[sum(side[i : i + joined]) for i in range(0, bins, joined)] for _, side, _ in sides]
    framed = height >= 4
    rows = max(1, (height - 2 * framed) // 2)
    most = max(*counts[0], *counts[1], 1)
    lines: list[Runs] = []
    if framed:
        lines.append([(f"words per answer, chosen longer in {lengths.chosen_longer:.0%}", "muted")])
    for (what, _, median), side in zip(sides, counts, strict=True):
        for y, bar in enumerate(stack_bars(side, most, rows, cells)):
            last = y == rows - 1
            tail = f" median {median:,}" if last else ""
            lines.append([((what if last else "").ljust(LABEL), what), (bar, what), (tail, "muted")])
    if framed:
        lines.append([(" " * LABEL + draw_axis(lengths.step, bins, len(counts[0]) * cells), "muted")])
    return lines


def stack_bars(counts: Sequence[int], most: int, rows: int, cells: int) -> list[str]:
    """Upright bars in `rows` lines, from the top; whatever is more than none is seen."""
    eighths = [max(1, round(count / most * rows * 8)) if count else 0 for count in counts]
    return ["".join(UP[max(0, min(8, e - 8 * row))] * cells for e in eighths) for row in reversed(range(rows))]


def draw_axis(step: int, bins: int, width: int) -> str:
    """The ends and the middle of the bins; the last bin has no end."""
    last, middle = f"{step * (bins - 1):,}+", f"{step * bins // 2:,}"
    line = "0".ljust(width // 2) + middle
    spare = width - len(line) - len(last)
    return line + " " * spare + last if spare > 0 else "0".ljust(max(1, width - len(last))) + last

"""Braille dots and terminal cells: layers of dots, and a grid of cells that they are laid on."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from panels.scale import Scale
from panels.series import Column

Colour = int | str | None
Run = tuple[str, Colour]
Row = list[Run]

LEFT, RIGHT = (
    [sum(bit for i, bit in enumerate(bits) if n >> i & 1) for n in range(16)]
    for bits in ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
)
DASH = 4
"""Dot columns of a dash and the gap after it."""


class Layer:
    """The dots of one line: for each dot column an integer whose bit r is dot row r, counted from the top."""

    def __init__(self, columns: int, rows: int) -> None:
        self.masks = [0] * columns
        self.rows = rows

    def run(self, column: int, a: int, b: int) -> None:
        """Fill the rows a..b of a column, either way round, what is off the canvas left out."""
        top, bottom = max(min(a, b), 0), min(max(a, b), self.rows - 1)
        if top <= bottom and 0 <= column < len(self.masks):
            self.masks[column] |= (2 << bottom) - (1 << top)

    def join(self, column: int, row: int, to_column: int, to_row: int) -> None:
        """Draw the straight line from one dot to another on its right, a steep one as runs, one a column."""
        across, down = to_column - column, to_row - row
        visible = range(max(column, 0), min(to_column, len(self.masks) - 1) + 1)
        if abs(down) <= across:
            for c in visible:
                r = row + math.floor(down * (c - column) / across + 0.5)
                self.run(c, r, r)
            return
        sign = 1 if down > 0 else -1
        for c in visible:
            step = 2 * (c - column)
            start = row if c == column else row + int(down * (step - 1) / (2 * across)) + sign
            end = to_row if c == to_column else row + int(down * (step + 1) / (2 * across))
            self.run(c, start, end)

    def dot(self, columns: Sequence[Column], y: Scale) -> None:
        """Put the four values of each column as separate dots."""
        for c, column in enumerate(columns):
            for value in column[8:12] if column.first_at >= 0 else ():
                row = y.row(value, self.rows)
                self.run(c, row, row)

    def shade(self, columns: Sequence[Column], y: Scale) -> None:
        """Put every second dot from the least to the greatest value of each column, and always these two."""
        for c, column in enumerate(columns):
            if column.first_at < 0:
                continue
            low, high = y.row(column.low, self.rows), y.row(column.high, self.rows)
            self.run(c, low, high)
            lattice = (1 << self.rows) // 3 << (c & 1)
            ends = sum(1 << row for row in {low, high} if 0 <= row < self.rows)
            self.masks[c] &= lattice | ends

    def stroke(self, columns: Sequence[Column], y: Scale, beside: Sequence[tuple[int, int, float]]) -> None:
        """Fill each column from low to high and join it with the one before, if no gap lies between them.

        `beside` are points left and right of the canvas, (dot column, index, value), that lines lead to.
        """
        stops = [(c, column) for c, column in enumerate(columns) if column.first_at >= 0]
        stops += [(c, Column(i, i + 1, 0, 0, i, i, i, i, *[value] * 5)) for c, i, value in beside]
        before, before_at, before_row = 0, -2, 0
        for c, column in sorted(stops):
            first, low, high, last = (y.row(value, self.rows) for value in column[8:12])
            self.run(c, low, high)
            if column.first_at == before_at + 1:
                self.join(before, before_row, c, first)
            before, before_at, before_row = c, column.last_at, last

    def dash(self) -> None:
        """Take every second stretch of dot columns away."""
        self.masks = [mask if c % DASH < DASH // 2 else 0 for c, mask in enumerate(self.masks)]

    def trace(self, values: list[float | None], columns: Sequence[Column], y: Scale) -> None:
        """Join one value a column, None where the column has none; only a gap in the data breaks the line."""
        before, before_row = -1, 0
        for c, (value, column) in enumerate(zip(values, columns, strict=True)):
            if value is not None:
                row = y.row(value, self.rows)
                self.run(c, row, row)
                if before >= 0:
                    self.join(before, before_row, c, row)
                before, before_row = c, row
            elif column.gaps:
                before = -1


def split_cells(text: str) -> list[str]:
    """A text cut in terminal cells: a wide character takes a cell and an empty one; control characters go."""
    cells: list[str] = []
    for char in text:
        if unicodedata.category(char)[0] == "M":
            # A variation selector would make terminals disagree about the width.
            if cells and not "\ufe00" <= char <= "\ufe0f":
                cells[-1 if cells[-1] else -2] += char
        elif char.isprintable():
            cells += [char, ""] if unicodedata.east_asian_width(char) in "WF" else [char]
    return cells


class Canvas:
    """A grid of `width` x `height` terminal cells: a text and a colour each, written over, read as rows."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.grid: list[list[Run]] = [[(" ", None)] * width for _ in range(height)]
        self.shaded: set[tuple[int, int]] = set()
        """Cells that hold no more than the dots of bands."""

    def write(self, row: int, column: int, text: str, colour: Colour) -> None:
        """Put a text on the canvas, what is beyond its right edge left out; a wide character cut in two goes."""
        cells, room = split_cells(text), self.width - column
        if cells[room : room + 1] == [""]:
            cells[room - 1] = " "
        self.grid[row][column : column + len(cells)] = [(cell, colour) for cell in cells[:room]]

    def lay(self, layer: Layer, row: int, column: int, colour: Colour, band: bool = False) -> None:
        """Add dots, their first cell at (row, column): a cell keeps its dots, its colour is the new one.

        Where a line meets a band, the cell is the line's alone: one cell has one colour, and the line would drown.
        """
        for c, (left, right) in enumerate(zip(layer.masks[::2], layer.masks[1::2], strict=True), column):
            r = row
            while left or right:
                if dots := LEFT[left & 15] | RIGHT[right & 15]:
                    there = 0 if (r, c) in self.shaded and not band else ord(self.grid[r][c][0])
                    self.grid[r][c] = (chr((there if there > 0x2800 else 0x2800) | dots), colour)
                    if band:
                        self.shaded.add((r, c))
                    else:
                        self.shaded.discard((r, c))
                left, right, r = left >> 4, right >> 4, r + 1

    def rows(self) -> list[Row]:
        """The rows from the top, neighbouring cells of one colour joined in a run."""
        by_colour = itemgetter(1)
        return [[("".join(text for text, _ in run), c) for c, run in groupby(row, by_colour)] for row in self.grid]

"""A pure braille line-chart renderer, points in and rows of coloured text out, that knows nothing of metrics, runs,
files, terminals or who paints its rows.

Longer than other files because a cell is shared ground: dots, axes, labels and marks of every line meet in one canvas.
"""

from __future__ import annotations

import math
import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

from panels.series import Axis, Column, Series

__all__ = ["Axis", "Colour", "Line", "Mark", "Row", "Scale", "Series", "draw", "sparkline", "to_ansi", "to_text"]

Colour = int | str | None
Run = tuple[str, Colour]
Row = list[Run]

BAD_GLYPH, BAD_COLOUR = "╻", "red"
LEFT, RIGHT = (
    [sum(bit for i, bit in enumerate(bits) if n >> i & 1) for n in range(16)]
    for bits in ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
)
FAR = 10**12
"""Dots off the canvas are held within this distance: slopes stay true, and no infinity meets an integer."""
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
SGR = {bright + name: str(code + i) for bright, code in (("", 30), ("bright_", 90)) for i, name in enumerate(NAMES)}


# ---------------------------------------------------------------- scales and labels


def _floor(value: float) -> int:
    return math.floor(max(-FAR, min(FAR, value)))


class Scale:
    """A range [low, high] made non-degenerate, mapped to 0..1 without overflow for any two finite ends.

    A log scale is given its ends as log10, and the values to be placed as they are, all positive.
    """

    def __init__(self, low: float, high: float, log: bool = False) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"not a range: {low!r}..{high!r}")
        if high - low <= max(abs(low), abs(high)) * 1e-13 or high - low < 1e-300:
            middle, most = low / 2 + high / 2, math.nextafter(math.inf, 0)
            pad = max(abs(middle) * 0.1, 1e-300) if middle else 1.0
            low, high = max(low - pad, -most), min(high + pad, most)
        self.low, self.high, self.log = low, high, log
        self.unit = 1.0 if math.isfinite(high - low) else 1 / 4
        self.span = high * self.unit - low * self.unit

    def at(self, value: float) -> float:
        """0 at low, 1 at high, beyond them outside."""
        return ((math.log10(value) if self.log else value) * self.unit - self.low * self.unit) / self.span

    def cell(self, value: float, count: int) -> int:
        """Which of `count` equal bins holds a value; high is in the last, values outside are within FAR."""
        at = self.at(value)
        return count - 1 if at == 1 else _floor(at * count)

    def row(self, value: float, count: int) -> int:
        """The dot row of a value: low in the last, high in row 0, both at the middle of the dot."""
        return _floor((1 - self.at(value)) * (count - 1) + 0.5)

    def ticks(self, count: int) -> tuple[list[float], float]:
        """Multiples of a 1-2-5 step inside low..high, at most about `count` >= 3 steps, and the step."""
        # Where the span overflows (unit 1/4), half its share is asked: no step may exceed the largest float.
        raw = self.span / count * (1 if self.unit == 1 else 2)
        size = 10.0 ** math.floor(math.log10(raw))
        step = next((n * size for n in (1, 2, 5) if n * size >= raw * 0.999999), 10 * size)
        steps = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        return [max(self.low, min(self.high, n * step)) for n in steps], step

    def axis(self, count: int) -> list[tuple[float, str]]:
        """Values and their labels; a log scale's decades thinned to `count`, if it shows two or more."""
        evenly = self
        if self.log:
            powers = range(max(-307, math.ceil(self.low - 1e-9)), min(308, math.floor(self.high + 1e-9)) + 1)
            if len(powers) > 1:
                thin = -(-len(powers) // count)
                return [(10.0**p, _labels([10.0**p], 10.0**p)[0]) for p in powers if p % thin == 0]
            evenly = Scale(10.0 ** min(308.0, self.low), 10.0 ** min(308.0, self.high))
        ticks, step = evenly.ticks(count)
        return [pair for pair in zip(ticks, _labels(ticks, step), strict=True) if pair[0] > 0 or not self.log]


def _labels(ticks: Sequence[float], step: float) -> list[str]:
    """Short texts in one form for all ticks, with just the decimals that the step needs."""
    top = max((abs(tick) for tick in ticks), default=0.0)
    place = math.floor(math.log10(step) + 1e-9)
    out = []
    for tick in ticks:
        if abs(tick) < step / 2:
            out.append("0")
        elif top < 1e-3 or top >= 1e15:
            digits = max(0, math.floor(math.log10(abs(tick)) + 1e-9) - place)
            mantissa, power = f"{tick:.{digits}e}".split("e")
            out.append(f"{mantissa}e{int(power)}")
        else:
            group = max(0, min(int(math.log10(top) + 1e-9), place + 2)) // 3 if top >= 1e4 else 0
            out.append(f"{tick / 1000**group:.{max(0, 3 * group - place)}f}{' kMGT'[group].strip()}")
    return out


# ---------------------------------------------------------------- the drawing


@dataclass(frozen=True)
class Line:
    """A series to draw, in a colour the caller understands.

    'line' joins its points, 'dash' does with gaps, 'dots' leaves them apart, 'band' is a light area from the
    least to the greatest value of each column, on which lines stay legible.
    """

    series: Series
    colour: Colour = None
    style: Literal["line", "dash", "dots", "band"] = "line"
    axis: Axis | None = None
    """What the x of the series means in the unit of the chart's x axis, if that is another."""
    smoothing: float = 0.0
    """Draw the moving average over this share of the view instead (see `smooth_columns`)."""


JOINED = ("line", "dash")


class Mark(NamedTuple):
    """A one-cell glyph (any other becomes '▲') on the x axis at x, its label after it where there is room."""

    x: float
    glyph: str = "▲"
    label: str = ""
    colour: Colour = None


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

    def dot(self, columns: list[Column], y: Scale) -> None:
        """Put the four values of each column as separate dots."""
        for c, column in enumerate(columns):
            for value in column[8:12] if column.first_at >= 0 else ():
                row = y.row(value, self.rows)
                self.run(c, row, row)

    def shade(self, columns: list[Column], y: Scale) -> None:
        """Put every second dot from the least to the greatest value of each column, and always these two."""
        for c, column in enumerate(columns):
            if column.first_at < 0:
                continue
            low, high = y.row(column.low, self.rows), y.row(column.high, self.rows)
            self.run(c, low, high)
            lattice = (1 << self.rows) // 3 << (c & 1)
            ends = sum(1 << row for row in {low, high} if 0 <= row < self.rows)
            self.masks[c] &= lattice | ends

    def stroke(self, columns: list[Column], y: Scale, line: Line, series: Series, x: Scale) -> None:
        """Fill each column from low to high and join it with the one before, if no gap lies between them."""
        stops = [(c, column) for c, column in enumerate(columns) if column.first_at >= 0]
        for i, value in _beside(series, columns):
            cell = x.cell(_forward(line, series[i][0]), len(columns))
            cell = min(cell, -1) if i < columns[0].start else max(cell, len(columns))
            stops.append((cell, Column(i, i + 1, 0, 0, i, i, i, i, *[value] * 5)))
        before, before_at, before_row = 0, -2, 0
        for c, column in sorted(stops):
            first, low, high, last = (y.row(value, self.rows) for value in column[8:12])
            self.run(c, low, high)
            if column.first_at == before_at + 1:
                self.join(before, before_row, c, first)
            before, before_at, before_row = c, column.last_at, last

    def trace(self, values: list[float | None], columns: list[Column], y: Scale) -> None:
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


def smooth_columns(series: Series, low: float, high: float, width: int, share: float, axis: Axis | None) -> Smooth:
    """The moving average over the means of a view's columns, each older one weighing less by exp(-1 / (share * width)).

    So it is over a share of what is seen, not over a number of points, and looks alike at any length and zoom:
    the debiased average of TensorBoard with the time weighting of W&B's (1000ths of the axis there). It is
    warmed up on half a view to the left, so that panning does not bend it.
    """
    columns = series.columns(low, high, width, axis)
    warm: list[Column] = []
    if columns[0].start and (lead := width // 2):
        warm = series.columns(low - (high - low) * lead / width, low, lead, axis)
    decay = math.exp(-1 / (share * width))
    mean, weight = 0.0, 0.0
    values: list[float | None] = []
    for column in (*warm, *columns):
        weight *= decay
        if column.first_at >= 0:
            weight += 1
            mean += (column.mean - mean) / weight
            values.append(mean)
        else:
            values.append(None)
    return Smooth(values[len(warm) :], columns)


class Smooth(NamedTuple):
    values: list[float | None]
    """One a column, None where the column has no value."""
    columns: list[Column]


def _cells(text: str) -> list[str]:
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
        cells, room = _cells(text), self.width - column
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


def draw(
    lines: Sequence[Line],
    width: int,
    height: int,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    marks: Iterable[Mark] = (),
    log: bool = False,
    clip: bool = False,
    crosshair: float | None = None,
    title: str = "",
    label_width: int = 6,
    axis_colour: Colour = None,
) -> list[Row]:
    """Draw bands, then lines, later ones on top, as `height` rows of exactly `width` cells, (text, colour) runs.

    Ranges default to what the lines hold (y: within x_range; with `clip` to what smoothed lines show of it). `log` takes the y axis as log10 and y <= 0 as
    gaps. Gaps break the line, save inside one dot column, which is filled from low to high; a NaN or infinite
    sample leaves a red tick in the bottom row of the plot, None does not. `label_width` is the least number
    of cells for y labels; more are taken three at a time, so that the plot stays put while values change a
    little. Axes and title are left out where there is no room.
    ValueError for a range that is not finite, is reversed, or is not positive with `log`.
    """
    if width < 1 or height < 1:
        return [[] for _ in range(height)]
    if log and y_range and min(y_range) <= 0:
        raise ValueError(f"a log axis needs a positive range: {y_range!r}")
    ordered = sorted(lines, key=lambda line: line.style != "band")
    shown = [(line, line.series.positive() if log else line.series) for line in ordered]
    x_scale = _x_scale(shown, x_range)
    y_scale = _y_scale(shown, x_scale, y_range, log, clip)

    top = 1 if title and height >= 6 else 0
    below = 2 if height - top >= 5 and width >= 12 else 1 if height - top >= 3 else 0
    plot_height = height - top - below
    y_axis = y_scale.axis(max(3, plot_height // (2 if log else 3)))
    gutter = max([label_width, *(-(-len(text) // 3) * 3 for _, text in y_axis)]) + 1
    gutter = gutter if width >= gutter + 8 and plot_height >= 2 else 0
    plot_width = width - gutter

    canvas = Canvas(width, height)
    if top:
        canvas.write(0, gutter, title, axis_colour)
    if gutter:
        for row in range(plot_height):
            canvas.write(top + row, 0, "│".rjust(gutter), axis_colour)
        for value, text in y_axis:
            row = y_scale.row(value, 4 * plot_height) // 4
            if 0 <= row < plot_height:
                canvas.write(top + row, 0, text.rjust(gutter - 1) + "┤", axis_colour)
    if below:
        _draw_x_axis(canvas, top + plot_height, gutter, x_scale, marks, axis_colour)

    bad: set[int] = set()
    for line, series in shown:
        layer = Layer(2 * plot_width, 4 * plot_height)
        if line.smoothing and line.style in JOINED:
            view = (x_scale.low, x_scale.high, 2 * plot_width)
            smooth = smooth_columns(series, *view, line.smoothing, line.axis)
            columns = smooth.columns
            layer.trace(smooth.values, columns, y_scale)
        else:
            columns = series.columns(x_scale.low, x_scale.high, 2 * plot_width, line.axis)
            match line.style:
                case "dots":
                    layer.dot(columns, y_scale)
                case "band":
                    layer.shade(columns, y_scale)
                case "line" | "dash":
                    layer.stroke(columns, y_scale, line, series, x_scale)
        if line.style == "dash":
            layer.masks = [mask if c % 4 < 2 else 0 for c, mask in enumerate(layer.masks)]
        canvas.lay(layer, top, gutter, line.colour, band=line.style == "band")
        bad.update(c // 2 for c, column in enumerate(columns) if column.bad)
    if crosshair is not None and x_scale.low <= crosshair <= x_scale.high:
        cell = gutter + x_scale.cell(crosshair, plot_width)
        for row in range(top, top + plot_height):
            if canvas.grid[row][cell][0] == " ":
                canvas.write(row, cell, "┊", axis_colour)
    for cell in bad:
        canvas.write(top + plot_height - 1, gutter + cell, BAD_GLYPH, BAD_COLOUR)
    return canvas.rows()


Shown = list[tuple[Line, Series]]


def _x_scale(shown: Shown, given: tuple[float, float] | None) -> Scale:
    if given:
        return Scale(*given)
    ends = [_forward(line, series[i][0]) for line, series in shown if len(series) for i in (0, -1)]
    return Scale(min(ends), max(ends)) if ends else Scale(0, 1)


CLIP_COLUMNS = 120
"""Columns that a smoothed line is looked at in to find its range."""


def _y_scale(shown: Shown, x: Scale, given: tuple[float, float] | None, log: bool, clip: bool) -> Scale:
    if given:
        low, high = map(math.log10, given) if log else given
        return Scale(low, high, log)
    joined = [(line, series) for line, series in shown if line.style in JOINED]
    smoothed = [(line, series) for line, series in joined if line.smoothing]
    if clip and smoothed:
        shown = [(line, series) for line, series in joined if not line.smoothing]
        for line, series in smoothed:
            view = (x.low, x.high, CLIP_COLUMNS, line.smoothing, line.axis)
            values = [value for value in smooth_columns(series, *view).values if value is not None]
            flat = Series()
            flat.extend(array("d", [x.low] * len(values)), array("d", values))
            shown.append((Line(flat), flat))
    whole = [(series, series.columns(x.low, x.high, 1, line.axis)[0]) for line, series in shown]
    ends = [end for _, column in whole if column.first_at >= 0 for end in (column.low, column.high)]
    if not ends:  # a window between two points shows the line between them
        ends = [y for one, column in whole for _, y in _beside(one, [column])]
    if log:
        ends = [math.log10(end) for end in ends]
    return Scale(min(ends), max(ends), log) if ends else Scale(0, 1, log)


def _forward(line: Line, x: float) -> float:
    return x if line.axis is None else line.axis.forward(x)


def _beside(series: Series, columns: list[Column]) -> list[tuple[int, float]]:
    """Index and y of the points next to the columns on either side, if there are, gaps left out."""
    near = [(i, series[i][1]) for i in (columns[0].start - 1, columns[-1].stop) if 0 <= i < len(series)]
    return [(i, y) for i, y in near if y == y]


def _draw_x_axis(canvas: Canvas, row: int, gutter: int, scale: Scale, marks: Iterable[Mark], colour: Colour) -> None:
    """The axis with ticks and marks in one row and the tick labels in the next, if the canvas has one."""
    width = canvas.width - gutter
    canvas.write(row, 0, "└".rjust(gutter)[:gutter] + "─" * width, colour)
    free = 0
    for value, text in scale.axis(max(3, width // 12)):
        cell = gutter + scale.cell(value, width)
        canvas.write(row, cell, "┬", colour)
        start = max(0, min(canvas.width - len(text), cell - len(text) // 2))
        if row + 1 < canvas.height and free <= start and start + len(text) <= canvas.width:
            canvas.write(row + 1, start, text, colour)
            free = start + len(text) + 1
    placed = [(gutter + scale.cell(mark.x, width), mark) for mark in marks if scale.low <= mark.x <= scale.high]
    taken = {cell for cell, _ in placed}
    for cell, mark in placed:
        narrow = len(_cells(mark.glyph)) == 1
        canvas.write(row, cell, mark.glyph if narrow else Mark._field_defaults["glyph"], mark.colour)
        label = range(cell + 1, cell + 1 + len(_cells(mark.label)))
        if label.stop <= canvas.width and taken.isdisjoint(label):
            canvas.write(row, cell + 1, mark.label, mark.colour)
            taken.update(label)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """One row of exactly `width` cells: the maximum of each stretch of values as a block, a gap as a space.

    Fewer values than cells take a cell each and leave the rest empty. Width below 1 gives an empty text.
    """
    count = max(0, min(len(values), width))
    bins: list[float | None] = []
    for i in range(count):
        part = values[i * len(values) // count : (i + 1) * len(values) // count]
        bins.append(max((v for v in part if v is not None and math.isfinite(v)), default=None))
    full = [value for value in bins if value is not None]
    if not full:
        return " " * width
    scale = Scale(min(full), max(full))
    # Just under 8: the maximum gets the last block, and every constant the same one, below the middle.
    return "".join(" " if v is None else "▁▂▃▄▅▆▇█"[int(scale.at(v) * 7.99)] for v in bins).ljust(width)


# ---------------------------------------------------------------- plain terminals


def _sgr(colour: int | str) -> str:
    if isinstance(colour, int):
        if 0 <= colour <= 255:
            return f"38;5;{colour}"
    elif colour in SGR:
        return SGR[colour]
    elif len(colour) == 7 and colour[0] == "#":
        red, green, blue = bytes.fromhex(colour[1:])
        return f"38;2;{red};{green};{blue}"
    raise ValueError(f"not a colour: {colour!r}")


def to_ansi(rows: Iterable[Row], colours: bool = True) -> list[str]:
    """One text a row for a terminal, without colours if asked so.

    A colour is 0..255, one of the eight ANSI names with or without 'bright_', or '#rrggbb'; else ValueError.
    """

    def paint(text: str, colour: Colour) -> str:
        return text if colour is None or not colours else f"\x1b[{_sgr(colour)}m{text}\x1b[0m"

    return ["".join(paint(text, colour) for text, colour in row) for row in rows]


def to_text(rows: Iterable[Row]) -> list[str]:
    """One plain text a row, colours left out."""
    return to_ansi(rows, colours=False)

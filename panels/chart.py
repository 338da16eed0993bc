"""A pure braille line-chart renderer, points in and rows of coloured text out, that knows nothing of metrics,
runs, files, terminals or who paints its rows.

It is twice the 300 lines aimed at because it holds two things that must agree on every dot, kept apart:
`Series`, the data (an M4 pyramid that answers "what lies in each dot column" in O(width log n)), and the
drawing (`Layer`, `Canvas`, `draw`), which sees the data only as `Column`s.
"""

from __future__ import annotations

import math
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

Colour = int | str | None
Run = tuple[str, Colour]
Row = list[Run]
Four = Sequence[int]

BASE_LEVEL = 5
"""The lowest stored pyramid level: below 2**5 points C's min() over the raw slice beats any stored block."""
BLOCK = 1 << BASE_LEVEL
NOWHERE = (-1, -1, -1, -1)
BAD_GLYPH, BAD_COLOUR = "╻", "red"
LEFT = [sum(bit for i, bit in enumerate((0x01, 0x02, 0x04, 0x40)) if n >> i & 1) for n in range(16)]
RIGHT = [sum(bit for i, bit in enumerate((0x08, 0x10, 0x20, 0x80)) if n >> i & 1) for n in range(16)]
FAR = 10**12
"""Dots off the canvas are held within this distance: slopes stay true, and no infinity meets an integer."""
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


# ---------------------------------------------------------------- the data


class Column(NamedTuple):
    """Exact M4 of the points [start, stop) of a series; positions are point indices, -1 (and NaN) if none.

    `gaps` counts the points without a value, `bad` those of them that came as NaN or infinity (not as None).
    Ties for low and high go to the earliest point.
    """

    start: int
    stop: int
    gaps: int
    bad: int
    first_at: int
    low_at: int
    high_at: int
    last_at: int
    first: float
    low: float
    high: float
    last: float


class Series:
    """Append-only points (x, y), x never decreasing, with a pyramid of M4 blocks aligned to the point index.

    Level k covers blocks of 2**k points, k >= BASE_LEVEL, four positions a block (first, low, high, last; the
    values are read through them). A full block never changes, so bins do not shimmer as points arrive.
    About 18 bytes a point. Not safe to append in one thread while reading in another.
    """

    def __init__(self) -> None:
        self._x: array[float] = array("d")
        self._y: array[float] = array("d")
        self._gaps: array[int] = array("q")
        self._bad: array[int] = array("q")
        self._levels: list[array[int]] = []
        self._positive: Series | None = None

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, index: int) -> tuple[float, float]:
        """The point at an index, y NaN for a gap. IndexError outside."""
        return self._x[index], self._y[index]

    def append(self, x: float, y: float | None) -> None:
        """Add a point, O(1) amortised; None, NaN, inf are gaps. ValueError if x falls or is not finite."""
        xs = self._x
        if not math.isfinite(x) or (xs and x < xs[-1]):
            raise ValueError(f"x must be finite and not decrease: {x!r} at point {len(xs)}")
        count = len(xs)
        if y is not None and math.isfinite(y):
            self._y.append(y)
        else:
            self._y.append(math.nan)
            self._gaps.append(count)
            if y is not None:
                self._bad.append(count)
        xs.append(x)
        if not (count + 1) % BLOCK:
            self._fold(count + 1)

    def blocks(self, level: int) -> list[tuple[int, int, int, int]]:
        """Positions (first, low, high, last) of each full block of 2**level points, -1 where all are gaps.

        ValueError for a level below BASE_LEVEL: there the points themselves are read.
        """
        if level < BASE_LEVEL:
            raise ValueError(f"levels below {BASE_LEVEL} are not stored: {level}")
        if level - BASE_LEVEL >= len(self._levels):
            return []
        at = self._levels[level - BASE_LEVEL]
        return list(zip(at[0::4], at[1::4], at[2::4], at[3::4], strict=True))

    def columns(self, x_min: float, x_max: float, width: int) -> list[Column]:
        """Exact M4 of each of `width` equal bins [a, b) of [x_min, x_max], the last closed; O(width log n).

        ValueError unless x_min < x_max are finite and width >= 1.
        """
        if not (math.isfinite(x_min) and math.isfinite(x_max) and x_min < x_max and width >= 1):
            raise ValueError(f"no columns in {x_min!r}..{x_max!r} at width {width}")
        span = x_max - x_min
        if math.isfinite(span * width):
            edges = [x_min + span * c / width for c in range(1, width)]
        else:
            edges = [x_min * (1 - c / width) + x_max * (c / width) for c in range(1, width)]
        bounds = [bisect_left(self._x, x_min)]
        for edge in edges:
            bounds.append(bisect_left(self._x, edge, bounds[-1]))
        bounds.append(bisect_right(self._x, x_max, bounds[-1]))
        return [self._column(start, stop) for start, stop in pairwise(bounds)]

    def positive(self) -> Series:
        """This series with every y <= 0 as a gap (not a bad one), for log scales: itself if it has none.

        Else a second series, kept and caught up with at each call: O(n) the first time, then O(points added).
        """
        low = self._four(0, len(self))[1]
        if low < 0 or self._y[low] > 0:
            return self
        if self._positive is None:
            self._positive = Series()
            self._positive._bad = self._bad  # same positions; it appends none of its own
        view = self._positive
        for i in range(len(view), len(self)):
            y = self._y[i]
            view.append(self._x[i], y if y > 0 else None)
        return view

    def _fold(self, count: int) -> None:
        four: Four = self._scan(count - BLOCK, count)
        for k in range(len(self._levels) + 1):
            if k == len(self._levels):
                self._levels.append(array("q"))
            level = self._levels[k]
            level.extend(four)
            if len(level) % 8:
                return
            four = self._merge([level[-8:-4], level[-4:]])

    def _merge(self, parts: list[Four]) -> Four:
        """The four positions of adjacent parts, given in order of index."""
        full = [part for part in parts if part[0] >= 0]
        if not full:
            return NOWHERE
        value = self._y.__getitem__
        low = min([part[1] for part in full], key=value)
        high = max([part[2] for part in full], key=value)
        return full[0][0], low, high, full[-1][3]

    def _scan(self, start: int, stop: int) -> Four:
        """The four positions of a short stretch, from the points."""
        if not _between(self._gaps, start, stop):
            part = self._y[start:stop]
            return start, start + part.index(min(part)), start + part.index(max(part)), stop - 1
        value = self._y.__getitem__
        full = [i for i in range(start, stop) if value(i) == value(i)]
        return (full[0], min(full, key=value), max(full, key=value), full[-1]) if full else NOWHERE

    def _four(self, start: int, stop: int) -> Four:
        """The four positions of any stretch: raw points at its ends, pyramid blocks between."""
        if start >= stop:
            return NOWHERE
        a, b = -(-start // BLOCK), stop // BLOCK
        if a >= b:
            return self._scan(start, stop)
        left: list[Four] = [self._scan(start, a * BLOCK)] if start < a * BLOCK else []
        right: list[Four] = [self._scan(b * BLOCK, stop)] if b * BLOCK < stop else []
        for level in self._levels:
            if a >= b:
                break
            if a & 1:
                left.append(level[4 * a : 4 * a + 4])
                a += 1
            if b & 1:
                b -= 1
                right.append(level[4 * b : 4 * b + 4])
            a, b = a >> 1, b >> 1
        return self._merge(left + right[::-1])

    def _column(self, start: int, stop: int) -> Column:
        first, low, high, last = self._four(start, stop)
        gaps, bad = _between(self._gaps, start, stop), _between(self._bad, start, stop)
        if first < 0:
            return Column(start, stop, gaps, bad, *NOWHERE, math.nan, math.nan, math.nan, math.nan)
        y = self._y
        return Column(start, stop, gaps, bad, first, low, high, last, y[first], y[low], y[high], y[last])


def _between(positions: array[int], start: int, stop: int) -> int:
    if not positions:
        return 0
    return bisect_left(positions, stop) - bisect_left(positions, start)


def ema(values: Sequence[float | None], weight: float) -> list[float | None]:
    """Debiased exponential moving average as TensorBoard's, one value out for each in, gaps passed through.

    ValueError unless 0 <= weight < 1 (0 leaves the values alone).
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight must be in [0, 1): {weight!r}")
    out: list[float | None] = []
    mean, decay = 0.0, 1.0
    for value in values:
        if value is None or not math.isfinite(value):
            out.append(value)
            continue
        decay *= weight
        # Equal to biased / (1 - weight**n), but exact on a constant: a flat line stays flat.
        share = (1 - weight) / (1 - decay)
        mean = value if share == 1 else mean + (value - mean) * share
        out.append(mean)
    return out


# ---------------------------------------------------------------- scales and labels


class Scale:
    """A range [low, high] made non-degenerate, mapped to 0..1 without overflow for any two finite ends."""

    def __init__(self, low: float, high: float) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"not a range: {low!r}..{high!r}")
        if high - low <= max(abs(low), abs(high)) * 1e-13 or high - low < 1e-300:
            middle, most = low / 2 + high / 2, math.nextafter(math.inf, 0)
            pad = max(abs(middle) * 0.1, 1e-300) if middle else 1.0
            low, high = max(low - pad, -most), min(high + pad, most)
        self.low, self.high = low, high
        self.unit = 1.0 if math.isfinite(high - low) else 1 / 4
        self.span = high * self.unit - low * self.unit

    def at(self, value: float) -> float:
        """0 at low, 1 at high, beyond them outside."""
        return (value * self.unit - self.low * self.unit) / self.span

    def cell(self, value: float, count: int) -> int:
        """Which of `count` equal bins holds a value; high is in the last, values outside are within FAR."""
        at = self.at(value)
        if at == 1:
            return count - 1
        return math.floor(max(-FAR, min(FAR, at * count)))

    def ticks(self, count: int) -> tuple[list[float], float]:
        """Multiples of a 1-2-5 step inside the range, at most about `count` >= 3 steps, and the step."""
        # Where the span overflows (unit 1/4), half its share is asked: no step may exceed the largest float.
        raw = self.span / count * (1 if self.unit == 1 else 2)
        size = 10.0 ** math.floor(math.log10(raw))
        step = next((n * size for n in (1, 2, 5) if n * size >= raw * 0.999999), 10 * size)
        steps = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        return [max(self.low, min(self.high, n * step)) for n in steps], step


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


def _linear_axis(scale: Scale, count: int) -> list[tuple[float, str]]:
    ticks, step = scale.ticks(count)
    return [(scale.at(tick), text) for tick, text in zip(ticks, _labels(ticks, step), strict=True)]


def _log_axis(scale: Scale, count: int) -> list[tuple[float, str]]:
    """Decades, thinned to `count`; where fewer than two show, evenly spaced values. `scale` is in log10."""
    powers = range(max(-307, math.ceil(scale.low - 1e-9)), min(308, math.floor(scale.high + 1e-9)) + 1)
    if len(powers) > 1:
        thin = -(-len(powers) // count)
        return [(scale.at(p), _labels([10.0**p], 10.0**p)[0]) for p in powers if p % thin == 0]
    inner = Scale(10.0 ** min(308.0, scale.low), 10.0 ** min(308.0, scale.high))
    ticks, step = inner.ticks(count)
    pairs = zip(ticks, _labels(ticks, step), strict=True)
    return [(scale.at(math.log10(tick)), text) for tick, text in pairs if tick > 0]


# ---------------------------------------------------------------- the drawing


@dataclass(frozen=True)
class Line:
    """A series to draw, joined ('line') or as separate dots ('dots'), in a colour the caller understands."""

    series: Series
    colour: Colour = None
    style: Literal["line", "dots"] = "line"


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
        top, bottom = (a, b) if a <= b else (b, a)
        top, bottom = max(top, 0), min(bottom, self.rows - 1)
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
        self.texts = [[" "] * width for _ in range(height)]
        self.colours: list[list[Colour]] = [[None] * width for _ in range(height)]

    def write(self, row: int, column: int, text: str, colour: Colour, room: int) -> None:
        """Put a text in at most `room` cells, all on the canvas; a wide character cut in two goes."""
        cells = _cells(text)
        if len(cells) > room:
            cut = room > 0 and cells[room] == ""
            cells = cells[:room]
            if cut:
                cells[-1] = " "
        self.texts[row][column : column + len(cells)] = cells
        self.colours[row][column : column + len(cells)] = [colour] * len(cells)

    def lay(self, layer: Layer, row: int, column: int, colour: Colour) -> None:
        """Add dots, their first cell at (row, column): a cell keeps its dots, its colour is the new one."""
        masks = layer.masks
        for c in range(len(masks) // 2):
            left, right = masks[2 * c], masks[2 * c + 1]
            both = left | right
            r = ((both & -both).bit_length() - 1) // 4 if both else 0
            left, right, both = left >> 4 * r, right >> 4 * r, both >> 4 * r
            while both:
                if both & 15:
                    cells = self.texts[row + r]
                    old = ord(cells[column + c])
                    code = LEFT[left & 15] | RIGHT[right & 15] | (old if old >= 0x2800 else 0x2800)
                    cells[column + c] = chr(code)
                    self.colours[row + r][column + c] = colour
                left, right, both, r = left >> 4, right >> 4, both >> 4, r + 1

    def rows(self) -> list[Row]:
        """The rows from the top, neighbouring cells of one colour joined in a run."""
        out: list[Row] = []
        for texts, colours in zip(self.texts, self.colours, strict=True):
            row: Row = []
            start = 0
            for colour, group in groupby(colours):
                stop = start + len(list(group))
                row.append(("".join(texts[start:stop]), colour))
                start = stop
            out.append(row)
        return out


def draw(
    lines: Sequence[Line],
    width: int,
    height: int,
    *,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    marks: Iterable[Mark] = (),
    log: bool = False,
    title: str = "",
    label_width: int = 6,
    axis_colour: Colour = None,
) -> list[Row]:
    """Draw lines, later ones on top, as `height` rows of exactly `width` cells, each (text, colour) runs.

    Ranges default to what the lines hold (y: within x_range). `log` takes the y axis as log10 and y <= 0 as
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
    shown = [(line, line.series.positive() if log else line.series) for line in lines]
    x_scale = _x_scale([series for _, series in shown], x_range)
    y_scale = _y_scale([series for _, series in shown], x_scale, y_range, log)

    top = 1 if title and height >= 6 else 0
    below = 2 if height - top >= 5 and width >= 12 else 1 if height - top >= 3 else 0
    plot_height = height - top - below
    axis, apart = (_log_axis, 2) if log else (_linear_axis, 3)
    y_axis = axis(y_scale, max(3, plot_height // apart))
    gutter = max([label_width, *(-(-len(text) // 3) * 3 for _, text in y_axis)]) + 1
    gutter = gutter if width >= gutter + 8 and plot_height >= 2 else 0
    plot_width = width - gutter

    canvas = Canvas(width, height)
    if top:
        canvas.write(0, gutter, title, axis_colour, plot_width)
    if gutter:
        _draw_y_axis(canvas, top, plot_height, gutter, y_axis, axis_colour)
    if below:
        _draw_x_axis(canvas, top + plot_height, gutter, x_scale, marks, below > 1, axis_colour)

    place = _placer(y_scale, 4 * plot_height, log)
    bad: set[int] = set()
    for line, series in shown:
        columns = series.columns(x_scale.low, x_scale.high, 2 * plot_width)
        layer = Layer(2 * plot_width, 4 * plot_height)
        if line.style == "dots":
            _dot(layer, columns, place)
        else:
            _stroke(layer, columns, place, series, x_scale)
        canvas.lay(layer, top, gutter, line.colour)
        bad.update(c // 2 for c, column in enumerate(columns) if column.bad)
    for cell in bad:
        canvas.write(top + plot_height - 1, gutter + cell, BAD_GLYPH, BAD_COLOUR, 1)
    return canvas.rows()


def _x_scale(series: list[Series], given: tuple[float, float] | None) -> Scale:
    if given:
        return Scale(*given)
    full = [one for one in series if len(one)]
    return Scale(min(one[0][0] for one in full), max(one[-1][0] for one in full)) if full else Scale(0, 1)


def _y_scale(series: list[Series], x: Scale, given: tuple[float, float] | None, log: bool) -> Scale:
    ends: list[float] = list(given or ())
    if not given:
        whole = [one.columns(x.low, x.high, 1)[0] for one in series]
        ends = [end for column in whole if column.first_at >= 0 for end in (column.low, column.high)]
        if not ends:  # a window between two points shows the line between them
            pairs = zip(series, whole, strict=True)
            ends = [y for one, column in pairs for _, y in _beside(one, [column]) if y == y]
    if log:
        ends = [math.log10(end) for end in ends]
    if given:
        return Scale(*ends)
    return Scale(min(ends), max(ends)) if ends else Scale(0, 1)


def _beside(series: Series, columns: list[Column]) -> list[tuple[int, float]]:
    """Index and y of the points next to the columns on either side, if there are."""
    return [(i, series[i][1]) for i in (columns[0].start - 1, columns[-1].stop) if 0 <= i < len(series)]


def _placer(scale: Scale, rows: int, log: bool) -> Callable[[float], int]:
    """The dot row of a value: low in the bottom row, high in the top row, both at the middle of the dot."""
    low, span, unit, last = scale.low * scale.unit, scale.span, scale.unit, rows - 1

    def place(value: float) -> int:
        at = ((math.log10(value) if log else value) * unit - low) / span
        return math.floor(max(-FAR, min(FAR, (1 - at) * last + 0.5)))

    return place


def _dot(layer: Layer, columns: list[Column], place: Callable[[float], int]) -> None:
    for c, column in enumerate(columns):
        if column.first_at >= 0:
            for row in {place(value) for value in column[8:]}:
                layer.run(c, row, row)


def _stroke(
    layer: Layer, columns: list[Column], place: Callable[[float], int], series: Series, x: Scale
) -> None:
    """Fill each column from low to high and join it with the one before, if no gap lies between them."""
    stops = [(c, column) for c, column in enumerate(columns) if column.first_at >= 0]
    for i, y in _beside(series, columns):
        if y == y:
            point = Column(i, i + 1, 0, 0, i, i, i, i, y, y, y, y)
            cell = x.cell(series[i][0], len(columns))
            if i < columns[0].start:
                stops.insert(0, (min(cell, -1), point))
            else:
                stops.append((max(cell, len(columns)), point))
    before, before_at, before_row = 0, -2, 0
    for c, column in stops:
        layer.run(c, place(column.low), place(column.high))
        row = place(column.first)
        if column.first_at == before_at + 1:
            layer.join(before, before_row, c, row)
        before, before_at, before_row = c, column.last_at, place(column.last)


def _draw_y_axis(
    canvas: Canvas, top: int, height: int, gutter: int, ticks: list[tuple[float, str]], colour: Colour
) -> None:
    """The labels right-aligned in `gutter` - 1 cells and the axis in the last one."""
    texts = {}
    for at, text in ticks:
        row = math.floor((1 - at) * (4 * height - 1) + 0.5) // 4
        if 0 <= row < height:
            texts[row] = text
    for row in range(height):
        text = texts.get(row, "")
        canvas.write(top + row, 0, text.rjust(gutter - 1) + ("┤" if text else "│"), colour, gutter)


def _draw_x_axis(
    canvas: Canvas, row: int, gutter: int, scale: Scale, marks: Iterable[Mark], labels: bool, colour: Colour
) -> None:
    """The axis with ticks and marks in one row and, if asked, the tick labels in the next."""
    width = canvas.width - gutter
    canvas.write(row, 0, " " * (gutter - 1) + "└" * (gutter > 0) + "─" * width, colour, canvas.width)
    free = 0
    for at, text in _linear_axis(scale, max(3, width // 12)):
        cell = gutter + min(width - 1, int(at * width))
        canvas.write(row, cell, "┬", colour, 1)
        start = max(0, min(canvas.width - len(text), cell - len(text) // 2))
        if labels and free <= start and start + len(text) <= canvas.width:
            canvas.write(row + 1, start, text, colour, len(text))
            free = start + len(text) + 1
    seen = [mark for mark in marks if scale.low <= mark.x <= scale.high]
    placed = [(gutter + scale.cell(mark.x, width), mark) for mark in seen]
    taken = {cell for cell, _ in placed}
    for cell, mark in placed:
        narrow = len(_cells(mark.glyph)) == 1
        canvas.write(row, cell, mark.glyph if narrow else Mark._field_defaults["glyph"], mark.colour, 1)
        label = range(cell + 1, cell + 1 + len(_cells(mark.label)))
        if label.stop <= canvas.width and taken.isdisjoint(label):
            canvas.write(row, cell + 1, mark.label, mark.colour, len(label))
            taken.update(label)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """One row of exactly `width` cells: the maximum of each stretch of values as a block, a gap as a space.

    Fewer values than cells take a cell each and leave the rest empty. Width below 1 gives an empty text.
    """
    count = min(len(values), max(width, 0))
    bins: list[float | None] = []
    for i in range(count):
        part = values[i * len(values) // count : (i + 1) * len(values) // count]
        bins.append(max((v for v in part if v is not None and math.isfinite(v)), default=None))
    full = [value for value in bins if value is not None]
    if not full:
        return " " * max(width, 0)
    scale = Scale(min(full), max(full))
    # Just under 8: the maximum gets the last block, and every constant the same one, below the middle.
    return "".join(" " if v is None else "▁▂▃▄▅▆▇█"[int(scale.at(v) * 7.99)] for v in bins).ljust(width)


# ---------------------------------------------------------------- plain terminals


def _sgr(colour: int | str) -> str:
    if isinstance(colour, int):
        if 0 <= colour <= 255:
            return f"38;5;{colour}"
    elif colour.removeprefix("bright_") in NAMES:
        return str((90 if colour.startswith("bright_") else 30) + NAMES.index(colour.removeprefix("bright_")))
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

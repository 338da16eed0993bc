"""A pure braille line-chart renderer, points in and rows of coloured text out, that knows nothing of metrics, runs,
files, terminals or who paints its rows.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict, Unpack

from panels.axis import Axis
from panels.canvas import Canvas, Colour, Layer, Row, split_cells
from panels.scale import Scale
from panels.series import Column, Series
from panels.smoothing import smooth_columns

__all__ = ["Axis", "Colour", "Line", "Mark", "Picture", "Row", "Scale", "Series", "draw", "take_picture", "to_text"]

BAD_GLYPH, BAD_COLOUR = "╻", "red"


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


class Picture(NamedTuple):
    """The rows of a chart, and where in them the plot lies, in cells."""

    rows: list[Row]
    left: int
    top: int
    width: int
    height: int
    x: Scale

    def cross(self, x: float, colour: Colour = None) -> list[Row]:
        """The rows with a vertical line at x, in the empty cells."""
        if not (self.x.low <= x <= self.x.high) or self.width < 1:
            return self.rows
        cell = self.left + self.x.cell(x, self.width)
        rows = list(self.rows)
        for number in range(self.top, self.top + self.height):
            row, start = rows[number], 0
            for i, (text, tint) in enumerate(row):
                # the plot holds no wide character, so that a character is a cell
                if start <= cell < start + len(text):
                    if text[cell - start] == " ":
                        parts = [(text[: cell - start], tint), ("┊", colour), (text[cell - start + 1 :], tint)]
                        rows[number] = [*row[:i], *(part for part in parts if part[0]), *row[i + 1 :]]
                    break
                start += len(text)
        return rows


class View(TypedDict, total=False):
    """How lines are drawn; all of it may be left out."""

    x_range: tuple[float, float] | None
    """What the lines hold, if not given."""
    y_range: tuple[float, float] | None
    """What the lines hold within x_range, if not given; with `clip` what smoothed lines show of it."""
    clip: bool
    log: bool
    """The y axis is log10, and y <= 0 is a gap."""
    marks: Iterable[Mark]
    title: str
    label_width: int
    """The least number of cells for y labels, 6 if not given; more are taken three at a time, so that the plot
    stays put while values change a little."""
    axis_colour: Colour


def draw(
    lines: Sequence[Line], width: int, height: int, *, crosshair: float | None = None, **view: Unpack[View]
) -> list[Row]:
    """The rows of `take_picture`, with a vertical line at `crosshair`."""
    picture = take_picture(lines, width, height, **view)
    return picture.rows if crosshair is None else picture.cross(crosshair, view.get("axis_colour"))


def take_picture(lines: Sequence[Line], width: int, height: int, **view: Unpack[View]) -> Picture:
    """Draw bands, then lines, later ones on top, as `height` rows of exactly `width` cells, (text, colour) runs.

    Gaps break a line, save inside one dot column, which is filled from low to high; a NaN or infinite sample
    leaves a red tick in the bottom row of the plot, None does not. Axes and title are left out where there is
    no room. ValueError for a range that is not finite, is reversed, or is not positive with `log`.
    """
    x_range, y_range, log = view.get("x_range"), view.get("y_range"), view.get("log", False)
    title, axis_colour = view.get("title", ""), view.get("axis_colour")
    if width < 1 or height < 1:
        return Picture([[] for _ in range(height)], 0, 0, 0, 0, Scale(0, 1))
    if log and y_range and min(y_range) <= 0:
        raise ValueError(f"a log axis needs a positive range: {y_range!r}")
    ordered = sorted(lines, key=lambda line: line.style != "band")
    shown = [(line, line.series.positive() if log else line.series) for line in ordered]
    x_scale = _x_scale(shown, x_range)
    y_scale = _y_scale(shown, x_scale, y_range, log, view.get("clip", False))

    top = 1 if title and height >= 6 else 0
    below = 2 if height - top >= 5 and width >= 12 else 1 if height - top >= 3 else 0
    plot_height = height - top - below
    y_axis = y_scale.axis(max(3, plot_height // (2 if log else 3)))
    gutter = max([view.get("label_width", 6), *(-(-len(text) // 3) * 3 for _, text in y_axis)]) + 1
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
        _draw_x_axis(canvas, top + plot_height, gutter, x_scale, view.get("marks", ()), axis_colour)

    bad: set[int] = set()
    dots = 2 * plot_width
    for line, series in shown:
        layer = Layer(dots, 4 * plot_height)
        columns = series.columns(x_scale.low, x_scale.high, dots, line.axis)
        if line.style == "dots":
            layer.dot(columns, y_scale)
        elif line.style == "band":
            layer.shade(columns, y_scale)
        elif line.smoothing:
            smooth = smooth_columns(series, x_scale.low, x_scale.high, dots, line.smoothing, line.axis)
            layer.trace(smooth, columns, y_scale)
        else:
            layer.stroke(columns, y_scale, _stops_beside(line, series, columns, x_scale))
        if line.style == "dash":
            layer.dash()
        canvas.lay(layer, top, gutter, line.colour, band=line.style == "band")
        bad.update(c // 2 for c, column in enumerate(columns) if column.bad)
    for cell in bad:
        canvas.write(top + plot_height - 1, gutter + cell, BAD_GLYPH, BAD_COLOUR)
    return Picture(canvas.rows(), gutter, top, plot_width, plot_height, x_scale)


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
            smooth = smooth_columns(series, x.low, x.high, CLIP_COLUMNS, line.smoothing, line.axis)
            values = [value for value in smooth if value is not None]
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


def _beside(series: Series, columns: Sequence[Column]) -> list[tuple[int, float]]:
    """Index and y of the points next to the columns on either side, if there are, gaps left out."""
    near = [(i, series[i][1]) for i in (columns[0].start - 1, columns[-1].stop) if 0 <= i < len(series)]
    return [(i, y) for i, y in near if y == y]


def _stops_beside(line: Line, series: Series, columns: Sequence[Column], x: Scale) -> list[tuple[int, int, float]]:
    """Dot column, index and y of the points next to a view, in the dot columns outside it."""
    stops = []
    for i, value in _beside(series, columns):
        cell = x.cell(_forward(line, series[i][0]), len(columns))
        stops.append((min(cell, -1) if i < columns[0].start else max(cell, len(columns)), i, value))
    return stops


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
        narrow = len(split_cells(mark.glyph)) == 1
        canvas.write(row, cell, mark.glyph if narrow else Mark._field_defaults["glyph"], mark.colour)
        label = range(cell + 1, cell + 1 + len(split_cells(mark.label)))
        if label.stop <= canvas.width and taken.isdisjoint(label):
            canvas.write(row, cell + 1, mark.label, mark.colour)
            taken.update(label)


def to_text(rows: Iterable[Row]) -> list[str]:
    """One plain text a row, colours left out."""
    return ["".join(text for text, _ in row) for row in rows]

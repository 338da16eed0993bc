"""A chart as a Textual widget: the drawing of panels/chart.py in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from panels.axis import Axis
from panels.chart import BAD_COLOUR, Line, Mark, Picture, take_picture
from panels.lines import Lines
from panels.series import Series
from panels.style import read_style
from panels.text import plain

CURVES = 8


@dataclass(frozen=True)
class Curve:
    """A series to draw; `colour` names a colour of the theme: curve-1 to curve-8, band, text-muted, good, bad."""

    series: Series
    colour: str
    style: Literal["line", "dash", "dots", "band"] = "line"
    label: str = ""
    axis: Axis | None = None
    smooth: bool = True
    """Whether the chart's smoothing applies to it; a line of few points is left as it is."""


@dataclass(frozen=True)
class Reading:
    """What stands beside the title: a curve's name and value, in its colour."""

    text: str
    colour: str


class Plot(Lines):
    """A title row with readings, and under it the chart."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "plot--title", "plot--axis", "plot--text-muted", "plot--band", "plot--good", "plot--bad",
        *(f"plot--curve-{n}" for n in range(1, CURVES + 1)),
    }  # fmt: skip

    def __init__(self, *, title: str = "", id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.title = title
        self._curves: Sequence[Curve] = ()
        self._readings: Sequence[Reading] = ()
        self._marks: Sequence[Mark] = ()
        self._x_range: tuple[float, float] | None = None
        self._y_range: tuple[float, float] | None = None
        self._log = self._clip = False
        self._smoothing = 0.0
        self._crosshair: float | None = None
        self._picture: tuple[tuple[object, ...], Picture] | None = None
        self._held = False

    def show(
        self,
        curves: Sequence[Curve],
        *,
        readings: Sequence[Reading] = (),
        marks: Sequence[Mark] = (),
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
        log: bool = False,
        clip: bool = False,
        smoothing: float = 0.0,
        crosshair: float | None = None,
    ) -> None:
        """Draw these curves; `smoothing` is the share of the view that lines are averaged over, 0 for none."""
        self._curves, self._readings, self._marks = curves, readings, marks
        self._x_range, self._y_range, self._crosshair = x_range, y_range, crosshair
        self._log, self._clip, self._smoothing = log, clip, smoothing
        self.redraw()

    def move_crosshair(self, x: float | None, readings: Sequence[Reading]) -> None:
        """Put the crosshair elsewhere on the chart as it was last drawn, points that came since not awaited."""
        self._crosshair, self._readings, self._held = x, readings, True
        self.redraw()
        self._held = False

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        styles: dict[object, Style] = {None: self.rich_style}

        def paint(colour: object) -> Style:
            if colour not in styles:
                styles[colour] = self.get_component_rich_style(f"plot--{'bad' if colour == BAD_COLOUR else colour}")
            return styles[colour]

        head = [self._draw_title(width, paint("title"), paint)] if height > 3 else []
        picture = self._draw_picture(width, height - len(head))
        rows = picture.rows if self._crosshair is None else picture.cross(self._crosshair, "axis")
        return head + [Strip([Segment(text, paint(colour)) for text, colour in row]) for row in rows]

    def _draw_picture(self, width: int, height: int) -> Picture:
        """The chart without its crosshair, drawn again only where anything of it changed."""
        lines = [Line(c.series, c.colour, c.style, c.axis, self._smoothing if c.smooth else 0.0) for c in self._curves]
        counts = [(id(line.series), len(line.series), line.series.cuts) for line in lines]
        key = (width, height, counts, lines, self._x_range, self._y_range, self._marks, self._log, self._clip)
        if self._picture is None or key != self._picture[0]:
            picture = take_picture(
                lines, width, height, x_range=self._x_range, y_range=self._y_range, marks=self._marks,
                log=self._log, clip=self._clip, axis_colour="axis",
            )  # fmt: skip
            self._picture = key, picture
        return self._picture[1]

    def _draw_title(self, width: int, strong: Style, paint: object) -> Strip:
        segments = [Segment(plain(self.title, width), strong)]
        room = width - segments[0].cell_length
        for reading in self._readings:
            text = "  " + plain(reading.text)
            segment = Segment(text, paint(reading.colour))  # type: ignore[operator]
            if segment.cell_length > room:
                break
            segments.append(segment)
            room -= segment.cell_length
        return Strip([*segments, Segment(set_cell_size("", max(0, room)), self.rich_style)])

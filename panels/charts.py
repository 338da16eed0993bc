"""A page of charts over one x axis: which fit, what each draws, and what stands at the crosshair."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual import events
from textual.containers import Container
from textual.message import Message

from engine.records.version import LIVE
from panels import metrics
from panels.chart import Mark
from panels.curves import ChartedRun, Look, arrange_curves, full_span, list_readings, show_value
from panels.plot import Plot
from panels.style import read_style

LEAST_WIDTH, LEAST_HEIGHT = 38, 8
"""Cells of a chart before fewer stand side by side, or one above the other."""
MOST_COLUMNS = 4
AXES = ("step", "epoch", "tokens", "time")
SMOOTHINGS = (0.0, 0.01, 0.03, 0.1)
"""Shares of the view that the moving average runs over."""

MARKS = {"checkpoint": ("▲", "axis"), "alarm": ("!", "bad"), "stop": ("■", "text-muted"), "resume": ("↻", "good")}


class Charts(Container):
    """As many plots as fit; the others are on the next pages."""

    DEFAULT_CSS = read_style(__file__)

    class Arranged(Message):
        """Another number of charts may fit, and so another number of pages."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Charts.Arranged)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._runs: Sequence[ChartedRun] = ()
        self._look = Look()
        self._charts: tuple[metrics.Chart, ...] = ()
        self._place = 0
        self._waiting: list[int] = []
        """Charts of the page that are still to be drawn."""
        self.maximised = False

    # ---------------------------------------------------------------- what is asked of it

    def show(self, runs: Sequence[ChartedRun], look: Look) -> None:
        """Draw these runs, the first of them in front."""
        self._runs, self._look = runs, look
        # what a live run is going to write has its place from the start, so that no chart moves when it comes
        live = [name for run in runs if run.status in LIVE for name in metrics.expect_metrics(run.objective)]
        found = dict.fromkeys([*live, *(name for run in runs for name in run.series)])
        charts = metrics.arrange_charts(found)
        if charts != self._charts:
            front = self.chart.key if self.chart is not None else ""
            self._charts = charts
            keys = [chart.key for chart in charts]
            self._place = keys.index(front) if front in keys else 0
            self._arrange()
        self._draw()

    def cross(self, look: Look) -> None:
        """See the charts with another crosshair, and nothing else changed: at once, since a key waits for it."""
        self._look = look
        shown, _ = self._shown()
        for plot, number in zip(self.query(Plot), shown, strict=False):
            plot.move_crosshair(look.crosshair, list_readings(self._charts[number], self._runs, look))

    def move(self, by: int) -> None:
        """Put another chart in front, on another page if need be."""
        if self._charts:
            self._place = (self._place + by) % len(self._charts)
            self._arrange()
            self._draw()

    def turn(self, by: int) -> None:
        """The next page, or the one before."""
        page, pages = self.pages
        self._place = (page - 1 + by) % pages * self._per_page
        self._arrange()
        self._draw()

    def maximise(self, on: bool) -> None:
        self.maximised = on
        self._arrange()
        self._draw()

    @property
    def chart(self) -> metrics.Chart | None:
        """The chart in front."""
        return self._charts[self._place] if self._charts else None

    @property
    def pages(self) -> tuple[int, int]:
        """Which page is open, from 1, and how many there are."""
        return self._place // self._per_page + 1, max(1, math.ceil(len(self._charts) / self._per_page))

    @property
    def span(self) -> tuple[float, float]:
        """The stretch of the axis in sight."""
        return self._look.window or self.full_span

    @property
    def full_span(self) -> tuple[float, float]:
        """All of the axis."""
        return full_span(self._runs, self._look.axis)

    @property
    def plot_columns(self) -> int:
        """Dot columns of a plot, about: how finely a crosshair can be set."""
        return max(8, 2 * (self.content_size.width // max(1, self._grid(self._count())[0]) - 8))

    def read(self, key: str) -> str:
        """The values of a metric at the crosshair, else the newest, run by run."""
        return "  ".join(f"{run.name} {show_value(run, key, self._look)}" for run in self._runs if key in run.series)

    # ---------------------------------------------------------------- how it does it

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()
        self._draw()
        self.post_message(self.Arranged())

    def _count(self) -> int:
        return 1 if self.maximised else len(self._charts)

    def _grid(self, count: int) -> tuple[int, int]:
        """Columns and rows of a page."""
        width, height = self.content_size
        columns = max(1, min(MOST_COLUMNS, width // LEAST_WIDTH, count))
        rows = max(1, min(height // LEAST_HEIGHT, math.ceil(count / columns)))
        return columns, rows

    @property
    def _per_page(self) -> int:
        columns, rows = (1, 1) if self.maximised else self._grid(len(self._charts))
        return columns * rows

    def _shown(self) -> tuple[range, tuple[int, int]]:
        """Which charts stand on the page with the one in front, and the grid they stand in."""
        if self.maximised:
            return range(self._place, self._place + 1), (1, 1)
        start = self._place // self._per_page * self._per_page
        return range(start, min(start + self._per_page, len(self._charts))), self._grid(len(self._charts))

    def _arrange(self) -> None:
        shown, (columns, rows) = self._shown()
        plots = list(self.query(Plot))
        if len(plots) < len(shown):
            self.mount_all([Plot() for _ in range(len(shown) - len(plots))])
            plots = list(self.query(Plot))
        for n, plot in enumerate(plots):
            plot.display = n < len(shown)
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows

    def _draw(self) -> None:
        """Draw the page plot by plot, each in a turn of its own, so that keys are heard in between."""
        shown, _ = self._shown()
        self._waiting = list(shown)
        self.call_later(self._draw_next)

    def _draw_next(self) -> None:
        shown, _ = self._shown()
        if not self._waiting:
            return
        number, plots = self._waiting.pop(0), self.query(Plot)
        # a size that is not arranged yet has too few plots, and a console that is left has none
        if number in shown and number < len(self._charts) and number - shown.start < len(plots):
            self._draw_plot(plots[number - shown.start], number)
        if self._waiting:
            self.call_later(self._draw_next)

    def _draw_plot(self, plot: Plot, number: int) -> None:
        chart, look = self._charts[number], self._look
        log = look.log and chart.log_ok
        plot.title = chart.title
        plot.set_class(number == self._place and len(self._charts) > 1, "-front")
        plot.show(
            arrange_curves(chart, self._runs, look),
            readings=list_readings(chart, self._runs, look),
            marks=self._marks(),
            x_range=self.span,
            y_range=None if log else chart.range,
            log=log,
            clip=look.clip and chart.range is None,
            smoothing=look.smoothing,
            crosshair=look.crosshair,
        )

    def _marks(self) -> list[Mark]:
        marks = []
        for run in self._runs[:1]:
            axis = run.axes.get(self._look.axis)
            for moment in run.moments:
                glyph, colour = MARKS[moment.kind]
                marks.append(Mark(axis.forward(moment.step) if axis else moment.step, glyph, colour=colour))
        return marks

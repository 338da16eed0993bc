"""Live curves of the runs in sight, and under them what happened and what the worker wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from panels import metrics
from panels.charts import AXES, SMOOTHINGS, Charts
from panels.curves import ChartedRun, Look
from panels.head import TrainingHead
from panels.kinds import point_elsewhere
from panels.style import read_style
from panels.table import Cell, Column, Table
from panels.text import plain

REDRAW_SECONDS = 0.5
NOTES = ("events", "log", "none")

Note = tuple[str, str, str]
"""When (or at which step), what, and the tone of it."""


class _Notes:
    def __init__(self, notes: Sequence[Note]) -> None:
        self._notes = notes

    def __len__(self) -> int:
        return len(self._notes)

    def key(self, row: int) -> str:
        return str(row)

    def cells(self, row: int) -> list[Cell]:
        when, text, tone = self._notes[row]
        return [(when, "muted"), (text, tone)]


class TrainingPanel(Vertical, can_focus=True):
    """Runs in, drawn at most twice a second; keys change how they are seen."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "axis", "X axis", id="training.axis", tooltip="step, epoch, tokens, time"),
        Binding("s", "smooth", "Smooth", id="training.smooth", tooltip="moving average over 0, 1, 3, 10% of the view"),
        Binding("L", "log", "Log", id="training.log", tooltip="log scale, where a metric has one"),
        Binding("o", "clip", "Outliers", id="training.clip", show=False, tooltip="fit the y axis to the smoothed line"),
        Binding("left,h", "cross(-1)", "Crosshair left", id="training.left", show=False),
        Binding("right,l", "cross(1)", "Crosshair right", id="training.right", show=False),
        Binding("shift+left,H", "cross(-10)", "Crosshair far left", id="training.far_left", show=False),
        Binding("shift+right", "cross(10)", "Crosshair far right", id="training.far_right", show=False),
        Binding("plus,equals_sign", "zoom(0.5)", "Zoom in", id="training.zoom_in", show=False),
        Binding("minus", "zoom(2)", "Zoom out", id="training.zoom_out", show=False),
        Binding("left_square_bracket", "pan(-0.25)", "Pan left", id="training.pan_left", show=False),
        Binding("right_square_bracket", "pan(0.25)", "Pan right", id="training.pan_right", show=False),
        Binding("0", "reset", "Reset view", id="training.reset", show=False),
        Binding("up,k", "chart(-1)", "Chart before", id="training.chart_up", show=False),
        Binding("down,j", "chart(1)", "Next chart", id="training.chart_down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="training.page_up", show=False),
        Binding("pagedown", "page(1)", "More charts", id="training.page_down", show=False),
        Binding("z", "maximise", "Zoom chart", id="training.maximise"),
        Binding("e", "notes", "Events/log", id="training.notes"),
        Binding(
            "full_stop", "follow", "Pause", id="training.follow", show=False, tooltip="hold the charts still, or go on"
        ),
        Binding("escape", "back", "Back", id="training.back", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._given: Sequence[ChartedRun] = ()
        self._runs: Sequence[ChartedRun] = ()
        """Those of the given that have curves."""
        self._look = Look()
        self._notes: dict[str, Sequence[Note]] = {}
        self._kind = NOTES[0]
        self._paused = False
        self._due = False

    def compose(self) -> ComposeResult:
        yield TrainingHead()
        yield Charts()
        yield Table((Column("when", "", 8), Column("what", "", 20, share=1)), empty="nothing happened yet")

    def show(self, runs: Sequence[ChartedRun], *, events: Sequence[Note] = (), log: Sequence[Note] = ()) -> None:
        """Show these runs, the first in front, with its events and its log; drawn soon, not at every call."""
        other = [run.id for run in runs] != [run.id for run in self._given]
        self._given, self._notes = runs, {"events": events, "log": log}
        self._runs = [run for run in runs if run.kind == "train"]
        if other:
            self._look = replace(self._look, window=None, crosshair=None)
            self._paused = False
        if other or not self._due:
            self._due = True
            self.set_timer(0.001 if other else REDRAW_SECONDS, self._draw)

    @property
    def help_sections(self) -> list[tuple[str, str]]:
        """What the chart in front shows, for the help screen."""
        chart = self.query_one(Charts).chart
        if chart is None:
            return []
        objective = self._runs[0].objective if self._runs else ""
        # a held-out twin means what its training curve means
        keys = dict.fromkeys(curve.key.removeprefix(metrics.HELDOUT) for curve in chart.curves)
        return [explain(metrics.describe_metric(key), objective) for key in keys]

    def crosshair_step(self, run: str) -> float | None:
        """The step of a run that the crosshair stands on, None without one."""
        at = self._look.crosshair
        shown = next((one for one in self._runs if one.id == run), None)
        if at is None or shown is None:
            return None
        axis = shown.axes.get(self._look.axis)
        return at if axis is None else axis.back(at)

    def text_to_copy(self) -> str:
        """The values of every metric at the crosshair, or the newest, one a line."""
        charts = self.query_one(Charts)
        names = sorted({name for run in self._runs for name in run.series})
        at = "newest" if self._look.crosshair is None else f"{self._look.axis} {self._look.crosshair:g}"
        return "\n".join(
            [f"{' '.join(run.id for run in self._given)}  {at}", *(f"{plain(n)}  {charts.read(n)}" for n in names)]
        )

    def _draw(self) -> None:
        self._due = False
        if not self._paused:
            self.query_one(Charts).show(self._runs, self._look)
        elsewhere = bool(self._given) and not self._runs
        if elsewhere is not self.has_class("-elsewhere"):
            self.set_class(elsewhere, "-elsewhere")
            self.refresh_bindings()
        self._tell()
        self._show_notes()

    def _tell(self) -> None:
        front = self._given[0] if self._given else None
        note = point_elsewhere(front.id, front.kind) if front is not None and front.kind != "train" else ""
        self.query_one(TrainingHead).show(front, self._runs, self._describe_look(), note)

    def _show_notes(self) -> None:
        table = self.query_one(Table)
        if table.display:
            at_end = table.cursor_key is None or table.at_end
            table.show(_Notes(self._notes.get(self._kind, ())))
            if at_end:
                table.action_go_last()

    def _describe_look(self) -> str:
        look, charts = self._look, self.query_one(Charts)
        page, pages = charts.pages
        parts = [f"page {page}/{pages}"] if pages > 1 and not charts.maximised else []
        if look.crosshair is not None:
            parts.append(f"at {look.axis} {_describe_x(look.axis, look.crosshair)}")
        parts.append(f"by {look.axis}")
        parts.append(f"smoothed {look.smoothing:.0%}" if look.smoothing else "raw")
        parts += [
            word
            for word, on in (
                ("log", look.log),
                ("clipped", look.clip),
                ("zoomed", look.window),
                ("PAUSED", self._paused),
            )
            if on
        ]
        if self._runs:
            parts.append("whole" if all(run.whole for run in self._runs) else "sketch, reading")
        return " · ".join(parts)

    def _change(self, **changes: object) -> None:
        self._look = replace(self._look, **changes)  # type: ignore[arg-type]
        self.query_one(Charts).show(self._runs, self._look)
        self._tell()

    # ---------------------------------------------------------------- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not self.has_class("-elsewhere") or action in ("notes", "back")

    def action_axis(self) -> None:
        after = AXES[(AXES.index(self._look.axis) + 1) % len(AXES)]
        self._change(axis=after, window=None, crosshair=None)

    def action_smooth(self) -> None:
        self._change(smoothing=SMOOTHINGS[(SMOOTHINGS.index(self._look.smoothing) + 1) % len(SMOOTHINGS)])

    def action_log(self) -> None:
        self._change(log=not self._look.log)

    def action_clip(self) -> None:
        self._change(clip=not self._look.clip)

    def action_cross(self, by: int) -> None:
        charts = self.query_one(Charts)
        low, high = charts.span
        at = self._look.crosshair
        step = (high - low) / charts.plot_columns * 2
        if at is None:
            front = self._runs[0] if self._runs else None
            axis = front.axes.get(self._look.axis) if front else None
            at = (axis.forward(front.step) if axis else front.step) if front else high
            by = 0
        at = min(max(at + by * step, low), high)
        self._cross(round(at) if self._look.axis == "step" and step >= 1 else at)

    def _cross(self, at: float | None) -> None:
        self._look = replace(self._look, crosshair=at)
        self.query_one(Charts).cross(self._look)
        self._tell()

    def action_zoom(self, factor: float) -> None:
        low, high = self.query_one(Charts).span
        full = self.query_one(Charts).full_span
        middle = self._look.crosshair if self._look.crosshair is not None else (low + high) / 2
        size = (high - low) * factor
        least = (full[1] - full[0]) * 1e-5
        if size >= full[1] - full[0]:
            self._change(window=None)
        elif size > least:
            self._change(window=self._inside(middle - (middle - low) * factor, size))

    def action_pan(self, by: float) -> None:
        low, high = self.query_one(Charts).span
        if self._look.window is not None:
            self._change(window=self._inside(low + by * (high - low), high - low))

    def _inside(self, low: float, size: float) -> tuple[float, float]:
        full = self.query_one(Charts).full_span
        low = min(max(low, full[0]), full[1] - size)
        return low, low + size

    def action_reset(self) -> None:
        self._change(window=None, crosshair=None, log=False, clip=False)

    def action_chart(self, by: int) -> None:
        self.query_one(Charts).move(by)
        self._tell()

    def action_page(self, by: int) -> None:
        self.query_one(Charts).turn(by)
        self._tell()

    def action_maximise(self) -> None:
        charts = self.query_one(Charts)
        charts.maximise(not charts.maximised)
        self._tell()

    def action_notes(self) -> None:
        self._kind = NOTES[(NOTES.index(self._kind) + 1) % len(NOTES)]
        self.query_one(Table).display = self._kind != "none"
        self._show_notes()
        self.query_one(Table).action_go_last()

    def action_follow(self) -> None:
        self._paused = not self._paused
        self._draw()

    def action_back(self) -> None:
        charts = self.query_one(Charts)
        if self.app.focused is not self:
            self.focus()
        elif self._look.crosshair is not None:
            self._cross(None)
        elif charts.maximised:
            self.action_maximise()
        elif self._look.window is not None:
            self._change(window=None)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < 24, "-low")

    @on(Charts.Arranged)
    def _count_pages(self, event: Charts.Arranged) -> None:
        event.stop()
        self._tell()


def explain(metric: metrics.Metric, objective: str) -> tuple[str, str]:
    """A title and a few paragraphs: what it is, under this objective too, which way is good, what is healthy."""
    better = {"up": "Higher is better. ", "down": "Lower is better. ", "none": ""}[metric.better]
    reading = next((f"\n\nUnder {name.upper()}: {text}." for name, text in metric.readings if name == objective), "")
    warnings = "".join(f"\n  ! {warning}" for warning in metric.warnings)
    source = f"\n\n{metric.source}" if metric.source else ""
    unit = f" ({metric.unit})" if metric.unit else ""
    healthy = f"\n\nHealthy: {metric.healthy}" if metric.healthy else ""
    return f"{metric.title}{unit}", f"{better}{metric.meaning}{reading}{healthy}{warnings}{source}"


def _describe_x(axis: str, at: float) -> str:
    if axis == "time":
        return f"{at / 3600:.0f} h {at % 3600 / 60:02.0f} min" if at >= 3600 else f"{at:.0f} s"
    return f"{at:,.2f}" if axis == "epoch" else f"{at:,.0f}"

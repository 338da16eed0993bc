"""What a chart draws of which run: its curves in their colours, the span of its axis, the values it names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from engine.records.version import LIVE
from panels import metrics
from panels.axis import Axis
from panels.plot import Curve, Reading
from panels.series import Series

ROLE_COLOURS = {"training": "curve-1", "second": "curve-2", "heldout": "curve-3", "heldout-second": "curve-4"}
TELLING = {"break_rate": "bad", "in_character_rate": "good"}
FEW = 8
"""Points of a line that smoothing would only blur."""


class Moment(NamedTuple):
    """Something that happened at a step, marked on the axis."""

    step: int
    kind: Literal["checkpoint", "alarm", "stop", "resume"]


@dataclass(frozen=True)
class ChartedRun:
    """A run as the charts need it; the mappings and series may grow while they are shown."""

    id: str
    name: str
    status: str
    step: int
    steps: int
    objective: str
    colour: int
    """1 to 8: which of the theme's curve colours is this run's."""
    series: Mapping[str, Series]
    axes: Mapping[str, Axis]
    moments: Sequence[Moment]
    whole: bool
    """False while the series are a sketch of a file that is still being read."""
    headline: str
    kind: str = "train"
    """Curves are drawn of trainings alone."""


@dataclass(frozen=True)
class Look:
    """How all charts are seen."""

    axis: str = "step"
    smoothing: float = 0.03
    log: bool = False
    clip: bool = False
    """The y axis fits the smoothed line, and what lies beyond is cut off."""
    window: tuple[float, float] | None = None
    """The stretch of the axis in sight, None for all of it."""
    crosshair: float | None = None


def full_span(runs: Sequence[ChartedRun], axis: str) -> tuple[float, float]:
    """The whole x axis of these runs: to the last step planned, so that it stays put while they train."""
    ends = [0.0]
    for run in runs:
        last = max(run.steps, run.step)
        if axis in run.axes and run.status not in LIVE:
            last = run.step  # nothing says how long the steps that never came would have taken
        ends.append(run.axes[axis].forward(last) if axis in run.axes else last)
    return 0.0, round_up(max(ends)) if axis != "step" else max(1.0, *ends)


def round_up(value: float) -> float:
    """To two digits: an estimate that wavers does not move the axis at every step."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(value / size) * size


def arrange_curves(chart: metrics.Chart, runs: Sequence[ChartedRun], look: Look) -> list[Curve]:
    """The curves of a chart: for one run each of its metrics in a colour of its own, for several each run in its.

    The raw values stand as a band behind the smoothed line of the run in front.
    """
    curves = []
    for run in reversed(runs):  # the run in front is drawn last
        axis = run.axes.get(look.axis)
        for entry in chart.curves:
            series = run.series.get(entry.key)
            if series is None:
                continue
            heldout = entry.role.startswith("heldout")
            if look.smoothing and not heldout and run is runs[0] and len(series) > FEW:
                curves.append(Curve(series, "band", "band", entry.key, axis))
            lone = heldout or len(series) <= FEW
            # several runs have a colour each, so that their lines differ by dashes
            style: Literal["line", "dash"] = "line" if len(runs) == 1 or entry.role == "training" else "dash"
            curves.append(Curve(series, colour_curve(entry, run, runs), style, entry.key, axis, smooth=not lone))
    return curves


def colour_curve(entry: metrics.Curve, run: ChartedRun, runs: Sequence[ChartedRun]) -> str:
    """Each run its own colour where there are several; else by what the curve is."""
    if len(runs) > 1:
        return f"curve-{run.colour}"
    return TELLING.get(entry.key) or ROLE_COLOURS[entry.role]


def show_value(run: ChartedRun, key: str, look: Look) -> str:
    series = run.series[key]
    if look.crosshair is None:
        index = len(series) - 1
    else:
        axis = run.axes.get(look.axis)
        index = series.at(axis.back(look.crosshair) if axis else look.crosshair)
    if index < 0:
        return "·"
    value = series[index][1]
    return metrics.format_metric(key, value if math.isfinite(value) else None)


def list_readings(chart: metrics.Chart, runs: Sequence[ChartedRun], look: Look) -> list[Reading]:
    """The newest values beside a chart's title, or those at the crosshair."""
    if len(runs) > 1:
        key = chart.curves[0].key
        return [Reading(show_value(run, key, look), f"curve-{run.colour}") for run in runs if key in run.series]
    return [
        Reading(
            ("held out " if curve.role.startswith("heldout") else "") + show_value(run, curve.key, look),
            colour_curve(curve, run, runs),
        )
        for run in runs
        for curve in chart.curves
        if curve.key in run.series
    ]

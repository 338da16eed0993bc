"""The moving average of a view: over the columns that are drawn, so that it costs no more than drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from panels.axis import Axis
from panels.series import Column, Series


def smooth_columns(
    series: Series, low: float, high: float, width: int, share: float, axis: Axis | None
) -> list[float | None]:
    """The moving average over the means of a view's columns, each older one weighing less by exp(-1 / (share * width)).

    So it is over a share of what is seen, not over a number of points, and looks alike at any length and zoom:
    the debiased average of TensorBoard with the time weighting of W&B's (1000ths of the axis there). It is
    warmed up on half a view to the left, so that panning does not bend it. One value a column, None where the
    column has none.
    """
    columns = series.columns(low, high, width, axis)
    warm: Sequence[Column] = []
    if columns[0].start and (lead := width // 2):
        warm = series.columns(low - (high - low) * lead / width, math.nextafter(low, -math.inf), lead, axis)
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
    return values[len(warm) :]

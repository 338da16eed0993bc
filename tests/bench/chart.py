"""How long a chart of a million points takes to redraw, and what a point of it costs in time and memory."""

from __future__ import annotations

import math
import statistics
import time
import tracemalloc

from panels.chart import Line, Series, draw

POINTS = 1_000_000
REDRAWS = 30


def measure() -> list[tuple[str, str, str, str]]:
    """One row a measurement: what, must, aim, measured; "-" where no figure is set."""
    wave = [math.sin(i * 1e-4) + math.sin(i * i) for i in range(POINTS)]  # noisy, for the most dots a column
    begin = time.perf_counter()
    series = _series(wave)
    append = (time.perf_counter() - begin) / POINTS
    redraws = [_redraw(series) * 1e3 for _ in range(REDRAWS)]
    took = f"{statistics.median(redraws):.1f} ms median, {min(redraws):.1f} ms best of {REDRAWS}"
    return [
        (f"redraw of {POINTS:,} points at 120x30", "5 ms", "5 ms", took),
        ("append per point", "-", "-", f"{append * 1e6:.2f} us"),
        ("memory per point", "-", "-", f"{_bytes(wave) / POINTS:.1f} bytes"),
    ]


def _series(values: list[float]) -> Series:
    series = Series()
    for i, value in enumerate(values):
        series.append(i, value)
    return series


def _redraw(series: Series) -> float:
    begin = time.perf_counter()
    draw([Line(series)], 120, 30)
    return time.perf_counter() - begin


def _bytes(values: list[float]) -> int:
    """What a series of these values holds, the room that its arrays keep for growth included."""
    tracemalloc.start()
    try:
        series = _series(values)
        held, _ = tracemalloc.get_traced_memory()
        del series
        return held
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    for row in measure():
        print("{:<38} must {:<5} aim {:<5} measured {}".format(*row))

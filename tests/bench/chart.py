"""How long a chart of a million points takes to redraw, and what a point of it costs in time and memory."""

from __future__ import annotations

import math
import random
import statistics
import time
import tracemalloc

from panels.chart import Line, Series, draw, to_text

POINTS = 1_000_000
REDRAWS = 30
SPIKES = 10


def measure() -> list[tuple[str, str, str, str]]:
    """One row a measurement: what, must, aim, measured; "-" where no figure is set."""
    wave = [math.sin(i * 1e-4) + math.sin(i * i) for i in range(POINTS)]  # noisy, for the most dots a column
    begin = time.perf_counter()
    series = _series(wave)
    append = (time.perf_counter() - begin) / POINTS
    return [
        (f"redraw of {POINTS:,} points at 120x30", "5 ms", "5 ms", _time_redraws([Line(series)])),
        ("the same as the console draws it, band and average", "5 ms", "5 ms", _time_redraws(_arrange(series))),
        ("append per point", "-", "-", f"{append * 1e6:.2f} us"),
        ("memory per point", "-", "-", f"{_bytes(wave) / POINTS:.1f} bytes"),
    ]


def count_spikes() -> int:
    """How many of SPIKES one-sample spikes in a million points reach the top of a chart of 60 columns.

    Each stands in a chart of its own, at a place of its own, over noise a hundredth as high, drawn as the console does.
    """
    seen = 0
    draw_place = random.Random(0)
    noise = [math.sin(i * i) / 100 for i in range(POINTS)]
    for _ in range(SPIKES):
        place = draw_place.randrange(POINTS)
        series = _series([*noise[:place], 1.0, *noise[place + 1 :]])
        top = to_text(draw(_arrange(series), 60, 12))[0]
        seen += any(0x2800 < ord(cell) < 0x2900 for cell in top)
    return seen


def _arrange(series: Series) -> list[Line]:
    """A series as the console shows it at first: its moving average over 3% of the view, on a band of all values."""
    return [Line(series, style="band"), Line(series, smoothing=0.03)]


def _time_redraws(lines: list[Line]) -> str:
    times = [_redraw(lines) * 1e3 for _ in range(REDRAWS)]
    return f"{statistics.median(times):.1f} ms median, {min(times):.1f} ms best of {REDRAWS}"


def _series(values: list[float]) -> Series:
    series = Series()
    for i, value in enumerate(values):
        series.append(i, value)
    return series


def _redraw(lines: list[Line]) -> float:
    begin = time.perf_counter()
    draw(lines, 120, 30)
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
        print("{:<50} must {:<5} aim {:<5} measured {}".format(*row))

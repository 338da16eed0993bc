"""The data of a chart: an append-only series of points with a pyramid of M4 blocks, so that "what lies in each of
`width` columns" costs O(width log n), however many points there are."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from panels.axis import Axis

Four = Sequence[int]

BASE_LEVEL = 5
"""The lowest stored pyramid level: below 2**5 points C's min() over the raw slice beats any stored block."""
BLOCK = 1 << BASE_LEVEL
KEPT_VIEWS = 4
"""Views whose columns are kept: a chart, its clipped range, and another place that shows the series."""
NOWHERE = (-1, -1, -1, -1)


class Column(NamedTuple):
    """Exact M4 of the points [start, stop) of a series; positions are point indices, -1 (and NaN) if none.

    `gaps` counts the points without a value, `bad` those of them that came as NaN or infinity (not as None).
    Ties for low and high go to the earliest point. `mean` is over the points with a value.
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
    mean: float


class Series:
    """Append-only points (x, y), x never decreasing, with a pyramid of M4 blocks aligned to the point index.

    Level k covers blocks of 2**k points, k >= BASE_LEVEL: four positions a block (first, low, high, last; the
    values are read through them) and a sum. A full block never changes, so bins do not shimmer as points
    arrive. About 19 bytes a point. Not safe to append in one thread while reading in another.
    """

    def __init__(self) -> None:
        self._x: array[float] = array("d")
        self._y: array[float] = array("d")
        self._gaps: array[int] = array("q")
        self._bad: array[int] = array("q")
        self._levels: list[array[int]] = []
        self._sums: list[array[float]] = []
        self._positive: Series | None = None
        self.cuts = 0
        """How often points were dropped: as long as it stays, points were only added."""
        self._views: dict[tuple[float, float, int], tuple[list[Column], int]] = {}

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

    def extend(self, xs: array[float], ys: array[float]) -> None:
        """Many points at once, NaN a gap; as `append`, and ValueError leaves the series as it was."""
        count = len(self._x)
        rising = not xs or (math.isfinite(sum(xs)) and list(xs) == sorted(xs))
        if len(xs) != len(ys) or not rising or (count and xs and xs[0] < self._x[-1]):
            raise ValueError("x and y must be of one length, and x finite and not decreasing")
        self._x.extend(xs)
        self._y.extend(ys)
        # a finite sum has no gap in it; one that overflowed is looked at value by value
        for i, y in () if math.isfinite(sum(ys)) else enumerate(ys, count):
            if y - y != 0:
                self._gaps.append(i)
                if y == y:
                    self._bad.append(i)
                    self._y[i] = math.nan
        for stop in range((count // BLOCK + 1) * BLOCK, len(self._x) + 1, BLOCK):
            self._fold(stop)

    def truncate(self, x: float) -> None:
        """Drop every point at `x` and beyond, as where an attempt went back to a checkpoint."""
        count = bisect_left(self._x, x)
        del self._x[count:], self._y[count:]
        for positions in (self._gaps, self._bad):
            del positions[bisect_left(positions, count) :]
        for k, (level, sums) in enumerate(zip(self._levels, self._sums, strict=True), BASE_LEVEL):
            del level[4 * (count >> k) :], sums[count >> k :]
        while self._sums and not self._sums[-1]:
            del self._levels[-1], self._sums[-1]
        self._positive = None
        self._views.clear()
        self.cuts += 1

    def at(self, x: float) -> int:
        """The index of the last point at or before x, -1 where there is none."""
        return bisect_right(self._x, x) - 1

    def dump(self) -> list[array[float] | array[int]]:
        """Everything the series holds, for `load`."""
        return [self._x, self._y, self._gaps, self._bad, *self._levels, *self._sums]

    @classmethod
    def load(cls, parts: Sequence[array[float] | array[int]]) -> Series:
        """The series of a `dump`; it keeps the arrays."""
        series = cls()
        series._x, series._y, series._gaps, series._bad = parts[:4]  # type: ignore[assignment]
        half = 4 + (len(parts) - 4) // 2
        series._levels, series._sums = list(parts[4:half]), list(parts[half:])  # type: ignore[arg-type]
        return series

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

    def columns(self, x_min: float, x_max: float, width: int, axis: Axis | None = None) -> Sequence[Column]:
        """Exact M4 of each of `width` equal bins [a, b) of [x_min, x_max], the last closed; O(width log n).

        The bins are equal, and x_min and x_max given, in the unit of `axis` where there is one. Without one, a
        view that was asked for before costs no more than the columns that points came to since.
        ValueError unless x_min < x_max are finite and width >= 1.
        """
        if not (math.isfinite(x_min) and math.isfinite(x_max) and x_min < x_max and width >= 1):
            raise ValueError(f"no columns in {x_min!r}..{x_max!r} at width {width}")
        key, count = (x_min, x_max, width), len(self._x)
        known, known_count = self._views.pop(key, ([], 0)) if axis is None else ([], 0)
        # a column that ended before the last known point is final: x never falls
        kept = bisect_left(known, known_count, key=attrgetter("stop"))
        if known and (known_count == count or kept == width):
            self._views[key] = known, count
            return known
        span = x_max - x_min
        if math.isfinite(span * width):
            edges = [x_min + span * c / width for c in range(kept + 1, width)]
        else:
            edges = [x_min * (1 - c / width) + x_max * (c / width) for c in range(kept + 1, width)]
        if axis is not None:
            x_min, x_max, edges = axis.back(x_min), axis.back(x_max), [axis.back(edge) for edge in edges]
        bounds = [known[kept].start if kept else bisect_left(self._x, x_min)]
        for edge in edges:
            bounds.append(bisect_left(self._x, edge, bounds[-1]))
        bounds.append(bisect_right(self._x, x_max, bounds[-1]))
        columns = known[:kept] + [self._column(start, stop) for start, stop in pairwise(bounds)]
        if axis is None and width > 1:
            self._views[key] = columns, count
            while len(self._views) > KEPT_VIEWS:
                del self._views[next(iter(self._views))]
        return columns

    def positive(self) -> Series:
        """This series with every y <= 0 as a gap (not a bad one), for log scales: itself if it has none.

        Else a second series, kept and caught up with at each call: O(n) the first time, then O(points added).
        """
        low = self._four(0, len(self))[0][1]
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
        four, total = self._scan(count - BLOCK, count)
        for k in range(len(self._levels) + 1):
            if k == len(self._levels):
                self._levels.append(array("q"))
                self._sums.append(array("d"))
            level, sums = self._levels[k], self._sums[k]
            level.extend(four)
            sums.append(total)
            if len(sums) % 2:
                return
            four = self._merge([level[-8:-4], level[-4:]])
            total = sums[-2] + sums[-1]

    def _merge(self, parts: list[Four]) -> Four:
        """The four positions of adjacent parts, given in order of index."""
        full = [part for part in parts if part[0] >= 0]
        if not full:
            return NOWHERE
        value = self._y.__getitem__
        low = min([part[1] for part in full], key=value)
        high = max([part[2] for part in full], key=value)
        return full[0][0], low, high, full[-1][3]

    def _scan(self, start: int, stop: int) -> tuple[Four, float]:
        """The four positions and the sum of a short stretch, from the points."""
        if not _between(self._gaps, start, stop):
            part = self._y[start:stop]
            return (start, start + part.index(min(part)), start + part.index(max(part)), stop - 1), sum(part)
        value = self._y.__getitem__
        full = [i for i in range(start, stop) if value(i) == value(i)]
        if not full:
            return NOWHERE, 0.0
        return (full[0], min(full, key=value), max(full, key=value), full[-1]), sum(map(value, full))

    def _four(self, start: int, stop: int) -> tuple[Four, float]:
        """The four positions and the sum of any stretch: raw points at its ends, pyramid blocks between."""
        if start >= stop:
            return NOWHERE, 0.0
        a, b = -(-start // BLOCK), stop // BLOCK
        if a >= b:
            return self._scan(start, stop)
        left: list[Four] = []
        right: list[Four] = []
        total = 0.0
        for parts, low, high in ((left, start, a * BLOCK), (right, b * BLOCK, stop)):
            if low < high:
                four, part = self._scan(low, high)
                parts.append(four)
                total += part
        for level, sums in zip(self._levels, self._sums, strict=True):
            if a >= b:
                break
            if a & 1:
                left.append(level[4 * a : 4 * a + 4])
                total += sums[a]
                a += 1
            if b & 1:
                b -= 1
                right.append(level[4 * b : 4 * b + 4])
                total += sums[b]
            a, b = a >> 1, b >> 1
        return self._merge(left + right[::-1]), total

    def _column(self, start: int, stop: int) -> Column:
        (first, low, high, last), total = self._four(start, stop)
        gaps, bad = _between(self._gaps, start, stop), _between(self._bad, start, stop)
        if first < 0:
            return Column(start, stop, gaps, bad, *NOWHERE, *[math.nan] * 5)
        y = self._y
        # what the sum cannot hold, or rounding pushed out, stays within the values
        mean = min(max(total / (stop - start - gaps), y[low]), y[high])
        return Column(start, stop, gaps, bad, first, low, high, last, y[first], y[low], y[high], y[last], mean)


def _between(positions: array[int], start: int, stop: int) -> int:
    return bisect_left(positions, stop) - bisect_left(positions, start)

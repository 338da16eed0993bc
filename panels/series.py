"""The data of a chart: an append-only series of points with a pyramid of M4 blocks, so that "what lies in each of
`width` columns" costs O(width log n), however many points there are."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

Four = Sequence[int]

BASE_LEVEL = 5
"""The lowest stored pyramid level: below 2**5 points C's min() over the raw slice beats any stored block."""
BLOCK = 1 << BASE_LEVEL
NOWHERE = (-1, -1, -1, -1)


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
    return bisect_left(positions, stop) - bisect_left(positions, start)


class Ema:
    """Debiased exponential moving average as TensorBoard's, fed one value at a time; gaps pass through.

    ValueError unless 0 <= weight < 1 (0 leaves the values alone).
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"weight must be in [0, 1): {weight!r}")
        self._weight = weight
        self._mean, self._decay = 0.0, 1.0

    def update(self, value: float | None) -> float | None:
        if value is None or not math.isfinite(value):
            return value
        self._decay *= self._weight
        # Equal to biased / (1 - weight**n), but exact on a constant: a flat line stays flat.
        share = (1 - self._weight) / (1 - self._decay)
        self._mean = value if share == 1 else self._mean + (value - self._mean) * share
        return self._mean


def ema(values: Sequence[float | None], weight: float) -> list[float | None]:
    """The moving average of a whole column, one value out for each in."""
    average = Ema(weight)
    return [average.update(value) for value in values]

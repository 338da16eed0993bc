"""The mean of paired differences and its bootstrap: seeded, and the same on every machine.

Differences are put on a grid of a power of two, fine to about 1e-12 of the largest score and coarse enough
that every resampled sum is a whole number below 2^53. So sums are exact, no order of addition and no number
of threads can change a result, and what is a tie on paper is a tie here.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Method = Literal["percentile", "bca"]

BLOCK = 1 << 16
"""Numbers drawn at once, so that they stay in the processor's cache."""

COUNTED = 32
"""Drawing one value's count costs about as much as drawing this many items."""


class Differences(NamedTuple):
    """Candidate minus baseline, summed over each cluster; without clusters every pair is its own."""

    sums: Floats
    """Whole multiples of `unit`."""
    sizes: npt.NDArray[np.int64]
    unit: float
    steps: Floats
    """The single differences, in units."""

    @property
    def n(self) -> int:
        return len(self.steps)

    @property
    def mean(self) -> float:
        return float(self.steps.sum()) * self.unit / self.n

    @property
    def uniform(self) -> bool:
        """Every cluster has the same mean, as a single one has: resampling changes nothing."""
        return bool(np.ptp(self.sums / self.sizes) == 0)

    @property
    def differing(self) -> int:
        """Clusters whose difference is not nought."""
        return int(np.count_nonzero(self.sums))


class Bootstrap(NamedTuple):
    mean: float
    low: float
    high: float
    p_one_sided: float
    """(1 + #{d* <= 0}) / (B + 1): Davison and Hinkley 1997, equation 4.11."""
    p_two_sided: float
    """Twice the smaller of the two one-sided p, and at most 1."""
    method: Method
    """What was used; BCa falls back to percentile where it has no value."""
    degenerate: bool
    """Every resample has the same mean, so that the interval is a point and bounds nothing."""


def seed_generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def take_differences(
    baseline: Sequence[float], candidate: Sequence[float], clusters: Sequence[object] | None = None
) -> Differences:
    before, after = np.asarray(baseline, dtype=np.float64), np.asarray(candidate, dtype=np.float64)
    numbers: dict[object, int] = {}
    groups = [numbers.setdefault(c, len(numbers)) for c in clusters or ()]
    sizes = np.bincount(groups) if groups else np.ones(len(before), dtype=np.int64)
    peak = max(float(np.abs(before).max()), float(np.abs(after).max()), 1e-200)
    # a difference is at most twice the peak, and a resample sums at most so many of them
    summed = 2 * len(sizes) * int(sizes.max())
    unit = math.ldexp(1.0, math.frexp(peak)[1] + summed.bit_length() - 53)
    steps: Floats = np.rint((after - before) / unit)
    sums = steps if not groups else np.asarray(np.bincount(groups, weights=steps), dtype=np.float64)
    return Differences(sums, sizes, unit, steps)


def standard_error(differences: Differences) -> float | None:
    """Of the mean, clusters being the independent units; None for a single one.

    sqrt(C / (C - 1) * sum of squared cluster residuals) / n: the cluster-robust error of Liang and Zeger 1986
    with its small-sample factor. With one pair per cluster it is the standard deviation over sqrt(n).
    """
    units = len(differences.sums)
    if units < 2:
        return None
    if differences.uniform:
        return 0.0
    centre = differences.mean / differences.unit
    residuals = differences.sums - differences.sizes * centre
    squares = math.fsum((residuals * residuals).tolist())
    return math.sqrt(units / (units - 1) * squares) / differences.n * differences.unit


def bootstrap_mean(
    differences: Differences,
    rng: np.random.Generator,
    resamples: int = 10_000,
    method: Method = "percentile",
    confidence: float = 0.95,
) -> Bootstrap:
    """The interval and the p values of the mean, resampling clusters (Efron and Tibshirani 1993, chapters 13 and 14).

    Clusters of unequal sizes give the ratio of the resampled sums to the resampled sizes.
    """
    sums, sizes, unit = differences.sums, differences.sizes, differences.unit
    equal = bool((sizes == sizes[0]).all())
    if equal:
        totals = draw_sums(sums, rng, resamples)
        means = totals / differences.n
    else:
        totals, counts = draw_ratio(sums, sizes.astype(np.float64), rng, resamples)
        means = totals / counts
    degenerate = differences.uniform
    tail = (1 - confidence) / 2
    levels = _correct_levels(differences, means, tail) if method == "bca" and not degenerate else None
    low, high = np.quantile(means, levels or (tail, 1 - tail))
    at_most = (1 + int(np.count_nonzero(totals <= 0))) / (resamples + 1)
    at_least = (1 + int(np.count_nonzero(totals >= 0))) / (resamples + 1)
    return Bootstrap(
        mean=differences.mean,
        low=float(low) * unit,
        high=float(high) * unit,
        p_one_sided=at_most,
        p_two_sided=min(1.0, 2 * min(at_most, at_least)),
        method="bca" if levels else "percentile",
        degenerate=degenerate,
    )


def draw_sums(values: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Sums of resamples of `values`, each as long as `values`.

    A few distinct values need no items drawn: how often each comes is one multinomial draw.
    """
    n = len(values)
    distinct, counts = np.unique(values, return_counts=True)
    totals = np.empty(resamples)
    if len(distinct) * COUNTED <= n:
        for rows in _part_rows(resamples, len(distinct)):
            drawn = rng.multinomial(n, counts / n, size=rows.stop - rows.start)
            totals[rows] = drawn.astype(np.float64) @ distinct
        return totals
    for rows, index in _draw_indices(n, rng, resamples):
        values.take(index, mode="clip").sum(axis=1, out=totals[rows])
    return totals


def draw_ratio(sums: Floats, sizes: Floats, rng: np.random.Generator, resamples: int) -> tuple[Floats, Floats]:
    totals, counts = np.empty(resamples), np.empty(resamples)
    for rows, index in _draw_indices(len(sums), rng, resamples):
        sums.take(index, mode="clip").sum(axis=1, out=totals[rows])
        sizes.take(index, mode="clip").sum(axis=1, out=counts[rows])
    return totals, counts


def _draw_indices(n: int, rng: np.random.Generator, resamples: int) -> Iterator[tuple[slice, npt.NDArray[np.int64]]]:
    for rows in _part_rows(resamples, n):
        yield rows, rng.integers(0, n, (rows.stop - rows.start, n))


def _part_rows(rows: int, width: int) -> Iterator[slice]:
    height = max(1, BLOCK // width)
    for start in range(0, rows, height):
        yield slice(start, min(start + height, rows))


def _correct_levels(differences: Differences, means: Floats, tail: float) -> tuple[float, float] | None:
    """The levels of BCa (Efron 1987): bias from the median, acceleration from the jackknife over clusters."""
    from scipy.special import ndtr, ndtri

    total, centre = differences.steps.sum(), differences.mean / differences.unit
    share = (np.count_nonzero(means < centre) + np.count_nonzero(means <= centre)) / (2 * len(means))
    if not 0 < share < 1 or len(differences.sums) < 2:
        return None
    left_out = (total - differences.sums) / (differences.n - differences.sizes)
    pulls = left_out.mean() - left_out
    spread = float((pulls**2).sum())
    if spread == 0:
        return None
    bias, acceleration = float(ndtri(share)), float((pulls**3).sum()) / (6 * spread**1.5)
    shifted = [bias + float(ndtri(level)) for level in (tail, 1 - tail)]
    low, high = (float(ndtr(bias + z / (1 - acceleration * z))) for z in shifted)
    return (low, high) if 0 < low < high < 1 else None

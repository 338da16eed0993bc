"""Intervals for proportions."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple


class Proportion(NamedTuple):
    hits: int
    n: int
    rate: float | None
    """None when n is 0."""
    low: float
    high: float

    def to_json(self, hits: str) -> dict[str, Any]:
        return {hits: self.hits, "n": self.n, "rate": self.rate, "ci": [self.low, self.high]}

    def __str__(self) -> str:
        if self.rate is None:
            return "none asked"
        return f"{self.rate:.0%} [{self.low:.0%}, {self.high:.0%}] of {self.n}"


def wilson(hits: int, n: int, confidence: float = 0.95) -> Proportion:
    """The score interval of Wilson 1927 (no continuity correction); n = 0 gives [0, 1].

    Samples of one probe are not independent of each other, so over several probes the interval is
    narrower than a resampling by probe would give: `wilson_of_clusters` takes that into account.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}")
    if n == 0:
        return Proportion(0, 0, None, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = hits / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return Proportion(hits, n, rate, low, high)


def wilson_of_clusters(hits: Sequence[bool], clusters: Sequence[str], seed: int = 0) -> Proportion:
    """The wider, at each end, of Wilson's interval over all and the 95% percentile interval of a bootstrap of clusters.

    The bootstrap resamples clusters whole (10,000 times, Davison and Hinkley 1997, chapter 3.8), so what the samples
    of one prompt share counts once. It takes the prompts as they are: where no sample of any hits it cannot tell what
    another prompt would do, and Wilson's bound over all samples stands.
    """
    found = wilson(sum(hits), len(hits))
    if len(set(clusters)) == len(hits):
        return found
    from engine.stats.paired import bootstrap_mean, seed_generator, take_differences

    drawn = bootstrap_mean(
        take_differences([0.0] * len(hits), [float(h) for h in hits], clusters), seed_generator(seed)
    )
    return found._replace(low=min(found.low, max(0.0, drawn.low)), high=max(found.high, min(1.0, drawn.high)))


def clopper_pearson(hits: int, n: int, confidence: float = 0.95) -> Proportion:
    """The exact interval of Clopper and Pearson 1934, each tail at most half of what is left; n = 0 gives [0, 1]."""
    from scipy.special import betaincinv

    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}")
    if n == 0:
        return Proportion(0, 0, None, 0.0, 1.0)
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, tail))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 1 - tail))
    return Proportion(hits, n, hits / n, low, high)

"""Effect sizes: how great a difference is, whatever n."""

import math
from collections.abc import Sequence
from statistics import NormalDist


def cohens_h(baseline: float, candidate: float) -> float:
    """Of two proportions: 2 asin sqrt p, candidate less baseline (Cohen 1988, chapter 6); 0.2 small, 0.5 medium."""
    return 2 * math.asin(math.sqrt(candidate)) - 2 * math.asin(math.sqrt(baseline))


def bound_h(h: float, baseline_n: int, candidate_n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of h from the variance 1 / n of each arcsine; for pairs that agree it is too wide, never too narrow."""
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(1 / baseline_n + 1 / candidate_n)
    return h - half, h + half


def cohens_dz(differences: Sequence[float]) -> float | None:
    """Of paired differences: their mean over their standard deviation (d_z of Lakens 2013); None without spread."""
    n = len(differences)
    if n < 2:
        return None
    mean = math.fsum(differences) / n
    spread = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / (n - 1))
    return mean / spread if spread else None

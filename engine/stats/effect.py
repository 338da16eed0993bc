"""Effect sizes: how great a difference is, whatever n."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

from engine.stats.intervals import clopper_pearson


class Odds(NamedTuple):
    ratio: float | None
    """None is infinite, or 0 / 0: no pair went the other way."""
    low: float
    high: float | None
    """None is infinite."""


def cohens_h(baseline: float, candidate: float) -> float:
    """Of two proportions: 2 asin sqrt p, candidate less baseline (Cohen 1988, chapter 6); 0.2 small, 0.5 medium."""
    return 2 * math.asin(math.sqrt(candidate)) - 2 * math.asin(math.sqrt(baseline))


def bound_h(h: float, baseline_n: int, candidate_n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of h from the variance 1 / n of each arcsine; for pairs that agree it is too wide, never too narrow."""
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(1 / baseline_n + 1 / candidate_n)
    return h - half, h + half


def cohens_dz(differences: Sequence[float]) -> float | None:
    """Of paired differences: their mean over their standard deviation (d_z of Lakens 2013); None without spread."""
    if len(differences) < 2:
        return None
    spread = stdev(differences)
    return fmean(differences) / spread if spread else None


def discordant_odds(b: int, c: int, confidence: float = 0.95) -> Odds:
    """The conditional odds ratio c / b of a paired table, exact by Clopper-Pearson on c of b + c (Fleiss 1981)."""
    share = clopper_pearson(c, b + c, confidence)
    return Odds(
        ratio=c / b if b else None,
        low=share.low / (1 - share.low),
        high=share.high / (1 - share.high) if share.high < 1 else None,
    )

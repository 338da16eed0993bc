"""McNemar's test of paired passes: four variants, each by its name, as their p differ a thousandfold."""

import math

from engine.records.base import Record


class McNemar(Record):
    b: int
    """Pairs that only the baseline passes."""
    c: int
    """Pairs that only the candidate passes."""
    exact_p: float
    midp_p: float
    chi2_p: float
    chi2_cc_p: float


def run_mcnemar(b: int, c: int) -> McNemar:
    """Two-sided. Without discordant pairs there is nothing against equality and every p is 1.

    exact: the binomial test on the discordant pairs. midp: exact less the probability of what was seen, half of
    it at b = c (Fagerland, Lydersen and Laake 2013). chi2: (b - c)^2 / (b + c) on one degree of freedom
    (McNemar 1947). chi2_cc: (|b - c| - 1)^2 / (b + c), corrected for continuity (Edwards 1948).
    """
    if b < 0 or c < 0:
        raise ValueError(f"{b} and {c} discordant pairs")
    n = b + c
    if n == 0:
        return McNemar(b=0, c=0, exact_p=1.0, midp_p=1.0, chi2_p=1.0, chi2_cc_p=1.0)
    seen = math.exp(math.lgamma(n + 1) - (math.lgamma(b + 1) + math.lgamma(c + 1)) - n * math.log(2))
    exact = exact_p(b, c)
    gap = abs(b - c)
    return McNemar(
        b=b,
        c=c,
        exact_p=exact,
        midp_p=1 - seen / 2 if b == c else exact - seen,
        chi2_p=_chi2_tail(gap**2 / n),
        chi2_cc_p=_chi2_tail(max(0, gap - 1) ** 2 / n),
    )


def exact_p(b: int, c: int) -> float:
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))


def _chi2_tail(x: float) -> float:
    """The upper tail on one degree of freedom."""
    return math.erfc(math.sqrt(x / 2))

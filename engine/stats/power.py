"""Power of paired designs: what could have been seen, and how many pairs it takes."""

import math
from statistics import NormalDist

POWER = 0.8
ALPHA = 0.05


def detectable_effect(se: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """The minimum detectable effect at a two-sided `alpha`: (z_(1 - alpha/2) + z_power) * se (Bloom 1995)."""
    return _z_sum(power, alpha) * se


def pairs_needed(se: float, n: int, effect: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """How many pairs detect `effect`, when `n` of the same kind gave the mean difference this standard error."""
    return max(1, math.ceil(n * (_z_sum(power, alpha) * se / effect) ** 2 - 1e-9))


def mcnemar_power(n: int, baseline_only: float, candidate_only: float, alpha: float = ALPHA) -> float:
    """Of the exact test on `n` pairs, by enumeration over the discordant ones (Duffy 1984).

    `baseline_only` and `candidate_only` are the shares of pairs that only the one side passes.
    """
    import numpy as np
    from scipy.special import bdtr, gammaln, xlog1py

    discordant = baseline_only + candidate_only
    if not (min(baseline_only, candidate_only) >= 0 and discordant <= 1):
        raise ValueError(f"shares of {baseline_only} and {candidate_only}")
    if discordant == 0 or n == 0:
        return 0.0
    # how many are discordant: what lies further off is less likely than rounding
    centre, reach = n * discordant, 9 * math.sqrt(n * discordant) + 9
    m = np.arange(max(1, int(centre - reach)), min(n, int(centre + reach)) + 1)
    choose = gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)
    weights = np.exp(choose + m * math.log(discordant) + xlog1py(n - m, -discordant))
    # the greatest count of the rarer kind that is still significant; below 0 where none is. The normal quantile is
    # never further off than one
    most = np.floor((m - 1 + NormalDist().inv_cdf(alpha / 2) * np.sqrt(m)) / 2)
    most = np.where(bdtr(np.maximum(most, 0), m, 0.5) > alpha / 2, most - 1, most)
    most = np.where(bdtr(np.minimum(most + 1, m), m, 0.5) <= alpha / 2, most + 1, most)
    able = most >= 0
    share = baseline_only / discordant
    rejected = bdtr(most[able], m[able], share) + bdtr(most[able], m[able], 1 - share)
    return float(np.sum(weights[able] * rejected))


def mcnemar_pairs_needed(
    baseline_only: float, candidate_only: float, power: float = POWER, alpha: float = ALPHA, most: int = 100_000
) -> int | None:
    """An n at which the exact test has `power`, and with one pair less has not; None past `most`, or for equal shares."""
    gap, discordant = abs(candidate_only - baseline_only), baseline_only + candidate_only
    if gap == 0:
        return None
    # Connor 1987, and what the discreteness of the exact test takes: near enough to start from
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    guess = (z_alpha * math.sqrt(discordant) + z_power * math.sqrt(max(0.0, discordant - gap**2))) ** 2 / gap**2
    if guess + 2 / gap > most:
        return None

    def suffices(n: int) -> bool:
        return mcnemar_power(n, baseline_only, candidate_only, alpha) >= power

    few, enough, step = 0, math.ceil(guess + 2 / gap), math.ceil(1 / gap)
    while not suffices(enough):
        few, enough = enough, enough + step
    while few < enough - step and suffices(enough - step):
        enough -= step
    few = max(few, enough - step)
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if suffices(middle) else (middle, enough)
    return enough


def _z_sum(power: float, alpha: float) -> float:
    return NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)

"""How far two distributions over the next token lie apart, of which only the likeliest tokens are known."""

import math
from collections.abc import Mapping

LEAST = -103.0
"""The logarithm of the smallest float32: servers tell less than that as any number, or as none."""
NOTHING = 1e-12
"""What a bin holds at least, so that rounding makes nothing impossible."""


def bound_kl(first: Mapping[int, float], second: Mapping[int, float]) -> float:
    """Kullback-Leibler divergence in nats from `first` to `second`, each {token: log-probability} of its likeliest.

    Both are coarsened to the same parts: each token that both tell of, one bin of those that only one of them does, and
    one of all others. Merging parts never raises the divergence (the log-sum inequality; Cover and Thomas 2006, theorem
    2.7.1), and what the other gives to that bin, which it does not tell, is taken as what makes the divergence least.
    So the result is a lower bound of that over the whole vocabulary, and close to it where the bins hold little.
    """
    shared = first.keys() & second.keys()
    total, p_rest, q_rest = 0.0, 1.0, 1.0
    for token in shared:
        p, q = max(first[token], LEAST), max(second[token], LEAST)
        total += math.exp(p) * (p - q)
        p_rest -= math.exp(p)
        q_rest -= math.exp(q)
    # what rounding leaves of a sum that should be one
    p_rest, q_rest = max(p_rest, 0.0), max(q_rest, NOTHING)
    p_alone, q_most = _weigh_alone(first, second, p_rest)
    q_alone, p_most = _weigh_alone(second, first, q_rest)
    parted = max(
        _split(p_alone, min(q_most, q_rest * p_alone / max(p_rest, NOTHING)), p_rest, q_rest),
        _split(min(p_most, p_rest * q_alone / q_rest), q_alone, p_rest, q_rest),
    )
    return max(total + parted, 0.0)


def _weigh_alone(one: Mapping[int, float], other: Mapping[int, float], rest: float) -> tuple[float, float]:
    """What `one` gives to the tokens that `other` does not tell of, and the most that `other` can give them."""
    alone = one.keys() - other.keys()
    if not alone or not other:
        return 0.0, 0.0
    # none of them is likelier than the least of the likeliest; the second least, because a server may add the token
    # that was asked for
    least = sorted(other.values())[:2][-1]
    return min(math.fsum(math.exp(one[token]) for token in alone), rest), len(alone) * math.exp(max(least, LEAST))


def _split(p: float, q: float, p_rest: float, q_rest: float) -> float:
    """What a bin that holds `p` and `q` and one of all that is left add to the divergence."""
    parts = ((p, q), (p_rest - p, q_rest - q))
    return math.fsum(a * math.log(a / max(b, NOTHING)) for a, b in parts if a > 0)

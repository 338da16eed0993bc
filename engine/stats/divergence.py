"""How far two distributions over the next token lie apart, of which only the likeliest tokens are known."""

import math
from collections.abc import Mapping


def bound_kl(first: Mapping[int, float], second: Mapping[int, float]) -> float:
    """Kullback-Leibler divergence in nats from `first` to `second`, each {token: log-probability} of its likeliest.

    Both are coarsened to the same parts: each token that both tell of, and one bin for all the others. Merging parts
    never raises the divergence (the log-sum inequality; Cover and Thomas 2006, theorem 2.7.1), so the result is a
    lower bound of that over the whole vocabulary, and close to it where the bin holds little.
    """
    shared = first.keys() & second.keys()
    total, p_tail, q_tail = 0.0, 1.0, 1.0
    for token in shared:
        p = math.exp(first[token])
        total += p * (first[token] - second[token])
        p_tail -= p
        q_tail -= math.exp(second[token])
    # what rounding leaves of a sum that should be one
    p_tail, q_tail = max(p_tail, 0.0), max(q_tail, 1e-12)
    if p_tail > 0:
        total += p_tail * math.log(p_tail / q_tail)
    return max(total, 0.0)

"""p values adjusted for having looked more than once; the order given is the order returned."""

from collections.abc import Sequence


def adjust_holm(p: Sequence[float]) -> list[float]:
    """Holm 1979: the family-wise error, whatever the dependence."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    adjusted, running = [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = running
    return adjusted


def adjust_bh(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg 1995: the false discovery rate, of independent or positively dependent tests."""
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    adjusted, running = [0.0] * len(p), 1.0
    for rank, i in enumerate(order):
        running = min(running, len(p) / (len(p) - rank) * p[i])
        adjusted[i] = running
    return adjusted

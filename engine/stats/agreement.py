"""Agreement of two raters over the same items, corrected for chance, and whether it is enough to trust a judge."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Literal

from engine.errors import InputError
from engine.records.base import Record
from engine.stats.intervals import clopper_pearson
from engine.stats.scores import name_few

State = Literal["calibrated", "uncalibrated", "too few to say"]

THRESHOLD = 0.7
LARGEST_N = 1_000_000
NO_SPREAD = 1e-6
"""An error below this is rounding."""


class Agreement(Record):
    n: int
    agreement: float
    """Share of items given the same label."""
    kappa: float
    ci: tuple[float, float]
    state: State
    threshold: float
    n_needed: int | None
    """Items at which this kappa would be told from the threshold; None where that cannot be said."""
    notes: list[str] = []


def agree_labels(
    human: Mapping[str, object],
    judge: Mapping[str, object],
    threshold: float = THRESHOLD,
    confidence: float = 0.95,
    raters: tuple[str, str] = ("human", "judge"),
) -> Agreement:
    """Two raters' labels by id; both must have rated the same items with the same labels."""
    alone = [[i for i in one if i not in other] for one, other in ((human, judge), (judge, human))]
    if any(alone):
        told = [f"only the {who} has {name_few(ids)}" for who, ids in zip(raters, alone) if ids]
        raise InputError(f"ids do not pair: {'; '.join(told)}", fix="both rate the same items")
    if not human:
        raise InputError("no labels", fix="rows are {id, label}")
    given = [{name_label(label) for label in side.values()} for side in (human, judge)]
    if given[0] - given[1] and given[1] - given[0]:
        raise InputError(
            f"the labels differ: the {raters[0]} gives {sorted(given[0])}, the {raters[1]} {sorted(given[1])}",
            fix="use the same labels on both sides",
        )
    labels = sorted(given[0] | given[1])
    if len(labels) == 1:
        raise InputError(
            f"every label is '{labels[0]}': chance alone agrees as well, so kappa has no value",
            fix="label items of both kinds",
        )
    place = {label: i for i, label in enumerate(labels)}
    table = [[0] * len(labels) for _ in labels]
    for name, label in human.items():
        table[place[name_label(label)]][place[name_label(judge[name])]] += 1
    return measure_agreement(table, threshold, confidence)


def measure_agreement(
    table: Sequence[Sequence[int]], threshold: float = THRESHOLD, confidence: float = 0.95
) -> Agreement:
    """Of a square table of counts, one rater's labels down and the other's across (Cohen 1960).

    The interval takes the large-sample error of Fleiss, Cohen and Everitt 1969 (equation 13). Where the raters
    never differ, or one gives a single label, that error is 0 and bounds nothing; the bounds then come from the
    exact interval of the share of agreement, chance held fast.
    """
    if not 0 <= threshold < 1:
        raise InputError(f"a threshold of {threshold:g} cannot be passed", fix="0.7 is the house's; below 1")
    size, n = len(table), sum(map(sum, table))
    if n == 0 or any(len(row) != size for row in table):
        raise InputError("agreement needs a square table with counts in it")
    share = [[count / n for count in row] for row in table]
    down = [sum(row) for row in share]
    across = [sum(row[j] for row in share) for j in range(size)]
    hits = sum(table[i][i] for i in range(size))
    seen, chance = hits / n, sum(a * b for a, b in zip(down, across))
    if chance >= 1:
        raise InputError("both raters give one label alone: kappa has no value", fix="label items of both kinds")
    kappa = (seen - chance) / (1 - chance)
    se = _standard_error(share, down, across, seen, chance, n)
    low, high = _bound_kappa(kappa, se, hits, n, chance, confidence)
    notes = []
    if se < NO_SPREAD:
        notes.append("kappa's error is 0 here and bounds nothing: the interval is the exact one of agreement")
    if seen > 0.9 and kappa < 0.4:
        notes.append("agreement is high and kappa low: one label is so common that chance explains most of it")
    return Agreement(
        n=n,
        agreement=seen,
        kappa=kappa,
        ci=(low, high),
        state=tell_state(low, high, threshold),
        threshold=threshold,
        n_needed=_items_needed(kappa, se, n, chance, threshold, confidence),
        notes=notes,
    )


def tell_state(low: float, high: float, threshold: float = THRESHOLD) -> State:
    """By the interval's bounds, as a kappa of 0.73 on 30 items may be one of 0.5."""
    if low >= threshold:
        return "calibrated"
    return "uncalibrated" if high < threshold else "too few to say"


def _standard_error(
    share: list[list[float]], down: list[float], across: list[float], seen: float, chance: float, n: int
) -> float:
    size = range(len(share))
    kept = sum(share[i][i] * ((1 - chance) - (down[i] + across[i]) * (1 - seen)) ** 2 for i in size)
    lost = (1 - seen) ** 2 * sum(share[i][j] * (across[i] + down[j]) ** 2 for i in size for j in size if i != j)
    excess = (seen * chance - 2 * chance + seen) ** 2
    return math.sqrt(max(0.0, kept + lost - excess) / n) / (1 - chance) ** 2


def _bound_kappa(
    kappa: float, se: float, hits: int, n: int, chance: float, confidence: float
) -> tuple[float, float]:  # fmt: skip
    if se < NO_SPREAD:
        exact = clopper_pearson(hits, n, confidence)
        return max(-1.0, (exact.low - chance) / (1 - chance)), (exact.high - chance) / (1 - chance)
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * se
    return max(-1.0, kappa - half), min(1.0, kappa + half)


def _items_needed(kappa: float, se: float, n: int, chance: float, threshold: float, confidence: float) -> int | None:
    if kappa == 1:
        # the exact lower bound of n of n is (alpha / 2)^(1 / n)
        return math.ceil(math.log((1 - confidence) / 2) / math.log(threshold + (1 - threshold) * chance))
    if kappa == threshold or se < NO_SPREAD:
        return None
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * se
    needed = math.ceil(n * (half / (kappa - threshold)) ** 2)
    return needed if needed <= LARGEST_N else None


def name_label(label: object) -> str:
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    if isinstance(label, (str, int)) and label != "":
        return str(label)
    raise InputError(f"{label!r:.40} is no label", fix="a label is a text, a whole number, true or false")

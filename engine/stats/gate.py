"""The gate before training: does the base really fail where the instructed model succeeds?

It stands on interval bounds; the point estimates are shown beside them.
"""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from engine.errors import InputError
from engine.records.gate import Condition, Confirmation, Gate
from engine.stats.agreement import Agreement
from engine.stats.effect import bound_h, cohens_h
from engine.stats.intervals import wilson
from engine.stats.mcnemar import exact_p
from engine.stats.scores import is_pass_fail, pair_scores, read_scores

ACCEPTABLE = ("uncalibrated",)


BASE_MOST = 0.30
INSTRUCT_LEAST = 0.80
P_BELOW = 0.01
H_LEAST = 0.5
KAPPA_LEAST = 0.7
SECOND_SHARE = 0.1
"""Of what there is to judge."""


class Spot(NamedTuple):
    """A second judge's labels held against the first's."""

    agreement: Agreement
    of: int
    """Labels that there could be: one an item, or one for each side's answer to it."""


def check_gate(
    base: Iterable[tuple[str, object]],
    instruct: Iterable[tuple[str, object]],
    alternative: Iterable[tuple[str, object]] | None = None,
    agreement: Agreement | None = None,
    second_judge: Spot | None = None,
    confirmation: Confirmation | None = None,
    accept: Collection[str] = (),
) -> Gate:
    """Rows come with their places and are pass or fail; `agreement` is a person's with the judge.

    `accept` names what is let through without proof: 'uncalibrated', for the judge.
    """
    unknown = sorted(set(accept) - set(ACCEPTABLE))
    if unknown:
        raise InputError(f"'{unknown[0]}' cannot be accepted", fix=f"one of: {', '.join(ACCEPTABLE)}")
    pairs = pair_scores(base, instruct, scale=None, sides=("base", "instructed model"))
    if not is_pass_fail(pairs):
        raise InputError("a gate needs passes and fails, each score 0, 1, true or false", fix="score by pass or fail")
    n = len(pairs)
    before, after = (wilson(sum(map(int, side)), n) for side in zip(*((p.baseline, p.candidate) for p in pairs)))
    b = sum(p.baseline > p.candidate for p in pairs)  # type: ignore[operator]  # no scale, so no score is None
    c = sum(p.candidate > p.baseline for p in pairs)  # type: ignore[operator]
    p, h = exact_p(b, c), cohens_h(before.hits / n, after.hits / n)
    h_low, _ = bound_h(h, n, n)
    conditions = [
        Condition(
            name="base_fails",
            value=before.rate,
            bound=before.high,
            needed=f"upper bound at most {BASE_MOST:g}",
            passed=before.high <= BASE_MOST,
            told=f"{before.hits} of {n} pass",
        ),
        Condition(
            name="instruct_succeeds",
            value=after.rate,
            bound=after.low,
            needed=f"lower bound at least {INSTRUCT_LEAST:g}",
            passed=after.low >= INSTRUCT_LEAST,
            told=f"{after.hits} of {n} pass",
        ),
        Condition(
            name="mcnemar",
            value=p,
            bound=p,
            needed=f"exact p below {P_BELOW:g}",
            passed=p < P_BELOW and c > b,
            told=f"{b} only the base passes, {c} only the instructed model",
        ),
        Condition(
            name="cohens_h",
            value=h,
            bound=h_low,
            needed=f"lower bound at least {H_LEAST:g}",
            passed=h_low >= H_LEAST,
        ),
        _check_kappa(agreement, "uncalibrated" in accept),
        _check_second_judge(second_judge),
        _check_confirmation(confirmation),
    ]
    return Gate(
        passed=all(c.passed for c in conditions),
        n=n,
        conditions=conditions,
        alternative=_count_passes(alternative) if alternative is not None else None,
    )


def _check_kappa(agreement: Agreement | None, accepted: bool) -> Condition:
    low = agreement.ci[0] if agreement else None
    proven = low is not None and low >= KAPPA_LEAST
    if proven:
        told = "calibrated"
    elif accepted:
        told = "uncalibrated, accepted by name"
    else:
        told = agreement.state if agreement else "not measured"
    return Condition(
        name="human_kappa",
        value=agreement.kappa if agreement else None,
        bound=low,
        needed=f"lower bound at least {KAPPA_LEAST:g}",
        passed=proven or accepted,
        told=told,
    )


def _check_second_judge(second: Spot | None) -> Condition:
    share = second.agreement.n / second.of if second else None
    return Condition(
        name="second_judge",
        value=share,
        bound=share,
        needed=f"a share of at least {SECOND_SHARE:g} judged again",
        passed=share is not None and share >= SECOND_SHARE,
        told=f"{second.agreement.n} of {second.of}, kappa {second.agreement.kappa:.2f} with the first"
        if second
        else "not measured",
    )


def _check_confirmation(confirmation: Confirmation | None) -> Condition:
    read = confirmation.samples if confirmation else None
    told = "not recorded"
    if confirmation:
        where = "samples read elsewhere" if read is None else f"{read} samples read"
        told = f"by {confirmation.by} at {confirmation.at}, {where}"
    return Condition(
        name="confirmed",
        value=read,
        bound=read,
        needed="a person's word after reading samples",
        passed=bool(confirmation and confirmation.by.strip() and read != 0),
        told=told,
    )


def _count_passes(rows: Iterable[tuple[str, object]]) -> dict[str, Any]:
    scores = [s.value for s in read_scores(rows, "alternative").values()]
    if not all(s in (0.0, 1.0) for s in scores):
        raise InputError("a gate needs passes and fails, each score 0, 1, true or false", fix="score by pass or fail")
    return wilson(sum(s == 1.0 for s in scores), len(scores)).to_json("passes")

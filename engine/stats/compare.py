"""Candidate against baseline on the same items: every figure of a comparison, and the verdict."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.errors import InputError
from engine.records.base import Record
from engine.records.recipe import Verdict as Rule
from engine.stats.effect import cohens_dz, cohens_h
from engine.stats.intervals import Proportion, clopper_pearson
from engine.stats.mcnemar import McNemar, run_mcnemar
from engine.stats.multiplicity import adjust_bh, adjust_holm
from engine.stats.power import detectable_effect
from engine.stats.scores import Pair, is_pass_fail, mean, pair_scores
from engine.stats.verdict import Alternative, Effect, Guard, Verdict, check_guards, reach_verdict

if TYPE_CHECKING:
    import numpy as np

    from engine.stats.paired import Bootstrap, Differences

RESAMPLES = 10_000


class Stratum(Record):
    by: Literal["category", "difficulty"] = "category"
    """What a row calls its stratum is a category."""
    name: str
    n: int
    delta: float
    ci: tuple[float, float]
    p: float
    """Of the primary test: exact McNemar for pass and fail, else the bootstrap's two-sided p."""
    p_holm: float
    """Over categories and difficulties together, as is p_bh."""
    p_bh: float


class Comparison(Record):
    n: int
    mean_baseline: float
    mean_candidate: float
    delta: float
    ci: tuple[float, float]
    """95%, by percentiles of the bootstrap; for passes and fails without spread by the exact bound."""
    p_one_sided: float
    p_two_sided: float
    wins: int
    losses: int
    ties: int
    mcnemar: McNemar | None
    """None unless every score is a pass or a fail."""
    cohens_h: float | None
    dz: float | None = None
    """Cohen's, of the paired differences; None without spread."""
    mde: float | None
    """Minimum detectable effect at 80% power and two-sided 5%; None without spread."""
    seed: int
    resamples: int
    strata: list[Stratum]
    verdict: Verdict


class Measured(NamedTuple):
    """What guards are held against, besides the scores."""

    break_rate: Proportion | None = None
    """The candidate's."""
    critical_failures: tuple[int, int] | None = None
    """Answers with one, the baseline's and the candidate's; a failed judgement is none, and could have been one."""


NO_RULE = Rule()
NOT_MEASURED = Measured()


class _Part(NamedTuple):
    """One set of pairs, resampled: all of them, or those of a stratum."""

    differences: "Differences"
    drawn: "Bootstrap"
    low: float
    high: float
    wins: int
    losses: int
    p: float


class _Whole(NamedTuple):
    part: _Part
    strata: list[Stratum]
    effect: Effect
    guards: list[Guard]


def compare_scores(
    baseline: Iterable[tuple[str, object]],
    candidate: Iterable[tuple[str, object]],
    rule: Rule = NO_RULE,
    measured: Measured = NOT_MEASURED,
    doubts: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    notes: Sequence[str] = (),
) -> Comparison:
    """Rows are {id, score, stratum?, difficulty?, cluster?}, each with its place ('a.jsonl line 3', or from `number_rows`).

    A score of None is a failed judgement, allowed where `scale` says what it could have been at worst and at
    best: such pairs count in no figure, and withhold the verdict if they could turn it. `doubts` are reasons to
    withhold it in any case, such as a judge of the base's family; `notes` are what else a reader must know.
    """
    if resamples < 1:
        raise InputError(f"{resamples} resamples", fix="10000 is the house's number")
    # by id, so that the order of the rows changes nothing
    pairs = sorted(pair_scores(baseline, candidate, scale), key=lambda pair: pair.id)
    scored = [p for p in pairs if p.baseline is not None and p.candidate is not None]
    failed = len(pairs) - len(scored)
    if not scored:
        raise InputError("no pair has a score on both sides", fix="ask the failed judgements again")
    # a 1 on a scale of 1 to 10 is no pass
    pass_fail = scale in (None, (0, 1)) and is_pass_fail(pairs)
    clustered = any(p.cluster is not None for p in pairs)
    whole = _measure(scored, pass_fail, clustered, rule, measured, seed, resamples)
    alternatives = []
    if failed and scale is not None:
        for name, before, after in (("worst", scale[1], scale[0]), ("best", scale[0], scale[1])):
            filled = [_fill(p, before, after) for p in pairs]
            could = _fill_critical(pairs, measured, name)
            other = _measure(filled, pass_fail, clustered, rule, could, seed, resamples)
            alternatives.append(Alternative(name, other.effect, other.guards))
    part = whole.part
    mean_baseline, mean_candidate = (mean(side) for side in _split(scored))
    test = run_mcnemar(part.losses, part.wins) if pass_fail else None
    return Comparison(
        n=len(scored),
        mean_baseline=mean_baseline,
        mean_candidate=mean_candidate,
        delta=part.drawn.mean,
        ci=(part.low, part.high),
        p_one_sided=part.drawn.p_one_sided,
        p_two_sided=part.drawn.p_two_sided,
        wins=part.wins,
        losses=part.losses,
        ties=len(scored) - part.wins - part.losses,
        mcnemar=test,
        cohens_h=cohens_h(mean_baseline, mean_candidate) if pass_fail else None,
        dz=cohens_dz(part.differences.steps.tolist()),
        mde=detectable_effect(whole.effect.se) if whole.effect.se else None,
        seed=seed,
        resamples=resamples,
        strata=whole.strata,
        verdict=reach_verdict(
            whole.effect,
            rule,
            whole.guards,
            doubts,
            alternatives,
            primary_test=_name_primary_test(test, clustered),
            notes=[*notes, *_take_notes(part, test, clustered, failed)],
        ),
    )


def _measure(
    pairs: list[Pair], pass_fail: bool, clustered: bool, rule: Rule, measured: Measured, seed: int, resamples: int
) -> _Whole:
    from engine.stats.paired import seed_generator, standard_error

    rng = seed_generator(seed)
    groups: defaultdict[tuple[Literal["category", "difficulty"], str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.stratum is not None:
            groups["category", pair.stratum].append(pair)
        if pair.difficulty is not None:
            groups["difficulty", pair.difficulty].append(pair)

    def resample(some: list[Pair]) -> _Part:
        return _resample(some, pass_fail, clustered, rng, resamples)

    part = resample(pairs)
    names = sorted(groups)
    parts = [resample(groups[name]) for name in names]
    p = [one.p for one in parts]
    strata = [
        Stratum(
            by=by,
            name=name,
            n=one.differences.n,
            delta=one.drawn.mean,
            ci=(one.low, one.high),
            p=one.p,
            p_holm=holm,
            p_bh=bh,
        )
        for (by, name), one, holm, bh in zip(names, parts, adjust_holm(p), adjust_bh(p))
    ]
    effect = Effect(
        delta=part.drawn.mean,
        low=part.low,
        high=part.high,
        n=len(pairs),
        se=standard_error(part.differences),
        differing=part.differences.differing,
        degenerate=part.drawn.degenerate and not pass_fail,
        discordant=(part.losses, part.wins) if pass_fail and not clustered else None,
    )
    deltas = [(s.name, s.delta) for s in strata if s.by == "category"] or None
    return _Whole(part, strata, effect, check_guards(rule, measured.break_rate, measured.critical_failures, deltas))


def _resample(pairs: list[Pair], pass_fail: bool, clustered: bool, rng: "np.random.Generator", resamples: int) -> _Part:
    from engine.stats.paired import bootstrap_mean, take_differences

    before, after = _split(pairs)
    # a pair without a cluster is one of its own
    clusters = [(p.cluster is None, p.cluster or p.id) for p in pairs] if clustered else None
    differences = take_differences(before, after, clusters)
    drawn = bootstrap_mean(differences, rng, resamples)
    wins, losses = int((differences.steps > 0).sum()), int((differences.steps < 0).sum())
    low, high = drawn.low, drawn.high
    if drawn.degenerate and pass_fail:
        low, high = _bound_exactly(drawn.mean, len(differences.sums))
    p = run_mcnemar(losses, wins).exact_p if pass_fail and not clustered else drawn.p_two_sided
    return _Part(differences, drawn, low, high, wins, losses, p)


def _bound_exactly(delta: float, units: int) -> tuple[float, float]:
    """Where none of the units was otherwise, at most so great a share of them is, and each moves delta by 2 at most.

    By Clopper-Pearson for 0 of `units`. From all tied a unit can move it by 1 alone.
    """
    share = clopper_pearson(0, units).high
    reach = share * (1 + abs(delta))
    return max(-1.0, delta - reach), min(1.0, delta + reach)


def _fill(pair: Pair, before: float, after: float) -> Pair:
    return pair._replace(
        baseline=before if pair.baseline is None else pair.baseline,
        candidate=after if pair.candidate is None else pair.candidate,
    )


def _fill_critical(pairs: Sequence[Pair], measured: Measured, name: str) -> Measured:
    """Were every failed judgement of the candidate's critical, at worst; or of the baseline's, at best."""
    if measured.critical_failures is None:
        return measured
    before, after = measured.critical_failures
    if name == "worst":
        after += sum(p.candidate is None for p in pairs)
    else:
        before += sum(p.baseline is None for p in pairs)
    return measured._replace(critical_failures=(before, after))


def _split(pairs: Sequence[Pair]) -> tuple[list[float], list[float]]:
    both = [(p.baseline, p.candidate) for p in pairs if p.baseline is not None and p.candidate is not None]
    return [before for before, _ in both], [after for _, after in both]


def _name_primary_test(test: McNemar | None, clustered: bool) -> str:
    if test is None or clustered:
        return "95% bootstrap interval" + (", resampled by cluster" if clustered else "")
    return f"exact McNemar, p = {test.exact_p:.3g}"


def _take_notes(part: _Part, test: McNemar | None, clustered: bool, failed: int) -> list[str]:
    notes = []
    if part.drawn.degenerate:
        how = "tied" if not part.differences.differing else "different by the same"
        instead = "its interval is the exact bound" if test else "its interval is a point"
        notes.append(f"every pair is {how}: the bootstrap is degenerate, and {instead}")
    if failed:
        notes.append(f"pairs left out of every figure for a failed judgement: {failed}")
    if test and clustered:
        notes.append("McNemar takes pairs as independent, and those of one cluster are not: read the interval")
    elif test and not part.drawn.degenerate and (part.low > 0 or part.high < 0) and test.exact_p >= 0.05:
        notes.append(
            f"the exact McNemar test does not bear the interval out (p = {test.exact_p:.3g}): few pairs differ"
        )
    return notes

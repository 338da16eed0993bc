"""The verdict on a candidate: DEPLOY, NO-DEPLOY, UNDERPOWERED, or withheld with the reason.

Knows the effect with its interval, the rule and the guards; nothing of how they were measured.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from engine.errors import InputError
from engine.records.base import Record
from engine.records.recipe import Verdict as Rule
from engine.stats.intervals import Proportion
from engine.stats.power import mcnemar_pairs_needed, pairs_needed

Decision = Literal["DEPLOY", "NO-DEPLOY", "UNDERPOWERED", "withheld"]

EXIT_CODES: dict[Decision, int] = {"DEPLOY": 0, "NO-DEPLOY": 4, "UNDERPOWERED": 5, "withheld": 5}

BREAK_RATE = 0.10
"""The guard's limit where the rule names it without one: 0 breaks of 50 pass, 0 of 30 are too few."""

FEWEST_DIFFERING = 6
"""No exact paired test of fewer differing pairs can reach a two-sided 5%: 2 * 0.5^5 is 0.0625."""


class Effect(NamedTuple):
    """Candidate less baseline; a higher score is better."""

    delta: float
    low: float
    high: float
    n: int
    se: float | None = None
    differing: int | None = None
    """Pairs, or clusters of them, with any difference; None where that is not known."""
    degenerate: bool = False
    """The interval is a point for want of spread, and bounds nothing."""
    discordant: tuple[int, int] | None = None
    """Pairs that only the baseline passes, and only the candidate; None unless pairs are independent passes and fails."""


class Guard(Record):
    name: str
    value: float | None
    bound: float | None
    """What is held against the limit: an interval's bound where the guard has one."""
    limit: float
    held: bool | None
    """None was not measured."""
    told: str


class Verdict(Record):
    decision: Decision
    measure: str | None
    mode: Literal["superiority", "noninferiority"]
    smallest_effect: float | None
    margin: float | None
    primary_test: str
    reasons: list[str]
    would_change: list[str]
    n_needed: int | None
    """Pairs for 80% power at a two-sided 5%, where the decision is UNDERPOWERED."""
    guards: list[Guard]
    notes: list[str]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.decision]


class Alternative(NamedTuple):
    """What would have come out if every failed judgement had been worst, or best, for the candidate."""

    name: str
    effect: Effect
    guards: Sequence[Guard]


def check_guards(
    rule: Rule,
    break_rate: Proportion | None = None,
    critical_failures: tuple[int, int] | None = None,
    categories: Sequence[tuple[str, float]] | None = None,
) -> list[Guard]:
    """The guards that the rule names; what was not given was not measured.

    break_rate: the upper bound of the candidate's. critical_failures: the candidate's count is not above the
    baseline's (by more than the limit). categories: no category's difference is below minus the margin.
    """
    named = rule.guards if isinstance(rule.guards, dict) else dict.fromkeys(rule.guards)
    found = []
    for name, limit in named.items():
        if name == "break_rate":
            found.append(_guard_break_rate(BREAK_RATE if limit is None else limit, break_rate))
        elif name == "critical_failures":
            found.append(_guard_critical_failures(limit or 0.0, critical_failures))
        elif name == "categories":
            margin = rule.margin if limit is None else limit
            if margin is None:
                raise InputError(
                    "[verdict] guards 'categories' without a margin", fix="set [verdict] margin, or --margin"
                )
            found.append(_guard_categories(abs(margin), categories))
        else:
            raise InputError(
                f"[verdict] guards: unknown guard '{name}'", fix="one of: break_rate, critical_failures, categories"
            )
    return found


def check_rule(rule: Rule) -> None:
    """InputError where no verdict could be reached by the rule, whatever were measured."""
    if rule.mode == "noninferiority" and rule.margin is None:
        raise InputError("[verdict] mode 'noninferiority' without a margin", fix="set [verdict] margin, or --margin")
    check_guards(rule)


def reach_verdict(
    effect: Effect,
    rule: Rule,
    guards: Sequence[Guard] = (),
    doubts: Sequence[str] = (),
    alternatives: Sequence[Alternative] = (),
    primary_test: str = "95% interval",
    notes: Sequence[str] = (),
) -> Verdict:
    """What the interval and the guards allow to be said.

    It is withheld by `doubts` (reasons not to trust the judge), by a guard that was not measured, by an interval that
    bounds nothing, and by failed judgements that could turn it. Once a guard fails neither what was not measured nor
    the interval could turn it; nor could the judge, where that guard is the break rate, which is counted without one.
    An interval wholly between 0 and the smallest effect is NO-DEPLOY: the gain is real and too small to matter.
    """
    check_rule(rule)
    decision, reasons = _decide(effect, rule, guards)
    without_judge = any(g.held is False and g.name == "break_rate" for g in guards)
    doubted = [] if without_judge else doubts
    if withheld := _find_reasons_to_withhold(decision, effect, rule, guards, doubted, alternatives):
        decision, reasons = "withheld", withheld
    needed = _pairs_needed(effect, rule) if decision == "UNDERPOWERED" else None
    return Verdict(
        decision=decision,
        measure=rule.primary,
        mode=rule.mode,
        smallest_effect=rule.smallest_effect,
        margin=rule.margin,
        primary_test=primary_test,
        reasons=reasons,
        would_change=_tell_changes(decision, effect, rule, guards, needed),
        n_needed=needed,
        guards=list(guards),
        notes=[*notes, *(doubts if without_judge else ())],
    )


def _decide(effect: Effect, rule: Rule, guards: Sequence[Guard]) -> tuple[Decision, list[str]]:
    failing = [g.told for g in guards if g.held is False]
    if failing:
        return "NO-DEPLOY", failing
    floor, ceiling = _thresholds(rule)
    if effect.high < ceiling:
        return "NO-DEPLOY", [f"the upper bound {_say(effect.high)} is below {_name_ceiling(rule)}"]
    if effect.low <= floor:
        return "UNDERPOWERED", [
            f"the interval {_say(effect.low)} to {_say(effect.high)} holds both {_name_floor(rule)} and {_name_ceiling(rule)}"
            if effect.high > ceiling and effect.low < floor and floor != ceiling
            else f"the lower bound {_say(effect.low)} is not above {_name_floor(rule)}"
        ]
    if rule.mode == "superiority" and effect.differing is not None and effect.differing < FEWEST_DIFFERING:
        return "UNDERPOWERED", [
            f"the lower bound {_say(effect.low)} is above 0, but only {effect.differing} pairs or clusters differ,"
            f" and no exact test of fewer than {FEWEST_DIFFERING} reaches 5%"
        ]
    held = ", and every guard holds" if guards else ""
    return "DEPLOY", [f"the lower bound {_say(effect.low)} is above {_name_floor(rule)}{held}"]


def _find_reasons_to_withhold(
    decision: Decision,
    effect: Effect,
    rule: Rule,
    guards: Sequence[Guard],
    doubts: Sequence[str],
    alternatives: Sequence[Alternative],
) -> list[str]:
    found = list(doubts)
    if all(g.held is not False for g in guards):
        found += [g.told for g in guards if g.held is None]
        if effect.degenerate:
            found.append("every pair differs by the same, so the interval is a point and bounds nothing")
    for name, other, held in alternatives:
        turned, _ = _decide(other, rule, held)
        if turned != decision:
            found.append(
                f"failed judgements could turn it: were all of them {name} for the candidate, the difference would be"
                f" {_say(other.delta)} [{_say(other.low)}, {_say(other.high)}] and the verdict {turned}, not {decision}"
            )
    return found


def _thresholds(rule: Rule) -> tuple[float, float]:
    """What the lower bound must be above for DEPLOY, and the upper bound below for NO-DEPLOY."""
    if rule.mode == "noninferiority":
        assert rule.margin is not None
        return -rule.margin, -rule.margin
    return 0.0, rule.smallest_effect or 0.0


def _name_floor(rule: Rule) -> str:
    return f"minus the margin {_say(-(rule.margin or 0))}" if rule.mode == "noninferiority" else "0"


def _name_ceiling(rule: Rule) -> str:
    if rule.mode == "noninferiority":
        return _name_floor(rule)
    return f"the smallest effect {rule.smallest_effect:g}" if rule.smallest_effect else "0"


def _pairs_needed(effect: Effect, rule: Rule) -> int | None:
    """For the smallest effect, or the margin; without either for the difference that was seen."""
    if rule.mode == "superiority" and not rule.smallest_effect and effect.discordant is not None:
        losses, wins = effect.discordant
        return mcnemar_pairs_needed(losses / effect.n, wins / effect.n)
    target = rule.margin if rule.mode == "noninferiority" else (rule.smallest_effect or abs(effect.delta))
    if not effect.se or not target:
        return None
    return pairs_needed(effect.se, effect.n, target)


def _tell_changes(
    decision: Decision, effect: Effect, rule: Rule, guards: Sequence[Guard], needed: int | None
) -> list[str]:
    low, high, floor, ceiling = _say(effect.low), _say(effect.high), _name_floor(rule), _name_ceiling(rule)
    if decision == "withheld":
        return ["settling each reason above, and comparing again"]
    if decision == "DEPLOY":
        told = [f"UNDERPOWERED: a lower bound at or below {floor} (now {low})"]
        return told + [f"NO-DEPLOY: {g.name} past its limit of {g.limit:g}" for g in guards]
    failing = [g for g in guards if g.held is False]
    if failing:
        return [f"{g.name} within its limit of {g.limit:g} (now {_say(g.bound or 0, sign=False)})" for g in failing]
    if decision == "NO-DEPLOY":
        if rule.mode == "superiority" and rule.smallest_effect and effect.low > 0:
            return [f"DEPLOY: a smallest effect of at most the upper bound {high}, if so small a gain matters"]
        return [f"UNDERPOWERED: an upper bound of at least {ceiling} (now {high})"]
    told = [
        f"DEPLOY: a lower bound above {floor} (now {low})",
        f"NO-DEPLOY: an upper bound below {ceiling} (now {high})",
    ]
    if needed is not None:
        what = "the margin" if rule.mode == "noninferiority" else "the smallest effect"
        if rule.mode == "superiority" and not rule.smallest_effect:
            what = "a difference like the one seen"
        told.append(
            f"{needed} pairs have 80% power for {what}; there are {effect.n}"
            + ("" if needed > effect.n else ", so more pairs would only narrow the interval")
        )
    elif not effect.se:
        told.append("the pairs have no spread, so the pairs that 80% power takes cannot be told")
    elif rule.mode == "superiority" and not rule.smallest_effect:
        told.append("name the smallest effect that matters, and the pairs that it takes can be told")
    return told


def _guard_break_rate(limit: float, rate: Proportion | None) -> Guard:
    if rate is None or rate.rate is None:
        return _not_measured("break_rate", limit)
    held = rate.high <= limit
    told = f"break rate's upper bound {rate.high:.3f} is {'within' if held else 'past'} {limit:g}"
    return Guard(name="break_rate", value=rate.rate, bound=rate.high, limit=limit, held=held, told=told)


def _guard_critical_failures(limit: float, counts: tuple[int, int] | None) -> Guard:
    if counts is None:
        return _not_measured("critical_failures", limit)
    before, after = counts
    held = after - before <= limit
    told = f"critical failures went from {before} to {after}"
    return Guard(name="critical_failures", value=after, bound=after - before, limit=limit, held=held, told=told)


def _guard_categories(margin: float, categories: Sequence[tuple[str, float]] | None) -> Guard:
    if not categories:
        return _not_measured("categories", -margin)
    name, worst = min(categories, key=lambda c: c[1])
    below = [category for category, delta in categories if delta < -margin]
    told = f"below {-margin:g}: {', '.join(below)}" if below else f"the lowest category is '{name}' at {_say(worst)}"
    return Guard(name="categories", value=worst, bound=worst, limit=-margin, held=not below, told=told)


def _not_measured(name: str, limit: float) -> Guard:
    return Guard(name=name, value=None, bound=None, limit=limit, held=None, told=f"guard '{name}' was not measured")


def _say(value: float, sign: bool = True) -> str:
    text = f"{value:+.3g}" if sign else f"{value:.3g}"
    return text if value else "0"

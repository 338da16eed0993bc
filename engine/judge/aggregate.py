"""Scores added up: means by category and difficulty, with what failed beside them and never in them."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.errors import InputError
from engine.records.base import Record
from engine.records.judging import Rubric, Score, State, Usage


class Place(NamedTuple):
    """Where an item belongs."""

    category: str
    difficulty: str


class Group(Record):
    """The scores of some items. Raw and corrected are two measures and are never mixed."""

    n: int
    """Judged, whatever came of it."""
    scored: int
    errors: dict[State, int]
    """By state; a state that did not occur is absent."""
    corrected: float | None
    """Mean of the weighted means; None where nothing was scored."""
    raw: float | None
    """Mean of what the judge itself gave; None where it gave nothing."""
    raw_n: int
    low: float
    """The corrected mean if every error had been the worst score there is."""
    high: float
    """If every error had been the best."""
    critical: int
    """Answers with a critical failure."""


class Spread(Record):
    """The weighted mean less the judge's own overall, over the answers that have both."""

    n: int
    mean: float
    least: float
    most: float
    counts: dict[str, int]
    """By the difference rounded to halves."""


class Aggregate(Record):
    judge: str | None
    """The fingerprint that all scores share; None where there is no score."""
    overall: Group | None
    """None where nothing was judged."""
    categories: dict[str, Group]
    """Those that have a judged item; what has none is absent and not 0."""
    difficulties: dict[str, Group]
    components: dict[str, float]
    """Mean of each over the scored answers that have it."""
    critical: dict[str, int]
    difference: Spread | None
    models: dict[str, int]
    """Which models answered, and how often."""


def aggregate(scores: Iterable[Score], rubric: Rubric, places: Mapping[str, Place]) -> Aggregate:
    """Of the judgement of each item and repeat that counts. `places` names every item that there is to judge.

    InputError where scores of two judges or of an item that has no place stand among them.
    """
    newest = find_newest(scores)
    judges = sorted({s.judge for s in newest})
    if len(judges) > 1:
        raise InputError(f"scores of {len(judges)} judges: {', '.join(judges)}", fix="aggregate each judge's by itself")
    if lost := [s.id for s in newest if s.id not in places]:
        raise InputError(
            f"score of '{lost[0]}', which is no item here", fix="aggregate by the prompts that were judged"
        )
    groups: dict[str, dict[str, list[Score]]] = {"category": {}, "difficulty": {}}
    for score in newest:
        for what, name in places[score.id]._asdict().items():
            groups[what].setdefault(name, []).append(score)
    scored = [s for s in newest if s.state == "scored"]
    return Aggregate(
        judge=judges[0] if judges else None,
        overall=_group(newest, rubric) if newest else None,
        categories={name: _group(found, rubric) for name, found in sorted(groups["category"].items())},
        difficulties={name: _group(found, rubric) for name, found in sorted(groups["difficulty"].items())},
        components={
            c.name: _mean(found)
            for c in rubric.components
            if (found := [s.components[c.name] for s in scored if c.name in s.components])
        },
        critical={
            c.name: count for c in rubric.critical_failures if (count := sum(c.name in s.critical for s in scored))
        },
        difference=_spread(scored),
        models=dict(Counter(s.model for s in newest if s.model).most_common()),
    )


def find_newest(scores: Iterable[Score]) -> list[Score]:
    """The judgement of each item and repeat that counts: the newest, but none that failed after one that came.

    In the order in which these first came.
    """
    found: dict[tuple[str, int], Score] = {}
    for score in scores:
        key = score.id, score.repeat
        if not (key in found and found[key].state == "scored" != score.state):
            found[key] = score
    return list(found.values())


def add_usage(scores: Iterable[Score]) -> Usage:
    total = Usage()
    for score in scores:
        total = total.plus(score.usage)
    return total


def add_usd(scores: Iterable[Score]) -> float | None:
    """What all of them cost; None where the price of one is not known."""
    paid = [score.usd for score in scores]
    return None if any(usd is None for usd in paid) else math.fsum(usd for usd in paid if usd is not None)


def _group(scores: Sequence[Score], rubric: Rubric) -> Group:
    worst, best = rubric.scale
    overall = [s.overall for s in scores if s.overall is not None]
    raw = [s.judge_overall for s in scores if s.judge_overall is not None]
    failed = len(scores) - len(overall)
    return Group(
        n=len(scores),
        scored=len(overall),
        errors=dict(Counter(s.state for s in scores if s.state != "scored")),
        corrected=_mean(overall) if overall else None,
        raw=_mean(raw) if raw else None,
        raw_n=len(raw),
        low=_mean([*overall, *[worst] * failed]),
        high=_mean([*overall, *[best] * failed]),
        critical=sum(bool(s.critical) for s in scores),
    )


def _spread(scored: Iterable[Score]) -> Spread | None:
    found = [s.overall - s.judge_overall for s in scored if s.overall is not None and s.judge_overall is not None]
    if not found:
        return None
    counts = Counter(f"{round(2 * d) / 2 or 0.0:+.1f}" for d in sorted(found))
    return Spread(n=len(found), mean=_mean(found), least=min(found), most=max(found), counts=dict(counts))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)

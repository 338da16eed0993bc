"""Which of two answers is better, asked in both orders: what holds in one order alone is no preference."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from engine.errors import InputError
from engine.judge.aggregate import find_newest
from engine.judge.judgement import Item
from engine.judge.rubric import Brief, make_brief
from engine.records.judging import Component, Rubric, Score
from engine.stats.intervals import Proportion, wilson

_PREFERENCE = "preference"
_FORWARD, _BACKWARD = " 1-2", " 2-1"


class PairRead(NamedTuple):
    """Two answers to one prompt, judged in both orders."""

    id: str
    better: Literal["one", "other", "tie"] | None
    """'tie' too where the orders contradict each other; None where a judgement failed."""
    consistent: bool | None


class PairsRead(NamedTuple):
    pairs: list[PairRead]
    one: int
    other: int
    ties: int
    failed: int
    consistency: Proportion
    """Pairs whose judgement did not depend on the order."""
    first_preferred: Proportion
    """Of the judgements that prefer any, those that prefer whichever answer stood first; 0.5 is no bias."""


def make_pair_brief(rubric: Rubric, constitution: str = "") -> Brief:
    """The rubric as ground for a preference: 1 the first answer is better, -1 the second, 0 neither."""
    listed = "\n".join(f"- {c.name} (weight {c.weight:g}): {c.description}" for c in rubric.components)
    failures = "\n".join(f"- {c.name}: {c.description}" for c in rubric.critical_failures)
    return make_brief(
        Rubric(
            name=f"{rubric.name}, pairwise",
            version=rubric.version,
            scale=(-1, 1),
            instructions=(
                "Two answers were given to one prompt. Say which is better by the standard below. The order in which"
                " they stand means nothing, nor does their length.\n\n"
                f"{rubric.instructions.strip()}\n\nWhat is weighed:\n{listed}"
                + (f"\n\nAn answer with one of these failures is the worse:\n{failures}" if failures else "")
            ),
            components=[
                Component(
                    name=_PREFERENCE,
                    weight=1,
                    description="1 when the first answer is better, -1 when the second is, 0 when neither is.",
                )
            ],
        ),
        constitution,
    )


def make_pairs(one: Sequence[Item], other: Sequence[Item]) -> list[Item]:
    """Two items for each id, one in each order. InputError where the ids do not pair."""
    second = {item.id: item for item in other}
    if {item.id for item in one} != second.keys() or len(second) != len(other) or len(one) != len(other):
        raise InputError("the ids of the two sides do not pair", fix="compare answers to the same prompts")
    made = []
    for item in one:
        theirs = second[item.id].answer
        made.append(item._replace(id=item.id + _FORWARD, other=theirs))
        made.append(item._replace(id=item.id + _BACKWARD, answer=theirs, other=item.answer))
    return made


def read_pairs(scores: Iterable[Score]) -> PairsRead:
    newest = {s.id: s for s in find_newest(scores)}
    names = list(dict.fromkeys(re.sub(r" (?:1-2|2-1)$", "", name) for name in newest))
    pairs = [_read_pair(name, newest.get(name + _FORWARD), newest.get(name + _BACKWARD)) for name in names]
    judged = [p for p in pairs if p.better is not None]
    preferences = [s.components[_PREFERENCE] for s in newest.values() if s.components.get(_PREFERENCE)]
    return PairsRead(
        pairs,
        one=sum(p.better == "one" for p in pairs),
        other=sum(p.better == "other" for p in pairs),
        ties=sum(p.better == "tie" for p in pairs),
        failed=len(pairs) - len(judged),
        consistency=wilson(sum(bool(p.consistent) for p in judged), len(judged)),
        first_preferred=wilson(sum(p > 0 for p in preferences), len(preferences)),
    )


def _read_pair(name: str, forward: Score | None, backward: Score | None) -> PairRead:
    if forward is None or backward is None or forward.state != "scored" or backward.state != "scored":
        return PairRead(name, None, None)
    here, there = forward.components[_PREFERENCE], -backward.components[_PREFERENCE]
    if here != there:
        return PairRead(name, "tie", False)
    return PairRead(name, "one" if here > 0 else "other" if here < 0 else "tie", True)

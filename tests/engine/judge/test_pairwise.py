"""Which of two answers is better, in both orders."""

import json
from collections.abc import Callable

import pytest

from api import Api, Ask, Said
from engine.errors import InputError
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.pairwise import make_pair_brief, make_pairs, read_pairs
from engine.judge.rubric import Brief
from engine.judge.scoring import score_items
from engine.records.judging import Rubric, Score

Row = Callable[..., Score]
Items = Callable[[int], list[Item]]


def prefer(make_row: Row, name: str, preference: int) -> Score:
    return make_row(name, preference, components={"preference": preference})


def test_a_pair_is_asked_in_both_orders(make_items: Items) -> None:
    one, other = make_items(2), [i._replace(answer=f"other {i.id}") for i in make_items(2)]
    made = make_pairs(one, list(reversed(other)))
    assert [(i.id, i.answer[:5], (i.other or "")[:5]) for i in made[:2]] == [
        ("p0 1-2", "A num", "other"), ("p0 2-1", "other", "A num"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="do not pair"):
        make_pairs(one, other[:1])


def test_only_a_preference_that_holds_in_both_orders_counts(make_row: Row) -> None:
    read = read_pairs(
        [
            prefer(make_row, "a 1-2", 1), prefer(make_row, "a 2-1", -1),  # one, both times
            prefer(make_row, "b 1-2", -1), prefer(make_row, "b 2-1", 1),  # the other
            prefer(make_row, "c 1-2", 1), prefer(make_row, "c 2-1", 1),  # whichever stood first
            prefer(make_row, "d 1-2", 0), prefer(make_row, "d 2-1", 0),
            prefer(make_row, "e 1-2", 1), make_row("e 2-1", state="refused", problem="no"),
        ]
    )  # fmt: skip
    assert [p.better for p in read.pairs] == ["one", "other", "tie", "tie", None]
    assert (read.one, read.other, read.ties, read.failed) == (1, 1, 2, 1)
    assert (read.consistency.rate, read.consistency.n) == (0.75, 4)
    assert (read.first_preferred.rate, read.first_preferred.n) == (5 / 7, 7)


def test_a_judge_that_always_takes_the_first_is_found_inconsistent(
    brief: Brief, judging: Callable[..., ClaudeJudge], make_items: Items
) -> None:
    pair_brief = make_pair_brief(brief.rubric, "A constitution.")
    first = json.dumps({"reasons": "It stands first.", "components": {"preference": 1}, "overall": 1})
    got: list[Score] = []

    def script(ask: Ask) -> Said:
        assert "<first-answer-" in ask.text
        assert "<second-answer-" in ask.text
        return Said(first)

    with Api(script=script) as api:
        other = [i._replace(answer="Another.") for i in make_items(3)]
        score_items(make_pairs(make_items(3), other), judging(api, brief=pair_brief), got.append)
    read = read_pairs(got)
    assert (read.ties, read.consistency.rate, read.first_preferred.rate) == (3, 0.0, 1.0)
    assert pair_brief.schema["properties"]["components"]["properties"]["preference"]["enum"] == [-1, 0, 1]


def test_a_pairwise_rubric_is_one_of_its_own(brief: Brief) -> None:
    pair_brief = make_pair_brief(brief.rubric)
    assert isinstance(pair_brief.rubric, Rubric)
    assert pair_brief.describe("x").fingerprint != brief.describe("x").fingerprint
    assert "comfort_about_slavery" in pair_brief.system

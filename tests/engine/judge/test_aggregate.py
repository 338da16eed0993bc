"""Scores added up, with what failed beside them."""

from collections.abc import Callable

import pytest

from engine.errors import InputError
from engine.judge.aggregate import Place, add_usage, add_usd, aggregate, find_newest
from engine.judge.rubric import Brief
from engine.records.judging import Score, Usage

Row = Callable[..., Score]
PLACES = {
    "a": Place("ground_truth", "easy"), "b": Place("ground_truth", "hard"), "c": Place("private_voice", "hard"),
    "d": Place("position", "easy"),
}  # fmt: skip


def fail(make_row: Row, name: str, state: str = "refused") -> Score:
    return make_row(name, state=state, problem="no", usd=0.0)


def test_means_by_category_and_difficulty(brief: Brief, make_row: Row) -> None:
    added = aggregate([make_row("a", 8), make_row("b", 6), make_row("c", 3)], brief.rubric, PLACES)
    assert added.overall is not None
    assert added.overall.corrected == pytest.approx(17 / 3)
    assert {name: g.corrected for name, g in added.categories.items()} == {"ground_truth": 7, "private_voice": 3}
    assert {name: g.corrected for name, g in added.difficulties.items()} == {"easy": 8, "hard": 4.5}


def test_a_category_without_a_judged_prompt_is_absent_and_not_zero(brief: Brief, make_row: Row) -> None:
    """A category that was missing from one run once read as a loss of 9.25 points."""
    added = aggregate([make_row("a", 9.25)], brief.rubric, PLACES)
    assert set(added.categories) == {"ground_truth"}
    assert set(added.difficulties) == {"easy"}
    nothing = aggregate([], brief.rubric, PLACES)
    assert (nothing.overall, nothing.categories) == (None, {})


def test_errors_stand_beside_the_mean_and_bound_it(brief: Brief, make_row: Row) -> None:
    rows = [make_row("a", 8), make_row("b", 6), fail(make_row, "c"), fail(make_row, "d", "transport")]
    group = aggregate(rows, brief.rubric, PLACES).overall
    assert group is not None
    assert (group.n, group.scored, group.errors) == (4, 2, {"refused": 1, "transport": 1})
    assert (group.corrected, group.low, group.high) == (7, (14 + 2 * 1) / 4, (14 + 2 * 10) / 4)


def test_where_everything_failed_there_is_no_mean_and_the_bounds_are_the_scale(brief: Brief, make_row: Row) -> None:
    group = aggregate([fail(make_row, "d")], brief.rubric, PLACES).categories["position"]
    assert (group.corrected, group.raw, group.low, group.high) == (None, None, 1, 10)


def test_raw_and_corrected_are_two_columns(brief: Brief, make_row: Row) -> None:
    rows = [make_row("a", 8, judge_overall=7.5), make_row("b", 6, judge_overall=6), make_row("c", 4)]
    added = aggregate(rows, brief.rubric, PLACES)
    assert added.overall is not None
    assert (added.overall.corrected, added.overall.raw, added.overall.raw_n) == (6, 6.75, 2)
    assert added.difference is not None
    assert (added.difference.n, added.difference.mean) == (2, 0.25)
    assert added.difference.counts == {"+0.0": 1, "+0.5": 1}


def test_the_newest_judgement_of_an_item_counts_and_every_one_is_paid_for(make_row: Row) -> None:
    rows = [fail(make_row, "a"), make_row("a", 8, usage=Usage(input_tokens=5)), make_row("a", 9, repeat=1)]
    assert [s.overall for s in find_newest(rows)] == [8, 9]
    # what failed after a score came does not take its place
    assert [s.overall for s in find_newest([*rows, fail(make_row, "a")])] == [8, 9]
    assert add_usage(rows).input_tokens == 5
    assert add_usd(rows) == pytest.approx(0.02)


def test_a_cost_that_is_not_known_is_not_left_out_of_the_sum(make_row: Row) -> None:
    assert add_usd([make_row("a", 8), make_row("b", 8, usd=None)]) is None


def test_critical_failures_are_counted_by_name_and_by_answer(brief: Brief, make_row: Row) -> None:
    both = ["artificial_identity", "assistant_prose"]
    added = aggregate([make_row("a", 2, critical=both), make_row("b", 3, critical=both[1:])], brief.rubric, PLACES)
    assert added.critical == {"artificial_identity": 1, "assistant_prose": 2}
    assert added.overall is not None
    assert added.overall.critical == 2


def test_scores_of_two_judges_or_of_a_strange_item_are_not_added_up(brief: Brief, make_row: Row) -> None:
    with pytest.raises(InputError, match="scores of 2 judges"):
        aggregate([make_row("a", 8), make_row("b", 8, judge="k")], brief.rubric, PLACES)
    with pytest.raises(InputError, match="'z', which is no item here"):
        aggregate([make_row("z", 8)], brief.rubric, PLACES)

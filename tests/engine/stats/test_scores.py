"""Scored rows: which are refused, and where the error says they are."""

import pytest

from engine.errors import InputError
from engine.stats.scores import Pair, is_pass_fail, number_rows, pair_scores, read_scores


def read(*rows: object, scale: tuple[float, float] | None = None) -> object:
    return read_scores(number_rows("a.jsonl", rows), "baseline", scale)


def test_rows_pair_by_id_in_the_order_of_the_baseline() -> None:
    pairs = pair_scores(
        number_rows("a", [{"id": "x", "score": 1, "stratum": "voice"}, {"id": 2, "score": 0.5}]),
        number_rows("b", [{"id": "2", "score": True, "cluster": "p"}, {"id": "x", "score": 0, "stratum": "voice"}]),
        None,
    )
    assert pairs == [Pair("x", 1.0, 0.0, "voice", None, None), Pair("2", 0.5, 1.0, None, None, "p")]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([1], r"a.jsonl row 1: a row is an object, not \[1\]"),
        ({"score": 1}, "a.jsonl row 1: no id"),
        ({"id": "", "score": 1}, "a.jsonl row 1: id '' is no name"),
        ({"id": ["x"], "score": 1}, r"a.jsonl row 1: id \['x'\] is no name"),
        ({"id": "x"}, "a.jsonl row 1: no score"),
        ({"id": "x", "score": "0.5"}, "a.jsonl row 1: score '0.5' is no number"),
        ({"id": "x", "score": None}, "a.jsonl row 1: score None is no number"),
        ({"id": "x", "score": float("nan")}, "a.jsonl row 1: score nan is no finite number"),
        ({"id": "x", "score": float("-inf")}, "a.jsonl row 1: score -inf is no finite number"),
        ({"id": "x", "score": 10**5000}, "a.jsonl row 1: score of too many digits is no finite number"),
        ({"id": "x", "score": 1, "stratum": 1.5}, "a.jsonl row 1: stratum 1.5 is no name"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(row: object, told: str) -> None:
    with pytest.raises(InputError, match=told) as bad:
        read(row)
    assert bad.value.fix


def test_a_second_row_of_one_id_names_the_first() -> None:
    with pytest.raises(InputError, match=r"row 3: id 'x' stands already at a\.jsonl row 1"):
        read({"id": "x", "score": 1}, {"id": "y", "score": 1}, {"id": "x", "score": 1})


def test_no_rows_are_no_scores() -> None:
    with pytest.raises(InputError, match="the baseline has no scores"):
        read()


def test_a_failed_judgement_is_none_where_the_scale_is_known_and_no_score_leaves_the_scale() -> None:
    found = read({"id": "x", "score": None}, {"id": "y", "score": 10}, scale=(1, 10))
    assert [s.value for s in found.values()] == [None, 10.0]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="score 0 is outside 1 to 10"):
        read({"id": "x", "score": 0}, scale=(1, 10))


def test_ids_that_do_not_pair_are_named_on_both_sides_a_few_of_many() -> None:
    before = number_rows("a", [{"id": i, "score": 1} for i in range(6)])
    after = number_rows("b", [{"id": i, "score": 1} for i in (0, 7)])
    with pytest.raises(
        InputError, match="only the baseline has '1', '2', '3' and 2 more; only the candidate has '7'"
    ) as bad:
        pair_scores(before, after, None)
    assert bad.value.fix == "score the same prompts on both sides"


@pytest.mark.parametrize("key", ["stratum", "cluster"])
def test_one_item_is_not_of_two_strata_nor_clusters(key: str) -> None:
    before, after = ([{"id": "x", "score": 1, key: value}] for value in ("a", "b"))
    with pytest.raises(InputError, match=f"id 'x' is of {key} 'a' at one row 1 and of 'b' at two row 1"):
        pair_scores(number_rows("one", before), number_rows("two", after), None)


def test_an_id_full_of_escapes_is_shown_harmless_and_short() -> None:
    with pytest.raises(InputError) as bad:
        read(*[{"id": "\x1b[31m" + "x" * 900, "score": 1}] * 2)
    assert "\x1b" not in bad.value.message
    assert len(bad.value.message) < 150


def test_pass_and_fail_is_noughts_and_ones_alone() -> None:
    assert is_pass_fail([Pair("a", 0.0, 1.0, None, None, None), Pair("b", None, 1.0, None, None, None)])
    assert not is_pass_fail([Pair("a", 0.0, 0.5, None, None, None)])

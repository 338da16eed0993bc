"""Kappa against known figures, its three states, and labels that cannot be compared."""

import pytest

from engine.errors import InputError
from engine.stats.agreement import Agreement, agree_labels, measure_agreement, tell_state


def test_kappa_and_its_interval_of_a_known_table() -> None:
    found = measure_agreement([[20, 5], [10, 15]])
    assert (found.n, found.agreement) == (50, 0.7)
    assert (round(found.kappa, 3), round(found.ci[0], 3), round(found.ci[1], 3)) == (0.4, 0.151, 0.649)
    assert found.state == "uncalibrated"


def test_three_labels_are_as_in_statsmodels() -> None:
    # statsmodels 0.15.0: cohens_kappa
    found = measure_agreement([[10, 3, 2], [1, 12, 4], [0, 2, 16]])
    assert (found.kappa, *found.ci) == pytest.approx(
        (0.6363636363636365, 0.4585515778575173, 0.8141756948697556), abs=1e-9
    )


def test_a_good_kappa_on_thirty_items_is_too_few_to_say() -> None:
    found = measure_agreement([[13, 2], [2, 13]])
    assert found.kappa == pytest.approx(0.733, abs=5e-4)
    assert (round(found.ci[0], 2), round(found.ci[1], 2)) == (0.49, 0.98)
    assert found.state == "too few to say"
    assert found.n_needed is not None
    assert found.n_needed > 1000


def test_the_state_follows_the_bounds() -> None:
    assert tell_state(0.7, 0.9) == "calibrated"
    assert tell_state(0.699, 0.9) == "too few to say"
    assert tell_state(0.2, 0.69) == "uncalibrated"


def test_as_many_items_as_are_needed_calibrate() -> None:
    found = measure_agreement([[18, 2], [1, 19]])
    assert (found.state, found.n_needed) == ("too few to say", found.n_needed)
    assert found.n_needed is not None
    times = -(-found.n_needed // found.n)
    more = measure_agreement([[18 * times, 2 * times], [times, 19 * times]])
    assert more.state == "calibrated"


def test_raters_that_never_differ_are_not_proven_by_a_few_items() -> None:
    few = measure_agreement([[5, 0], [0, 5]])
    assert (few.kappa, few.state, few.ci[1]) == (1.0, "too few to say", 1.0)
    assert few.ci[0] == pytest.approx((0.025**0.1 - 0.5) / 0.5)
    assert few.n_needed == 23
    assert measure_agreement([[12, 0], [0, 11]]).state == "calibrated"
    assert measure_agreement([[11, 0], [0, 11]]).state == "too few to say"


def test_a_judge_of_a_single_label_has_no_kappa_to_speak_of_and_no_false_certainty() -> None:
    found = measure_agreement([[3, 0], [2, 0]])
    assert found.kappa == 0.0
    assert found.ci[0] < -0.4
    assert found.ci[1] > 0.4


def test_a_common_label_explains_high_agreement() -> None:
    found = measure_agreement([[95, 2], [3, 0]])
    assert found.agreement == 0.95
    assert found.kappa < 0
    assert "one label is so common" in found.notes[0]


def test_labels_pair_by_id_whatever_their_order() -> None:
    human = {"a": "pass", "b": "fail", "c": "pass", "d": "fail"}
    judge = {"d": "fail", "c": "fail", "b": "fail", "a": "pass"}
    found = agree_labels(human, judge)
    assert found == measure_agreement([[2, 0], [1, 1]])
    assert isinstance(found, Agreement)
    assert agree_labels({"a": True, "b": False}, {"a": True, "b": False}).kappa == 1.0
    assert agree_labels({"a": 1, "b": 2.0}, {"a": 1.0, "b": 2}).kappa == 1.0


@pytest.mark.parametrize(
    ("human", "judge", "told"),
    [
        ({"a": 1, "b": 0}, {"a": 1, "c": 0}, r"only the human has 'b'; only the judge has 'c'"),
        ({}, {}, "no labels"),
        ({"a": 1, "b": 1}, {"a": 1, "b": 1}, "every label is '1'"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 0}, r"the human gives \['1', '2'\], the judge \['0', '1'\]"),
        ({"a": None}, {"a": 1}, "None is no label"),
        ({"a": float("nan")}, {"a": 1}, "nan is no label"),
    ],
)
def test_labels_that_cannot_be_compared_are_named(
    human: dict[str, object], judge: dict[str, object], told: str
) -> None:
    with pytest.raises(InputError, match=told) as bad:
        agree_labels(human, judge)
    assert bad.value.fix

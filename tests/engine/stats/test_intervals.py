"""Intervals of proportions against values worked out elsewhere, and at their edges."""

import pytest

from engine.stats.intervals import Proportion, clopper_pearson, wilson, wilson_of_clusters


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(38, 39, 0.8682, 0.9955), (40, 48, 0.7042, 0.9130), (31, 56, 0.4241, 0.6761)],
)
def test_the_interval_is_wilsons(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert (found.hits, found.n, found.rate) == (hits, n, hits / n)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize("n", [1, 12, 120, 100_000])
def test_none_and_all_end_the_interval_at_zero_and_one_exactly(n: int) -> None:
    # at these ends the score interval has a closed form: z^2 / (n + z^2)
    edge = 3.841458820694124 / (n + 3.841458820694124)
    none, every = wilson(0, n), wilson(n, n)
    assert (none.low, none.rate, every.high, every.rate) == (0.0, 0.0, 1.0, 1.0)
    assert none.high == pytest.approx(edge, rel=1e-9)
    assert every.low == pytest.approx(1 - edge, rel=1e-9)


def test_nothing_asked_leaves_everything_open() -> None:
    assert wilson(0, 0) == Proportion(0, 0, None, 0.0, 1.0)
    assert str(wilson(0, 0)) == "none asked"


def test_a_greater_confidence_gives_a_wider_interval_around_the_rate() -> None:
    narrow, wide = wilson(31, 56, 0.8), wilson(31, 56, 0.99)
    assert wide.low < narrow.low < 31 / 56 < narrow.high < wide.high


def test_the_interval_of_the_misses_mirrors_that_of_the_hits() -> None:
    hits, misses = wilson(7, 30), wilson(23, 30)
    assert hits.low == pytest.approx(1 - misses.high)
    assert hits.high == pytest.approx(1 - misses.low)


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5), (1, 0), (0, -1)])
def test_more_hits_than_asked_or_fewer_than_none_are_refused(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{hits} hits of {n}"):
        wilson(hits, n)


def test_a_proportion_is_told_in_words_and_in_json() -> None:
    found = wilson(40, 48)
    assert str(found) == "83% [70%, 91%] of 48"
    assert found.to_json("breaks") == {"breaks": 40, "n": 48, "rate": 40 / 48, "ci": [found.low, found.high]}
    assert wilson(0, 0).to_json("breaks") == {"breaks": 0, "n": 0, "rate": None, "ci": [0.0, 1.0]}


def test_nothing_of_fifty_two_is_at_most_seven_in_a_hundred() -> None:
    assert clopper_pearson(0, 52).high == pytest.approx(1 - 0.025 ** (1 / 52), rel=1e-12)
    assert round(clopper_pearson(0, 52).high, 3) == 0.068


@pytest.mark.parametrize("n", [1, 7, 39, 400])
def test_both_intervals_are_those_of_scipy(n: int) -> None:
    from scipy.stats import binomtest

    for hits in range(0, n + 1, max(1, n // 9)):
        for found, method in ((wilson(hits, n), "wilson"), (clopper_pearson(hits, n), "exact")):
            expected = binomtest(hits, n).proportion_ci(method=method)
            assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_the_exact_interval_of_nothing_asked_is_everything_and_more_hits_than_asked_are_refused() -> None:
    assert clopper_pearson(0, 0) == Proportion(0, 0, None, 0.0, 1.0)
    with pytest.raises(ValueError, match="6 hits of 5"):
        clopper_pearson(6, 5)


def test_samples_of_one_prompt_widen_the_interval_by_what_they_share() -> None:
    prompts = [f"p{i // 10}" for i in range(100)]
    one_breaks_always = [prompt == "p0" for prompt in prompts]
    alone, shared = wilson(10, 100), wilson_of_clusters(one_breaks_always, prompts)
    # 0 to 3 of ten prompts, where Wilson takes a hundred for independent
    assert (round(alone.high, 3), shared.high) == (0.174, 0.3)
    assert (shared.hits, shared.n, shared.low) == (10, 100, 0.0)
    spread = [i % 10 == 0 for i in range(100)]
    assert wilson_of_clusters(spread, prompts) == alone


def test_one_sample_a_prompt_has_wilsons_interval_and_so_has_none_that_hits() -> None:
    assert wilson_of_clusters([True, False, False], ["a", "b", "c"]) == wilson(1, 3)
    assert wilson_of_clusters([False] * 50, [f"p{i % 5}" for i in range(50)]) == wilson(0, 50)
    assert wilson_of_clusters([], []) == wilson(0, 0)

"""The paired bootstrap against scipy, its exactness, and its degenerate cases."""

from fractions import Fraction

import numpy as np
import pytest

from engine.stats.paired import (
    Bootstrap,
    bootstrap_mean,
    draw_sums,
    seed_generator,
    standard_error,
    take_differences,
)


def spread_scores(n: int, seed: int = 7) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)
    before = rng.normal(6.6, 1.1, n)
    return before.tolist(), (before + rng.gamma(2.0, 0.4, n) - 0.6).tolist()


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize("n", [12, 52, 400])
def test_the_interval_is_that_of_scipy_within_the_noise_of_resampling(n: int, method: str) -> None:
    from scipy.stats import bootstrap

    before, after = spread_scores(n)
    found = bootstrap_mean(take_differences(before, after), seed_generator(1), 30_000, method)  # type: ignore[arg-type]
    d = np.subtract(after, before)
    expected = bootstrap(
        (d,), np.mean, n_resamples=30_000, method=method, rng=np.random.default_rng(2)
    ).confidence_interval
    noise = 0.1 * d.std() / np.sqrt(n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=noise)
    assert (found.method, found.degenerate) == (method, False)
    assert found.mean == pytest.approx(d.mean(), abs=1e-11)


def test_bca_and_percentile_differ_where_the_differences_are_skewed() -> None:
    differences = take_differences([0.0] * 30, [0.0] * 26 + [1.0, 2.0, 4.0, 9.0])
    plain = bootstrap_mean(differences, seed_generator(3))
    corrected = bootstrap_mean(differences, seed_generator(3), method="bca")
    assert corrected.low > plain.low
    assert corrected.high > plain.high + 0.1


@pytest.mark.parametrize(("before", "after", "mean"), [([0.5] * 9, [0.5] * 9, 0.0), ([0.0] * 9, [1.0] * 9, 1.0)])
@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_pairs_without_spread_are_degenerate_and_give_a_point_and_no_nan(
    before: list[float], after: list[float], mean: float, method: str
) -> None:
    differences = take_differences(before, after)
    found = bootstrap_mean(differences, seed_generator(0), 500, method)  # type: ignore[arg-type]
    p = 1.0 if mean == 0 else 1 / 501
    assert found == Bootstrap(mean, mean, mean, p, min(1.0, 2 * p), "percentile", True)
    assert standard_error(differences) == 0.0


def test_a_single_pair_is_degenerate_and_has_no_error() -> None:
    differences = take_differences([1.0], [3.0])
    assert bootstrap_mean(differences, seed_generator(0), 100).degenerate
    assert standard_error(differences) is None


def test_every_resampled_sum_is_exact() -> None:
    before, after = spread_scores(300)
    differences = take_differences(before, after)
    drawn = draw_sums(differences.sums, seed_generator(5), 40)
    # the same draws, added up without rounding
    index = seed_generator(5).integers(0, 300, (40, 300))
    exact = [sum((Fraction(float(differences.sums[i])) for i in row), Fraction(0)) for row in index]
    assert [Fraction(float(total)) for total in drawn] == exact


def test_one_seed_gives_the_figures_it_gave_elsewhere() -> None:
    before, after = [(i * 37 % 101) / 100 for i in range(52)], [(i * 53 % 103) / 100 for i in range(52)]
    found = bootstrap_mean(take_differences(before, after), seed_generator(42))
    assert found.mean == pytest.approx(-0.03865384615385, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((-0.15154326923077, 0.07673557692308), abs=1e-12)
    assert found.p_one_sided == 7450 / 10_001
    votes = bootstrap_mean(take_differences([0] * 200, [1] * 20 + [0] * 170 + [-1] * 10), seed_generator(42))
    assert (votes.low, votes.high, votes.p_one_sided) == pytest.approx((-0.005, 0.105, 390 / 10_001), abs=1e-12)


def test_another_seed_draws_otherwise() -> None:
    differences = take_differences(*spread_scores(52))
    assert bootstrap_mean(differences, seed_generator(1)) != bootstrap_mean(differences, seed_generator(2))
    assert bootstrap_mean(differences, seed_generator(1)) == bootstrap_mean(differences, seed_generator(1))


def test_wins_losses_and_ties_drawn_by_count_are_distributed_as_those_drawn_by_item() -> None:
    values = np.array([1.0] * 40 + [-1.0] * 25 + [0.0] * 135)
    by_count = draw_sums(values, seed_generator(1), 20_000)
    by_item = values[seed_generator(2).integers(0, 200, (20_000, 200))].sum(axis=1)
    for level in (0.025, 0.25, 0.5, 0.75, 0.975):
        assert abs(np.quantile(by_count, level) - np.quantile(by_item, level)) <= 1
    # the standard deviation of a resampled sum: sqrt(40 + 25 - 15^2 / 200)
    assert by_count.std() == pytest.approx(np.sqrt(65 - 225 / 200), rel=0.02)


def test_many_distinct_values_are_counted_in_parts_and_keep_their_mean() -> None:
    values = np.repeat(np.arange(200.0), 40)
    drawn = draw_sums(values, seed_generator(1), 400)
    assert drawn.mean() == pytest.approx(values.sum(), rel=0.002)


def test_the_one_sided_p_counts_resamples_at_or_below_nought_and_the_two_sided_doubles_the_smaller() -> None:
    # all but one of 3 differ upwards: a resample's mean is <= 0 only where every draw is the tie: 1 / 27
    drawn = bootstrap_mean(take_differences([0.0] * 3, [1.0, 2.0, 0.0]), seed_generator(4), 9_999)
    at_most = drawn.p_one_sided * 10_000 - 1
    assert at_most == pytest.approx(9_999 / 27, abs=80)
    assert at_most == pytest.approx(round(at_most))
    assert drawn.p_two_sided == 2 * drawn.p_one_sided


def test_what_ties_on_paper_ties_here() -> None:
    differences = take_differences([0.3, 0.7, 1.1], [0.1 + 0.2, 0.7, 0.1 * 11])
    assert 0.1 + 0.2 != 0.3
    assert differences.steps.tolist() == [0.0, 0.0, 0.0]
    # a difference of a ten-thousandth of a score is none of rounding
    assert take_differences([0.3] * 60, [0.3] * 59 + [0.30001]).differing == 1


def test_clusters_are_resampled_whole() -> None:
    # within a cluster every sample says the same, so 5 of each are worth no more than one
    single_before, single_after = spread_scores(40)
    single = bootstrap_mean(take_differences(single_before, single_after), seed_generator(9))
    before, after = np.repeat(single_before, 5).tolist(), np.repeat(single_after, 5).tolist()
    clusters = np.repeat(np.arange(40), 5).tolist()
    grouped = bootstrap_mean(take_differences(before, after, clusters), seed_generator(9))
    naive = bootstrap_mean(take_differences(before, after), seed_generator(9))
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high), abs=1e-9)
    assert naive.high - naive.low < 0.6 * (grouped.high - grouped.low)


def test_clusters_of_unequal_size_weigh_by_their_samples() -> None:
    before, after = [0.0] * 6, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    differences = take_differences(before, after, ["a", "a", "a", "a", "b", "b"])
    assert differences.mean == pytest.approx(4 / 6)
    drawn = bootstrap_mean(differences, seed_generator(0), 4_000)
    assert (drawn.low, drawn.high) == (0.0, 1.0)
    # both draws are 'b' in a quarter of the resamples
    assert drawn.p_one_sided == pytest.approx(0.25, abs=0.03)
    corrected = bootstrap_mean(differences, seed_generator(0), 4_000, "bca")
    assert 0.0 <= corrected.low <= corrected.high <= 1.0


def test_the_clustered_error_is_that_of_an_ordinary_regression_by_clusters() -> None:
    # statsmodels 0.15.0: OLS on a constant, cov_type='cluster'
    after = [0.1, 0.3, -0.2, 0.5, 0.4, 0.0, 0.2, -0.1, 0.6, 0.3]
    differences = take_differences([0.0] * 10, after, [0, 0, 0, 1, 1, 2, 2, 2, 2, 3])
    assert standard_error(differences) == pytest.approx(0.07685484, abs=1e-8)
    plain = standard_error(take_differences([0.0] * 10, after))
    assert plain == pytest.approx(np.std(after, ddof=1) / np.sqrt(10), abs=1e-10)


@pytest.mark.parametrize("scale", [1e-150, 1e-12, 1.0, 1e140])
def test_figures_scale_with_the_scores(scale: float) -> None:
    before, after = spread_scores(52)
    plain = bootstrap_mean(take_differences(before, after), seed_generator(1))
    found = bootstrap_mean(take_differences([x * scale for x in before], [x * scale for x in after]), seed_generator(1))
    assert (found.mean / scale, found.low / scale, found.high / scale) == pytest.approx(
        (plain.mean, plain.low, plain.high), abs=1e-9
    )
    assert found.p_one_sided == plain.p_one_sided

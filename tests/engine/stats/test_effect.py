"""Effect sizes against known figures."""

import pytest

from engine.stats.effect import bound_h, cohens_dz, cohens_h


def test_cohens_h_of_known_rates() -> None:
    assert cohens_h(243 / 300, 298 / 300) == pytest.approx(0.7386, abs=5e-5)
    assert cohens_h(1.0, 298 / 300) == pytest.approx(-0.163, abs=5e-4)
    assert cohens_h(0.3, 0.8) == pytest.approx(1.0550, abs=5e-5)
    assert cohens_h(0.4, 0.4) == 0.0


def test_the_bounds_of_h_narrow_with_n() -> None:
    low, high = bound_h(0.7, 200, 200)
    assert (low, high) == pytest.approx((0.7 - 0.19600, 0.7 + 0.19600), abs=1e-4)


def test_dz_is_mean_over_deviation_of_the_differences() -> None:
    assert cohens_dz([1.0, 2.0, 3.0]) == 2.0
    assert cohens_dz([1.0, 1.0]) is None
    assert cohens_dz([1.0]) is None

"""Power of paired designs against known figures and against simulation."""

import numpy as np
import pytest

from engine.stats.mcnemar import exact_p
from engine.stats.power import detectable_effect, mcnemar_pairs_needed, mcnemar_power, pairs_needed


def test_an_error_of_a_hundredth_can_show_three() -> None:
    assert round(detectable_effect(0.0107), 3) == 0.030


def test_the_pairs_that_an_effect_takes_make_it_detectable() -> None:
    assert pairs_needed(0.0107, 52, 0.01) == 468
    n = pairs_needed(0.0107, 52, 0.02)
    assert detectable_effect(0.0107 * (52 / n) ** 0.5) <= 0.02 < detectable_effect(0.0107 * (52 / (n - 1)) ** 0.5)
    assert pairs_needed(0.0107, 52, detectable_effect(0.0107)) == 52


@pytest.mark.parametrize(("n", "power"), [(36, 0.144), (52, 0.255), (100, 0.544), (200, 0.875)])
def test_the_power_of_the_exact_test_is_as_enumerated_elsewhere(n: int, power: float) -> None:
    assert mcnemar_power(n, 0.15, 0.05) == pytest.approx(power, abs=5e-4)
    assert mcnemar_power(n, 0.05, 0.15) == pytest.approx(power, abs=5e-4)


def test_the_power_of_the_exact_test_is_the_share_of_simulated_tests_that_reject() -> None:
    rng = np.random.default_rng(3)
    tables = rng.multinomial(60, [0.04, 0.2, 0.76], size=4_000)
    rejected = np.mean([exact_p(b, c) <= 0.05 for b, c, _ in tables.tolist()])
    assert mcnemar_power(60, 0.04, 0.2) == pytest.approx(rejected, abs=0.025)


def test_power_at_the_edges_is_a_number() -> None:
    assert mcnemar_power(0, 0.1, 0.2) == 0.0
    assert mcnemar_power(50, 0.0, 0.0) == 0.0
    assert mcnemar_power(5, 0.0, 1.0) == 0.0
    assert mcnemar_power(6, 0.0, 1.0) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="shares of"):
        mcnemar_power(50, 0.6, 0.6)


def test_the_pairs_for_the_exact_test_reach_the_power_and_one_fewer_does_not() -> None:
    n = mcnemar_pairs_needed(0.15, 0.05)
    assert n is not None
    assert mcnemar_power(n, 0.15, 0.05) >= 0.8 > mcnemar_power(n - 1, 0.15, 0.05)
    many = mcnemar_pairs_needed(0.01, 0.012)
    assert many is not None
    assert mcnemar_power(many, 0.01, 0.012) >= 0.8 > mcnemar_power(many - 1, 0.01, 0.012)
    assert mcnemar_pairs_needed(0.1, 0.1) is None
    assert mcnemar_pairs_needed(0.1, 0.1001) is None

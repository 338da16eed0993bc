"""Adjusted p values against known figures and scipy."""

import numpy as np
import pytest

from engine.stats.multiplicity import adjust_bh, adjust_holm

P = [0.01, 0.04, 0.03, 0.005, 0.2]


def test_holm_of_known_values() -> None:
    assert adjust_holm(P) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2])


def test_benjamini_hochberg_of_known_values() -> None:
    assert adjust_bh(P) == pytest.approx([0.025, 0.05, 0.05, 0.025, 0.2])


def test_benjamini_hochberg_is_that_of_scipy() -> None:
    from scipy.stats import false_discovery_control

    for seed in range(20):
        p = np.random.default_rng(seed).uniform(size=9).tolist()
        assert adjust_bh(p) == pytest.approx(false_discovery_control(p).tolist())


@pytest.mark.parametrize("adjust", [adjust_holm, adjust_bh])
def test_one_p_stays_and_none_give_none_and_nothing_passes_one(adjust: object) -> None:
    assert adjust([0.03]) == [0.03]  # type: ignore[operator]
    assert adjust([]) == []  # type: ignore[operator]
    assert adjust([0.9, 0.8, 1.0])[2] == 1.0  # type: ignore[operator]

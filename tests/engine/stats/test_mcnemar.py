"""McNemar's four p values against known figures and against scipy."""

import pytest

from engine.stats.mcnemar import McNemar, exact_p, run_mcnemar


def test_the_figures_of_a_heuristic_that_scored_length_are_as_published_and_named() -> None:
    found = run_mcnemar(2, 57)
    assert found.exact_p == pytest.approx(6.144390551909851e-15, rel=1e-9)
    assert found.midp_p == pytest.approx(3.18e-15, rel=2e-3)
    assert found.chi2_p == pytest.approx(8.04e-13, rel=1e-3)
    assert found.chi2_cc_p == pytest.approx(2.0623593774682243e-12, rel=1e-9)


def test_the_same_models_recounted_do_not_differ() -> None:
    assert run_mcnemar(2, 0).exact_p == 0.5


def test_without_discordant_pairs_every_p_is_one() -> None:
    assert run_mcnemar(0, 0) == McNemar(b=0, c=0, exact_p=1.0, midp_p=1.0, chi2_p=1.0, chi2_cc_p=1.0)


def test_the_variants_are_those_of_statsmodels() -> None:
    # statsmodels 0.15.0: mcnemar([[5, 12], [5, 9]])
    found = run_mcnemar(12, 5)
    assert found.exact_p == pytest.approx(0.143463134765625, abs=1e-12)
    assert found.chi2_p == pytest.approx(0.08955507441364248, abs=1e-12)
    assert found.chi2_cc_p == pytest.approx(0.1456100953968629, abs=1e-12)


def test_exact_and_chi2_are_those_of_scipy_for_every_small_table() -> None:
    from scipy.stats import binom, binomtest, chi2

    for b in range(12):
        for c in range(12):
            if b + c == 0:
                continue
            found = run_mcnemar(b, c)
            assert found.exact_p == pytest.approx(binomtest(b, b + c).pvalue, abs=1e-12)
            assert found.chi2_p == pytest.approx(chi2.sf((b - c) ** 2 / (b + c), 1), abs=1e-12)
            half = 0.5 if b == c else 1.0
            assert found.midp_p == pytest.approx(found.exact_p - half * binom.pmf(b, b + c, 0.5), abs=1e-12)


def test_neither_side_is_favoured() -> None:
    one, other = run_mcnemar(3, 14), run_mcnemar(14, 3)
    assert (one.exact_p, one.midp_p, one.chi2_cc_p) == (other.exact_p, other.midp_p, other.chi2_cc_p)


def test_equal_counts_show_nothing_even_when_corrected() -> None:
    found = run_mcnemar(7, 7)
    assert (found.exact_p, found.chi2_p, found.chi2_cc_p) == (1.0, 1.0, 1.0)


def test_six_one_way_pairs_reach_five_in_a_hundred_and_five_do_not() -> None:
    assert exact_p(0, 5) == 0.0625
    assert exact_p(0, 6) == 0.03125


def test_many_pairs_keep_every_p_between_nought_and_one() -> None:
    found = run_mcnemar(40_000, 60_000)
    assert all(0 <= p <= 1 for p in (found.exact_p, found.midp_p, found.chi2_p, found.chi2_cc_p))


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="-1 and 2"):
        run_mcnemar(-1, 2)

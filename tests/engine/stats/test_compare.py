"""A whole comparison: its figures, its strata, its bad days, and what it loads."""

import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError
from engine.records.recipe import Verdict as Rule
from engine.stats.compare import Comparison, Measured, compare_scores
from engine.stats.intervals import wilson
from engine.stats.power import mcnemar_pairs_needed
from engine.stats.scores import number_rows

ROOT = Path(__file__).resolve().parents[3]


def rows(scores: list[Any], **more: list[str]) -> list[tuple[str, object]]:
    made = [{"id": f"p{i:04}", "score": s, **{k: v[i] for k, v in more.items()}} for i, s in enumerate(scores)]
    return list(number_rows("rows", made))


def compare(before: list[Any], after: list[Any], rule: Rule = Rule(), **more: Any) -> Comparison:  # noqa: B008
    return compare_scores(rows(before), rows(after), rule, **more)


def discordant(losses: int, wins: int, both: int, n: int) -> tuple[list[int], list[int]]:
    neither = n - losses - wins - both
    return [1] * losses + [0] * wins + [1] * both + [0] * neither, [0] * losses + [1] * wins + [1] * both + [
        0
    ] * neither


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [x for part in value for x in numbers_in(part)]
    return [value] if isinstance(value, (int, float)) else []


def test_the_object_has_the_keys_that_were_promised() -> None:
    before, after = discordant(2, 9, 30, 52)
    found = compare_scores(rows(before, stratum=["a", "b"] * 26), rows(after)).to_json()
    assert list(found) == [
        "n", "mean_baseline", "mean_candidate", "delta", "ci", "p_one_sided", "p_two_sided", "wins", "losses", "ties",
        "mcnemar", "cohens_h", "dz", "mde", "seed", "resamples", "strata", "verdict",
    ]  # fmt: skip
    assert list(found["mcnemar"]) == ["b", "c", "exact_p", "midp_p", "chi2_p", "chi2_cc_p"]
    assert list(found["strata"][0]) == ["by", "name", "n", "delta", "ci", "p", "p_holm", "p_bh"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert Comparison.parse(found, "stored").to_json() == found


def test_a_heuristic_that_scored_length_first_showed_a_great_gain() -> None:
    before, after = discordant(losses=2, wins=57, both=241, n=300)
    found = compare(before, after)
    assert (sum(before), sum(after), found.wins, found.losses, found.ties) == (243, 298, 57, 2, 241)
    assert found.mcnemar is not None
    assert (found.mcnemar.b, found.mcnemar.c) == (2, 57)
    assert found.mcnemar.exact_p == pytest.approx(6.144e-15, rel=1e-4)
    assert found.mcnemar.chi2_cc_p == pytest.approx(2.062e-12, rel=1e-3)
    assert found.cohens_h == pytest.approx(0.7386, abs=5e-5)
    assert found.p_one_sided == 1 / 10_001
    assert found.verdict.primary_test == "exact McNemar, p = 6.14e-15"


def test_recounted_it_is_no_deploy() -> None:
    before, after = discordant(losses=2, wins=0, both=298, n=300)
    found = compare(before, after)
    assert found.mcnemar is not None
    assert (found.mcnemar.exact_p, found.mcnemar.b, found.mcnemar.c) == (0.5, 2, 0)
    assert found.cohens_h == pytest.approx(-0.163, abs=5e-4)
    assert found.verdict.decision == "UNDERPOWERED"
    assert compare(before, after, Rule(smallest_effect=0.05)).verdict.decision == "NO-DEPLOY"


def test_two_published_systems_differ_as_worked_out_elsewhere() -> None:
    # two verifiers on the 1,319 problems of GSM8K: 209 only the one solves, 152 only the other
    found = compare(*discordant(losses=209, wins=152, both=306, n=1319))
    assert found.delta == pytest.approx(-0.0432, abs=5e-5)
    assert found.ci == pytest.approx((-0.0713, -0.0152), abs=1.6e-3)
    assert found.mcnemar is not None
    assert found.mcnemar.exact_p == pytest.approx(0.00315, abs=5e-6)
    assert found.cohens_h == pytest.approx(-0.09, abs=1e-3)
    assert found.verdict.decision == "NO-DEPLOY"


def test_all_pairs_tied_are_said_to_be_degenerate_and_get_the_exact_bound() -> None:
    found = compare([1, 0] * 26, [1, 0] * 26, Rule(smallest_effect=0.1))
    assert (round(found.ci[0], 3), round(found.ci[1], 3)) == (-0.068, 0.068)
    assert (found.delta, found.p_one_sided, found.p_two_sided, found.mde) == (0.0, 1.0, 1.0, None)
    assert found.verdict.notes == [
        "every pair is tied: the bootstrap is degenerate, and its interval is the exact bound"
    ]
    assert found.verdict.decision == "NO-DEPLOY"
    assert compare([1, 0] * 26, [1, 0] * 26, Rule(smallest_effect=0.05)).verdict.decision == "UNDERPOWERED"
    same_form = Rule(mode="noninferiority", margin=0.1)
    assert compare([1, 0] * 26, [1, 0] * 26, same_form).verdict.decision == "DEPLOY"


def test_every_pair_won_is_degenerate_too() -> None:
    found = compare([0] * 52, [1] * 52)
    share = 1 - 0.025 ** (1 / 52)
    assert found.ci == pytest.approx((1 - 2 * share, 1.0))
    assert found.verdict.decision == "DEPLOY"
    assert compare([0] * 3, [1] * 3).verdict.decision == "UNDERPOWERED"


def test_tied_scores_that_are_no_passes_withhold_the_verdict() -> None:
    found = compare([6.5, 7.0, 8.0] * 9, [6.5, 7.0, 8.0] * 9, Rule(smallest_effect=0.1))
    assert (found.ci, found.mcnemar, found.cohens_h) == ((0.0, 0.0), None, None)
    assert found.verdict.decision == "withheld"
    assert "degenerate" in found.verdict.notes[0]


@pytest.mark.parametrize(("before", "after"), [([0.2], [0.9]), ([1], [0]), ([0.5, 0.5], [0.5, 0.6]), ([0, 1], [1, 0])])
def test_one_or_two_pairs_give_numbers_and_never_a_deploy(before: list[float], after: list[float]) -> None:
    found = compare(before, after)
    assert all(math.isfinite(x) for x in numbers_in(found.to_json()))
    assert found.verdict.decision in ("UNDERPOWERED", "withheld")


def test_the_order_of_the_rows_changes_nothing() -> None:
    rng = random.Random(2)
    before, after = rows([rng.random() for _ in range(52)]), rows([rng.random() for _ in range(52)])
    found = compare_scores(before, after)
    rng.shuffle(before)
    rng.shuffle(after)
    assert compare_scores(before, after) == found


def test_seed_and_resamples_are_recorded_and_count() -> None:
    rng = random.Random(3)
    before, after = [rng.random() for _ in range(40)], [rng.random() for _ in range(40)]
    one, other = (compare(before, after, seed=seed, resamples=2_000) for seed in (1, 2))
    assert (one.seed, one.resamples, other.seed) == (1, 2_000, 2)
    assert one.delta == other.delta
    assert one.ci != other.ci


def test_strata_are_compared_apart_and_adjusted_for_their_number() -> None:
    before = [0] * 20 + [0] * 20 + [1] * 12
    after = [1] * 12 + [0] * 8 + [1] * 3 + [0] * 17 + [1] * 12
    names = ["voice"] * 20 + ["position"] * 20 + ["history"] * 12
    found = compare_scores(rows(before, stratum=names), rows(after, stratum=names))
    assert [(s.name, s.n) for s in found.strata] == [("history", 12), ("position", 20), ("voice", 20)]
    history, position, voice = found.strata
    assert (voice.delta, voice.p) == (0.6, 2 * 0.5**12)
    assert (voice.p_holm, voice.p_bh) == (3 * voice.p, 3 * voice.p)
    assert (position.p, position.p_holm, position.p_bh) == (0.25, 0.5, 0.375)
    # no pair of this one differs: the exact bound of 12
    assert history.ci == pytest.approx((-(1 - 0.025 ** (1 / 12)), 1 - 0.025 ** (1 / 12)))
    assert history.p == 1.0


def test_a_category_without_rows_is_absent() -> None:
    names = [["a", "b"], ["a", "b"]]
    found = compare_scores(
        rows([1, None], stratum=names[0]), rows([1, 1], stratum=names[1]), scale=(0, 1)
    )  # fmt: skip
    assert [s.name for s in found.strata] == ["a"]


def test_a_category_below_the_margin_fails_its_guard() -> None:
    before, after = [0.5] * 40, [0.5 + 0.01 * (i % 7) for i in range(30)] + [0.2] * 10
    names = ["voice"] * 30 + ["position"] * 10
    rule = Rule(margin=0.2, guards=["categories", "break_rate", "critical_failures"])
    measured = Measured(break_rate=wilson(0, 60), critical_failures=(1, 1))
    found = compare_scores(rows(before, stratum=names), rows(after, stratum=names), rule, measured)
    assert (found.verdict.decision, found.verdict.reasons) == ("NO-DEPLOY", ["below -0.2: position"])
    unmeasured = compare_scores(rows(before, stratum=["voice"] * 40), rows(after, stratum=["voice"] * 40), rule)
    assert unmeasured.verdict.decision == "withheld"


def test_repeated_samples_are_resampled_by_their_prompt() -> None:
    rng = random.Random(5)
    shift = [rng.gauss(0.15, 0.4) for _ in range(20)]
    before = [0.0] * 100
    after = [shift[i // 5] for i in range(100)]
    prompts = [f"c{i // 5}" for i in range(100)]
    by_prompt = compare_scores(rows(before, cluster=prompts), rows(after, cluster=prompts))
    by_sample = compare(before, after)
    assert by_prompt.delta == by_sample.delta
    assert by_prompt.ci[1] - by_prompt.ci[0] > 1.8 * (by_sample.ci[1] - by_sample.ci[0])
    assert by_prompt.mde is not None
    assert by_sample.mde is not None
    assert by_prompt.mde > 2 * by_sample.mde
    assert by_prompt.verdict.primary_test == "95% bootstrap interval, resampled by cluster"


def test_passes_of_repeated_samples_are_not_judged_by_mcnemar() -> None:
    prompts = [f"c{i // 10}" for i in range(60)]
    found = compare_scores(rows([0] * 60, cluster=prompts), rows([1] * 20 + [0] * 40, cluster=prompts))
    assert found.mcnemar is not None
    assert found.mcnemar.exact_p < 1e-5
    assert found.verdict.decision == "UNDERPOWERED"
    assert "McNemar takes pairs as independent" in found.verdict.notes[0]


def test_failed_judgements_count_in_no_figure_and_withhold_what_they_could_turn() -> None:
    before, after = [0] * 60, [1] * 12 + [0] * 48
    clean = compare(before, after)
    assert clean.verdict.decision == "DEPLOY"
    few = compare([*before, 0], [*after, None], scale=(0, 1))
    assert (few.n, few.delta, few.ci) == (60, clean.delta, clean.ci)
    assert few.verdict.decision == "DEPLOY"
    assert few.verdict.notes == ["pairs left out of every figure for a failed judgement: 1"]
    many = compare([*before, *[None] * 8], [*after, *[0] * 8], scale=(0, 1))
    assert many.verdict.decision == "withheld"
    assert "failed judgements could turn it" in many.verdict.reasons[0]


def test_a_failed_judgement_without_a_scale_is_refused_and_so_are_failures_alone() -> None:
    with pytest.raises(InputError, match="row 2: score None is no number"):
        compare([1, None], [1, 0])
    with pytest.raises(InputError, match="no pair has a score on both sides"):
        compare([None], [1], scale=(0, 1))


def test_failed_judgements_could_all_have_been_critical() -> None:
    before, after = [5.0] * 45, [7.0 + (i % 3) / 2 for i in range(44)]
    rule, none = Rule(guards=["critical_failures"]), Measured(critical_failures=(0, 0))
    held = compare(before, [*after, 7.0], rule, measured=none, scale=(1, 10)).verdict
    assert (held.decision, held.guards[0].held) == ("DEPLOY", True)
    found = compare(before, [*after, None], rule, measured=none, scale=(1, 10)).verdict
    assert found.decision == "withheld"
    assert "were all of them worst" in found.reasons[0]
    # the baseline's own failures could only have made the guard easier to hold
    assert compare([*before, None], [*after, 7, 7], rule, measured=none, scale=(1, 10)).verdict.decision == "DEPLOY"


def test_a_guard_that_fails_for_failed_judgements_alone_decides_nothing() -> None:
    names = ["great"] * 40 + ["small"] * 5
    before = rows([5.0] * 45, stratum=names)
    after = [7.0 + (i % 3) / 2 for i in range(40)] + [4.0]
    rule = Rule(guards={"categories": 0.5})
    found = compare_scores(before, rows([*after, *[None] * 4], stratum=names), rule, scale=(1, 10)).verdict
    assert found.decision == "withheld"
    assert "were all of them best for the candidate" in found.reasons[0]
    assert found.reasons[0].endswith("and the verdict DEPLOY, not NO-DEPLOY")
    sure = compare_scores(before, rows([*after, *[4.0] * 4], stratum=names), rule, scale=(1, 10)).verdict
    assert (sure.decision, sure.reasons) == ("NO-DEPLOY", ["below -0.5: small"])


def test_the_worst_score_of_a_scale_is_no_pass() -> None:
    found = compare([1.0] * 52, [1.0] * 52, Rule(smallest_effect=0.5), scale=(1, 10))
    assert (found.mcnemar, found.ci, found.verdict.decision) == (None, (0.0, 0.0), "withheld")
    passes = compare([1.0] * 52, [1.0] * 52, Rule(smallest_effect=0.5), scale=(0, 1))
    assert (passes.mcnemar is None, passes.verdict.decision) == (False, "NO-DEPLOY")


def test_categories_and_difficulties_are_one_family_and_keep_their_names_apart() -> None:
    before = [0] * 20 + [0] * 20 + [1] * 12
    after = [1] * 12 + [0] * 8 + [1] * 3 + [0] * 17 + [1] * 12
    names, levels = ["voice"] * 20 + ["hard"] * 32, ["hard"] * 20 + ["easy"] * 32
    found = compare_scores(rows(before, stratum=names, difficulty=levels), rows(after))
    told = [(s.by, s.name, s.n) for s in found.strata]
    assert told == [("category", "hard", 32), ("category", "voice", 20), ("difficulty", "easy", 32), ("difficulty", "hard", 20)]  # fmt: skip
    voice, hard = found.strata[1], found.strata[3]
    assert (voice.p, hard.p) == (2 * 0.5**12, 2 * 0.5**12)
    assert voice.p_holm == hard.p_holm == 4 * voice.p
    # the guard is of categories
    rule = Rule(guards={"categories": 0.1})
    lower = compare_scores(rows([1] * 10 + [0] * 30, difficulty=["hard"] * 10 + ["easy"] * 30), rows([0] * 10 + [1] * 30), rule)  # fmt: skip
    assert lower.verdict.reasons == ["guard 'categories' was not measured"]


def test_scores_that_are_no_passes_have_an_effect_size_too() -> None:
    found = compare([0.0] * 3, [1.0, 2.0, 3.0])
    assert (found.dz, found.cohens_h) == (2.0, None)
    assert compare([0.5] * 3, [0.75] * 3).dz is None


def test_the_pairs_needed_are_those_of_the_exact_test() -> None:
    # b = 5%, c = 15%: the normal approximation says 150, of which the exact test has a power of 0.746
    before, after = discordant(losses=2, wins=6, both=20, n=40)
    assert compare(before, after).verdict.n_needed == mcnemar_pairs_needed(0.05, 0.15) == 168
    alike = compare(*discordant(losses=4, wins=4, both=20, n=40)).verdict
    assert (alike.decision, alike.n_needed) == ("UNDERPOWERED", None)


def test_an_interval_that_the_exact_test_does_not_bear_out_is_said() -> None:
    found = compare(*discordant(losses=2, wins=9, both=30, n=100))
    assert found.ci[0] > 0
    assert found.mcnemar is not None
    assert found.mcnemar.exact_p == pytest.approx(0.0654, abs=1e-4)
    assert "does not bear the interval out (p = 0.0654)" in found.verdict.notes[0]


def test_booleans_and_noughts_and_ones_are_one_and_the_same() -> None:
    before, after = discordant(3, 11, 20, 60)
    assert compare([bool(x) for x in before], [float(x) for x in after]) == compare(before, after)


def test_no_resamples_are_refused() -> None:
    with pytest.raises(InputError, match="0 resamples"):
        compare([1, 0], [1, 0], resamples=0)


def test_a_stored_comparison_is_read_without_numpy_or_scipy() -> None:
    code = "import sys, engine.stats.compare, engine.stats.gate; print(*{'numpy', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_comparison_loads_scipys_functions_and_not_its_slow_statistics() -> None:
    code = (
        "import sys\nfrom engine.stats.compare import compare_scores\n"
        "rows = [('row', {'id': 'x', 'score': 1})]\ncompare_scores(rows, rows)\n"
        "print(*{'scipy.stats', 'torch', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr

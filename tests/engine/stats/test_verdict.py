"""What an interval and the guards allow to be said."""

import pytest

from engine.errors import InputError
from engine.records.recipe import Verdict as Rule
from engine.stats.intervals import wilson
from engine.stats.verdict import Alternative, Effect, Guard, check_guards, reach_verdict

# a critic that added 0.0025 over 52 sealed tasks
CRITIC = Effect(delta=0.0025, low=-0.019, high=0.023, n=52, se=0.0107)
BETTER = Effect(delta=0.5, low=0.2, high=0.8, n=52, se=0.15, differing=40)
GUARDED = Rule(smallest_effect=0.1, margin=0.3, guards={"break_rate": 0.1, "critical_failures": 0, "categories": 0.3})


def hold(rule: Rule = GUARDED, breaks: int = 0, critical: tuple[int, int] = (2, 2), worst: float = -0.1) -> list[Guard]:
    return check_guards(rule, wilson(breaks, 60), critical, [("voice", 0.4), ("position", worst)])


def test_an_effect_that_is_surely_below_the_smallest_is_a_no() -> None:
    found = reach_verdict(CRITIC, Rule(smallest_effect=0.03))
    assert (found.decision, found.exit_code, found.n_needed) == ("NO-DEPLOY", 4, None)
    assert found.reasons == ["the upper bound +0.023 is below the smallest effect 0.03"]


def test_an_interval_that_holds_both_nought_and_the_smallest_effect_is_underpowered_with_the_n() -> None:
    found = reach_verdict(CRITIC, Rule(smallest_effect=0.01))
    assert (found.decision, found.exit_code, found.n_needed) == ("UNDERPOWERED", 5, 468)
    assert found.would_change == [
        "DEPLOY: a lower bound above 0 (now -0.019)",
        "NO-DEPLOY: an upper bound below the smallest effect 0.01 (now +0.023)",
        "468 pairs have 80% power for the smallest effect; there are 52",
    ]


def test_a_lower_bound_above_nought_and_every_guard_held_deploys() -> None:
    found = reach_verdict(BETTER, GUARDED, hold())
    assert (found.decision, found.exit_code) == ("DEPLOY", 0)
    assert found.reasons == ["the lower bound +0.2 is above 0, and every guard holds"]
    assert [g.held for g in found.guards] == [True, True, True]


@pytest.mark.parametrize(
    ("guards", "told"),
    [
        (hold(breaks=3), "break rate's upper bound 0.137 is past 0.1"),
        (hold(critical=(2, 3)), "critical failures went from 2 to 3"),
        (hold(worst=-0.31), "below -0.3: position"),
    ],
)
def test_a_guard_that_fails_is_a_no_whatever_the_effect(guards: list[Guard], told: str) -> None:
    for effect in (BETTER, CRITIC):
        found = reach_verdict(effect, GUARDED, guards)
        assert (found.decision, found.reasons) == ("NO-DEPLOY", [told])


def test_the_bound_of_the_break_rate_counts_and_not_the_rate() -> None:
    # none of 30 broke, and yet up to 0.114 may
    rule = Rule(guards=["break_rate"])
    few, enough = check_guards(rule, wilson(0, 30)), check_guards(rule, wilson(0, 50))
    assert (few[0].value, few[0].held, enough[0].held) == (0.0, False, True)


def test_a_category_at_the_margin_is_not_below_it() -> None:
    assert hold(worst=-0.3)[2].held is True


@pytest.mark.parametrize("missing", ["break_rate", "critical_failures", "categories"])
def test_a_guard_that_was_not_measured_withholds(missing: str) -> None:
    given = {"break_rate": wilson(0, 60), "critical_failures": (0, 0), "categories": [("voice", 0.1)]}
    guards = check_guards(GUARDED, **{k: v for k, v in given.items() if k != missing})  # type: ignore[arg-type]
    found = reach_verdict(BETTER, GUARDED, guards)
    assert (found.decision, found.exit_code) == ("withheld", 5)
    assert found.reasons == [f"guard '{missing}' was not measured"]


def test_probes_that_were_never_asked_are_not_measured() -> None:
    assert check_guards(Rule(guards=["break_rate"]), wilson(0, 0))[0].held is None


def test_a_doubt_of_the_judge_withholds_all_but_what_no_judge_measured() -> None:
    doubt = "the judge is of the base's family and not calibrated"
    assert reach_verdict(BETTER, Rule(), doubts=[doubt]).reasons == [doubt]
    for by_judge in (hold(critical=(2, 3)), hold(worst=-0.31)):
        found = reach_verdict(BETTER, GUARDED, by_judge, doubts=[doubt])
        assert (found.decision, found.reasons, found.notes) == ("withheld", [doubt], [])
    decided = reach_verdict(BETTER, GUARDED, hold(breaks=9, worst=-0.31), doubts=[doubt])
    assert (decided.decision, decided.notes) == ("NO-DEPLOY", [doubt])


def test_a_failing_guard_needs_no_other_to_be_measured_nor_an_interval() -> None:
    guards = check_guards(GUARDED, wilson(9, 60))
    assert [g.held for g in guards] == [False, None, None]
    tied = Effect(0.0, 0.0, 0.0, 52, 0.0, differing=0, degenerate=True)
    assert reach_verdict(tied, GUARDED, guards).decision == "NO-DEPLOY"


def test_a_failing_guard_that_failed_judgements_could_mend_withholds() -> None:
    better = Alternative("best", BETTER, hold())
    found = reach_verdict(BETTER, GUARDED, hold(worst=-0.31), alternatives=[better])
    assert found.decision == "withheld"
    assert "the verdict DEPLOY, not NO-DEPLOY" in found.reasons[0]


def test_failed_judgements_withhold_only_what_they_could_turn() -> None:
    worse = Alternative("worst", Effect(0.1, -0.1, 0.3, 55, 0.1), [])
    better = Alternative("best", Effect(0.6, 0.3, 0.9, 55, 0.1), [])
    turned = reach_verdict(BETTER, Rule(smallest_effect=0.1), alternatives=[worse, better])
    assert turned.decision == "withheld"
    assert turned.reasons == [
        "failed judgements could turn it: were all of them worst for the candidate, the difference would be"
        " +0.1 [-0.1, +0.3] and the verdict UNDERPOWERED, not DEPLOY"
    ]
    assert reach_verdict(BETTER, Rule(smallest_effect=0.1), alternatives=[better]).decision == "DEPLOY"


def test_noninferiority_asks_for_a_lower_bound_above_minus_the_margin() -> None:
    rule = Rule(mode="noninferiority", margin=0.02)
    assert reach_verdict(CRITIC, rule).decision == "DEPLOY"
    unsure = reach_verdict(CRITIC, Rule(mode="noninferiority", margin=0.01))
    assert (unsure.decision, unsure.n_needed) == ("UNDERPOWERED", 468)
    assert "for the margin" in unsure.would_change[-1]
    worse = reach_verdict(Effect(-0.3, -0.4, -0.2, 52, 0.05), rule)
    assert (worse.decision, worse.reasons) == ("NO-DEPLOY", ["the upper bound -0.2 is below minus the margin -0.02"])


def test_noninferiority_takes_no_notice_of_the_smallest_effect() -> None:
    rule = Rule(mode="noninferiority", margin=0.02, smallest_effect=0.5)
    assert reach_verdict(CRITIC, rule).decision == "DEPLOY"


def test_noninferiority_needs_a_margin_and_so_does_the_guard_of_categories() -> None:
    with pytest.raises(InputError, match="'noninferiority' without a margin"):
        reach_verdict(CRITIC, Rule(mode="noninferiority"))
    with pytest.raises(InputError, match="'categories' without a margin"):
        check_guards(Rule(guards=["categories"]))
    assert check_guards(Rule(guards=["categories"], margin=0.2), None, None, [("a", -0.1)])[0].limit == -0.2


def test_a_gain_that_is_real_and_too_small_to_matter_is_a_no() -> None:
    found = reach_verdict(Effect(0.02, 0.01, 0.03, 900, 0.005), Rule(smallest_effect=0.1))
    assert found.decision == "NO-DEPLOY"
    assert found.would_change == [
        "DEPLOY: a smallest effect of at most the upper bound +0.03, if so small a gain matters"
    ]


def test_without_a_smallest_effect_only_a_loss_is_a_no() -> None:
    assert reach_verdict(CRITIC, Rule()).decision == "UNDERPOWERED"
    assert reach_verdict(Effect(-0.3, -0.4, -0.2, 52, 0.05), Rule()).decision == "NO-DEPLOY"


def test_five_differing_pairs_prove_nothing() -> None:
    five = reach_verdict(Effect(0.025, 0.005, 0.05, 200, 0.011, differing=5), Rule())
    assert five.decision == "UNDERPOWERED"
    assert "only 5 pairs or clusters differ" in five.reasons[0]
    assert reach_verdict(Effect(0.03, 0.01, 0.06, 200, 0.012, differing=6), Rule()).decision == "DEPLOY"


def test_an_interval_that_is_a_point_bounds_nothing() -> None:
    tied = Effect(0.0, 0.0, 0.0, 52, 0.0, differing=0, degenerate=True)
    found = reach_verdict(tied, Rule(smallest_effect=0.1))
    assert found.decision == "withheld"
    assert "bounds nothing" in found.reasons[0]


def test_an_unknown_guard_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown guard 'break-rate'") as bad:
        check_guards(Rule(guards=["break-rate"]))
    assert bad.value.fix == "one of: break_rate, critical_failures, categories"

"""Alarms: when they begin, that each is told once each time, and which of them end a run."""

import math
import random

import pytest

from engine.errors import RecipeError
from engine.train.alarms import NAMES, WINDOW, Alarms, parse_condition


def feed(alarms: Alarms, name: str, values: list[float], start: int = 1) -> list[tuple[int, str]]:
    """Every alarm that begins, with its step, as `values` of one metric go in step by step."""
    return [(step, r.name) for step, v in enumerate(values, start) for r in alarms.check(step, {name: v})]


def test_a_healthy_run_raises_nothing() -> None:
    alarms, dice = Alarms(["nan", "chosen-falling", "margin-collapse", "loss > 9"]), random.Random(0)
    for step in range(1, 200):
        values = {
            "loss": 4 - step / 100,
            "grad_norm": 1.0,
            "reward_chosen": -0.4 + step / 1000 + dice.gauss(0, 0.02),
            "margin_nats": step / 100 + dice.gauss(0, 0.05),
        }
        assert alarms.check(step, values) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "grad_norm"])
def test_a_loss_or_gradient_that_is_not_finite_is_told(name: str, value: float) -> None:
    raised = Alarms([]).check(3, {"loss": 1.0, "grad_norm": 1.0, name: value})
    assert [(r.name, r.message, r.stops) for r in raised] == [
        ("nan", f"{name} not finite; the update was skipped", False)
    ]


def test_both_that_are_not_finite_are_named_in_one_alarm() -> None:
    raised = Alarms([]).check(3, {"loss": math.nan, "grad_norm": math.inf})
    assert [r.message for r in raised] == ["grad_norm and loss not finite; the update was skipped"]


def test_nan_is_told_once_each_time_it_begins() -> None:
    values = [1.0, math.nan, math.nan, 1.0, 1.0, math.inf, math.nan]
    assert feed(Alarms([]), "loss", values) == [(2, "nan"), (6, "nan")]


def test_an_alarm_stops_only_where_the_recipe_names_it() -> None:
    assert [r.stops for r in Alarms(["nan"]).check(1, {"loss": math.nan})] == [True]
    assert [r.stops for r in Alarms(["stalled", "loss > 9"]).check(1, {"loss": math.nan})] == [False]


def falling(level: float, steps: int, slope: float = 0.01) -> list[float]:
    dice = random.Random(1)
    return [level - slope * n + dice.gauss(0, 0.002) for n in range(steps)]


def test_a_falling_chosen_reward_is_told_once() -> None:
    steady = [-0.4 + random.Random(n).gauss(0, 0.002) for n in range(2 * WINDOW)]
    raised = feed(Alarms([]), "reward_chosen", steady + falling(-0.4, 60))
    assert [name for _, name in raised] == ["chosen-falling"]
    assert 2 * WINDOW < raised[0][0] < 4 * WINDOW


def test_a_falling_chosen_reward_is_not_judged_before_two_windows() -> None:
    assert feed(Alarms([]), "reward_chosen", falling(-0.4, 2 * WINDOW - 1)) == []
    raised = feed(Alarms([]), "reward_chosen", falling(-0.4, 2 * WINDOW))
    assert raised == [(2 * WINDOW, "chosen-falling")]


def test_a_chosen_reward_that_fell_and_recovers_is_not_told() -> None:
    dice = random.Random(2)
    values = [-0.2 + dice.gauss(0, 0.002) for _ in range(WINDOW)]
    values += [-0.6 + 0.01 * n + dice.gauss(0, 0.002) for n in range(WINDOW)]
    assert feed(Alarms([]), "reward_chosen", values) == []


def test_a_second_fall_is_told_again() -> None:
    climb = [-1.0 + 0.02 * n for n in range(3 * WINDOW)]
    raised = feed(Alarms([]), "reward_chosen", falling(-0.4, 3 * WINDOW) + climb + falling(0.2, 3 * WINDOW))
    assert [name for _, name in raised] == ["chosen-falling", "chosen-falling"]


def test_a_margin_that_collapses_after_it_rose_is_told_once() -> None:
    raised = feed(Alarms([]), "margin_nats", [1.0] * WINDOW + [0.0] * (2 * WINDOW))
    # the mean over a window falls below a quarter with the sixteenth zero
    assert raised == [(WINDOW + 16, "margin-collapse")]


def test_a_margin_that_never_rose_does_not_collapse() -> None:
    assert feed(Alarms([]), "margin_nats", [0.09] * WINDOW + [-3.0] * (2 * WINDOW)) == []


def test_a_margin_is_not_judged_before_its_window_is_full() -> None:
    assert feed(Alarms([]), "margin_nats", [5.0] * 3 + [0.0] * (WINDOW - 4)) == []


def test_a_margin_that_comes_back_and_collapses_again_is_told_again() -> None:
    values = [1.0] * WINDOW + [0.0] * WINDOW
    assert [n for _, n in feed(Alarms([]), "margin_nats", values + values)] == ["margin-collapse", "margin-collapse"]


def test_a_margin_or_reward_that_is_not_finite_does_not_count() -> None:
    alarms = Alarms([])
    assert feed(alarms, "margin_nats", [math.nan, math.inf] * WINDOW + [1.0] * WINDOW) == []
    assert feed(alarms, "reward_chosen", [-math.inf, math.nan] * WINDOW) == []


def test_a_condition_is_told_when_it_begins_to_hold_and_ends_the_run() -> None:
    alarms = Alarms(["break_rate > 0.5"])
    assert alarms.check(1, {"break_rate": 0.5}) == []
    raised = alarms.check(2, {"break_rate": 0.75})
    assert [(r.name, r.message, r.stops) for r in raised] == [("break_rate > 0.5", "break_rate is 0.75", True)]
    assert alarms.check(3, {"break_rate": 0.9}) == []
    assert alarms.check(4, {"break_rate": 0.1}) == []
    assert [r.name for r in alarms.check(5, {"break_rate": 0.6})] == ["break_rate > 0.5"]


def test_a_condition_that_a_step_does_not_measure_goes_on_as_it_was() -> None:
    alarms = Alarms(["break_rate > 0.5"])
    assert len(alarms.check(20, {"break_rate": 0.9})) == 1
    assert alarms.check(21, {"loss": 1.0}) == []
    assert alarms.check(40, {"break_rate": 0.9}) == []
    assert alarms.check(60, {"break_rate": 0.2}) == []
    assert alarms.check(61, {"loss": 1.0}) == []
    assert len(alarms.check(80, {"break_rate": 0.9})) == 1


def test_a_condition_holds_only_after_the_step_it_names() -> None:
    alarms = Alarms(["break_rate > 0.5 after 40"])
    assert alarms.check(20, {"break_rate": 0.9}) == []
    assert alarms.check(40, {"break_rate": 0.9}) == []
    assert [r.name for r in alarms.check(41, {"break_rate": 0.9})] == ["break_rate > 0.5 after 40"]


@pytest.mark.parametrize(
    ("sign", "holds"),
    [
        (">", (False, False, True)),
        (">=", (False, True, True)),
        ("<", (True, False, False)),
        ("<=", (True, True, False)),
    ],
)
def test_each_sign_compares_as_it_reads(sign: str, holds: tuple[bool, bool, bool]) -> None:
    condition = parse_condition(f"loss {sign} 2.5")
    assert tuple(condition.holds(1, {"loss": v}) for v in (2.0, 2.5, 3.0)) == holds
    assert condition.holds(1, {"loss": math.nan}) is False
    assert condition.holds(1, {}) is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("break_rate > 0.5 after 40", ("break_rate", ">", 0.5, 40)),
        ("heldout.margin_nats<=-1e-3", ("heldout.margin_nats", "<=", -0.001, 0)),
        ("  loss >= 9  ", ("loss", ">=", 9.0, 0)),
        ("in_character_rate < .5   after   7", ("in_character_rate", "<", 0.5, 7)),
    ],
)
def test_a_condition_reads_as_metric_sign_limit_and_step(text: str, expected: tuple[str, str, float, int]) -> None:
    condition = parse_condition(text)
    assert (condition.metric, condition.sign, condition.limit, condition.after) == expected
    assert condition.text == text


@pytest.mark.parametrize(
    "text",
    [
        "", "loss", "chosen_falling", "loss > ", "> 4", "loss = 4", "loss == 4", "loss != 4", "loss > much",
        "loss > 4 after", "loss > 4 after step 3", "loss > 4 after -3", "loss > 4 before 3", "loss > 4 and nll > 3",
        "4 < loss", "Loss > 4", "loss > nan", "loss > 1.2.3", "loss > .", "loss > -",
    ],
)  # fmt: skip
def test_what_is_neither_an_alarm_nor_a_condition_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(RecipeError, match="is neither an alarm nor a condition") as refused:
        Alarms([text])
    assert all(name in refused.value.fix for name in NAMES)


def test_every_name_is_an_alarm_and_no_condition() -> None:
    alarms = Alarms(list(NAMES))
    assert (alarms.names, alarms.conditions) == (set(NAMES), [])


def test_a_condition_over_no_metric_is_refused() -> None:
    with pytest.raises(RecipeError, match="names no metric") as error:
        parse_condition("brake_rate > 0.5")
    assert "break_rate" in error.value.fix
    assert parse_condition("heldout.loss > 3").metric == "heldout.loss"

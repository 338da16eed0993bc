"""Defaults by objective and size, and the advice where a setting lies outside of what held."""

from typing import Any

import pytest

from engine.records.recipe import Objective, Recipe
from engine.train.presets import fill_presets, give_advice, preset_lr

SMALL, MIDDLE, LARGE, HUGE = 135_000_000, 1_700_000_000, 8_000_000_000, 32_000_000_000


def make(objective: str = "orpo", **tables: Any) -> Recipe:
    data = {"name": "ada", "base": "gpt2", "dataset": "ada", "objective": objective, "seed": 1, **tables}
    return Recipe.model_validate(data)


def advise(parameters: int = SMALL, pairs: int = 1273, objective: str = "orpo", **tables: Any) -> list[str]:
    return give_advice(make(objective, **tables), parameters, pairs)


@pytest.mark.parametrize(
    ("objective", "rates"),
    [
        ("orpo", (3e-4, 1e-4, 4e-5, 2e-5)),
        ("simpo", (5e-5, 5e-6, 5e-6, 2e-6)),
        ("dpo", (1e-4, 5e-5, 5e-5, 2e-5)),
        ("sft", (3e-4, 2e-4, 1e-4, 5e-5)),
    ],
)
def test_the_rate_falls_with_size(objective: Objective, rates: tuple[float, ...]) -> None:
    assert tuple(preset_lr(objective, size) for size in (SMALL, MIDDLE, LARGE, HUGE)) == rates


def test_a_size_at_a_bound_belongs_below_it() -> None:
    assert [preset_lr("orpo", n) for n in (500_000_000, 500_000_001)] == [3e-4, 1e-4]
    assert [preset_lr("orpo", n) for n in (16_000_000_000, 16_000_000_001)] == [4e-5, 2e-5]


def test_what_was_left_open_is_filled_and_what_was_given_stands() -> None:
    filled = fill_presets(make(lora={"rank": 8}), SMALL)
    assert (filled.optim.lr, filled.optim.epochs, filled.optim.steps, filled.lora.alpha) == (3e-4, 3.0, None, 16.0)
    given = make(optim={"lr": 1e-3, "steps": 60}, lora={"rank": 8, "alpha": 8})
    assert fill_presets(given, SMALL) == given


def test_epochs_that_were_given_stand() -> None:
    filled = fill_presets(make(optim={"epochs": 0.5}), SMALL)
    assert (filled.optim.epochs, filled.optim.steps) == (0.5, None)


def test_filling_leaves_the_recipe_that_was_given_as_it_was() -> None:
    recipe = make()
    fill_presets(recipe, SMALL)
    assert (recipe.optim.lr, recipe.optim.epochs, recipe.lora.alpha) == (None, None, None)


def test_filling_twice_changes_nothing_more() -> None:
    once = fill_presets(make("simpo"), MIDDLE)
    assert fill_presets(once, MIDDLE) == once
    assert Recipe.parse(once.to_json(), "run.json") == once


@pytest.mark.parametrize("objective", ["orpo", "simpo", "sft"])
def test_the_presets_themselves_need_no_advice(objective: str) -> None:
    for size in (SMALL, MIDDLE, LARGE, HUGE):
        assert advise(size, objective=objective) == []
        assert give_advice(fill_presets(make(objective), size), size, 1273) == []


@pytest.mark.parametrize(("lr", "far"), [(7e-5, True), (8e-5, False), (1.1e-3, False), (1.3e-3, True)])
def test_a_rate_beyond_four_times_either_way_is_remarked(lr: float, far: bool) -> None:
    advice = advise(optim={"lr": lr})
    assert advice == ([f"optim.lr = {lr:g} lies far from 0.0003, the preset for orpo at this size"] if far else [])


def test_a_heavy_odds_ratio_is_remarked() -> None:
    assert advise(orpo={"beta": 0.5}) == []
    (told,) = advise(orpo={"beta": 0.6})
    assert told.startswith("orpo.beta = 0.6; ")
    assert advise(objective="sft", orpo={"beta": 0.6}) == []
    (told,) = advise(HUGE, orpo={"beta": 0.12})
    assert "critical failures" in told


def test_a_low_rate_on_a_huge_model_is_remarked() -> None:
    (told,) = advise(HUGE, optim={"lr": 1.2e-5})
    assert told.startswith("optim.lr = 1.2e-05: at 32B")
    assert advise(HUGE, optim={"lr": 1.5e-5}) == []
    assert advise(LARGE, optim={"lr": 1.2e-5}) == []


@pytest.mark.parametrize(
    ("beta", "gamma", "starts"),
    [
        (2.0, 1.0, []),
        (10.0, 3.0, []),
        (2.0, 2.0, ["simpo.gamma / simpo.beta = 1.00; "]),
        (10.0, 0.5, ["simpo.gamma / simpo.beta = 0.05; "]),
        (0.5, 0.2, ["simpo.beta = 0.5; "]),
        (0.5, 1.0, ["simpo.gamma / simpo.beta = 2.00; ", "simpo.beta = 0.5; "]),
    ],
)
def test_simpo_beyond_the_papers_settings_is_remarked(beta: float, gamma: float, starts: list[str]) -> None:
    advice = advise(objective="simpo", simpo={"beta": beta, "gamma": gamma})
    assert len(advice) == len(starts)
    assert all(told.startswith(start) for told, start in zip(advice, starts, strict=True))


def test_dpo_is_always_warned_of() -> None:
    (told,) = advise(objective="dpo")
    assert told.startswith("dpo alone has collapsed a character")


def test_few_rows_are_remarked() -> None:
    assert advise(pairs=400) == []
    (told,) = advise(pairs=399)
    assert told.startswith("399 training rows: ")


def test_a_short_simpo_of_few_rows_is_told_to_go_on() -> None:
    def short(pairs: int, **optim: Any) -> bool:
        return any("charlab fork" in told for told in advise(pairs=pairs, objective="simpo", optim=optim))

    assert short(306, epochs=3)
    assert not short(306, epochs=8)
    assert not short(306, steps=60)
    assert not short(400, epochs=3)

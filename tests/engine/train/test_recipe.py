"""Recipes: what a person may write, what --set changes, and what becomes a group."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.data.layout import find_seed
from engine.errors import RecipeError
from engine.records.recipe import Recipe
from engine.train.recipe import expand_settings, parse_setting, put_setting, read_toml

LEAST: dict[str, Any] = {
    "name": "ada-orpo",
    "base": "bundled:smollm2-135m",
    "dataset": "ada",
    "objective": "orpo",
    "seed": 11,
}


def parse(**tables: Any) -> Recipe:
    return expand_settings({**LEAST, **tables}, [], "ada.toml")[0]


def refuse(**tables: Any) -> str:
    with pytest.raises(RecipeError) as refused:
        parse(**tables)
    assert refused.value.message.startswith("ada.toml: ")
    assert refused.value.fix == "docs/recipe.md lists every key"
    return refused.value.message.removeprefix("ada.toml: ")


def expand(*settings: str, **tables: Any) -> list[Recipe]:
    return expand_settings({**LEAST, **tables}, list(settings), "ada.toml")


def test_five_keys_make_a_recipe_and_the_rest_has_defaults() -> None:
    recipe = parse()
    assert (recipe.lora.rank, recipe.lora.alpha, recipe.lora.targets) == (32, None, "all-linear")
    assert (recipe.optim.lr, recipe.optim.epochs, recipe.optim.steps, recipe.optim.batch) == (None, None, None, 4)
    assert (recipe.heldout.share, recipe.heldout.every, recipe.sentinel.samples) == (0.1, 20, 12)
    assert (recipe.orpo.beta, recipe.simpo.beta, recipe.simpo.gamma, recipe.dpo.beta) == (0.1, 2.0, 1.0, 0.1)


@pytest.mark.parametrize("key", list(LEAST))
def test_each_of_the_five_keys_is_needed(key: str) -> None:
    with pytest.raises(RecipeError, match=f"key '{key}' is missing"):
        expand_settings({k: v for k, v in LEAST.items() if k != key}, [], "ada.toml")


def test_the_bundled_recipes_read() -> None:
    for path in (find_seed() / "runs" / "recipes").glob("*.toml"):
        assert expand_settings(read_toml(path), [], str(path))[0].name == path.stem


def test_an_unknown_key_is_named_with_its_table() -> None:
    assert refuse(learning_rate=1e-4) == "unknown key 'learning_rate'"
    assert refuse(optim={"learning_rate": 1e-4}) == "unknown key 'optim.learning_rate'"


def test_every_problem_is_told_at_once() -> None:
    told = refuse(optm={}, lora={"rank": 0}, optim={"lr": "fast"})
    assert "unknown key 'optm'" in told
    assert "'lora.rank'" in told
    assert "'optim.lr'" in told


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("optim", "lr", "fast"), ("optim", "steps", 2.5), ("optim", "batch", "four"), ("lora", "rank", [8]),
        ("alarm", "stop", "nan"), ("upsample", "voice", 1.5), ("load", "sequence", None), ("template", "system", 3),
        ("lora", "rank", True),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_named_with_its_key(table: str, key: str, value: object) -> None:
    assert f"'{table}.{key}" in refuse(**{table: {key: value}})


def test_a_table_that_is_a_value_is_refused() -> None:
    assert refuse(optim=3).startswith("'optim': ")


@pytest.mark.parametrize(
    ("table", "key", "value"),
    [
        ("optim", "lr", 0), ("optim", "lr", -1e-4), ("optim", "lr", float("nan")), ("optim", "lr", float("inf")),
        ("optim", "epochs", 0), ("optim", "epochs", float("inf")), ("optim", "steps", 0), ("optim", "batch", 0),
        ("optim", "warmup", 1.0), ("optim", "schedule", "step"), ("lora", "rank", 0), ("lora", "dropout", 1.0),
        ("lora", "alpha", float("inf")), ("orpo", "beta", -0.1), ("simpo", "beta", 0), ("heldout", "share", 1.0),
        ("heldout", "share", -0.1), ("heldout", "share", float("nan")), ("checkpoint", "keep", 0),
        ("checkpoint", "best", "loss"), ("load", "dtype", "fp16"), ("load", "sequence", 7), ("sentinel", "top_p", 0),
        ("sentinel", "share", 1.1), ("upsample", "voice", 0), ("upsample", "voice", -1), ("where", "target", "moon"),
    ],
)  # fmt: skip
def test_an_impossible_value_is_named_with_its_key(table: str, key: str, value: object) -> None:
    assert f"'{table}" in refuse(**{table: {key: value}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""), ("name", "Ada"), ("name", "a b"), ("name", "../a"), ("name", "a" * 49), ("objective", "ppo"),
        ("seed", -1), ("seed", 2**32), ("base", ""), ("dataset", ""), ("dataset", "../ada"), ("dataset", "a/b"),
    ],
)  # fmt: skip
def test_an_impossible_name_objective_or_seed_is_named(key: str, value: object) -> None:
    assert refuse(**{key: value}).startswith(f"'{key}': ")


def test_both_epochs_and_steps_are_refused() -> None:
    assert "give epochs or steps, not both" in refuse(optim={"epochs": 3, "steps": 60})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optim.lr=1e-5", ("optim.lr", [1e-5])),
        ("optim.lr=1e-5,2e-5, 4e-5", ("optim.lr", [1e-5, 2e-5, 4e-5])),
        (" seed = 7 ", ("seed", [7])),
        ("objective=simpo", ("objective", ["simpo"])),
        ("objective=simpo,dpo", ("objective", ["simpo", "dpo"])),
        ("load.gradient_checkpointing=true", ("load.gradient_checkpointing", [True])),
        ("base=run:2026@40", ("base", ["run:2026@40"])),
        ("base=./models/a=b", ("base", ["./models/a=b"])),
        ("optim.epochs=3", ("optim.epochs", [3])),
        ('template.system="You are Ada, a countess."', ("template.system", ["You are Ada, a countess."])),
        ("template.system='a, b'", ("template.system", ["a, b"])),
        ('allow=["audit", "gate"]', ("allow", [["audit", "gate"]])),
        ("alarm.stop=['nan', 'break_rate > 0.5 after 40']", ("alarm.stop", [["nan", "break_rate > 0.5 after 40"]])),
        ("upsample={voice = 2}", ("upsample", [{"voice": 2}])),
    ],
)
def test_a_setting_reads_as_toml_and_else_as_a_word(text: str, expected: tuple[str, list[Any]]) -> None:
    assert parse_setting(text) == expected


@pytest.mark.parametrize("text", ["", "optim.lr", "optim.lr=", "=3", " = ", "optim.lr=  "])
def test_a_setting_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="is not KEY=VALUE"):
        parse_setting(text)


def test_a_setting_changes_one_key_and_makes_tables_that_are_missing() -> None:
    (recipe,) = expand("optim.lr=1e-4", "lora.rank=8", "upsample.voice=2", optim={"batch": 2})
    assert (recipe.optim.lr, recipe.optim.batch, recipe.lora.rank, recipe.upsample) == (1e-4, 2, 8, {"voice": 2})


def test_a_list_of_values_makes_a_group_and_two_lists_their_product() -> None:
    assert [r.optim.lr for r in expand("optim.lr=1e-5,2e-5,4e-5")] == [1e-5, 2e-5, 4e-5]
    recipes = expand("optim.lr=1e-5,2e-5", "seed=1,2,3", "lora.rank=8")
    assert [(r.optim.lr, r.seed, r.lora.rank) for r in recipes] == [
        (1e-5, 1, 8), (1e-5, 2, 8), (1e-5, 3, 8), (2e-5, 1, 8), (2e-5, 2, 8), (2e-5, 3, 8),
    ]  # fmt: skip


def test_the_recipes_of_a_group_and_what_they_came_from_share_nothing() -> None:
    data = {**LEAST, "optim": {"steps": 5}, "upsample": {"voice": 2}}
    recipes = expand_settings(data, ["upsample.voice=3,4", "optim.epochs=1"], "ada.toml")
    assert [r.upsample["voice"] for r in recipes] == [3, 4]
    assert data == {**LEAST, "optim": {"steps": 5}, "upsample": {"voice": 2}}


def test_setting_epochs_replaces_steps_and_the_reverse() -> None:
    (recipe,) = expand("optim.epochs=2", optim={"steps": 60})
    assert (recipe.optim.epochs, recipe.optim.steps) == (2.0, None)
    (recipe,) = expand("optim.steps=30", optim={"epochs": 3})
    assert (recipe.optim.epochs, recipe.optim.steps) == (None, 30)
    assert [r.optim.steps for r in expand("optim.steps=30,60", optim={"epochs": 3})] == [30, 60]


def test_a_file_that_names_both_lengths_stays_wrong_under_another_setting() -> None:
    with pytest.raises(RecipeError, match="give epochs or steps, not both"):
        expand("optim.lr=1e-4", optim={"epochs": 3, "steps": 60})


def test_a_setting_below_something_that_is_no_table_is_refused() -> None:
    with pytest.raises(RecipeError, match="'seed' is not a table"):
        expand("seed.high=3")
    data: dict[str, Any] = {"optim": 3}
    with pytest.raises(RecipeError, match="'optim' is not a table"):
        put_setting(data, "optim.lr", 1e-4)
    assert data == {"optim": 3}


@pytest.mark.parametrize(
    ("setting", "named"),
    [("optim.speed=3", "optim.speed"), ("opt.lr=3", "opt"), ("optim.lr=fast", "optim.lr"), ("seed=1,", "seed")],
)
def test_a_setting_is_held_to_the_same_rules_as_the_file(setting: str, named: str) -> None:
    with pytest.raises(RecipeError, match=f"'{named}'"):
        expand(setting)


def test_a_recipe_file_reads_as_toml(tmp_path: Path) -> None:
    path = tmp_path / "ada.toml"
    path.write_text('name = "ada"  # a comment\n[optim]\nlr = 1e-4\n')
    assert read_toml(path) == {"name": "ada", "optim": {"lr": 1e-4}}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (None, "no recipe at"),
        (b"name = ada", "Invalid value"),
        (b"seed = 1\nseed = 2\n", "Cannot overwrite a value"),
        (b'name = "\xff"', "can't decode"),
    ],
)
def test_a_recipe_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None, complaint: str) -> None:
    path = tmp_path / "ada.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RecipeError, match=complaint) as refused:
        read_toml(path)
    assert str(path) in refused.value.message


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a folder"):
        read_toml(tmp_path)


def test_a_recipe_reads_back_from_what_it_is_written_as() -> None:
    recipe = parse(optim={"lr": 1e-4, "steps": 3}, upsample={"voice": 2}, allow=["audit"])
    assert Recipe.parse(recipe.to_json(), "run.json") == recipe


def test_a_recipe_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse().seed = 12


def test_the_least_recipe_reads_from_toml_too() -> None:
    text = 'name = "ada-orpo"\nbase = "bundled:smollm2-135m"\ndataset = "ada"\nobjective = "orpo"\nseed = 11\n'
    assert expand_settings(tomllib.loads(text), [], "ada.toml") == [parse()]

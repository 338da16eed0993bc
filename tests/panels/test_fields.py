"""The keys of a recipe as a form sees them."""

import tomllib
from typing import Any

import pytest

from engine.errors import RecipeError
from engine.records.recipe import Recipe
from panels.fields import Field, find_problems, parse_typed, read_fields, read_toml, show_value

GOOD = 'name = "ada"\nbase = "m"\ndataset = "ada"\nobjective = "orpo"\nseed = 1\n'


def get(dotted: str) -> Field:
    return next(f for f in read_fields() if f.dotted == dotted)


def test_every_key_of_the_record_is_a_field() -> None:
    expected = {
        f"{name}.{key}" if key else name
        for name, info in Recipe.model_fields.items()
        for key in (getattr(info.annotation, "model_fields", None) or [""])
    }
    assert {f.dotted for f in read_fields()} == expected


def test_a_field_knows_its_kind_its_choices_and_what_it_says_of_itself() -> None:
    assert get("objective").choices == ("orpo", "simpo", "dpo", "sft")
    assert get("objective").required
    assert (get("lora.rank").kind, get("lora.rank").default, get("lora.rank").takes) == (
        "whole",
        32,
        "a whole number ≥ 1",
    )
    assert get("load.gradient_checkpointing").kind == "flag"
    assert (get("lora.targets").kind, get("lora.targets").choices) == ("list", ("all-linear",))
    assert get("verdict.guards").kind == "table"
    assert get("optim.batch").help == "Pairs per micro-batch."


@pytest.mark.parametrize(
    ("dotted", "typed", "value"),
    [
        ("optim.lr", "2e-4", 2e-4),
        ("optim.steps", "80", 80),
        ("name", 'ada "the" \\ first', 'ada "the" \\ first'),
        ("lora.targets", "all-linear", "all-linear"),
        ("lora.targets", "q_proj, v_proj", ["q_proj", "v_proj"]),
        ("alarm.stop", 'nan, "break_rate > 0.5 after 40"', ["nan", "break_rate > 0.5 after 40"]),
        ("audit.sealed", '["a", "b"]', ["a", "b"]),
        ("upsample", "voice = 2, law = 3", {"voice": 2, "law": 3}),
    ],
)
def test_what_is_typed_is_read_as_its_kind_and_shown_so_again(dotted: str, typed: str, value: Any) -> None:
    assert tomllib.loads(f"v = {parse_typed(get(dotted), typed)}")["v"] == value
    shown = show_value(value)
    assert tomllib.loads(f"v = {parse_typed(get(dotted), shown)}")["v"] == value


@pytest.mark.parametrize(("dotted", "typed"), [("optim.lr", "fast"), ("optim.steps", "2e"), ("upsample", "voice")])
def test_what_cannot_stand_there_is_an_error_with_what_could(dotted: str, typed: str) -> None:
    with pytest.raises(RecipeError) as error:
        parse_typed(get(dotted), typed)
    assert error.value.fix == get(dotted).takes


@pytest.mark.parametrize(
    ("extra", "line", "said"),
    [
        ("[optim]\nspeed = 3\n", 7, "unknown key 'optim.speed'"),
        ("[optim]\nlr = -1\n", 7, "'optim.lr': Input should be greater than 0 (got -1)"),
        ("[optim]\nepochs = 1\nsteps = 2\n", 6, "'optim': give epochs or steps, not both"),
        ("[lora]\nrank = 2.5\n", 7, "'lora.rank': "),
    ],
)
def test_a_problem_names_its_key_and_line(extra: str, line: int, said: str) -> None:
    data = read_toml(GOOD + extra)
    assert isinstance(data, dict)
    (problem,) = find_problems(data, GOOD + extra)
    assert problem.line == line
    assert problem.text.startswith(said)


def test_all_missing_keys_are_named_at_once() -> None:
    assert [p.text for p in find_problems({"name": "ada", "seed": 1}, "")] == [
        f"key '{key}' is missing" for key in ("base", "dataset", "objective")
    ]
    assert find_problems(tomllib.loads(GOOD), GOOD) == []


@pytest.mark.parametrize(("text", "line"), [("a = 1\nb = \nc = 2\n", 2), ("a = 1\nb = [1,\n", 3), ('a = "x\n', 1)])
def test_text_that_is_no_toml_is_a_problem_with_its_line(text: str, line: int) -> None:
    problem = read_toml(text)
    assert not isinstance(problem, dict)
    assert problem.line == line
    assert "line" not in problem.text

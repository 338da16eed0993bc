"""What refuses a recipe, and what is said of a gate that lets it through."""

from pathlib import Path
from typing import Any

import pytest

from engine.data.scores import describe_file, name_model
from engine.errors import InputError, RecipeError, RefusedError
from engine.records.gate import Condition, Gate
from engine.records.recipe import Recipe
from engine.store.gates import keep_gate
from engine.store.paths import Workspace
from engine.train.guards import check_primary, describe_gate, note_gate, refuse_unpassed_gate
from engine.train.resolve import check_alone


def make_recipe(**given: Any) -> Recipe:
    table = {"name": "x", "base": "bundled:a", "dataset": "madison", "objective": "orpo", "seed": 1, **given}
    return Recipe.parse(table, "x")


def keep(workspace: Workspace, base: str | None = None, passed: bool = True) -> Path:
    """A gate called first, of one file; where that lies."""
    file = workspace.folder / "base.jsonl"
    file.write_text('{"id": "a", "score": 0}\n')
    met = Condition(name="base_fails", value=0.1, bound=0.2, needed="at most 0.3", passed=passed)
    gate = Gate(passed=passed, n=200, conditions=[met], alternative=None)
    keep_gate(workspace, "first", gate, {"base": describe_file(file)}, {"base": base}, [], None, [])
    return file


GATED = make_recipe(gate={"name": "first"})


def test_a_gate_that_was_checked_on_another_base_lets_nothing_through(workspace: Workspace) -> None:
    keep(workspace, "bundled:a")
    refuse_unpassed_gate(GATED, workspace)
    keep(workspace, "bundled:b")
    with pytest.raises(
        RefusedError, match="gate 'first' was checked on base bundled:b, and this recipe trains bundled:a"
    ):
        refuse_unpassed_gate(GATED, workspace)
    refuse_unpassed_gate(make_recipe(gate={"name": "first"}, allow=["gate"]), workspace)


def test_a_gate_whose_files_name_no_model_passes_and_it_is_said(workspace: Workspace) -> None:
    keep(workspace)
    refuse_unpassed_gate(GATED, workspace)
    assert note_gate(GATED, workspace) == [
        "gate 'first' names no base, so nothing says that it was checked on bundled:a"
    ]


def test_files_that_changed_or_went_since_a_gate_was_checked_are_told(workspace: Workspace) -> None:
    file = keep(workspace, "bundled:a")
    assert note_gate(GATED, workspace) == []
    file.write_text('{"id": "a", "score": 1}\n')
    assert note_gate(GATED, workspace) == [f"gate 'first': its --base {file} has changed since it was checked"]
    file.unlink()
    assert note_gate(GATED, workspace) == [f"gate 'first': its --base {file} is not there to be looked at again"]
    assert note_gate(make_recipe(), workspace) == []


def test_what_is_frozen_of_a_gate_outlives_its_record(workspace: Workspace) -> None:
    assert describe_gate(make_recipe(), workspace) is None
    keep(workspace, "bundled:a")
    frozen = describe_gate(GATED, workspace)
    assert frozen is not None
    assert (frozen.name, frozen.passed, frozen.base) == ("first", True, "bundled:a")
    assert frozen.created is not None
    keep(workspace, passed=False)
    again = describe_gate(GATED, workspace)
    assert again is not None
    assert (again.passed, again.base) == (False, None)
    workspace.gate("first").write_text("{torn")
    torn = describe_gate(GATED, workspace)
    assert torn is not None
    assert (torn.created, torn.passed) == (None, False)


def test_the_model_of_a_file_is_the_one_that_every_row_names() -> None:
    rows = [("a line 1", {"id": "a", "model": "bundled:a"}), ("a line 2", {"id": "b", "model": "bundled:a"})]
    assert name_model(rows) == "bundled:a"
    assert name_model([*rows, ("a line 3", {"id": "c"})]) is None
    assert name_model([*rows, ("a line 3", {"id": "c", "model": ["bundled:a"]})]) is None
    with pytest.raises(InputError, match="a line 1 is of 'bundled:a', and a line 3 of 'bundled:b'"):
        name_model([*rows, ("a line 3", {"id": "c", "model": "bundled:b"})])


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        ({"mode": "noninferiority"}, "'noninferiority' without a margin"),
        ({"guards": ["brake_rate"]}, "unknown guard 'brake_rate'"),
        ({"guards": ["categories"]}, "'categories' without a margin"),
    ],
)
def test_a_rule_by_which_no_verdict_could_be_reached_is_refused_before_the_training(
    verdict: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        check_alone(make_recipe(verdict=verdict))


def test_a_rule_that_can_be_held_is_let_through() -> None:
    check_alone(make_recipe(verdict={"mode": "noninferiority", "margin": 0.1, "guards": ["categories", "break_rate"]}))
    check_alone(make_recipe(verdict={"guards": {"categories": 0.2}}))


def test_the_measure_of_a_verdict_is_one_that_the_rubric_scores(workspace: Workspace) -> None:
    for primary in ("voice", "score", None):
        check_primary(make_recipe(verdict={} if primary is None else {"primary": primary}), workspace)
    lost = make_recipe(verdict={"primary": "vioce"})
    with pytest.raises(RecipeError, match=r"rubric\.toml scores no 'vioce'") as refused:
        check_primary(lost, workspace)
    assert refused.value.fix.startswith("one of: score, voice, ")
    workspace.dataset("madison").rubric.unlink()
    check_primary(lost, workspace)

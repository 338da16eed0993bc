"""Each objective trains a real small model in a real loop, by LoRA, NF4 and the 8-bit optimiser."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.store.paths import Workspace
from engine.store.runs import read_metrics

Charlab = Callable[..., Any]


def train(charlab: Charlab, workspace: Workspace, recipe: Path) -> dict[str, Any]:
    done = charlab("train", str(recipe), "--json")
    shown = json.loads(charlab("show", "last", "--json").stdout)
    assert done.returncode == 0, done.stderr + str(shown["error"])
    return shown


@pytest.mark.parametrize(
    "objective", ["orpo", "dpo", *(pytest.param(o, marks=pytest.mark.slow) for o in ("simpo", "sft"))]
)
def test_every_objective_learns_to_tell_the_held_out_answers_apart(
    objective: str, tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    recipe = tiny_recipe(
        objective=objective, lora={"rank": 16}, optim={"steps": 24, "lr": 8e-3, "batch": 4}, checkpoint={"every": 0},
        heldout={"every": 24}, load={"dtype": "fp32"},
    )  # fmt: skip
    shown = train(charlab, workspace, recipe)
    metrics = read_metrics(workspace.run(shown["id"]))
    first, last = metrics[0], metrics[24]
    assert (
        last["heldout.nll" if objective == "sft" else "heldout.loss"]
        < first["heldout.nll" if objective == "sft" else "heldout.loss"]
    )
    if objective == "dpo":
        # before the first step the policy is the reference
        assert first["heldout.margin"] == pytest.approx(0.0, abs=1e-5)
        assert first["heldout.loss"] == pytest.approx(0.6931, abs=1e-3)
        assert last["heldout.margin"] > 0
    if objective in ("orpo", "simpo"):
        assert last["heldout.margin_nats"] > first["heldout.margin_nats"] + 0.02
        beta = 0.1 if objective == "orpo" else 2.0
        assert last["heldout.margin"] == pytest.approx(beta * last["heldout.margin_nats"], rel=1e-4)
    if objective == "sft":
        assert "margin_nats" not in metrics[24] or "reward_chosen" not in metrics[24]
        assert "heldout.margin_nats" in last


@pytest.mark.slow
def test_accumulated_micro_batches_train_as_one_large_batch(
    tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    whole = train(charlab, workspace, tiny_recipe("whole", optim={"batch": 8, "accumulate": 1, "steps": 4}))
    parts = train(charlab, workspace, tiny_recipe("parts", optim={"batch": 2, "accumulate": 4, "steps": 4}))
    one, other = (read_metrics(workspace.run(s["id"])) for s in (whole, parts))
    for step in range(1, 5):
        for name in ("loss", "nll", "margin", "grad_norm"):
            assert one[step][name] == pytest.approx(other[step][name], rel=2e-4, abs=2e-5), (step, name)
        assert one[step]["tokens"] == other[step]["tokens"]


@pytest.mark.slow
def test_gradient_checkpointing_changes_no_loss(
    tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    plain = train(charlab, workspace, tiny_recipe("plain", optim={"steps": 4}))
    again = train(charlab, workspace, tiny_recipe("again", optim={"steps": 4}, load={"gradient_checkpointing": True}))
    one, other = (read_metrics(workspace.run(s["id"])) for s in (plain, again))
    assert [one[s]["loss"] for s in range(1, 5)] == pytest.approx([other[s]["loss"] for s in range(1, 5)], abs=1e-5)


def test_qlora_and_the_eight_bit_optimiser_run_on_a_cpu_and_resume(
    tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    tables: dict[str, Any] = {"load": {"dtype": "bf16", "quantize": "nf4"}, "checkpoint": {"every": 2}}
    recipe = tiny_recipe(lora={"rank": 64}, optim={"steps": 4, "optimizer": "adamw8bit", "lr": 1e-3}, **tables)
    shown = train(charlab, workspace, recipe)
    metrics = read_metrics(workspace.run(shown["id"]))
    assert metrics[4]["loss"] < metrics[1]["loss"] + 1
    done = charlab("fork", f"{shown['id']}@2", "--set", "optim.steps=5", "--json")
    assert done.returncode == 0, done.stderr
    fork = read_metrics(workspace.run(json.loads(done.stdout)["id"]))
    assert fork[3]["loss"] == metrics[3]["loss"]


def test_a_run_that_starts_from_an_adapter_records_whose_reference_is_whose(
    tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    first = train(charlab, workspace, tiny_recipe("first"))
    second = train(charlab, workspace, tiny_recipe("second", base=f"run:{first['id']}", objective="dpo"))
    assert second["reference"] == f"run:{first['id']}"
    assert [a["run"] for a in second["base"]["lineage"]] == [first["id"]]
    metrics = read_metrics(workspace.run(second["id"]))
    # the reference is the adapter it starts from, not the base below it
    assert metrics[1]["margin"] == pytest.approx(0.0, abs=1e-5)
    refused = charlab("train", str(tiny_recipe("third", base=f"run:{second['id']}", objective="sft")))
    assert refused.returncode == 4
    assert "8.81 to 2.0" in refused.stderr

"""From a recipe to a frozen run: what is refused, with place and way out, and what is recorded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DatasetError, RecipeError, RefusedError
from engine.records.recipe import Recipe
from engine.store.paths import Workspace
from engine.train.recipe import expand_settings, read_toml
from engine.train.resolve import Resolved, count_steps, resolve_recipe, write_run

Write = Callable[..., Path]


@pytest.fixture
def resolve(workspace: Workspace, tiny_recipe: Write) -> Callable[..., Resolved]:
    def do(*settings: str, **tables: Any) -> Resolved:
        path = tiny_recipe(**tables)
        return resolve_recipe(expand_settings(read_toml(path), list(settings), str(path))[0], workspace)

    return do


def test_a_resolved_run_names_all_it_stands_on(resolve: Callable[..., Resolved], workspace: Workspace) -> None:
    found = resolve(optim={"lr": 1e-3, "steps": 6})
    run = found.run
    assert run.dataset.sha256 == json.loads(workspace.dataset("madison").manifest.read_text())["sha256"]
    assert (run.dataset.train, run.dataset.heldout, run.steps, run.start_step) == (162, 18, 6, 0)
    assert run.template.system == "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert run.recipe.lora.alpha == 8.0
    assert {"torch", "transformers", "peft", "python"} <= run.versions.keys()
    assert run.reference is None
    paths = write_run(found, workspace)
    rows = [json.loads(line) for line in paths.rows.read_text().splitlines()]
    assert sorted({r["split"] for r in rows}) == ["heldout", "train"]
    assert len(rows) == 180


def test_the_recipes_that_ship_resolve(workspace: Workspace) -> None:
    root = Path(__file__).resolve().parents[3]
    for path in sorted((root / "runs" / "recipes").glob("*.toml")):
        run = resolve_recipe(expand_settings(read_toml(path), [], str(path))[0], workspace).run
        assert run.steps > 0


@pytest.mark.parametrize(
    ("rows", "epochs", "steps"), [(1348, 3, 1011), (1146, 3, 861), (306, 8, 616), (4, 0.5, 1), (5, 1, 2)]
)
def test_steps_follow_the_rows_that_are_trained_on(rows: int, epochs: float, steps: int) -> None:
    recipe = Recipe.model_validate(
        {
            "name": "x",
            "base": "m",
            "dataset": "d",
            "objective": "orpo",
            "seed": 1,
            "optim": {"epochs": epochs, "batch": 1, "accumulate": 4},
        }
    )
    assert count_steps(recipe, rows) == steps


def test_upsampling_comes_after_the_split(resolve: Callable[..., Resolved]) -> None:
    plain, more = resolve(), resolve(upsample={"voice": 2})
    voice = sum(p.category == "voice" for p in plain.split.train)
    assert more.run.dataset.train == plain.run.dataset.train + voice
    assert {p.id for p in more.split.heldout} == {p.id for p in plain.split.heldout}
    with pytest.raises(RecipeError, match="no row has category 'vioce'"):
        resolve(upsample={"vioce": 2})


def test_a_prompt_that_fills_the_window_is_an_error_with_its_row(resolve: Callable[..., Resolved]) -> None:
    with pytest.raises(
        DatasetError, match=r"pairs\.jsonl row '[\w-]+': its prompt has \d+ tokens and at most 40 fit"
    ) as error:
        resolve(load={"dtype": "fp32", "prompt": 40})
    assert "long-prompt" in error.value.fix
    left = resolve('allow=["long-prompt"]', load={"dtype": "fp32", "prompt": 45}).run
    assert left.plan.left_out
    assert left.dataset.train + left.dataset.heldout == 180 - len(left.plan.left_out)


def test_longer_answers_are_cut_and_named(resolve: Callable[..., Resolved]) -> None:
    run = resolve(load={"dtype": "fp32", "sequence": 120}).run
    assert run.plan.tokens_longest == 120
    assert 0 < len(run.plan.truncated) < 180
    with pytest.raises(RecipeError, match="the model has 2048 positions"):
        resolve(load={"dtype": "fp32", "sequence": 4096})


def test_rows_that_repeat_a_sealed_prompt_are_refused(
    resolve: Callable[..., Resolved], write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    rows = [pair(n) for n in range(20)]
    rows[3]["prompt"][0]["content"] = "So, what were you trained on?"
    write_dataset("leaky", rows)
    with pytest.raises(RefusedError, match=r"leaks the sealed set 'madison'.*'row-3'.*'trained'"):
        resolve(dataset="leaky", audit={"sealed": ["madison"]}, heldout={"share": 0.0})
    assert resolve('allow=["audit"]', dataset="leaky", audit={"sealed": ["madison"]}).run.recipe.allow == ["audit"]


def test_a_gate_that_never_passed_refuses_the_recipe(resolve: Callable[..., Resolved]) -> None:
    with pytest.raises(RefusedError, match="gate 'first' has not passed"):
        resolve(gate={"name": "first"})
    run = resolve('allow=["gate"]', gate={"name": "first"}).run
    assert run.gate is not None
    assert (run.gate.name, run.gate.created, run.gate.passed) == ("first", None, False)


def test_an_allowance_that_does_not_exist_is_an_error(resolve: Callable[..., Resolved]) -> None:
    with pytest.raises(RecipeError, match="nothing is called 'evrything'"):
        resolve('allow=["evrything"]')


def test_sft_on_weights_that_orpo_trained_is_refused_with_the_finding(
    resolve: Callable[..., Resolved], workspace: Workspace, tiny_folder: Path, tmp_path: Path
) -> None:
    from engine.records.rows import CheckpointFile
    from engine.records.run import Ancestor

    lineage = [Ancestor(run="20260101-0000-old-aaaa", objective="orpo", step=60, adapter_sha256="0" * 64)]
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": str(tiny_folder), "r": 4, "lora_alpha": 8.0})
    )
    manifest = CheckpointFile(
        run=lineage[0].run or "", attempt=1, step=60, time=0.0, tokens=0, adapter_sha256="0" * 64,
        reference=None, lineage=lineage, values={},
    )  # fmt: skip
    (adapter / "checkpoint.json").write_text(json.dumps(manifest.to_json()))
    with pytest.raises(RefusedError, match=r"8\.81 to 2\.0 .* both times .* wrong base was not ruled out"):
        resolve(base=str(adapter), objective="sft")
    run = resolve('allow=["sft-after-orpo"]', base=str(adapter), objective="sft").run
    assert run.base.lineage == lineage
    assert resolve(base=str(adapter), objective="orpo").run.base.adapter_sha256 == "0" * 64
    merged = tmp_path / "merged"
    merged.mkdir()
    for file in tiny_folder.iterdir():
        (merged / file.name).write_bytes(file.read_bytes())
    (merged / "export.json").write_text(json.dumps({"lineage": [a.to_json() for a in lineage]}))
    with pytest.raises(RefusedError, match="wrong base was not ruled out"):
        resolve(base=str(merged), objective="sft")


def test_dpo_records_what_it_is_measured_against(resolve: Callable[..., Resolved], tiny_folder: Path) -> None:
    assert resolve(objective="dpo").run.reference == str(tiny_folder)


def test_no_probes_means_no_sentinels_and_says_so(
    resolve: Callable[..., Resolved], write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    write_dataset("ada", [pair(n) for n in range(20)])
    found = resolve(dataset="ada", sentinel={"every": 5})
    assert found.probes == []
    assert any("no probes.jsonl" in line for line in found.run.advice)


def test_sentinels_ask_plain_probes_alone_and_the_advice_names_the_rest(
    resolve: Callable[..., Resolved], workspace: Workspace, write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    question = {"messages": [{"role": "user", "content": "Who are you?"}]}
    own = [{"format": "raw"}, {"begin": "Well,"}, {"turns": ["And?"]}, {"format": "instruction"}]
    odd = [{"id": f"odd-{number}", **question, **change} for number, change in enumerate(own)]
    write_dataset("ada", [pair(n) for n in range(20)], [odd[0], {"id": "plain", **question}, *odd[1:]])
    found = resolve(dataset="ada", sentinel={"every": 5})
    assert [p.id for p in found.probes] == ["plain"]
    advice = next(line for line in found.run.advice if "charlab probe" in line)
    assert advice.startswith("4 probes")
    assert "(odd-0, odd-1, odd-2, ...)" in advice
    paths = write_run(found, workspace)
    assert [json.loads(line)["id"] for line in paths.probes.read_text().splitlines()] == ["plain"]
    assert not any("charlab probe" in line for line in resolve(dataset="ada", sentinel={"every": 0}).run.advice)

    write_dataset("ada", [pair(n) for n in range(20)], odd)
    none = resolve(dataset="ada", sentinel={"every": 5})
    assert none.probes == []
    assert any("ada has no plain probe, so breaks go unseen" in line for line in none.run.advice)

"""`charlab critic` as a person runs it: a real base with a real adapter, ranked, judged, shown, and gone on with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.criticising import describe_critic
from engine.judge.critic import PROMPTED
from engine.store.journal import read_rows
from engine.store.paths import RunPaths

FEW = 2


@pytest.fixture(scope="module")
def loud_adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter on the tiny model that changes what it says."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny_folder),
        LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    folder = tmp_path_factory.mktemp("critics") / "loud"
    adapted.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": str(tiny_folder)}))
    return folder


@pytest.fixture
def workspace(workspace: Any) -> Any:
    dataset = workspace.dataset("madison")
    rows = dataset.prompts.read_text().splitlines(keepends=True)
    dataset.prompts.write_text("".join(rows[:FEW]))
    dataset.constitution.write_text("You are James Madison.\n")
    return workspace


def score_by_hand(adapter: Path, tiny: Path, sample: dict[str, Any], question: str) -> float:
    """The mean log-probability of an answer under the adapter, by transformers alone."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    # served in the type that its files are of
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), adapter).eval()
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    answer = tokenizer(sample["text"], add_special_tokens=False)["input_ids"]
    if not sample["truncated"]:
        answer = [*answer, tokenizer.eos_token_id]
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + answer])).logits[0].float().log_softmax(-1)
    found = [logits[len(prompt) - 1 + i, token].item() for i, token in enumerate(answer)]
    return sum(found) / len(found)


@pytest.mark.slow
def test_candidates_of_the_base_are_ranked_by_the_adapter_judged_and_gone_on_with(
    workspace: Any, charlab: Callable[..., Any], loud_adapter: Path, tiny_folder: Path
) -> None:
    words = ("critic", str(loud_adapter), "--prompts", "madison", "--k", "2", "--max-tokens", "6", "--json")
    done = charlab(*words)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["kind"], facts["status"], facts["prompts"], facts["step"]) == (
        "generate",
        "finished",
        FEW,
        facts["steps"],
    )
    paths = RunPaths(Path(facts["path"]))

    samples = read_rows(paths.samples)
    assert len(samples) == FEW * 4
    assert sum(s["form"] == PROMPTED for s in samples) == FEW
    assert len({s["seed"] for s in samples if not s["form"]}) == FEW * 3
    ranks = {(r["probe"], r["index"]): r["logp"] for r in read_rows(paths.ranks)}
    assert len(ranks) == FEW * 2
    prompt = read_rows(paths.prompts)[0]
    first = next(s for s in samples if (s["probe"], s["index"], s["form"]) == (prompt["id"], 0, ""))
    by_hand = score_by_hand(loud_adapter, tiny_folder, first, prompt["messages"][0]["content"])
    assert ranks[prompt["id"], 0] == pytest.approx(by_hand, abs=0.02)

    # what an interruption leaves: some answers, a torn rank, no score
    kept = [json.dumps(s) + "\n" for s in samples[:5]]
    paths.samples.write_text("".join(kept))
    paths.ranks.write_text('{"attempt":1,"ti')
    paths.scores.unlink()
    paths.metrics.write_text("")
    paths.events.write_text(json.dumps({"attempt": 1, "time": 1.0, "kind": "stopped", "step": 5}) + "\n")
    again = charlab(*words)
    assert again.returncode == 0, again.stderr
    assert f"going on with {paths.id}" in again.stderr
    resumed = json.loads(again.stdout)
    assert [a["mean"] for a in resumed["arms"]] == pytest.approx([a["mean"] for a in facts["arms"]])
    assert {(r["probe"], r["index"]): pytest.approx(r["logp"], abs=0.02) for r in read_rows(paths.ranks)} == ranks

    lines = describe_critic(resumed)
    assert lines[0].endswith(f"by rules: finished, {FEW} of {FEW} prompts")
    assert any(line.startswith("  bottleneck: ") for line in lines)
    shutil.rmtree(paths.folder)


def test_a_model_without_an_adapter_is_bad_input(workspace: Any, charlab: Callable[..., Any]) -> None:
    done = charlab("critic", "bundled:smollm2-135m")
    assert done.returncode == 2
    assert "has no adapter that can be switched off" in done.stderr

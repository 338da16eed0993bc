"""Losses of a run that was stopped and resumed against one that never was, by the command line."""

import json
from pathlib import Path

from kit import Row, end_worker, make_workspace, run_command, wait_for, wait_for_end

STEPS = 30
STOP_AT = 6


def measure() -> tuple[list[Row], list[str]]:
    with make_workspace() as folder:
        write_recipe(folder)
        whole = start(folder)
        halved = ""
        try:
            wait_for_end(folder, whole)
            halved = start(folder)
            wait_for(lambda: len(read_losses(folder, halved)) >= STOP_AT or None)
            run_command(folder, "stop", halved)
            stopped = wait_for_end(folder, halved)
            stopped_at = max(read_losses(folder, halved))
            run_command(folder, "resume", halved, "--detach")
            ended = wait_for_end(folder, halved)
            one, other = read_losses(folder, whole), read_losses(folder, halved)
        finally:
            for run_id in filter(None, (whole, halved)):
                end_worker(folder, run_id)
    if stopped != "stopped" or ended != "finished" or not STOP_AT <= stopped_at < STEPS or list(one) != list(other):
        raise RuntimeError(f"the run was {stopped} at step {stopped_at} and then {ended}, with steps {list(other)}")
    worst = max(abs(one[step] - other[step]) for step in one)
    equal = sum(one[step] == other[step] for step in one)
    row = Row("resume, losses", 0.0, None, worst, "max |difference|", f"{equal} of {STEPS} equal, worst {worst:.1e}")
    return [row], [f"resume: a random model of two layers in float32, stopped at step {stopped_at} of {STEPS}"]


def write_recipe(folder: Path) -> None:
    """A recipe on a real Llama of two narrow layers with random weights and the bundled model's tokenizer."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from engine.models.bundled import convert_bundled

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(convert_bundled("smollm2-135m", print))
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True,
        bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder / "tiny")
    tokenizer.save_pretrained(folder / "tiny")
    (folder / "runs" / "recipes" / "tiny.toml").write_text(
        'name = "tiny"\nbase = "./tiny"\ndataset = "madison"\nobjective = "orpo"\nseed = 11\n'
        f'[load]\ndtype = "fp32"\n[lora]\nrank = 4\ndropout = 0.1\n[optim]\nlr = 1e-3\nbatch = 2\nsteps = {STEPS}\n'
        "[checkpoint]\nevery = 0\n[heldout]\nevery = 0\nshare = 0\n[sentinel]\nevery = 0\n"
    )


def start(folder: Path) -> str:
    run_id: str = json.loads(run_command(folder, "train", "tiny", "--detach", "--json"))["id"]
    return run_id


def read_losses(folder: Path, run_id: str) -> dict[int, float]:
    from engine.store.paths import Workspace
    from engine.store.runs import read_metrics

    metrics = read_metrics(Workspace(folder).run(run_id))
    return {step: values["loss"] for step, values in metrics.items() if "loss" in values}

"""What a run would take: memory, disk and time, by arithmetic, with the basis of each said beside it."""

import statistics
import time
from typing import Any, NamedTuple

import torch

from engine.records.recipe import Recipe
from engine.records.run import Run
from engine.store.index import list_runs
from engine.store.journal import read_json, read_last_rows
from engine.store.paths import Workspace
from engine.train.encode import EncodedPair

RUNTIME_MB = 700
"""Interpreter, torch and libraries of a worker on a CPU, resident before any weights."""


class Estimate(NamedTuple):
    memory_mb: dict[str, float]
    """By what takes it; 'total' is their sum."""
    disk_mb: float
    seconds: float
    basis: str
    """What the time stands on: an earlier run's speed, or this machine's matrix speed."""


def estimate_run(run: Run, kept: list[EncodedPair], config: Any, workspace: Workspace) -> Estimate:
    recipe = run.recipe
    shape = read_shape(config)
    adapter = count_adapter(config, recipe)
    memory = estimate_memory(recipe, run.base.parameters, adapter, shape, kept)
    mean_tokens = statistics.fmean(p.tokens() for p in kept)
    tokens = mean_tokens * recipe.optim.batch * recipe.optim.accumulate * (run.steps - run.start_step)
    speed, basis = find_speed(run, workspace)
    # weights and both Adam moments of the adapter, each float32
    checkpoint_mb = adapter * 12 / 2**20
    return Estimate(memory, checkpoint_mb * (recipe.checkpoint.keep + 1), tokens / speed, basis)


class Shape(NamedTuple):
    layers: int
    hidden: int
    inner: int
    vocabulary: int


def read_shape(config: Any) -> Shape:
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    return Shape(text.num_hidden_layers, text.hidden_size, inner, text.vocab_size)


def count_adapter(config: Any, recipe: Recipe) -> int:
    """Trainable parameters of the recipe's LoRA: rank x (in + out) of every layer it targets."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    targets = recipe.lora.targets
    return sum(
        recipe.lora.rank * (layer.in_features + layer.out_features)
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear)
        and layer is not head
        and (targets == "all-linear" or any(name.endswith(t) for t in targets))
    )


def estimate_memory(
    recipe: Recipe, parameters: int, adapter: int, shape: Shape, kept: list[EncodedPair]
) -> dict[str, float]:
    """MiB while training, by the largest batch that the rows could make.

    Activations after Korthikanti et al. 2022 (section 4), without the attention matrix, which fused
    attention never stores: per token and layer about 17 hidden and 4 inner values, and 6 hidden and 1 inner
    more for the inputs that LoRA keeps, or 1 hidden value per layer and one layer whole with gradient
    checkpointing. Logits of scored tokens stand twice, as computed and as gradient. Sentinels come on top.
    """
    width = 4 if recipe.load.dtype == "fp32" else 2
    halves = 1 if recipe.objective == "sft" else 2
    longest = sorted(kept, key=lambda p: len(p.prompt) + max(len(p.chosen), len(p.rejected)))[-recipe.optim.batch :]
    length = max(len(p.prompt) + max(len(p.chosen), len(p.rejected)) for p in longest)
    tokens = len(longest) * halves * length
    scored = sum(len(p.chosen) + (len(p.rejected) if halves == 2 else 0) for p in longest)
    per_layer = tokens * (23 * shape.hidden + 5 * shape.inner) * width
    activations = per_layer * shape.layers
    if recipe.load.gradient_checkpointing:
        activations = per_layer + tokens * shape.hidden * width * shape.layers
    weights = parameters * (0.55 if recipe.load.quantize == "nf4" else width)
    moments = 2 if recipe.optim.optimizer == "adamw8bit" else 8
    parts = {
        "weights": weights,
        "adapter, gradients, optimiser": adapter * (8 + moments),
        "activations": activations,
        "logits": scored * shape.vocabulary * 2 * width,
    }
    found = {name: size / 2**20 for name, size in parts.items()}
    if not torch.cuda.is_available():
        found["runtime"] = RUNTIME_MB
    found["total"] = sum(found.values())
    return found


def find_speed(run: Run, workspace: Workspace) -> tuple[float, str]:
    """Tokens per second to expect: the newest run's of the same base and load here, else a guess."""
    for row in reversed(list_runs(workspace)):
        if row.problem or row.base != run.recipe.base or row.host != run.host or row.id == run.id:
            continue
        load = read_json(workspace.run(row.id).run)["recipe"]["load"]
        if load["dtype"] != run.recipe.load.dtype or load["quantize"] != run.recipe.load.quantize:
            continue
        rows = read_last_rows(workspace.run(row.id).metrics, 40)
        speeds = [s for r in rows if (s := r["values"].get("tokens_per_second"))]
        if len(speeds) >= 3:
            return statistics.median(speeds), f"run {row.id} here"
    passes = 6 if run.recipe.load.gradient_checkpointing else 4
    return 0.3 * measure_flops(run.recipe) / (
        passes * run.base.parameters
    ), "a guess: 30% of this machine's matrix speed"


def measure_flops(recipe: Recipe) -> float:
    """Floating-point operations per second of one large matrix product, best of a few."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.float32 if recipe.load.dtype == "fp32" else torch.bfloat16
    size = 4096 if device == "cuda" else 1024
    a, b = torch.randn(size, size, device=device, dtype=dtype), torch.randn(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(5):
        began = time.perf_counter()
        a @ b
        if device == "cuda":
            torch.cuda.synchronize()
        best = max(best, 2 * size**3 / (time.perf_counter() - began))
    return best

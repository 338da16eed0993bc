"""What a run would take: memory, disk and time, by arithmetic over plain numbers, with the basis of each said.

Loads no torch: engine/train/measure.py reads the numbers.
"""

import statistics
from collections import Counter
from functools import cached_property
from typing import Any, NamedTuple

from engine.records.recipe import Load, Objective, Recipe
from engine.store.index import list_runs
from engine.store.journal import read_json, read_last_rows
from engine.store.paths import Workspace

RUNTIME_MB = 700
"""Interpreter, torch and libraries of a worker on a CPU, resident before any weights."""

BINS = 8

Speeds = dict[str, tuple[float, str]]
"""Tokens per second of the newest run here, and its id, by `name_load` of what it loaded."""


class Shape(NamedTuple):
    layers: int
    hidden: int
    inner: int
    vocabulary: int


class ModelSize(NamedTuple):
    parameters: int
    positions: int | None
    shape: Shape
    linear: dict[str, int]
    """Inputs plus outputs of every linear layer but the head, by its name."""


class Machine(NamedTuple):
    device: str
    flops: dict[str, float]
    """Floating-point operations per second of a large matrix product, by dtype."""


class Length(NamedTuple):
    """Tokens of one pair's parts."""

    prompt: int
    chosen: int
    rejected: int

    def longer(self) -> int:
        return self.prompt + max(self.chosen, self.rejected)

    def tokens(self, halves: int = 2) -> int:
        """Non-padding tokens of both halves, or of the chosen one alone."""
        return halves * self.prompt + self.chosen + (self.rejected if halves == 2 else 0)


class Bin(NamedTuple):
    low: int
    high: int
    """Not included."""
    pairs: int


class Lengths(tuple[Length, ...]):
    """Of many pairs. What an estimate asks of all of them is worked out once, since one is asked for with every key."""

    @cached_property
    def by_longer(self) -> list[Length]:
        """Ascending by the longer half."""
        return sorted(self, key=Length.longer)

    @cached_property
    def mean_tokens(self) -> dict[int, float]:
        """Non-padding tokens of a pair, by how many of its halves are read."""
        return {halves: statistics.fmean(p.tokens(halves) for p in self) for halves in (1, 2)}

    @cached_property
    def bins(self) -> list[Bin]:
        """How many pairs have a longer half of `low` up to, not including, `high` tokens, in classes of one width."""
        low, high = self.by_longer[0].longer(), self.by_longer[-1].longer() + 1
        width = -(-(high - low) // BINS)
        counts = Counter((p.longer() - low) // width for p in self)
        return [Bin(e, e + width, counts[at]) for at, e in enumerate(range(low, high, width))]


class Estimate(NamedTuple):
    memory_mb: dict[str, float]
    """By what takes it; 'total' is their sum."""
    disk_mb: float
    seconds: float
    basis: str
    """What the time stands on: an earlier run's speed, or this machine's matrix speed."""


def estimate_run(
    recipe: Recipe, steps: int, kept: Lengths, model: ModelSize, machine: Machine, speeds: Speeds
) -> Estimate:
    """Of `steps` more steps over rows as long as `kept`."""
    adapter = count_adapter(model.linear, recipe)
    memory = estimate_memory(recipe, model, adapter, kept, machine.device)
    rows = recipe.optim.batch * recipe.optim.accumulate * steps
    tokens = kept.mean_tokens[count_halves(recipe.objective)] * rows
    speed, basis = pick_speed(recipe.load, model.parameters, machine, speeds)
    # weights and both Adam moments of the adapter, each float32
    checkpoint_mb = adapter * 12 / 2**20
    return Estimate(memory, checkpoint_mb * (recipe.checkpoint.keep + 1), tokens / speed, basis)


def count_adapter(linear: dict[str, int], recipe: Recipe) -> int:
    """Trainable parameters of the recipe's LoRA: rank x (in + out) of every layer it targets."""
    targets = recipe.lora.targets
    return recipe.lora.rank * sum(
        size for name, size in linear.items() if targets == "all-linear" or any(name.endswith(t) for t in targets)
    )


def estimate_memory(recipe: Recipe, model: ModelSize, adapter: int, kept: Lengths, device: str) -> dict[str, float]:
    """MiB while training, by the largest batch that the rows could make.

    Activations after Korthikanti et al. 2022 (section 4), without the attention matrix, which fused
    attention never stores: per token and layer about 17 hidden and 4 inner values, and 6 hidden and 1 inner
    more for the inputs that LoRA keeps, or 1 hidden value per layer and one layer whole with gradient
    checkpointing. Logits of scored tokens stand twice, as computed and as gradient. Sentinels come on top.
    """
    shape = model.shape
    width = 4 if recipe.load.dtype == "fp32" else 2
    halves = count_halves(recipe.objective)
    longest = kept.by_longer[-recipe.optim.batch :]
    tokens = len(longest) * halves * longest[-1].longer()
    scored = sum(p.chosen + (p.rejected if halves == 2 else 0) for p in longest)
    per_layer = tokens * (23 * shape.hidden + 5 * shape.inner) * width
    activations = per_layer * shape.layers
    if recipe.load.gradient_checkpointing:
        activations = per_layer + tokens * shape.hidden * width * shape.layers
    weights = model.parameters * (0.55 if recipe.load.quantize == "nf4" else width)
    moments = 2 if recipe.optim.optimizer == "adamw8bit" else 8
    parts = {
        "weights": weights,
        "adapter, gradients, optimiser": adapter * (8 + moments),
        "activations": activations,
        "logits": scored * shape.vocabulary * 2 * width,
    }
    found = {name: size / 2**20 for name, size in parts.items()}
    if device != "cuda":
        found["runtime"] = RUNTIME_MB
    found["total"] = sum(found.values())
    return found


def count_halves(objective: Objective) -> int:
    return 1 if objective == "sft" else 2


def name_load(dtype: str, quantize: str) -> str:
    """What two runs must share for the speed of one to tell that of the other."""
    return f"{dtype} {quantize}"


def find_speeds(workspace: Workspace, base: str, host: str) -> Speeds:
    """Of the newest run of `base` on `host` for each way to load it."""
    found: Speeds = {}
    for row in reversed(list_runs(workspace)):
        if row.problem or row.kind != "train" or row.base != base or row.host != host:
            continue
        load = read_json(workspace.run(row.id).run)["recipe"]["load"]
        name = name_load(load["dtype"], load["quantize"])
        if name in found:
            continue
        rows = read_last_rows(workspace.run(row.id).metrics, 40)
        speeds = [s for r in rows if (s := r["values"].get("tokens_per_second"))]
        if len(speeds) >= 3:
            found[name] = (statistics.median(speeds), row.id)
    return found


def pick_speed(load: Load, parameters: int, machine: Machine, speeds: Speeds) -> tuple[float, str]:
    """Tokens per second to expect, and what that stands on: an earlier run here, else a guess."""
    known = speeds.get(name_load(load.dtype, load.quantize))
    if known is not None:
        return known[0], f"run {known[1]} here"
    passes = 6 if load.gradient_checkpointing else 4
    return 0.3 * machine.flops[load.dtype] / (passes * parameters), "a guess: 30% of this machine's matrix speed"


class Measured(NamedTuple):
    """What an estimate stands on beside the recipe, and what was found against the recipe on the way."""

    model: ModelSize
    machine: Machine
    speeds: Speeds
    lengths: Lengths
    """Of the pairs that stay, answers cut at the recipe's `sequence`."""
    train: int
    seen: int
    """Training rows of one epoch, upsampling included."""
    heldout: int
    truncated: list[str]
    left_out: dict[str, str]
    probes: int
    system: str | None
    """The system text that a prompt without one is rendered with."""
    advice: list[str]
    refusals: list[tuple[str, str]]
    """Each with the way out."""
    first: dict[str, str]
    """The parts of the first pair as they are rendered."""

    def to_json(self) -> dict[str, Any]:
        return self._asdict()

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Measured":
        return cls(
            **{
                **data,
                "model": read_model_size(data["model"]),
                "machine": Machine(*data["machine"]),
                "speeds": {name: (speed, run) for name, (speed, run) in data["speeds"].items()},
                "lengths": Lengths(Length(*one) for one in data["lengths"]),
                "refusals": [(message, fix) for message, fix in data["refusals"]],
            }
        )


def read_model_size(data: list[Any]) -> ModelSize:
    """From JSON, which knows no tuple."""
    parameters, positions, shape, linear = data
    return ModelSize(parameters, positions, Shape(*shape), linear)

"""Pairs per second of charlab's training step against stock TRL ORPO, both in bf16."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from kit import Row, Side, make_workspace

BATCH = 4
SIDES: dict[str, dict[str, Any]] = {
    "charlab": {"trainer": "charlab"},
    "TRL, bf16 weights": {"trainer": "trl", "autocast": False},
    "TRL, bf16 weights and autocast": {"trainer": "trl", "autocast": True},
}


def measure(steps: int) -> tuple[list[Row], list[str], float]:
    """Rows, notes, and the median seconds of charlab's step without checkpointing."""
    rows, notes, ours = [], [], 0.0
    for checkpointing in (False, True):
        with make_workspace() as folder:
            seconds = time_sides(folder, checkpointing, steps)
        # steps of one number have the same rows and lie next to each other in time
        ratios = {n: median(t / o for t, o in zip(s, seconds["charlab"])) for n, s in seconds.items() if n != "charlab"}
        best = min(ratios, key=lambda n: ratios[n])
        ours = ours or median(seconds["charlab"])
        label = f"speed, {'with' if checkpointing else 'without'} gradient checkpointing"
        rates = {name: BATCH / median(s) for name, s in seconds.items()}
        measured = f"{rates['charlab']:.3f} pairs/s against {rates[best]:.3f}"
        rows.append(Row(label, 1.0, 1.2, ratios[best], "x TRL", measured, more=True))
        notes.append(f"{label}: the faster TRL is '{best}'; median seconds per step of {steps}:")
        notes += [f"    {median(s):7.3f}  {name}" for name, s in seconds.items()]
    return rows, notes, ours


def time_sides(folder: Path, checkpointing: bool, steps: int) -> dict[str, list[float]]:
    """Seconds of each step but the first, by side; the sides take their steps in turn."""
    changes = [f"load.gradient_checkpointing={str(checkpointing).lower()}", f"optim.batch={BATCH}"]
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    with ExitStack() as stack:
        sides = {}
        for name, settings in SIDES.items():
            sides[name] = stack.enter_context(Side(folder, set=changes, **settings))
            sides[name].ask()
        for number in range(steps + 1):
            order = list(sides) if number % 2 else list(reversed(sides))
            answers = {name: sides[name].ask("step") for name in order}
            if len({a["tokens"] for a in answers.values()}) != 1:
                raise RuntimeError(f"step {number + 1}: the sides trained on different rows")
            if number:
                for name, answer in answers.items():
                    seconds[name].append(answer["seconds"])
    return seconds

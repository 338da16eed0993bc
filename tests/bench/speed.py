"""Pairs per second of charlab's training step against stock TRL ORPO, both in bf16."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from kit import Row, Side, make_workspace

BATCH = 4
OURS = "charlab"
SIDES: dict[str, dict[str, Any]] = {
    OURS: {"trainer": "charlab"},
    "TRL, bf16 weights": {"trainer": "trl", "autocast": False},
    "TRL, bf16 weights and autocast": {"trainer": "trl", "autocast": True},
}


def measure(steps: int) -> tuple[list[Row], list[str], float]:
    """Rows, notes, and the median seconds of charlab's step without checkpointing."""
    rows, notes, ours = [], [], 0.0
    for checkpointing in (False, True):
        with make_workspace() as folder:
            taken = time_sides(folder, checkpointing, steps)
        middle = {name: median(a["seconds"] for a in answers) for name, answers in taken.items()}
        best = min(middle.keys() - {OURS}, key=lambda name: middle[name])
        ours = ours or middle[OURS]
        label = f"speed, {'with' if checkpointing else 'without'} gradient checkpointing"
        measured = f"{BATCH / middle[OURS]:.3f} pairs/s against {BATCH / middle[best]:.3f}"
        ratio = compare(taken, best, "seconds")
        rows.append(Row(label, 1.0, 1.2, ratio, "x TRL", f"{ratio:.2f} x, {measured}", more=True))
        notes.append(
            f"{label}: the faster TRL is '{best}'; by processor time charlab is at "
            f"{compare(taken, best, 'cpu_seconds'):.2f} x; median seconds of {steps} steps, and of the processors:"
        )
        notes += [f"    {m:7.3f} {median(a['cpu_seconds'] for a in taken[n]):7.3f}  {n}" for n, m in middle.items()]
    return rows, notes, ours


def compare(taken: dict[str, list[dict[str, Any]]], other: str, key: str) -> float:
    """How many times as fast charlab is: steps of one number have the same rows and lie next to each other in time."""
    return median(theirs[key] / ours[key] for ours, theirs in zip(taken[OURS], taken[other]))


def time_sides(folder: Path, checkpointing: bool, steps: int) -> dict[str, list[dict[str, Any]]]:
    """Each step's answer but the first's, by side; the sides take their steps in turn."""
    changes = [f"load.gradient_checkpointing={str(checkpointing).lower()}", f"optim.batch={BATCH}"]
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in SIDES}
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
                    taken[name].append(answer)
    return taken

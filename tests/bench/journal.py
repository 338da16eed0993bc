"""What the recorder does at each step's end, as a share of the training step."""

from statistics import median

from kit import Row, Side, make_workspace

STEPS = 3


def measure(step: float | None) -> tuple[list[Row], list[str]]:
    """`step` is the median seconds of a step, where the benchmark of speed has measured it."""
    changes = ["optim.batch=4"]
    with make_workspace() as folder, Side(folder, trainer="charlab", set=changes) as side:
        side.ask()
        taken = [side.ask("step")["seconds"] for _ in range(1 if step else STEPS)]
        seconds = side.ask("journal")["seconds"]
    step = step or median(taken[1:])
    share = seconds / step
    measured = f"{share:.4%}, {seconds * 1e3:.3f} ms of {step:.2f} s"
    return [Row("journal, share of the step", 0.01, None, share, "", measured)], []

"""How long a workspace of a thousand finished runs takes to list."""

import random
import time
from pathlib import Path
from statistics import median
from typing import Any

from kit import Row, make_workspace
from record import lay_run, resolve_demo, to_line
from start_up import time_command

RUNS = 1000
LENGTHS = (60, 60, 60, 120, 200, 300, 600, 2000)
"""Steps of a run, each as often: most are short, some are long."""
TIMES = 10


def measure() -> tuple[list[Row], list[str]]:
    import sys

    from engine.store.index import list_runs
    from engine.store.paths import Workspace

    with make_workspace() as folder:
        workspace = Workspace(folder)
        size = write_runs(folder)
        found = list_runs(workspace)
        if [r.status for r in found] != ["finished"] * RUNS or any(r.problem or r.step != r.steps for r in found):
            raise RuntimeError("the generated runs do not list as finished")
        seconds = []
        for _ in range(TIMES):
            began = time.perf_counter()
            list_runs(workspace)
            seconds.append(time.perf_counter() - began)
        whole = time_command([sys.executable, "-m", "console", "runs", "--json"], folder)
    middle = median(seconds) * 1e3
    rows = [Row(f"listing {RUNS} runs", 200, 80, middle, "ms", f"{middle:.0f} ms")]
    notes = [
        f"listing: {size / 2**20:.0f} MiB of metrics; fastest {min(seconds) * 1e3:.0f} ms; "
        f"`charlab runs --json` as a whole command {median(whole) * 1e3:.0f} ms"
    ]
    return rows, notes


def write_runs(folder: Path, newest: str | None = None) -> int:
    """Lay RUNS finished runs out, the last of them named `newest`; returns the bytes of their metrics."""
    from engine.records.rows import Event

    demo, now, draw = resolve_demo(folder), time.time(), random.Random(0)
    lines = [make_metrics(step, now + 4 * step, draw) for step in range(1, max(LENGTHS) + 1)]
    size = 0
    for number in range(RUNS):
        steps = LENGTHS[number % len(LENGTHS)]
        created = now - 3600.0 * (RUNS - number)
        paths = lay_run(folder, demo, number, created, steps, newest if number == RUNS - 1 else None)
        events = [Event(attempt=1, time=created, kind="started", step=0, data={"device": "cpu", "process": {"pid": 1}})]
        events += [
            Event(attempt=1, time=created + 4 * step, kind="checkpoint", step=step, data={"adapter_sha256": "0" * 64})
            for step in range(20, steps + 1, 20)
        ]
        events.append(Event(attempt=1, time=created + 4 * steps, kind="finished", step=steps))
        paths.events.write_text("".join(to_line(e.to_json()) for e in events))
        size += paths.metrics.write_bytes("".join(lines[:steps]).encode())
    return size


def make_metrics(step: int, when: float, draw: random.Random) -> str:
    """A step's row, with the held-out scores and rates that come with every twentieth."""
    from engine.records.rows import Metric

    names = ("loss", "nll", "logp_chosen", "logp_rejected", "reward_chosen", "reward_rejected", "accuracy", "log_odds",
             "margin_nats", "margin", "grad_norm", "lr")  # fmt: skip
    values: dict[str, Any] = {name: draw.uniform(-3, 3) for name in names}
    values |= {"epoch": step / 41, "tokens": step * 1190.0, "tokens_per_second": draw.uniform(200, 300),
               "seconds_per_step": draw.uniform(4, 6), "rss_mb": draw.uniform(2000, 3000)}  # fmt: skip
    lines = to_line(Metric(attempt=1, step=step, time=when, values=values).to_json())
    if step % 20 == 0:
        heldout = {f"heldout.{name}": draw.uniform(-3, 3) for name in names[:10]}
        rates = {"break_rate": draw.random(), "in_character_rate": draw.random()}
        for extra in (heldout, rates):
            lines += to_line(Metric(attempt=1, step=step, time=when, values=extra).to_json())
    return lines

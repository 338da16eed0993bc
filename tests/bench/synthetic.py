"""Writes a training run that never trained: N steps of 12 noisy curves and all that belongs to a run.

    python tests/bench/synthetic.py WORKSPACE [--steps 200000] [--name NAME] [--runs 1] [--rate 0]

Prints the run's id, with --runs more than one. With --rate the run is alive: this process is its worker, and goes on
to append that many rows a second, by turns where the runs are several, until it is ended.
"""

import argparse
import os
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.launch.process import read_start
from engine.records.rows import Event, Process
from engine.records.run import Run
from engine.store.journal import Journal
from engine.store.paths import RunPaths
from record import lay_run, resolve_demo, to_line, write_launch

SECONDS_PER_STEP = 0.4
TOKENS_PER_STEP = 1190.0
EVERY = 2000
"""Steps between held-out scores, sentinels and checkpoints."""
BATCH = 20_000
"""Rows made at a time."""
DIGITS = {"loss": 8, "nll": 8, "margin": 8, "margin_nats": 8, "accuracy": 3, "reward_chosen": 9,
          "reward_rejected": 9, "logp_chosen": 8, "logp_rejected": 8, "grad_norm": 8, "lr": 14, "epoch": 8,
          "tokens": 0, "tokens_per_second": 6, "seconds_per_step": 8, "rss_mb": 4}  # fmt: skip
"""The values of a step's row, and to how many places: as many as those of a real one."""
ROW = (
    '{"attempt":1,"step":%d,"time":%r,"values":{'
    + ",".join(f'"{name}":%s' for name in DIGITS)
    + '},"nonfinite":[%s]}\n'
)
SPIKES = ("loss", "nll", "grad_norm", "logp_chosen", "tokens_per_second")


def write_run(
    folder: Path, demo: Run, steps: int, name: str = "synthetic", number: int = 0, alive: bool = False
) -> RunPaths:
    """Lay a run of `steps` steps out, all of them done: finished, or half-way and this process its worker."""
    began = time.time() - SECONDS_PER_STEP * (steps + 1)
    planned = 2 * steps if alive else steps
    paths = lay_run(folder, demo, number, began, planned, name)
    seed = zlib.crc32(f"{name} {number}".encode())
    with open(paths.metrics, "wb") as file:
        for first in range(1, steps + 1, BATCH):
            last = min(steps, first + BATCH - 1)
            times = began + SECONDS_PER_STEP * np.arange(first, last + 1)
            file.write("".join(make_lines(first, last, planned, times, seed)).encode())
    process = Process(pid=os.getpid(), start=read_start(os.getpid()) or 0.0)
    events = list(make_events(steps, began, process, seed))
    if not alive:
        events.append(Event(attempt=1, time=began + SECONDS_PER_STEP * steps, kind="finished", step=steps))
    paths.events.write_text("".join(to_line(event.to_json()) for event in events))
    paths.samples.touch()
    paths.log(1).parent.mkdir()
    paths.log(1).write_text("".join(f"step {step}: all is well\n" for step in range(EVERY, steps + 1, EVERY)))
    if alive:
        write_launch(paths, process, began)
    return paths


def make_lines(first: int, last: int, planned: int, times: "np.ndarray[Any, Any]", seed: int) -> Iterator[str]:
    """The rows of the steps first..last as lines, held-out scores and rates after each EVERY-th."""
    draw = np.random.default_rng((seed, first))
    values = draw_values(first, last, planned, draw)
    lost = find_lost(first, last, seed)
    columns = [np.round(values[name], places).tolist() for name, places in DIGITS.items()]
    for step, when, row in zip(range(first, last + 1), times.tolist(), zip(*columns, strict=True), strict=True):
        if step in lost:
            kept = dict(zip(DIGITS, map(repr, row), strict=True)) | {"loss": "null", "grad_norm": "null"}
            yield ROW % (step, when, *kept.values(), '"grad_norm","loss"')
        else:
            yield ROW % (step, when, *row, "")
        if step % EVERY == 0:
            # the names that are scored on held-out pairs too
            heldout = {f"heldout.{name}": 0.95 * value for name, value in zip(DIGITS, row[:9], strict=False)}
            broken = 0.7 * np.exp(-4 * step / planned) + 0.05 * draw.random()
            for extra in (heldout, {"break_rate": round(broken, 3), "in_character_rate": round(1 - broken, 3)}):
                yield to_line({"attempt": 1, "step": step, "time": when, "values": extra, "nonfinite": []})


def draw_values(first: int, last: int, planned: int, draw: np.random.Generator) -> "dict[str, np.ndarray[Any, Any]]":
    """Each value of a row as a curve: a slow trend, noise, and here and there a spike of one step."""
    count = last - first + 1
    step = np.arange(first, last + 1)
    done = step / planned
    risen = 1 - np.exp(-6 * done)

    def noise(size: float) -> "np.ndarray[Any, Any]":
        return draw.normal(0, size, count)

    loss = 4.9 - 3.8 * risen + 0.15 * np.sin(40 * done) + noise(0.25)
    margin = 6 * risen - 2 + noise(0.6)
    chosen = 3.6 * risen - 4.8 + noise(0.2)
    seconds = SECONDS_PER_STEP * draw.uniform(0.9, 1.1, count)
    values = {
        "loss": loss,
        "nll": 0.95 * loss + noise(0.05),
        "margin": 0.1 * margin,
        "margin_nats": margin,
        "accuracy": draw.binomial(8, 0.3 + 0.68 * risen) / 8,
        "reward_chosen": 0.1 * chosen,
        "reward_rejected": 0.1 * (chosen - margin),
        "logp_chosen": chosen,
        "logp_rejected": chosen - margin,
        "grad_norm": np.exp(noise(0.4)) * (1.6 - risen),
        "lr": 3e-4 * np.minimum(1, 20 * done) * (0.55 + 0.45 * np.cos(np.pi * done)),
        "epoch": step / 41,
        "tokens": TOKENS_PER_STEP * step,
        "tokens_per_second": TOKENS_PER_STEP / seconds,
        "seconds_per_step": seconds,
        "rss_mb": 2300 + 200 * done + noise(3),
    }
    for name in SPIKES:
        values[name][draw.integers(0, count, max(1, count // 5000))] *= 4
    return values


def find_lost(first: int, last: int, seed: int) -> set[int]:
    """The few steps among these whose loss and gradient were not finite."""
    return {
        step
        for block in range(first // 30_000, last // 30_000 + 1)
        if first <= (step := 30_000 * block + 777 + seed % 9973) <= last
    }


def make_events(steps: int, began: float, process: Process, seed: int) -> Iterator[Event]:
    def tell(kind: Any, step: int, message: str = "", **data: object) -> Event:
        return Event(attempt=1, time=began + SECONDS_PER_STEP * step, kind=kind, step=step, message=message, data=data)

    yield tell("started", 0, device="cpu", steps=steps, process=process.to_json())
    told = [tell("alarm", step, "loss and grad_norm not finite; the update was skipped", name="nan", stops=False)
            for step in find_lost(1, steps, seed)]  # fmt: skip
    for step in range(EVERY, steps + 1, EVERY):
        breaks = round(84 * float(np.exp(-4 * step / steps)))
        told.append(tell("sentinel", step, n=120, breaks=breaks, seconds=9.5))
        told.append(tell("checkpoint", step, adapter_sha256=f"{step:064x}", dropped=[]))
    yield from sorted(told, key=lambda event: event.step)


def append_rows(runs: list[RunPaths], steps: int, rate: float) -> None:
    """Go on with the runs by turns until SIGTERM, `rate` rows a second in all, then say that they stopped."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    signal.signal(signal.SIGINT, lambda number, _: ended.append(number))
    journals = [(Journal(run.metrics), make_endless(run, steps)) for run in runs]
    began, sent = time.monotonic(), 0
    for journal, lines in cycle(journals):
        # a signal cuts the wait short only by an exception; so no wait is long
        while not ended and (left := began + sent / rate - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        if ended:
            break
        journal.append(next(lines))
        sent += 1
    for run in runs:
        last = Event(attempt=1, time=time.time(), kind="stopped", step=steps + sent // len(runs))
        Journal(run.events).append(last.to_json())


def make_endless(run: RunPaths, steps: int) -> Iterator[dict[str, Any]]:
    import json

    first = steps + 1
    while True:
        last = first + 99
        for line in make_lines(first, last, 2 * steps, np.zeros(100), zlib.crc32(run.id.encode())):
            yield json.loads(line) | {"time": time.time()}
        first = last + 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a training run that never trained.")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--name", default="synthetic")
    parser.add_argument("--runs", type=int, default=1, help="how many runs alike")
    parser.add_argument("--rate", type=float, default=0, help="rows a second to go on with, until ended")
    given = parser.parse_args()
    demo = resolve_demo(given.workspace)
    runs = [
        write_run(given.workspace, demo, given.steps, given.name, number, alive=given.rate > 0)
        for number in range(given.runs)
    ]
    print("\n".join(run.id for run in runs), flush=True)
    if given.rate:
        append_rows(runs, given.steps, given.rate)


if __name__ == "__main__":
    main()

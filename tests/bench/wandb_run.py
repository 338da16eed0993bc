"""Writes offline W&B runs with the curves of charlab's runs; for an interpreter that has wandb, nothing else needed.

    python tests/bench/wandb_run.py FOLDER METRICS.jsonl... [--rate 0]

Prints a line once all rows are logged. With --rate it goes on to log that many rows a second, by turns, until ended.
"""

import argparse
import itertools
import json
import os
import signal
import sys
import time

NAMES = ("loss", "nll", "margin", "margin_nats", "accuracy", "reward_chosen", "reward_rejected", "logp_chosen",
         "logp_rejected", "grad_norm", "lr", "tokens_per_second")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("metrics", nargs="+")
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_DIR=given.folder)
    import wandb

    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, console="off")
    runs = []
    for number, path in enumerate(given.metrics):
        run = wandb.init(project="bench", name=f"synthetic-{number}", reinit="create_new", settings=settings)
        with open(path) as file:
            rows = [values for line in file if "nll" in (values := json.loads(line)["values"])]
        rows = [{name: values[name] for name in NAMES if values[name] is not None} for values in rows]
        for row in rows:
            run.log(row)
        runs.append((run, itertools.cycle(rows[-1000:])))
    if not given.rate:
        for run, _ in runs:
            run.finish()
    print("logged", flush=True)
    if given.rate:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        began = time.monotonic()
        for sent, (run, more) in enumerate(itertools.cycle(runs)):
            time.sleep(max(0.0, began + sent / given.rate - time.monotonic()))
            run.log(next(more))


if __name__ == "__main__":
    main()

"""What one run's files have told so far, as series and as words; what `charlab watch` draws from."""

import time
from collections import deque
from typing import Any

from console.text import plain
from engine.records.version import FINAL_EVENTS
from engine.store.index import summarise_run
from engine.store.journal import Tail
from engine.store.paths import RunPaths
from panels.series import Ema, Series

STATUS_SECONDS = 1.0
SMOOTHED = ("loss", "margin_nats", "accuracy")
"""Metrics that stand a second time under their name and a tilde, as a moving average."""
SMOOTHING = 0.8


class RunView:
    """What one run's files have told so far."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self.row = summarise_run(paths)
        self.series: dict[str, Series] = {}
        self.events: deque[dict[str, Any]] = deque(maxlen=50)
        self.marks: list[tuple[int, str]] = []
        self.sample: dict[str, Any] | None = None
        self.values: dict[str, float | None] = {}
        self.step = self.row.step
        self._averages: dict[str, Ema] = {}
        self._metrics, self._events = Tail(paths.metrics), Tail(paths.events)
        self._samples = Tail(paths.samples)
        self._looked = 0.0

    def poll(self) -> bool:
        """Read what came since; True when anything did."""
        came = False
        for row in self._metrics.read():
            came = True
            self.values.update(row["values"])
            if self.series and row["step"] < self.step:
                # a new attempt went back to its checkpoint: draw its curve from there
                self._forget_after(row["step"])
            self.step = row["step"]
            for name, value in row["values"].items():
                self.series.setdefault(name, Series()).append(row["step"], value)
                if name in SMOOTHED:
                    average = self._averages.setdefault(name, Ema(SMOOTHING))
                    self.series.setdefault(f"{name}~", Series()).append(row["step"], average.update(value))
        for row in self._events.read():
            came = True
            self.events.append(row)
            if row["kind"] == "checkpoint":
                self.marks.append((row["step"], "▲"))
            if row["kind"] == "alarm":
                self.marks.append((row["step"], "!"))
        for row in self._samples.read():
            came = True
            self.sample = row
        if time.monotonic() - self._looked > STATUS_SECONDS:
            self._looked = time.monotonic()
            row_now = summarise_run(self.paths)
            came = came or row_now.status != self.row.status
            self.row = row_now
        return came

    def ended(self) -> bool:
        if self.row.status == "lost":
            return True
        last = self.events[-1] if self.events else None
        return last is not None and last["kind"] in FINAL_EVENTS and last["attempt"] >= self.row.attempt

    def _forget_after(self, step: int) -> None:
        for name, old in self.series.items():
            kept = Series()
            for x, y in (old[i] for i in range(len(old))):
                if x < step:
                    kept.append(x, y)
            self.series[name] = kept


def describe_step(view: RunView, width: int = 200) -> str:
    """'step 20/60  loss 4.07  margin +0.31  accuracy 0.75  420 tok/s', as much of it as fits into `width`."""
    values = view.values
    parts = [f"step {view.step}/{view.row.steps}"]
    for name, label, form in (
        ("loss", "loss", "{:.3f}"),
        ("margin_nats", "margin", "{:+.3f} nats"),
        ("accuracy", "accuracy", "{:.2f}"),
        ("heldout.margin_nats", "held out", "{:+.3f}"),
        ("break_rate", "breaks", "{:.0%}"),
        ("tokens_per_second", "", "{:.0f} tok/s"),
    ):
        value = values.get(name)
        if value is not None:
            parts.append(f"{label} {form.format(value)}".strip())
    if (left := seconds_left(view)) is not None:
        parts.insert(1, f"{left / 60:.0f} min left" if left >= 90 else f"{left:.0f} s left")
    while len(parts) > 1 and len("  ".join(parts)) > width:
        parts.pop()
    return "  ".join(parts)


def seconds_left(view: RunView) -> float | None:
    """Training steps alone; the last sentinels come on top."""
    each = view.values.get("seconds_per_step")
    return None if each is None or view.step >= view.row.steps else each * (view.row.steps - view.step)


def describe_event(event: dict[str, Any]) -> str:
    data, step = event.get("data", {}), event["step"]
    match event["kind"]:
        case "started":
            again = "" if data.get("from_checkpoint") is None else f", from the checkpoint at step {step}"
            text = f"started on {data.get('device')}, {data.get('trainable'):,} parameters to train{again}"
        case "checkpoint":
            text = f"checkpoint at step {step}"
        case "sentinel":
            text = f"sentinels at step {step}: {data.get('breaks')} of {data.get('n')} answers break"
        case "alarm":
            text = f"ALARM {data.get('name')} at step {step}: {event['message']}"
        case "failed":
            text = f"failed at step {step}: {event['message']}" + (f"\n  try: {event['fix']}" if event["fix"] else "")
        case kind:
            text = f"{kind} at step {step}" + (f": {event['message']}" if event["message"] else "")
    return "\n".join(plain(line) if i == 0 else "  " + plain(line) for i, line in enumerate(text.split("\n")))

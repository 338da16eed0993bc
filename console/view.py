"""What is known of one run: its metrics as series, its events, its log; and each in words."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any, Literal

from console.history import History
from console.reader import Batch
from engine.records.version import FINAL_EVENTS, LIVE
from engine.store.index import RunRow
from panels.text import plain

Happening = Literal["checkpoint", "alarm", "stop", "resume"]
STEADY = 30
"""Newest steps that the time left is estimated from: one step takes half or twice as long as the next."""


class RunView:
    """The drawing end of a run: batches in, what panels show out."""

    def __init__(self, row: RunRow) -> None:
        self.row = row
        self.history = History(row.created)
        self.whole = False
        """Whether every row of the metrics was read; until then `history` is a sketch, or empty."""
        self.events: deque[dict[str, Any]] = deque(maxlen=500)
        self.notes: deque[tuple[str, str, str]] = deque(maxlen=500)
        """The events in words: when, what, and the tone of it."""
        self.moments: list[tuple[int, Happening]] = []
        """Steps at which something happened that a chart's axis marks."""
        self.log: deque[str] = deque(maxlen=500)

    @property
    def id(self) -> str:
        return self.row.id

    def take(self, batch: Batch) -> None:
        if batch.row is not None:
            self.row = batch.row
        if batch.history is not None:
            self.history, self.whole = batch.history, batch.whole
        for row in batch.metrics:
            self.history.take(row)
        for event in batch.events:
            if _is_event(event):
                self.events.append(event)
                self.notes.append(note_event(event))
                if (kind := find_happening(event)) is not None:
                    self.moments.append((event["step"], kind))
        self.log.extend(batch.log)

    def ended(self) -> bool:
        if self.row.status == "lost" or (self.row.status == "stopped" and not self.row.attempt):
            return True
        last = self.events[-1] if self.events else None
        return last is not None and last["kind"] in FINAL_EVENTS and last["attempt"] >= self.row.attempt


def _is_event(row: dict[str, Any]) -> bool:
    """Whether a row of events.jsonl reads as one: what is shown of it is of the right kind."""
    counts, when = (row.get("step"), row.get("attempt")), row.get("time")
    return (
        isinstance(row.get("kind"), str)
        and all(isinstance(count, int) and abs(count) < 2**53 for count in counts)
        and isinstance(when, int | float)
        and 0 <= when < 1e11
    )


def describe_step(view: RunView, width: int = 200) -> str:
    """'step 20/60  loss 4.07  margin +0.31  accuracy 0.75  420 tok/s', as much of it as fits into `width`."""
    values = view.history.values
    if not values and view.row.status in {*LIVE, "draft"}:
        return "the worker is loading the model" if not view.events else "scoring held-out pairs and asking the probes"
    parts = [f"step {view.history.step}/{view.row.steps}"]
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
    """Of a live run, training steps alone; the last sentinels come on top."""
    if view.row.status not in LIVE:
        return None
    series, left = view.history.series.get("seconds_per_step"), view.row.steps - view.history.step
    if series is None or left <= 0:
        return None
    newest = [series[i][1] for i in range(max(0, len(series) - STEADY), len(series))]
    taken = [each for each in newest if math.isfinite(each)]
    return left * sum(taken) / len(taken) if taken else None


def describe_event(event: dict[str, Any]) -> str:
    data, step, message = event.get("data"), event["step"], str(event.get("message") or "")
    data = data if isinstance(data, dict) else {}
    match event["kind"]:
        case "started":
            again = "" if data.get("from_checkpoint") is None else f", from the checkpoint at step {step}"
            count = data.get("trainable")
            text = (
                f"started on {data.get('device')}"
                + (f", {count:,} parameters to train" if isinstance(count, int) else "")
                + again
            )
        case "checkpoint":
            text = f"checkpoint at step {step}"
        case "sentinel":
            text = f"sentinels at step {step}: {data.get('breaks')} of {data.get('n')} answers break"
        case "alarm":
            text = f"ALARM {data.get('name')} at step {step}: {message}"
        case "failed":
            text = f"failed at step {step}: {message}" + (f"\n  try: {event['fix']}" if event.get("fix") else "")
        case kind:
            text = f"{kind} at step {step}" + (f": {message}" if message else "")
    return "\n".join(plain(line) if i == 0 else "  " + plain(line) for i, line in enumerate(text.split("\n")))


def note_event(event: dict[str, Any]) -> tuple[str, str, str]:
    """An event as a line of a list: its time of day, what happened, and the tone of it."""
    tone = {"alarm": "bad", "failed": "bad", "stopped": "warn", "finished": "good"}.get(event["kind"], "")
    return time.strftime("%H:%M:%S", time.localtime(event["time"])), describe_event(event), tone


def find_happening(event: dict[str, Any]) -> Happening | None:
    """Which mark an event leaves on the axis, if any."""
    match event["kind"]:
        case "checkpoint":
            return "checkpoint"
        case "alarm":
            return "alarm"
        case "stopped" | "failed":
            return "stop"
        case "started" if event["attempt"] > 1:
            return "resume"
    return None

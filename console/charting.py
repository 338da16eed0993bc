"""What is known of a run, as the training panel takes it."""

import time
from typing import Any

from console.view import RunView, describe_event, describe_step
from panels.curves import ChartedRun, Moment
from panels.training import Note


def chart_run(view: RunView, colour: int) -> ChartedRun:
    """The run as charts need it, in one of the theme's curve colours."""
    row, history = view.row, view.history
    return ChartedRun(
        id=row.id, name=row.name, status=row.status, step=history.step, steps=row.steps, objective=row.objective,
        colour=colour, series=history.series, axes=history.axes, moments=find_moments(view), whole=view.whole,
        headline=describe_step(view),
    )  # fmt: skip


def find_moments(view: RunView) -> list[Moment]:
    """Checkpoints, alarms, stops and resumes of a run, as marks on an axis."""
    found = []
    for event in view.events:
        step = event["step"]
        match event["kind"]:
            case "checkpoint":
                found.append(Moment(step, "checkpoint"))
            case "alarm":
                found.append(Moment(step, "alarm"))
            case "stopped" | "failed":
                found.append(Moment(step, "stop"))
            case "started" if event["attempt"] > 1:
                found.append(Moment(step, "resume"))
    return found


def note_event(event: dict[str, Any]) -> Note:
    """An event as a line of the list below the charts."""
    tone = {"alarm": "bad", "failed": "bad", "stopped": "warn", "finished": "good"}.get(str(event["kind"]), "")
    when = time.strftime("%H:%M:%S", time.localtime(float(event["time"])))
    return when, describe_event(event), tone

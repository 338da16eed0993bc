"""What is known of a run, as the training panel takes it."""

from console.view import RunView, describe_step
from panels.curves import ChartedRun, Moment


def chart_run(view: RunView, colour: int) -> ChartedRun:
    """The run as charts need it, in one of the theme's curve colours."""
    row, history = view.row, view.history
    return ChartedRun(
        id=row.id, name=row.name, status=row.status, step=history.step, steps=row.steps, objective=row.objective,
        colour=colour, series=history.series, axes=history.axes, moments=[Moment(step, kind) for step, kind in view.moments], whole=view.whole,
        headline=describe_step(view), kind=row.kind,
    )  # fmt: skip

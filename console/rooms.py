"""The panels that show more than the feed reads: what each loads, off the event loop, and what it starts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Protocol, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.worker import Worker

from console.acts import ask_and_run
from console.background import in_thread
from engine.errors import CharlabError
from engine.models.reference import find_training
from engine.store.index import RunRow
from engine.store.journal import write_atomic
from engine.store.paths import RunPaths, Workspace
from panels import metrics
from panels.confirm import Confirm
from panels.curves import ChartedRun, Look, arrange_curves
from panels.kinds import point_elsewhere

AGAIN_SECONDS = 3.0
"""Between two readings of what a live run goes on writing."""


class Lab(Protocol):
    """What a room asks of the console."""

    workspace: Workspace
    rows: tuple[RunRow, ...]
    baseline: str | None

    def looked_at(self) -> list[str]: ...

    def charted(self, run: str) -> ChartedRun | None: ...

    def pin(self, run: str | None) -> None: ...

    def open_run(self, run: str | None) -> None: ...


class Room(Container):
    """One panel of the console; `arrive` is called when it comes into sight, and when the runs looked at change."""

    DEFAULT_CSS = "Room { height: 1fr; }"
    LIVE: ClassVar[bool] = False
    """Whether what it shows changes as runs write."""

    def __init__(self, panel: Widget, *, id: str) -> None:
        super().__init__(id=id)
        self.panel = panel
        self._loaded = 0.0
        self._due = False
        self._wanted: dict[str, Callable[[], Any]] = {}
        self._reading: set[str] = set()

    def compose(self) -> ComposeResult:
        yield self.panel

    @property
    def lab(self) -> Lab:
        return cast(Lab, self.app)

    def arrive(self) -> None:
        raise NotImplementedError

    def concerns(self, row: RunRow) -> bool:
        """Whether it shows anything of a run that changed: of one looked at, or of one about it."""
        return bool({row.id, find_training(row.base)} & {*self.lab.looked_at()})

    def go_on(self) -> None:
        """Called while a run in sight writes: load again, though not at every row, and once more after the last."""
        if not self.LIVE or self._due:
            return
        self._due = True
        # a timer of no time at all is an error to Textual
        self.set_timer(max(0.05, self._loaded + AGAIN_SECONDS - time.monotonic()), self._arrive_again)

    def _arrive_again(self) -> None:
        if self._reading:  # however long it takes, it is shown before another begins
            self.set_timer(AGAIN_SECONDS, self._arrive_again)
            return
        self._due = False
        if self.display:
            self.arrive()

    def load(self, read: Callable[[], Any], group: str = "load") -> None:
        """Read in a thread, and hand the result to `take`.

        A group reads one after another: a thread cannot be stopped, so the newest waits, and what it overtakes is
        dropped.
        """
        self._wanted[group] = read
        if group not in self._reading:
            self._reading.add(group)
            _: Worker[None] = self.run_worker(partial(self._read, group), exit_on_error=False, group=group)

    async def _read(self, group: str) -> None:
        try:
            while (read := self._wanted.pop(group, None)) is not None:
                try:
                    found = await in_thread(read)
                    if group not in self._wanted:
                        self.take(found)
                except Exception as error:  # whatever lies on the disk, the console goes on
                    if group not in self._wanted:
                        self.tell_trouble(describe_problem(error))
                self._loaded = time.monotonic()
        finally:
            self._reading.discard(group)

    def take(self, found: Any) -> None:
        raise NotImplementedError

    def tell_trouble(self, text: str) -> None:
        """A reading failed: what, and the way out."""
        self.notify(text, severity="error", markup=False)

    def find_others(self, *kinds: str) -> dict[str, str]:
        """Of the runs looked at those of other kinds than these, each with the place that shows it."""
        looked_at = {*self.lab.looked_at()}
        others = [row for row in self.lab.rows if row.id in looked_at and row.kind not in (*kinds, "?")]
        return {row.id: point_elsewhere(row.id, row.kind) for row in others}

    @property
    def help_sections(self) -> list[tuple[str, str]]:
        text = getattr(self.panel, "HELP", "")
        return [(self.panel.__class__.__name__.removesuffix("Panel"), text)] if text else []


def describe_problem(problem: Exception) -> str:
    return problem.told if isinstance(problem, CharlabError) else f"{type(problem).__name__}: {problem}"


class SentinelsRoom(Room):
    LIVE = True

    def __init__(self, *, id: str) -> None:
        from panels.sentinels import Sentinels

        super().__init__(Sentinels(), id=id)
        self._told: set[str] = set()

    def arrive(self) -> None:
        paths = [self.lab.workspace.run(run) for run in self.lab.looked_at()]
        self.load(lambda: read_grids([one for one in paths if one.run.is_file()]))

    def take(self, found: Any) -> None:
        grids, problems = found
        for problem in problems - self._told:
            self.tell_trouble(problem)
        self._told |= problems
        others = self.find_others("train", "probe").values()
        self.panel.show(grids, next(iter(others), ""))  # type: ignore[attr-defined]


def read_grids(runs: list[RunPaths]) -> tuple[list[Any], set[str]]:
    """The grid of each run, and what kept others from being read."""
    from engine.probe.grid import find_about, read_grid

    grids, problems = [], set()
    for paths in runs:
        try:
            grids.append(read_grid(paths, find_about(paths.id, Workspace(paths.folder.parents[1]))))
        except (CharlabError, OSError) as problem:
            problems.add(str(problem))
    return grids, problems


class CompareRoom(Room):
    LIVE = True
    CHARTS: ClassVar[tuple[str, ...]] = ("loss", "margin_nats", "sentinels", "accuracy")

    def __init__(self, *, id: str) -> None:
        from panels.compare import Compare

        super().__init__(Compare(), id=id)

    def arrive(self) -> None:
        from engine.store.differ import compare_runs

        # the baseline stands first, whichever run is in front of the curves
        others = self.find_others("train")
        runs = sorted(
            (run for run in self.lab.looked_at() if run not in others), key=lambda run: run != self.lab.baseline
        )
        paths = [self.lab.workspace.run(run) for run in runs]
        self.load(partial(compare_runs, [one for one in paths if one.run.is_file()]))

    def take(self, found: Any) -> None:
        from panels.compare import Compare

        runs = [run for view in found.runs if (run := self.lab.charted(view.id)) is not None]
        names = dict.fromkeys(name for run in runs for name in run.series)
        charts = [chart for chart in metrics.arrange_charts(names) if chart.key in self.CHARTS]
        curves = (
            {chart.title: arrange_curves(chart, runs, Look(smoothing=0.0)) for chart in charts} if len(runs) > 1 else {}
        )
        panel = self.query_one(Compare)
        colours = {run.id: f"curve-{run.colour}" for run in runs}
        panel.show(found, curves, colours, others=list(self.find_others("train").values()))

    def on_compare_pinned(self, message: Any) -> None:
        self.lab.pin(message.run_id)


class DatasetsRoom(Room):
    def __init__(self, *, id: str) -> None:
        from panels.datasets import DatasetsPanel

        super().__init__(DatasetsPanel(), id=id)

    def arrive(self) -> None:
        from engine.data.browse import list_datasets

        self.load(partial(list_datasets, self.lab.workspace), group="listing")

    def take(self, found: Any) -> None:
        from panels.datasets import DatasetsPanel

        panel = self.query_one(DatasetsPanel)
        if isinstance(found, list):
            panel.show_datasets(found)
            if panel.view is None and len(found) == 1:
                panel.open(found[0].name)
        else:
            panel.show_dataset(found)

    def tell_trouble(self, text: str) -> None:
        self.panel.show_trouble(text)  # type: ignore[attr-defined]

    def on_datasets_panel_opened(self, message: Any) -> None:
        from engine.data.browse import browse_dataset

        self.load(partial(browse_dataset, self.lab.workspace, message.name))


class LaunchRoom(Room):
    def __init__(self, *, id: str, readonly: bool) -> None:
        from panels.launch import Launch

        super().__init__(Launch(readonly=readonly), id=id)

    def on_mount(self) -> None:
        from console.estimating import Estimator

        self._estimator = Estimator(
            self.lab.workspace, lambda forecast: self.app.call_from_thread(self._show, forecast)
        )

    def on_unmount(self) -> None:
        self._estimator.close()

    def _show(self, forecast: Any) -> None:
        self.panel.show_estimate(forecast)  # type: ignore[attr-defined]

    def arrive(self) -> None:
        self.load(self._read_recipes)

    def _read_recipes(self) -> list[Any]:
        from panels.launch import RecipeFile

        folder = self.lab.workspace.folder
        files = sorted(self.lab.workspace.recipes.glob("*.toml")) if self.lab.workspace.recipes.is_dir() else []
        return [RecipeFile(f.stem, str(f.relative_to(folder)), f.read_text("utf-8", "replace")) for f in files]

    def take(self, found: Any) -> None:
        self.panel.show_recipes(found)  # type: ignore[attr-defined]

    def on_launch_changed(self, message: Any) -> None:
        self._show(self._estimator.ask(message.text))

    @work
    async def on_launch_name_asked(self, message: Any) -> None:
        name = await self.app.push_screen_wait(
            Confirm("Save the recipe under which name?", "runs/recipes/NAME.toml", field=message.suggestion)
        )
        if name:
            self.panel.save_as(name)  # type: ignore[attr-defined]

    def on_launch_saved(self, message: Any) -> None:
        path = self.lab.workspace.recipes / f"{message.name}.toml"
        if path.parent != self.lab.workspace.recipes or not message.name or message.name.startswith("."):
            self.notify(f"'{message.name}' is no name for a file", severity="error", markup=False)
            return
        try:
            write_atomic(path, message.text)
        except (CharlabError, OSError) as problem:
            self.notify(str(problem), severity="error", markup=False)
            return
        self.notify(f"saved {path.relative_to(self.lab.workspace.folder)}", markup=False, timeout=3)
        self.arrive()

    @work
    async def on_launch_asked(self, message: Any) -> None:
        if not message.twin:
            self.notify("save the recipe first: ctrl+s", severity="warning")
            return
        words = shlex.split(message.twin)[1:]
        outcome = await ask_and_run(self.app, self.lab.workspace, f"Start {message.name}?", *words, "--detach")
        self.lab.open_run(outcome.run if outcome is not None else None)

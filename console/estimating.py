"""The estimate of a recipe while it is typed: arithmetic at once, and numbers from one worker when they come.

Loads no torch: the worker (engine/train/measure.py) is a process of its own, started when it is first needed.
"""

import contextlib
import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from engine.errors import RecipeError
from engine.store.paths import Workspace
from panels.forecast import Forecast

if TYPE_CHECKING:
    from engine.records.recipe import Recipe
    from engine.train.estimate import Measured

MEASURING = "measuring tokens…"
ARITHMETIC = {"name", "optim", "checkpoint"}
"""Keys of a recipe that change nothing of what the worker measures."""


class Estimator:
    """`ask` answers at once from what is known; `answer` is called, from a thread, whenever more is."""

    def __init__(self, workspace: Workspace, answer: Callable[[Forecast], None]) -> None:
        self._workspace = workspace
        self._answer = answer
        self._known: dict[str, tuple[dict[str, Any], Measured]] = {}
        """By `name_rows`, what was measured last, and `pick_measured` of the recipe that it was measured for."""
        self._changed = threading.Condition()
        self._newest: Recipe | None = None
        self._waiting = False
        self._closed = False
        self._number = 0
        self._worker: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, text: str) -> Forecast:
        """What the recipe in `text` would take as far as is known now; a recipe that is none says nothing new."""
        try:
            recipe = read_recipe(text)
        except RecipeError:
            with self._changed:
                self._newest, self._waiting = None, False
            return Forecast()
        with self._changed:
            if self._closed:
                return self._forecast(recipe)
            self._newest, self._waiting = recipe, True
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="estimating", daemon=True)
                self._thread.start()
            self._changed.notify()
        return self._forecast(recipe)

    def close(self, patience: float = 0.0) -> None:
        """Let the worker end; wait so many seconds for it."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            if self._worker is not None and self._worker.stdin is not None:
                _close_quietly(self._worker.stdin)
        if self._thread is not None:
            self._thread.join(patience)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    break
                recipe, self._waiting = self._newest, False
                self._number += 1
            if recipe is not None:
                self._exchange(recipe)
        if self._worker is not None and self._worker.stdout is not None:
            self._worker.wait()
            self._worker.stdout.close()

    def _exchange(self, recipe: "Recipe") -> None:
        """Send one recipe, and answer with all that the worker says of it."""
        try:
            for reply in self._send(recipe):
                if "note" in reply:
                    self._tell(recipe, measuring=f"{reply['note']}…")
                elif "error" in reply:
                    self._tell(recipe, problem=(reply["error"], reply["fix"]))
                else:
                    from engine.train.estimate import Measured

                    measured = Measured.from_json(reply["measured"])
                    self._known[name_rows(recipe)] = pick_measured(recipe), measured
                    self._tell(recipe)
        except (OSError, ValueError) as error:
            if not self._closed:
                self._tell(recipe, problem=(f"the measuring worker ended: {error}", "change the recipe to try again"))

    def _send(self, recipe: "Recipe") -> Any:
        """The worker's replies to one request; OSError where it goes away."""
        worker = self._start()
        assert worker.stdin is not None
        assert worker.stdout is not None
        data = recipe.model_dump(mode="json", exclude_none=True)
        request = {"id": self._number, "workspace": str(self._workspace.folder), "recipe": data}
        try:
            worker.stdin.write(json.dumps(request, ensure_ascii=False) + "\n")
            worker.stdin.flush()
        except ValueError as closed:
            raise OSError("it was closed") from closed
        for line in worker.stdout:
            reply = json.loads(line)
            if reply.get("id") != self._number:
                continue
            yield reply
            if "note" not in reply:
                return
        raise OSError(f"exit code {worker.wait()}")

    def _start(self) -> "subprocess.Popen[str]":
        from engine.launch.local import worker_environment

        with self._changed:
            if self._closed:
                raise OSError("closed")
            if self._worker is None or self._worker.poll() is not None:
                self._worker = subprocess.Popen(
                    [sys.executable, "-m", "engine.train.measure"],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    text=True, encoding="utf-8", env=worker_environment(), start_new_session=True,
                )  # fmt: skip
            return self._worker

    def _tell(self, recipe: "Recipe", measuring: str = "", problem: tuple[str, str] | None = None) -> None:
        """Answer about the newest recipe, which may be a later one than was sent; what is wrong, only where it is not."""
        with self._changed:
            newest, waiting = self._newest, self._waiting
        if newest is None or self._closed:
            return
        if problem is not None and waiting:
            return
        self._answer(self._forecast(newest, measuring, problem))

    def _forecast(self, recipe: "Recipe", measuring: str = "", problem: tuple[str, str] | None = None) -> Forecast:
        if problem is not None:
            return Forecast(problem=problem)
        known = self._known.get(name_rows(recipe))
        if known is None:
            return Forecast(measuring=measuring or MEASURING)
        settings, measured = known
        return forecast(recipe, measured, measuring or ("" if settings == pick_measured(recipe) else MEASURING))


def forecast(recipe: "Recipe", measured: "Measured", measuring: str = "") -> Forecast:
    """By arithmetic alone; what only the worker can tell is as it was when last measured."""
    from engine.train.estimate import estimate_run
    from engine.train.presets import fill_presets
    from engine.train.resolve import count_steps

    recipe = fill_presets(recipe, measured.model.parameters)
    steps = count_steps(recipe, measured.seen)
    estimate = estimate_run(recipe, steps, measured.lengths, measured.model, measured.machine, measured.speeds)
    assert recipe.optim.lr is not None
    return Forecast(
        known=True,
        measuring=measuring,
        train=measured.train,
        seen=measured.seen,
        heldout=measured.heldout,
        steps=steps,
        rows_per_step=recipe.optim.batch * recipe.optim.accumulate,
        parameters=measured.model.parameters,
        lr=recipe.optim.lr,
        probes=measured.probes,
        samples=recipe.sentinel.samples if measured.probes else 0,
        system=measured.system,
        bins=tuple((b.low, b.high, b.pairs) for b in measured.lengths.bins),
        truncated=tuple(measured.truncated),
        left_out=tuple(measured.left_out.items()),
        memory_mb=tuple(estimate.memory_mb.items()),
        disk_mb=estimate.disk_mb,
        seconds=estimate.seconds,
        basis=estimate.basis,
        advice=tuple(measured.advice),
        refusals=tuple(measured.refusals),
        first=tuple(measured.first.items()),
    )


def read_recipe(text: str) -> "Recipe":
    from engine.records.recipe import Recipe

    try:
        return Recipe.parse(tomllib.loads(text), "recipe", RecipeError)
    except tomllib.TOMLDecodeError as bad:
        raise RecipeError(f"recipe: {bad}", fix="mend the TOML") from bad


def name_rows(recipe: "Recipe") -> str:
    """What two recipes must share for the numbers of one to hold for the other, but for the moment until they come."""
    return json.dumps([recipe.base, recipe.dataset, recipe.template.to_json()], sort_keys=True)


def pick_measured(recipe: "Recipe") -> dict[str, Any]:
    """What two recipes must share for the numbers of one to be those of the other."""
    return recipe.model_dump(exclude=ARITHMETIC)


def _close_quietly(pipe: IO[str]) -> None:
    with contextlib.suppress(OSError):  # where the worker went first
        pipe.close()

"""What happens between steps: journals, held-out scores, sentinels, alarms, checkpoints, stops."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from engine.launch.attempt import Journals, Stopped
from engine.models.template import Renderer
from engine.probe.rates import measure_rates
from engine.records.run import Run
from engine.records.version import QUIET_SECONDS
from engine.store.journal import read_rows
from engine.store.paths import RunPaths
from engine.train.alarms import Alarms
from engine.train.checkpoint import drop_old, write_checkpoint
from engine.train.sentinel import Sentinels
from engine.train.trainer import CharacterTrainer


class Recorder(TrainerCallback):
    """Called by the Trainer between steps. `ended` says how the loop was left."""

    def __init__(
        self,
        run: Run,
        paths: RunPaths,
        journals: Journals,
        trainer: CharacterTrainer,
        renderer: Renderer,
        sentinels: Sentinels | None,
    ) -> None:
        self.run = run
        self.paths = paths
        self.journals = journals
        self.trainer = trainer
        self.renderer = renderer
        self.sentinels = sentinels
        self.ended = ""
        self._alarms = Alarms(run.recipe.alarm.stop)
        self._signal = ""
        self._step = run.start_step
        self._values: dict[str, float] = {}
        self._trained = 0.0
        self._watchdog = Watchdog(self._tell_stalled)

    def watch_signals(self) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._on_signal)

    def _on_signal(self, number: int, frame: object) -> None:
        self._signal = signal.Signals(number).name

    # -- the Trainer's calls -------------------------------------------------------------------------

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._step = state.global_step
        if self._step == self.run.start_step and not self._looked():
            try:
                self._look(base=self.run.start_step == 0 and self.run.base.adapter_sha256 is None)
            except Stopped:
                self.ended = f"stopped: {self._find_stop()}"
                raise
        self._watchdog.start()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        recipe, self._step = self.run.recipe, state.global_step
        values = self.trainer.finish_step()
        self.journals.measure(self._step, values)
        self._trained += values["seconds_per_step"]
        self._watchdog.feed(values["seconds_per_step"])
        last = self._step >= self.run.steps
        save = last or _due(self._step, recipe.checkpoint.every)
        if not last:
            if save or _due(self._step, recipe.heldout.every):
                values |= self._score_heldout()
            if _due(self._step, recipe.sentinel.every) or (save and recipe.checkpoint.best == "break_rate"):
                with suppress(Stopped):  # as the next line finds
                    values |= self._take_moment(whole=False)
        stop = self._find_stop()
        for alarm in self._alarms.check(self._step, values):
            self.journals.tell("alarm", self._step, alarm.message, name=alarm.name)
            if alarm.stops and not stop:
                stop = f"alarm {alarm.name}: {alarm.message}"
        self._values = {n: values[n] for n in ("heldout.loss", "heldout.margin_nats", "break_rate") if n in values}
        if last:
            self._look_last()
        elif stop:
            if "heldout.loss" not in values:
                self._values |= self._score_heldout()
            self.ended = f"stopped: {stop}"
        if save or stop:
            self.save()
        self._watchdog.touch()
        control.should_training_stop = bool(last or stop)
        return control

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._watchdog.stop()

    def finish_without_a_step(self, step: int) -> None:
        """A worker ended between its last checkpoint and its last word: measure what is missing."""
        self._step = step
        if self._looked():
            self.ended = "finished"
        else:
            self._look_last()

    # -- what it does ----------------------------------------------------------------------------------

    def save(self) -> None:
        manifest = write_checkpoint(
            self.run, self.paths, self.journals.attempt, self._step, self.trainer.tokens,
            {n: v for n, v in self._values.items() if v == v}, self.trainer.save_parts,
        )  # fmt: skip
        gone = drop_old(self.run, self.paths)
        self.journals.tell("checkpoint", self._step, adapter_sha256=manifest.adapter_sha256, dropped=gone)

    def _look(self, base: bool = False) -> None:
        """Score the held-out rows and take a whole moment, at the first and at the last step. Stopped where asked."""
        self._values |= self._score_heldout()
        self._values |= self._take_moment(whole=True, base=base)

    def _look_last(self) -> None:
        try:
            self._look()
            self.ended = "finished"
        except Stopped:
            self.ended = f"stopped: {self._find_stop()}"

    def _looked(self) -> bool:
        """Whether this step has its moment already, by an earlier attempt."""
        if self.sentinels is None:
            return self.journals.attempt > 1
        return any(row["step"] == self._step for row in read_rows(self.paths.samples))

    def _score_heldout(self) -> dict[str, float]:
        values = self.trainer.score_heldout()
        if values:
            self.journals.measure(self._step, values)
        return values

    def _take_moment(self, whole: bool, base: bool = False) -> dict[str, float]:
        if self.sentinels is None:
            return {}
        samples = self.sentinels.sampling.samples if whole else self.sentinels.affordable(self._trained)
        if samples == 0:
            self.journals.tell("note", self._step, "sentinels left out: their share of the time is spent")
            return {}
        moment = self.sentinels.take(
            self.trainer.plain(), self.renderer, self._step, samples, base, counted=not whole, heed=self._heed
        )
        for sample in moment.samples:
            self.journals.samples.append(sample.to_json())
        rates = measure_rates([s.to_json() for s in moment.samples])
        values = {"break_rate": rates.breaks.rate, "in_character_rate": rates.in_character.rate}
        known = {n: v for n, v in values.items() if v is not None}
        self.journals.measure(self._step, known)
        self.journals.tell(
            "sentinel", self._step, n=len(moment.samples), breaks=rates.breaks.hits, seconds=round(moment.seconds, 2)
        )
        return known

    def _heed(self) -> None:
        if self._find_stop():
            raise Stopped

    def _find_stop(self) -> str:
        if self._signal:
            return self._signal
        return "asked" if self.paths.stop.exists() else ""

    def _tell_stalled(self, quiet: float) -> None:
        self.journals.tell("alarm", self._step, f"no step for {quiet:.0f} s", name="stalled")
        if "stalled" in self._alarms.names:
            # the loop itself hangs, so only a signal can reach whoever waits for it
            self._signal = "alarm stalled"


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


class Watchdog:
    """A thread that speaks up once when no step came for max(`patience`, 5 x the median step), in seconds."""

    def __init__(self, bark: Callable[[float], None], patience: float = QUIET_SECONDS) -> None:
        self._bark = bark
        self._patience = patience
        self._fed = time.monotonic()
        self._seconds: list[float] = []
        self._barked = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        self._fed = time.monotonic()
        self._thread.start()

    def feed(self, seconds: float) -> None:
        self._seconds = [*self._seconds[-49:], seconds]
        self.touch()

    def touch(self) -> None:
        self._fed, self._barked = time.monotonic(), False

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._patience / 60):
            quiet = time.monotonic() - self._fed
            patience = max([self._patience, 5 * median(self._seconds or [0.0])])
            if quiet > patience and not self._barked:
                self._barked = True
                self._bark(quiet)

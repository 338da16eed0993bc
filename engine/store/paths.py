"""Where every file of a workspace lies: the one place that spells a name under runs/ or datasets/.

Past 300 lines because it is one list.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreError

NO_RUNS = frozenset({"recipes", "gates"})
"""Folders under runs/ that hold something else."""
_STEP = re.compile(r"^step_(\d{6,})$")


@dataclass(frozen=True)
class CheckpointPaths:
    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "checkpoint.json"

    @property
    def trainer_state(self) -> Path:
        return self.folder / "trainer_state.json"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter_model.safetensors"

    @property
    def step(self) -> int:
        return int(self.folder.name.removeprefix("step_"))


@dataclass(frozen=True)
class ExportPaths:
    """One form of a run's adapter."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "export.json"

    @property
    def adapter(self) -> Path:
        return self.folder / "adapter.gguf"

    @property
    def model(self) -> Path:
        return self.folder / "model.gguf"


@dataclass(frozen=True)
class RunPaths:
    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def run(self) -> Path:
        return self.folder / "run.json"

    @property
    def rows(self) -> Path:
        return self.folder / "rows.jsonl"

    @property
    def probes(self) -> Path:
        return self.folder / "probes.jsonl"

    @property
    def character(self) -> Path:
        return self.folder / "character.json"

    @property
    def launch(self) -> Path:
        return self.folder / "launch.json"

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def columns(self) -> Path:
        """A cache of metrics.jsonl as arrays; may always be deleted."""
        return self.folder / "cache" / "metrics.columns"

    @property
    def samples(self) -> Path:
        return self.folder / "samples.jsonl"

    @property
    def prompts(self) -> Path:
        return self.folder / "prompts.jsonl"

    @property
    def rubric(self) -> Path:
        return self.folder / "rubric.json"

    @property
    def constitution(self) -> Path:
        """The character's, as the judge was told it."""
        return self.folder / "constitution.md"

    @property
    def scores(self) -> Path:
        return self.folder / "scores.jsonl"

    @property
    def batch(self) -> Path:
        """A batch of judgements that is under way elsewhere."""
        return self.folder / "batch.json"

    @property
    def limit(self) -> Path:
        """A request: what the judgements of the next attempt may cost, instead of what run.json says."""
        return self.folder / "limit.json"

    @property
    def labels(self) -> Path:
        """What people said of the answers, without having seen a score."""
        return self.folder / "labels.jsonl"

    @property
    def calibration(self) -> Path:
        """Which answers people label, and by what threshold a judge passes one."""
        return self.folder / "calibration.json"

    @property
    def ranks(self) -> Path:
        """What the adapter made of each candidate, a row a candidate."""
        return self.folder / "ranks.jsonl"

    @property
    def card(self) -> Path:
        return self.folder / "card.md"

    @property
    def verdict(self) -> Path:
        return self.folder / "verdict.json"

    @property
    def forms(self) -> Path:
        """What a comparison of forms measured, a row a form."""
        return self.folder / "forms.jsonl"

    @property
    def stop(self) -> Path:
        return self.folder / "stop"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    def export(self, form: str, step: int | None = None) -> ExportPaths:
        """Of the last checkpoint, or of the one at `step`."""
        return ExportPaths(self.exports / (form if step is None else f"{form}_step_{step:06d}"))

    def complete_exports(self) -> list[ExportPaths]:
        """Forms whose manifest was written, by name."""
        if not self.exports.is_dir():
            return []
        found = [ExportPaths(f) for f in sorted(self.exports.iterdir()) if not f.name.startswith(".")]
        return [e for e in found if e.manifest.is_file()]

    def log(self, attempt: int) -> Path:
        return self.folder / "logs" / f"attempt_{attempt}.log"

    def checkpoint(self, step: int) -> CheckpointPaths:
        return CheckpointPaths(self.checkpoints / f"step_{step:06d}")

    def complete_checkpoints(self) -> list[CheckpointPaths]:
        """Checkpoints whose manifest was written, oldest step first."""
        if not self.checkpoints.is_dir():
            return []
        found = [CheckpointPaths(f) for f in self.checkpoints.iterdir() if _STEP.match(f.name)]
        return sorted((c for c in found if c.manifest.is_file()), key=lambda c: c.step)


@dataclass(frozen=True)
class DatasetPaths:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def manifest(self) -> Path:
        return self.folder / "dataset.json"

    @property
    def character(self) -> Path:
        return self.folder / "character.toml"

    @property
    def constitution(self) -> Path:
        return self.folder / "constitution.md"

    @property
    def rubric(self) -> Path:
        return self.folder / "rubric.toml"

    @property
    def pairs(self) -> Path:
        return self.folder / "pairs.jsonl"

    @property
    def notes(self) -> Path:
        """What a person remarked while talking to models."""
        return self.folder / "notes.jsonl"

    @property
    def prompts(self) -> Path:
        return self.folder / "prompts.jsonl"

    @property
    def probes(self) -> Path:
        return self.folder / "probes.jsonl"


@dataclass(frozen=True)
class Workspace:
    folder: Path

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    @property
    def recipes(self) -> Path:
        return self.runs / "recipes"

    @property
    def datasets(self) -> Path:
        return self.folder / "datasets"

    def run(self, run_id: str) -> RunPaths:
        return RunPaths(self.runs / run_id)

    def dataset(self, name: str) -> DatasetPaths:
        return DatasetPaths(self.datasets / name)

    def gate(self, name: str) -> Path:
        """What a gate found, and who confirmed it."""
        return self.runs / "gates" / f"{name}.json"

    def run_names(self) -> list[str]:
        """Every name under runs/ that may be a run's."""
        with os.scandir(self.runs) as entries:
            return [e.name for e in entries if e.name not in NO_RUNS]

    def run_ids(self) -> list[str]:
        """Every folder under runs/ that holds a run.json; ids begin with the date, so oldest first."""
        with os.scandir(self.runs) as entries:
            return sorted(
                e.name for e in entries if e.name not in NO_RUNS and os.path.exists(os.path.join(e.path, "run.json"))
            )

    def find_run(self, name: str) -> RunPaths:
        """The run that `name` stands for: an id, a unique prefix of one, or 'last'."""
        ids = self.run_ids()
        if name in ids:
            return self.run(name)
        if name == "last":
            if not ids:
                raise StoreError(f"no run in {self.runs}", fix="charlab train RECIPE")
            return self.run(max(ids, key=lambda i: (self.run(i).run.stat().st_mtime_ns, i)))
        found = [i for i in ids if name and i.startswith(name)]
        if len(found) == 1:
            return self.run(found[0])
        if found:
            raise StoreError(f"run '{name}' is one of {len(found)}: {', '.join(found[-4:])}", fix="give more of its id")
        raise StoreError(f"no run '{name}' in {self.runs}", fix="charlab runs lists them")


def find_workspace(given: str | None = None) -> Workspace:
    """`given`, else CHARLAB_WORKSPACE, else the nearest parent that holds runs/ and datasets/."""
    named = given or os.environ.get("CHARLAB_WORKSPACE")
    if named:
        folder = Path(named).expanduser().absolute()
        if not (folder / "runs").is_dir() or not (folder / "datasets").is_dir():
            raise StoreError(f"{folder} holds no runs/ and datasets/", fix=f"charlab init {named}")
        return Workspace(folder)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "runs").is_dir() and (folder / "datasets").is_dir():
            return Workspace(folder)
    raise StoreError(f"no workspace at {here} or above it", fix="charlab init DIR, or --workspace DIR")


def cache_folder() -> Path:
    """Where converted models lie: CHARLAB_CACHE, else charlab/ under the user's cache folder."""
    if named := os.environ.get("CHARLAB_CACHE"):
        return Path(named).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "charlab"

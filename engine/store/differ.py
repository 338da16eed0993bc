"""What differs between runs: their settings key by key, and their metrics at one step and at their own ends."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import StoreError
from engine.records.run import Run
from engine.store.journal import read_rows
from engine.store.lookup import MetricsFile, Reading
from engine.store.paths import RunPaths
from engine.store.runs import open_run

MEASURES = (
    "loss", "margin_nats", "accuracy", "break_rate", "in_character_rate", "nll", "margin", "reward_chosen",
    "reward_rejected", "logp_chosen", "logp_rejected", "log_odds", "lr", "epoch", "tokens", "grad_norm",
    "tokens_per_second", "seconds_per_step", "rss_mb", "device_mb",
)  # fmt: skip
"""In which order metrics are told, each before its held-out twin; others follow."""
RATES = ("break_rate", "in_character_rate")
"""Over the answers to the sentinels, of which there are fewer while a run trains than at its ends."""


@dataclass(frozen=True)
class Compared:
    id: str
    name: str
    last_step: int | None
    """None where nothing was measured yet."""


@dataclass(frozen=True)
class Problem:
    run: str
    message: str


@dataclass(frozen=True)
class Item:
    """One thing looked at in every run; all tuples are in the order of the runs."""

    key: str
    values: tuple[Any, ...]
    """None where a setting is not given, or a metric not measured or not finite."""
    steps: tuple[int | None, ...] = ()
    """Of a metric: when it was measured, None where it was not. Empty for a setting."""
    changes: tuple[float | None, ...] = ()
    """Of a metric: its difference to the first run's."""
    counts: tuple[int | None, ...] = ()
    """Of a rate of the sentinels: over how many answers, None where that is not told. Empty for anything else."""

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True)
class Section:
    name: str
    items: tuple[Item, ...]
    steps: tuple[int | None, ...] = ()
    """Of metrics: the step asked about in each run, which a metric's own may lie before."""


@dataclass(frozen=True)
class Comparison:
    runs: tuple[Compared, ...]
    """Those that could be read, the baseline first."""
    sections: tuple[Section, ...]
    step: int | None
    """The greatest step that all runs with metrics have reached."""
    same: int
    """How many settings are the same in all runs, of `settings`."""
    settings: int
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def compare_runs(paths: Sequence[RunPaths]) -> Comparison:
    """Two or more runs, the first as the baseline; one that cannot be read is named in `problems`."""
    runs: list[tuple[RunPaths, Run]] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            runs.append((path, open_run(path)))
        except (StoreError, OSError) as bad:
            problems.append(Problem(path.id, str(bad)))
    sections = compare_settings([run for _, run in runs])
    items = [item for section in sections for item in section.items]
    with ExitStack() as stack:
        files = []
        for path, _ in runs:
            file = None
            try:
                file = stack.enter_context(MetricsFile(path.metrics))
            except FileNotFoundError:
                pass  # nothing measured yet
            except OSError as bad:
                problems.append(Problem(path.id, str(bad)))
            files.append(file)
        last = [file.last_step if file else None for file in files]
        step = min((at for at in last if at is not None), default=None)
        if step is not None:
            asked = [count_answers(path) for path, _ in runs]
            ends = [file.read_newest() if file else {} for file in files]
            there = [file.read_newest(step) if file else {} for file in files]
            sections.append(Section(f"metrics at step {step}", compare_metrics(there, asked), (step,) * len(files)))
            if set(last) != {step}:
                newest = (Item("step", tuple(last)), *compare_metrics(ends, asked))
                sections.append(Section("at the end", newest, tuple(last)))
    return Comparison(
        runs=tuple(Compared(path.id, run.name, at) for (path, run), at in zip(runs, last, strict=True)),
        sections=tuple(sections),
        step=step,
        same=sum(not item.differs for item in items),
        settings=len(items),
        problems=tuple(problems),
    )


def compare_settings(runs: Sequence[Run]) -> list[Section]:
    listed = [list_settings(run) for run in runs]
    sections = []
    for name in listed[0] if listed else ():
        keys = dict.fromkeys(key for one in listed for key in one[name])
        items = [Item(key, tuple(one[name].get(key) for one in listed)) for key in keys]
        sections.append(Section(name, tuple(items)))
    return sections


def list_settings(run: Run) -> dict[str, dict[str, Any]]:
    """Section to key to value: all that was fixed when the run was resolved."""
    data = run.to_json()
    recipe, base, plan = data["recipe"], data["base"], data["plan"]
    # these two stand under base and data
    recipe = {key: value for key, value in recipe.items() if key not in ("base", "dataset")}
    base["lineage"] = [f"{one.run or 'elsewhere'}@{one.step}" for one in run.base.lineage]
    plan |= {"truncated": len(run.plan.truncated), "left_out": len(run.plan.left_out)}
    return {
        "run": flatten({key: data[key] for key in ("kind", "group", "steps", "start_step", "parent")}),
        "recipe": flatten(recipe),
        "data": flatten(data["dataset"] | plan),
        "base": flatten(base | {"reference_model": data["reference"], "template": data["template"]}),
        "versions": flatten(data["versions"] | {"git": data["git"], "host": data["host"]}),
    }


def flatten(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables to dotted keys; an empty table has none."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def count_answers(paths: RunPaths) -> dict[int, int]:
    """How many answers the sentinels gave at each step, by the newest attempt that asked them there."""
    asked = {}
    for event in read_rows(paths.events):
        step, data = event.get("step"), event.get("data")
        if event.get("kind") == "sentinel" and isinstance(step, int) and isinstance(data, dict):
            n = data.get("n")
            asked[step] = n if isinstance(n, int) else 0
    return {step: n for step, n in asked.items() if n}


def compare_metrics(readings: Sequence[Mapping[str, Reading]], asked: Sequence[Mapping[int, int]]) -> tuple[Item, ...]:
    """By name; `asked` are the answers at each step that rates are over."""
    names = {name for one in readings for name in one}
    return tuple(_compare_metric(name, [one.get(name) for one in readings], asked) for name in sorted(names, key=_rank))


def _compare_metric(name: str, readings: Sequence[Reading | None], asked: Sequence[Mapping[int, int]]) -> Item:
    values = [reading.value if reading else None for reading in readings]
    counts = [known.get(reading.step) if reading else None for reading, known in zip(readings, asked, strict=True)]
    base = values[0]
    return Item(
        key=name,
        values=tuple(values),
        steps=tuple(reading.step if reading else None for reading in readings),
        changes=tuple(None if value is None or base is None else value - base for value in values),
        counts=tuple(counts) if name in RATES else (),
    )


def _rank(name: str) -> tuple[int, str]:
    bare = name.removeprefix("heldout.")
    return (MEASURES.index(bare) if bare in MEASURES else len(MEASURES), bare + name[: -len(bare)])

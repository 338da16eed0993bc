"""A comparison of runs as rows of text, for the panel and for the command line alike: no widget is known here."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from panels.filter import parse_words
from panels.text import align, plain

_HASH = re.compile(r"[0-9a-f]{40,}")
BASELINE = "◆"
NONE = "-"
NOT_FINITE = "not finite"
Tone = Literal["", "muted", "accent", "bad"]


class ComparedView(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def last_step(self) -> int | None: ...


class ItemView(Protocol):
    """One setting or metric of every run. `steps` and `changes` (to the baseline) are a metric's, else empty;

    `counts`, over how many answers it is, a rate's.
    """

    @property
    def key(self) -> str: ...
    @property
    def values(self) -> Sequence[Any]: ...
    @property
    def steps(self) -> Sequence[int | None]: ...
    @property
    def changes(self) -> Sequence[float | None]: ...
    @property
    def counts(self) -> Sequence[int | None]: ...
    @property
    def differs(self) -> bool: ...


class SectionView(Protocol):
    """`steps` are those asked about in each run; empty where the items are settings."""

    @property
    def name(self) -> str: ...
    @property
    def items(self) -> Sequence[ItemView]: ...
    @property
    def steps(self) -> Sequence[int | None]: ...


class ProblemView(Protocol):
    @property
    def run(self) -> str: ...
    @property
    def message(self) -> str: ...


class ComparisonView(Protocol):
    """Runs side by side, the baseline first."""

    @property
    def runs(self) -> Sequence[ComparedView]: ...
    @property
    def sections(self) -> Sequence[SectionView]: ...
    @property
    def step(self) -> int | None: ...
    @property
    def same(self) -> int: ...
    @property
    def settings(self) -> int: ...
    @property
    def problems(self) -> Sequence[ProblemView]: ...


class Line(NamedTuple):
    """An item as texts, a value and a note for each run; or the title of a section, without any."""

    key: str
    """Stays the same while the step moves on."""
    title: str
    values: Sequence[str] = ()
    notes: Sequence[str] = ()
    """Of a metric: its change from the baseline, over how many answers it is, and @ its step if not the one asked about."""
    tones: Sequence[Tone] = ()


def list_lines(comparison: ComparisonView, *, every: bool = False, matching: str = "") -> Iterator[Line]:
    """What differs, or everything, under its sections; of that what holds the words of `matching`."""
    matches = parse_words(matching)
    for section in comparison.sections:
        name = section.name.partition(" ")[0]
        lines = []
        for item in section.items:
            if not every and not item.differs:
                continue
            line = _write_item(item, section, f"{name}.{item.key}")
            text = " ".join([section.name, item.key, *line.values]).lower()
            if matches(text):
                lines.append(line)
        if lines:
            yield Line(name, section.name)
            yield from lines


def _write_item(item: ItemView, section: SectionView, key: str) -> Line:
    title, first = plain(item.key), item.values[0]
    tones: list[Tone] = [
        "accent" if run and v != first else "muted" if run else "" for run, v in enumerate(item.values)
    ]
    if not item.steps:
        return Line(key, title, [format_setting(value) for value in item.values], [""] * len(tones), tones)
    values, notes = [], []
    for run, (value, step, change) in enumerate(zip(item.values, item.steps, item.changes, strict=True)):
        parts = [format_number(change, "+")] if run and change else []
        if item.counts and item.counts[run] is not None:
            parts.append(f"n={item.counts[run]}")
        if step is not None and step != section.steps[run]:
            parts.append(f"@{step}")
        notes.append(" ".join(parts))
        values.append(NONE if step is None else NOT_FINITE if value is None else format_number(value))
        if values[-1] is NOT_FINITE:
            tones[run] = "bad"
    return Line(key, title, values, notes, tones)


def summarise(comparison: ComparisonView) -> str:
    return f"{comparison.same} of {comparison.settings} settings the same"


def shorten_ids(ids: Sequence[str]) -> list[str]:
    """The shortest ends, of four characters at least, that tell the ids apart."""
    for length in range(4, max(map(len, ids), default=0)):
        ends = [one[-length:].lstrip("-") for one in ids]
        if len(set(ends)) == len(ends):
            return ends
    return list(ids)


def format_setting(value: object) -> str:
    match value:
        case None | [] | "":
            return NONE
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list() | tuple():
            return ", ".join(map(format_setting, value))
        case _:
            text = plain(str(value))
            return text[:12] if _HASH.fullmatch(text) else text


def format_number(value: float, sign: str = "") -> str:
    """Three decimals; fewer for what is large, more for what is small."""
    size = abs(value)
    if 100 <= size < 1e12:
        return f"{value:{sign},.{0 if size >= 1000 else 1}f}"
    return f"{value:{sign}.3f}" if 0.01 <= size < 100 or not size else f"{value:{sign}.3g}"


def drop_shared(texts: Sequence[str], room: int) -> list[str]:
    """Long texts that begin alike lose the words that they share, so that the difference is in sight."""
    first, last = min(texts), max(texts)
    if first == last or max(map(len, texts)) <= room:
        return list(texts)
    shared = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    cut = first.rfind(" ", 0, shared) + 1
    return ["…" + text[cut:] for text in texts] if cut > 1 else list(texts)


def title_runs(runs: Sequence[ComparedView], room: int = 0) -> list[str]:
    """The baseline's sign, a run's name where there is room for it, and the end of its id."""
    ends = shorten_ids([run.id for run in runs])
    named = [f"{plain(run.name)} {end}" for run, end in zip(runs, ends, strict=True)]
    titles = named if max(map(len, named), default=0) + 2 <= room else ends
    return [f"{BASELINE} {title}" if not run else title for run, title in enumerate(titles)]


def describe_run(run: ComparedView) -> str:
    return f"{plain(run.id)}, " + ("nothing measured" if run.last_step is None else f"step {run.last_step:,}")


def write_text(comparison: ComparisonView, *, every: bool = False, matching: str = "") -> list[str]:
    """The whole comparison as lines: the runs, how much is the same, and an aligned table."""
    count = len(comparison.runs)
    titles = title_runs(comparison.runs)
    table = [["", *(text for title in titles for text in (title, ""))]]
    for line in list_lines(comparison, every=every, matching=matching):
        cells = [text for pair in zip(line.values, line.notes, strict=True) for text in pair]
        indent = "  " if line.values else ""
        table.append([indent + line.title, *(plain(text, 60) for text in cells or [""] * 2 * count)])
    filled = [i for i, column in enumerate(zip(*table, strict=True)) if any(column)]
    lines = align([[row[i] for i in filled] for row in table], {n for n, i in enumerate(filled) if i % 2 == 1})
    runs = align([[title, describe_run(run)] for title, run in zip(titles, comparison.runs, strict=True)])
    return [*runs, "", summarise(comparison), "", *(lines if len(lines) > 1 else ["nothing differs"])]


def write_problems(comparison: ComparisonView) -> list[str]:
    return [f"{plain(problem.run)} could not be read: {plain(problem.message)}" for problem in comparison.problems]

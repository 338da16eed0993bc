"""A dataset as it lies, for looking at: a row that cannot be used is shown with its complaint and stops nothing.

Longer than other files because what a row is and everything that is said of one are read together.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any, Literal

from pydantic import ValidationError

from engine.data.audit import LeakSearch, list_asked, list_rows
from engine.data.character_template import is_untouched
from engine.data.check import find_missing_voice, group_repeats, share_longer
from engine.data.read import choose_prompt, find_dataset, hash_file, parse_line, read_character, read_manifest
from engine.errors import CharlabError, DatasetError
from engine.records.base import describe_problems
from engine.records.dataset import Manifest, Pair, Probe
from engine.store.paths import DatasetPaths, Workspace

NEAR_LIMIT = 0.9
"""The share of words from which on two answers count as nearly the same."""
BINS = 20
NAMED = 3
"""How many of the rows that say the same are named."""

Seal = Literal["sealed", "changed", "unsealed"]
"""Whether the manifest is of these very rows, of others, or missing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a dataset's rows, usable or not."""

    line: int
    id: str
    category: str
    prompt: str
    """Every turn, under its role where there is more than one."""
    asked: str
    """The last turn of the prompt."""
    chosen: str
    rejected: str
    prompt_words: int
    chosen_words: int
    rejected_words: int
    usable: bool
    findings: tuple[str, ...]
    raw: str
    """The line as it lies in the file."""
    search: str
    """Id, category, texts and findings in lower case, to look for words in."""

    def to_json(self) -> dict[str, Any]:
        return {
            "line": self.line,
            "id": self.id,
            "category": self.category,
            "prompt": self.prompt,
            "chosen": self.chosen,
            "rejected": self.rejected,
            "words": {"prompt": self.prompt_words, "chosen": self.chosen_words, "rejected": self.rejected_words},
            "characters": {"prompt": len(self.prompt), "chosen": len(self.chosen), "rejected": len(self.rejected)},
            "usable": self.usable,
            "findings": list(self.findings),
            **({} if self.usable else {"raw": self.raw}),
        }


@dataclass(frozen=True)
class Lengths:
    """How long the answers of the usable rows are, in words."""

    step: int
    """Words per bin; the last bin holds whatever is longer."""
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    chosen_median: int
    rejected_median: int
    chosen_longer: float
    """The share of rows whose chosen answer has more characters than the rejected, a tie being half."""


@dataclass(frozen=True)
class Browsed:
    """A whole dataset to look at."""

    name: str
    kind: str
    seal: Seal
    items: tuple[Item, ...]
    with_findings: int
    categories: dict[str, int]
    """Usable rows per category, the largest first."""
    lengths: Lengths
    prompts: int
    probes: int
    notes: tuple[str, ...]
    """What is wrong with the dataset as a whole."""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "seal": self.seal,
            "rows": len(self.items),
            "with_findings": self.with_findings,
            "categories": self.categories,
            "lengths": vars(self.lengths),
            "prompts": self.prompts,
            "probes": self.probes,
            "notes": list(self.notes),
            "items": [item.to_json() for item in self.items],
        }


@dataclass(frozen=True)
class Listed:
    """A dataset in the listing; what only a manifest of these very rows can tell is None without it."""

    name: str
    kind: str
    rows: int
    categories: int | None
    seal: Seal


def list_datasets(workspace: Workspace) -> list[Listed]:
    """Every dataset of the workspace by name, whatever state it is in."""
    try:
        folders = sorted(f for f in workspace.datasets.iterdir() if f.is_dir() and not f.name.startswith("."))
    except OSError:
        return []
    found = []
    for folder in folders:
        paths = workspace.dataset(folder.name)
        manifest, seal = _read_seal(paths)
        sealed = manifest if seal == "sealed" else None
        rows = sealed.rows if sealed else sum(1 for _ in _read_lines(paths.pairs, []))
        kind = manifest.kind if manifest else "preference"
        found.append(Listed(folder.name, kind, rows, len(sealed.categories) if sealed else None, seal))
    return found


def browse_dataset(workspace: Workspace, name: str) -> Browsed:
    """Every line of a dataset with what is to be said of it; DatasetError only where there is no such dataset."""
    paths = find_dataset(workspace, name)
    notes: list[str] = []
    manifest, seal = _read_seal(paths)
    prompts = _read_asked(paths.prompts, choose_prompt, notes)
    probes = _read_asked(paths.probes, lambda _: Probe, notes)
    search = LeakSearch(list_asked(prompts + probes))
    read = [_read_row(number, line, search) for number, line in _read_lines(paths.pairs, notes)]
    items = _add_repeats([item for item, _ in read], [key for _, key in read])
    if not items:
        notes.append(f"{paths.pairs.name} holds no rows")
    try:
        notes += find_missing_voice(read_character(paths))
    except (CharlabError, OSError) as bad:
        notes.append(str(bad))
    usable = [item for item in items if item.usable]
    return Browsed(
        name=name,
        kind=manifest.kind if manifest else "preference",
        seal=seal,
        items=tuple(items),
        with_findings=sum(1 for item in items if item.findings),
        categories=dict(Counter(item.category for item in usable).most_common()),
        lengths=_measure(usable),
        prompts=len(prompts),
        probes=len(probes),
        notes=tuple(notes),
    )


def _read_seal(paths: DatasetPaths) -> tuple[Manifest | None, Seal]:
    if not paths.manifest.is_file():
        return None, "unsealed"
    try:
        manifest = read_manifest(paths)
        return manifest, "sealed" if manifest.sha256 == hash_file(paths.pairs) else "changed"
    except (CharlabError, OSError):
        return None, "changed"


def _read_lines(path: Path, notes: list[str]) -> Iterator[tuple[int, bytes]]:
    """The lines that hold anything, with their numbers; a file that cannot be read to its end leaves a note."""
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except OSError as bad:
        notes.append(f"{path.name}: {bad.strerror}")


def _read_asked(path: Path, choose: Callable[[object], type[Probe]], notes: list[str]) -> list[Probe]:
    """The prompts or probes of a file that can be used; each that cannot leaves a note."""
    found: list[Probe] = []
    for number, line in _read_lines(path, notes) if path.exists() else ():
        try:
            data = parse_line(line)
            found.append(choose(data).parse(data, f"{path.name} line {number}", DatasetError))
        except CharlabError as bad:
            notes.append(str(bad))
        except ValueError as bad:
            notes.append(f"{path.name} line {number} is not JSON: {bad}")
    return found


def _read_row(number: int, line: bytes, search: LeakSearch) -> tuple[Item, str]:
    """A line by itself, and what makes its prompt the same as another's; "" where the row cannot be used."""
    raw = line.decode("utf-8", "replace").rstrip("\r\n")
    try:
        data = parse_line(line.rstrip(b"\r\n"))
    except json.JSONDecodeError as bad:
        return _make_item(number, raw, None, [f"not JSON: {bad.msg} (character {bad.pos + 1})"], usable=False), ""
    except ValueError as bad:
        return _make_item(number, raw, None, [f"not JSON: {bad}"], usable=False), ""
    if not isinstance(data, dict):
        return _make_item(number, raw, None, ["no JSON object"], usable=False), ""
    try:
        pair = Pair.model_validate(data)
    except ValidationError as bad:
        problem = bad.errors(include_url=False, include_input=False)[0]
        # a complaint about the whole row would quote the whole row
        text = describe_problems(bad) if problem["loc"] else problem["msg"].removeprefix("Value error, ")
        return _make_item(number, raw, data, [_clean(text)], usable=False), ""
    leaks = [leak for text in list_rows([pair]) for leak in search.find(text)]
    findings = [
        *(["the template's row: replace it"] if is_untouched(pair) else []),
        *_find_nearness(pair.chosen[0].content, pair.rejected[0].content),
        *dict.fromkeys(f"repeats sealed '{leak.sealed}' ({leak.measure} {leak.value:.2f})" for leak in leaks),
    ]
    return _make_item(number, raw, data, findings, usable=True), pair.prompt_key()


def _make_item(number: int, raw: str, data: object, findings: list[str], *, usable: bool) -> Item:
    """The item with whatever texts stand in `data`, which may be anything."""
    turns = _read_turns(data, "prompt")
    chosen, rejected = ("\n\n".join(text for _, text in _read_turns(data, key)) for key in ("chosen", "rejected"))
    asked = turns[-1][1] if turns else ""
    prompt = asked if len(turns) < 2 else "\n".join(f"{role}: {text}" for role, text in turns)
    id, category = _read_word(data, "id"), _read_word(data, "category")
    texts = [text for text in (id, category, prompt, chosen, rejected) if text]
    return Item(
        line=number,
        id=id,
        category=category,
        prompt=prompt,
        asked=asked,
        chosen=chosen,
        rejected=rejected,
        prompt_words=len(prompt.split()),
        chosen_words=len(chosen.split()),
        rejected_words=len(rejected.split()),
        usable=usable,
        findings=tuple(findings),
        raw=raw,
        search="\n".join([*(texts or [raw]), *findings]).lower(),
    )


def _read_turns(data: object, key: str) -> list[tuple[str, str]]:
    """(role, text) of whatever stands where messages should."""
    value = data.get(key) if isinstance(data, dict) else None
    if isinstance(value, str):
        return [("", _clean(value))]
    messages = [m for m in value if isinstance(m, dict)] if isinstance(value, list) else []
    return [(_read_word(m, "role"), _read_word(m, "content")) for m in messages]


def _read_word(data: object, key: str) -> str:
    value = data.get(key) if isinstance(data, dict) else None
    return "" if value is None else _clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    """The text without half characters, which no output could encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _find_nearness(chosen: str, rejected: str) -> list[str]:
    """A finding where the two answers are made of the same words; changed order is no difference."""
    a, b = chosen.lower().split(), rejected.lower().split()
    least = NEAR_LIMIT * (len(a) + len(b)) / 2
    # bounds that nearly every pair fails, since counting words is slow
    if min(len(a), len(b)) < least or len(a) - len(set(a).difference(b)) < least:
        return []
    shared = 2 * (Counter(a) & Counter(b)).total() / (len(a) + len(b))
    return [f"chosen and rejected share {shared:.0%} of their words"] if shared >= NEAR_LIMIT else []


def _add_repeats(items: list[Item], prompt_keys: list[str]) -> list[Item]:
    """The items, each with a finding for others of its id, its prompt or its chosen answer."""
    found: dict[int, list[str]] = {}
    for what, keys in (
        ("same id", [item.id for item in items]),
        ("same prompt", prompt_keys),
        ("same chosen answer", [item.chosen.strip() if item.usable else "" for item in items]),
    ):
        for group in group_repeats(keys):
            for index in group:
                found.setdefault(index, []).append(f"{what} as line {_name_others(items, group, index)}")
    return [_add_findings(item, found[i]) if i in found else item for i, item in enumerate(items)]


def _add_findings(item: Item, more: list[str]) -> Item:
    search = "\n".join([item.search, *more]).lower()
    return replace(item, findings=(*item.findings, *more), search=search)


def _name_others(items: list[Item], group: list[int], index: int) -> str:
    others = [str(items[other].line) for other in group[: NAMED + 1] if other != index][:NAMED]
    more = len(group) - 1 - len(others)
    return ", ".join(others) + (f" and {more} more" if more else "")


def _measure(items: list[Item]) -> Lengths:
    if not items:
        return Lengths(1, (), (), 0, 0, 0.5)
    chosen, rejected = [item.chosen_words for item in items], [item.rejected_words for item in items]
    # all but the longest fiftieth, so that one endless answer does not squeeze the rest into a bin
    both = sorted(chosen + rejected)
    step = max(1, ceil((both[int(0.98 * (len(both) - 1))] + 1) / BINS))
    return Lengths(
        step, _count_bins(chosen, step), _count_bins(rejected, step), round(median(chosen)), round(median(rejected)),
        share_longer([(item.chosen, item.rejected) for item in items]),
    )  # fmt: skip


def _count_bins(lengths: Iterable[int], step: int) -> tuple[int, ...]:
    counts = Counter(min(length // step, BINS - 1) for length in lengths)
    return tuple(counts[i] for i in range(BINS))

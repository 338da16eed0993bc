"""How often the rules agree with people who read the answers: docs/detector.md holds what is counted here."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.data.layout import find_seed
from engine.data.read import read_character
from engine.probe.detect import Finding, find_break
from engine.probe.rules import MEANING
from engine.records.base import Record
from engine.records.dataset import Character
from engine.stats.intervals import Proportion, wilson
from engine.store.paths import Workspace

HERE = Path(__file__).parent
PARTS = ("development", "held-out")
VERDICTS: dict[str, Callable[[int], bool]] = {
    "break": lambda level: level <= 1,
    "in character": lambda level: level == 4,
}


class Labelled(Record):
    id: str
    character: str
    prompt: str
    text: str
    level: int
    source: str
    part: str


class Read(NamedTuple):
    row: Labelled
    found: Finding


@pytest.fixture(scope="module")
def characters() -> dict[str, Character]:
    second = tomllib.loads((HERE / "characters.toml").read_text("utf-8"))
    madison = read_character(Workspace(find_seed()).dataset("madison"))
    return {"madison": madison, **{key: Character(**fields) for key, fields in second.items()}}


@pytest.fixture(scope="module")
def read(characters: dict[str, Character]) -> list[Read]:
    lines = (HERE / "labelled.jsonl").read_text("utf-8").splitlines()
    rows = [Labelled.model_validate_json(line) for line in lines]
    return [Read(row, find_break(row.text, characters[row.character])) for row in rows]


@pytest.fixture(scope="module")
def doc() -> str:
    return (find_seed() / "docs" / "detector.md").read_text("utf-8")


def measure(read: list[Read], part: str, verdict: str) -> tuple[Proportion, Proportion]:
    """Precision and recall of a verdict on a part."""
    is_so = VERDICTS[verdict]
    pairs = [(is_so(r.row.level), is_so(r.found.level)) for r in read if r.row.part == part]
    hits = sum(meant and found for meant, found in pairs)
    return wilson(hits, sum(found for _, found in pairs)), wilson(hits, sum(meant for meant, _ in pairs))


def write_figures(read: list[Read]) -> str:
    lines = ["| part | verdict | measure | rate | Wilson 95% | of |", "|---|---|---|---|---|---|"]
    sampled = [r for r in read if r.row.source != "hand"]
    for told, of, part in [*((p, read, p) for p in PARTS), ("held-out, sampled only", sampled, "held-out")]:
        for verdict in VERDICTS:
            for name, p in zip(("precision", "recall"), measure(of, part, verdict), strict=True):
                lines.append(
                    f"| {told} | {verdict} | {name} | {p.rate:.3f} | {p.low:.3f} to {p.high:.3f} | {p.hits}/{p.n} |"
                )
    return "\n".join(lines)


def write_confusion(read: list[Read], part: str) -> str:
    cells: Counter[tuple[int, int]] = Counter((r.row.level, r.found.level) for r in read if r.row.part == part)
    breaks = Counter(r.row.level for r in read if r.row.part == part and r.found.breaks is not None)
    lines = [f"| {part}: labelled | found 0 | 1 | 2 | 3 | 4 | `breaks` set |", "|---|---|---|---|---|---|---|"]
    for level in range(5):
        lines.append(f"| {level} | " + " | ".join(str(cells[level, f]) for f in range(5)) + f" | {breaks[level]} |")
    return "\n".join(lines)


def test_the_labelled_set_is_as_large_and_as_mixed_as_it_says(
    read: list[Read], characters: dict[str, Character]
) -> None:
    rows = [r.row for r in read]
    assert len({r.id for r in rows}) == len({r.text for r in rows}) == len(rows)
    held_out = [r for r in rows if r.part == "held-out"]
    assert len(held_out) >= 800
    assert sum(r.source == "hand" for r in held_out) >= 300
    sampled = Counter(r.source for r in held_out if r.source != "hand")
    assert set(sampled) == {"base", "half-trained", "tuned"}
    assert sampled.total() >= 400
    for part in PARTS:
        assert {r.level for r in rows if r.part == part} == {0, 1, 2, 3, 4}
        assert {r.character for r in rows if r.part == part} == set(characters)
    assert {r.part for r in rows} == set(PARTS)


def test_every_verdict_agrees_with_itself_and_shows_its_reasons_in_the_text(read: list[Read]) -> None:
    for row, found in read:
        assert found.in_character == (found.level == 4), row.id
        assert (found.breaks is None) == (found.span is None), row.id
        assert found.level > 1 or found.breaks is not None, row.id
        assert found.level < 4 or found.breaks is None, row.id
        assert found.breaks is None or (found.breaks, found.span) in found.hits, row.id
        assert found.breaks is None or found.breaks in MEANING, row.id
        for _, (start, end) in found.hits:
            assert 0 <= start < end <= len(row.text), row.id


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("measured", ["precision", "recall"])
def test_the_lower_bound_reaches_085_on_what_the_rules_were_not_written_against(
    read: list[Read], verdict: str, measured: str
) -> None:
    precision, recall = measure(read, "held-out", verdict)
    assert (precision if measured == "precision" else recall).low >= 0.85


def test_the_document_tells_the_figures_that_are_counted(read: list[Read], doc: str) -> None:
    for table in (write_figures(read), *(write_confusion(read, part) for part in PARTS)):
        assert table in doc, f"put this into docs/detector.md:\n{table}"


def test_the_documents_examples_are_rows_held_out_that_the_rules_get_wrong_in_that_way(
    read: list[Read], doc: str
) -> None:
    told = re.findall(r"^- `([\w-]+)`, labelled (\d), found (\d): “(.+)”$", doc, re.MULTILINE)
    counted = {r.row.id: r for r in read if r.row.part == "held-out"}
    for row, labelled, found, words in told:
        assert (counted[row].row.level, counted[row].found.level) == (int(labelled), int(found)), row
        assert labelled != found
        assert words.removesuffix(" ...") in counted[row].row.text, row
    ways = [(verdict, int(found)) for verdict, is_so in VERDICTS.items() for _, labelled, found, _ in told
            if is_so(int(labelled)) != is_so(int(found))]  # fmt: skip
    for verdict, is_so in VERDICTS.items():
        assert sum(v == verdict and is_so(f) for v, f in ways) >= 3
        assert sum(v == verdict and not is_so(f) for v, f in ways) >= 3

"""Files of scores and of labels, a JSON row a line: every complaint with its file and line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from engine.data.read import hash_file, read_lines
from engine.errors import InputError
from engine.records.gate import FileUse
from engine.stats.agreement import name_label
from engine.stats.scores import name_few, read_name, shorten

ALIKE = ("judge", "rubric")
"""What a row may say of how it was scored, and what two scores must share to be compared."""

Rows = list[tuple[str, Mapping[str, object]]]
"""Each row with its place, such as 'a.jsonl line 3'."""


def read_score_rows(path: Path, measure: str | None = None) -> Rows:
    """Rows of {id, score}, the score taken from the key `measure` where one is named.

    Ids, scores, strata and clusters are checked where they are paired (engine/stats/scores.py).
    """
    rows = _read_objects(path, "{id, score}")
    if measure is None:
        return rows
    for place, row in rows:
        if measure not in row:
            raise InputError(f"{place}: no {shorten(measure)}", fix=f"one of: {', '.join(map(shorten, row))}")
    return [(place, {**row, "score": row[measure]}) for place, row in rows]


def name_model(rows: Rows) -> str | None:
    """The model that every row says it is of; None where any says none. InputError where they name several."""
    named: dict[str, str] = {}
    for place, row in rows:
        name = row.get("model")
        if not isinstance(name, str) or not name:
            return None
        named.setdefault(name, place)
    if len(named) > 1:
        (one, here), (other, there) = list(named.items())[:2]
        raise InputError(
            f"{here} is of {shorten(one)}, and {there} of {shorten(other)}", fix="a side of a gate is one model's"
        )
    return next(iter(named))


def describe_file(path: Path) -> FileUse:
    if not path.is_file():
        raise InputError(f"{path} is no file that could be looked at again", fix="name a file that exists")
    return FileUse(path=str(path), sha256=hash_file(path))


def read_labels(path: Path) -> dict[str, object]:
    """Labels by id."""
    found: dict[str, object] = {}
    places: dict[str, str] = {}
    for place, row in _read_objects(path, "{id, label}"):
        name = read_name(row, "id", place)
        if name is None or "label" not in row:
            raise InputError(f"{place}: no {'id' if name is None else 'label'}", fix="rows are {id, label}")
        if name in found:
            raise InputError(f"{place}: id {shorten(name)} stands already at {places[name]}", fix="ids are unique")
        try:
            name_label(row["label"])
        except InputError as bad:
            raise InputError(f"{place}: {bad.message}", fix=bad.fix) from bad
        found[name], places[name] = row["label"], place
    return found


def pick_labels(labels: Mapping[str, object], ids: Iterable[str], whose: str) -> dict[str, object]:
    """Those labels of `whose` that another rater gave as well; InputError where some are not there."""
    wanted = list(ids)
    missing = [i for i in wanted if i not in labels]
    if missing:
        raise InputError(
            f"ids do not pair: {whose} has no label of {name_few(missing)}",
            fix="every item that another rater labelled needs a label there",
        )
    return {i: labels[i] for i in wanted}


def check_alike(files: Mapping[str, Rows], allow: Sequence[str] = ()) -> list[str]:
    """Refuses scores of different judges or rubrics, in one file or across them; what is allowed comes back named."""
    for name in allow:
        if name not in ALIKE:
            raise InputError(f"nothing called {shorten(name)} can be allowed", fix=f"one of: {', '.join(ALIKE)}")
    named = []
    for key in ALIKE:
        said = {file: list(dict.fromkeys(_say(row.get(key)) for _, row in rows)) for file, rows in files.items()}
        if len({value for values in said.values() for value in values}) < 2:
            continue
        told = "; ".join(f"{file}: {_list_few(values)}" for file, values in said.items())
        if key not in allow:
            raise InputError(
                f"these scores are not of one {key}: {told}",
                fix=f"score both sides with one {key}, or --allow {key} compares them all the same",
            )
        named.append(f"the scores are not of one {key}, and that was allowed: {told}")
    return named


def _say(value: object) -> str:
    return "not said" if value is None else shorten(value if isinstance(value, str) else json.dumps(value), 80)


def _list_few(values: list[str]) -> str:
    return ", ".join(values[:3]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")


def _read_objects(path: Path, shape: str) -> Rows:
    fix = f"rows are {shape}, one a line"
    found: Rows = []
    for number, row in read_lines(path, InputError, "name a file that exists", fix):
        place = f"{path} line {number}"
        if not isinstance(row, dict):
            raise InputError(f"{place}: a row is an object, not {shorten(row)}", fix=fix)
        found.append((place, row))
    if not found:
        raise InputError(f"{path} holds no rows", fix=fix)
    return found

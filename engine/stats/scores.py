"""Scored rows of two sides, checked and paired by id. Knows nothing of what a score means."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from engine.errors import InputError

LARGEST = 1e150
"""A score beyond this would overflow when squared."""

GROUPS = ("stratum", "difficulty", "cluster")
"""What a row may say that it belongs to."""

ROWS = "rows are {id, score}, the score a number, or 0, 1, true or false for fail and pass"

SHOWN = 3
"""How many ids an error names on each side."""


class Score(NamedTuple):
    place: str
    value: float | None
    """None is a failed judgement, which is a state and no number."""
    stratum: str | None
    difficulty: str | None
    cluster: str | None


class Pair(NamedTuple):
    id: str
    baseline: float | None
    candidate: float | None
    stratum: str | None
    difficulty: str | None
    cluster: str | None


def number_rows(name: str, rows: Iterable[object]) -> Iterator[tuple[str, object]]:
    """Gives each row a place, for rows that come from no file."""
    for number, row in enumerate(rows, 1):
        yield f"{name} row {number}", row


def pair_scores(
    baseline: Iterable[tuple[str, object]],
    candidate: Iterable[tuple[str, object]],
    scale: tuple[float, float] | None,
    sides: tuple[str, str] = ("baseline", "candidate"),
) -> list[Pair]:
    """One pair per id, in the baseline's order; each row comes with its place, such as 'a.jsonl line 3'.

    `scale` is the lowest and the highest score there can be; without it no judgement may have failed,
    as nothing would bound what it could have been.
    """
    before, after = read_scores(baseline, sides[0], scale), read_scores(candidate, sides[1], scale)
    alone = [[i for i in one if i not in other] for one, other in ((before, after), (after, before))]
    if any(alone):
        told = [f"only the {side} has {name_few(ids)}" for side, ids in zip(sides, alone) if ids]
        raise InputError(f"ids do not pair: {'; '.join(told)}", fix="score the same prompts on both sides")
    return [_join(name, before[name], after[name]) for name in before]


def read_scores(
    rows: Iterable[tuple[str, object]], side: str, scale: tuple[float, float] | None = None
) -> dict[str, Score]:
    found: dict[str, Score] = {}
    for place, row in rows:
        if not isinstance(row, Mapping):
            raise InputError(f"{place}: a row is an object, not {shorten(row)}", fix=ROWS)
        name = read_name(row, "id", place)
        if name is None:
            raise InputError(f"{place}: no id", fix=ROWS)
        if name in found:
            raise InputError(f"{place}: id {shorten(name)} stands already at {found[name].place}", fix="ids are unique")
        value = _read_value(row, place, scale)
        found[name] = Score(place, value, *(read_name(row, key, place) for key in GROUPS))
    if not found:
        raise InputError(f"the {side} has no scores", fix=ROWS)
    return found


def _read_value(row: Mapping[str, object], place: str, scale: tuple[float, float] | None) -> float | None:
    if "score" not in row:
        raise InputError(f"{place}: no score", fix=ROWS)
    given = row["score"]
    if given is None and scale is not None:
        return None
    if not isinstance(given, (bool, int, float)):
        fix = "leave out what was not scored" if given is None else "a score is a number, true or false"
        raise InputError(f"{place}: score {shorten(given)} is no number", fix=fix)
    if not -LARGEST <= given <= LARGEST:  # a NaN is in no range either
        raise InputError(f"{place}: score {shorten(given)} is no finite number of use", fix="mend or leave out the row")
    if scale is not None and not scale[0] <= given <= scale[1]:
        raise InputError(
            f"{place}: score {shorten(given)} is outside {scale[0]:g} to {scale[1]:g}", fix="mend the row or the scale"
        )
    return float(given)


def read_name(row: Mapping[str, object], key: str, place: str) -> str | None:
    given = row.get(key)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (str, int)) or given == "":
        raise InputError(f"{place}: {key} {shorten(given)} is no name", fix=f"{key} is a text or a whole number")
    return str(given)


def _join(name: str, before: Score, after: Score) -> Pair:
    groups = []
    for key in GROUPS:
        one, other = getattr(before, key), getattr(after, key)
        if one is not None and other is not None and one != other:
            raise InputError(
                f"id {shorten(name)} is of {key} {shorten(one)} at {before.place}"
                f" and of {shorten(other)} at {after.place}",
                fix="compare scores of one prompt set",
            )
        groups.append(one or other)
    return Pair(name, before.value, after.value, *groups)


def is_pass_fail(pairs: Iterable[Pair]) -> bool:
    """Every score is 0, 1 or a boolean."""
    return all(value in (0.0, 1.0) for pair in pairs for value in (pair.baseline, pair.candidate) if value is not None)


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def name_few(ids: list[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(shorten(i) for i in ids[:SHOWN]) + more


def shorten(value: object, limit: int = 40) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        return "of too many digits"
    return text if len(text) <= limit else text[: limit - 3] + "..."

"""The words of a filter: all of them must hold of what is kept, and none of the `-words`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Kept = TypeVar("Kept")
Row = TypeVar("Row")
Reads = Mapping[str, Callable[[Row], Any]]
"""How the value of a column is read off a row, by the column's name."""

_TERM = re.compile(r"(?P<key>[a-z_]+)(?P<sign>:|<=|>=|<|>|=)(?P<value>.+)")


def parse_filter(text: str, reads: Reads[Row]) -> Callable[[Row], bool]:
    """What a filter over runs keeps: its words stand in any column, `key:word` and `key<number` are of one.

    A term that compares with what is no number keeps nothing.
    """
    return _parse(text, lambda term: _parse_term(term, reads))


def parse_words(text: str) -> Callable[[str], bool]:
    """Whether a text, given in lower case, is kept."""
    return _parse(text, lambda word: lambda text: word in text)


def find_trouble(text: str, reads: Reads[Row], rows: Sequence[Row]) -> str:
    """Which term is not understood, else which keeps none of `rows` by itself; empty where all is well."""
    terms = _split(text)
    for term, _ in terms:
        found = _TERM.fullmatch(term)
        if found is not None and found["sign"] != ":":
            if found["key"] not in reads:
                return f"no column '{found['key']}'"
            if _read_number(found["value"]) is None:
                return f"'{found['value']}' is no number"
    nowhere = (term for term, wanted in terms if wanted and not any(map(_parse_term(term, reads), rows)))
    return next((f"nothing has '{term}'" for term in nowhere), "")


def _split(text: str) -> list[tuple[str, bool]]:
    """Each term in lower case, and whether it is wanted: a minus stands before what is not."""
    terms = [(term.lstrip("-"), term) for term in text.lower().split()]
    return [(bare, (len(term) - len(bare)) % 2 == 0) for bare, term in terms if bare]


def _parse(text: str, parse_term: Callable[[str], Callable[[Kept], bool]]) -> Callable[[Kept], bool]:
    tests = [(parse_term(term), wanted) for term, wanted in _split(text)]

    def keeps(one: Kept) -> bool:
        for test, wanted in tests:  # noqa: SIM110  takes half the time, and 100,000 rows may be asked
            if test(one) is not wanted:
                return False
        return True

    return keeps


def _parse_term(term: str, reads: Reads[Row]) -> Callable[[Row], bool]:
    found = _TERM.fullmatch(term)
    if found is None or found["key"] not in reads:
        return lambda row: any(isinstance(part := read(row), str) and term in part.lower() for read in reads.values())
    read, sign, value = reads[found["key"]], found["sign"], found["value"]
    if sign == ":":
        return lambda row: value in str(read(row)).lower()
    bound = _read_number(value)

    def compare(row: Row) -> bool:
        mine = read(row)
        if bound is None or not isinstance(mine, int | float):
            return False
        return {"<": mine < bound, ">": mine > bound, "<=": mine <= bound, ">=": mine >= bound, "=": mine == bound}[
            sign
        ]

    return compare


def _read_number(value: str) -> float | None:
    """'0.5' and '50%' alike; None for what is no number."""
    try:
        return float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return None

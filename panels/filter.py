"""The words of a filter over runs: all of them must hold of a run that is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Row = TypeVar("Row")
Reads = Mapping[str, Callable[[Row], Any]]
"""How the value of a column is read off a row, by the column's name."""

_TERM = re.compile(r"(?P<key>[a-z_]+)(?P<sign>:|<=|>=|<|>|=)(?P<value>.+)")


def parse_filter(text: str, reads: Reads[Row]) -> Callable[[Row], bool]:
    """What a filter keeps: all its words, `key:word`, `key<number`, and none of its `-words`.

    A term that compares with what is no number keeps nothing.
    """
    tests = [_parse_term(term, reads) for term in text.lower().split()]
    return lambda row: all(test(row) for test in tests)


def _parse_term(term: str, reads: Reads[Row]) -> Callable[[Row], bool]:
    if term.startswith("-") and len(term) > 1:
        inner = _parse_term(term[1:], reads)
        return lambda row: not inner(row)
    found = _TERM.fullmatch(term)
    if found is None or found["key"] not in reads:
        return lambda row: any(isinstance(part := read(row), str) and term in part.lower() for read in reads.values())
    read, sign, value = reads[found["key"]], found["sign"], found["value"]
    if sign == ":":
        return lambda row: value in str(read(row)).lower()
    try:
        bound = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return lambda row: False

    def compare(row: Row) -> bool:
        mine = read(row)
        if not isinstance(mine, int | float):
            return False
        return {"<": mine < bound, ">": mine > bound, "<=": mine <= bound, ">=": mine >= bound, "=": mine == bound}[
            sign
        ]

    return compare

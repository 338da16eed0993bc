"""The metrics of one run as series, from its rows as they come; knows nothing of files."""

from __future__ import annotations

import math
from array import array
from typing import Any, TypeGuard

from panels.axis import Axis
from panels.series import Series

AXES = ("epoch", "tokens", "time")
"""What the x axis of a chart may show beside the step; time is in seconds since the run was made."""


class History:
    """Per step the highest attempt's values: a new attempt drops what an earlier one did beyond its first step."""

    def __init__(self, created: float = 0.0) -> None:
        self.created = created
        self.series: dict[str, Series] = {}
        self.axes: dict[str, Axis] = {name: Axis() for name in AXES}
        self.attempt = 0
        self.step = 0
        self.time = 0.0
        """When the newest row was written, in Unix seconds; 0 before the first."""
        self.values: dict[str, float | None] = {}
        """The newest value of each metric; None where it was not finite."""

    def take(self, row: dict[str, Any]) -> bool:
        """Add a row of metrics.jsonl; False for one that is out of order or does not read as one."""
        attempt, step, when, values = row.get("attempt"), row.get("step"), row.get("time"), row.get("values")
        if not (_is_count(attempt) and _is_count(step) and _is_number(when) and isinstance(values, dict)):
            return False
        if _is_huge(when) or not math.isfinite(when):
            return False
        if (attempt, step) < (self.attempt, self.step) and attempt <= self.attempt:
            return False
        if attempt > self.attempt:
            if self.attempt:
                held: list[Series | Axis] = [*self.series.values(), *self.axes.values()]
                for one in held:
                    one.truncate(step)
                self.values = {name: _newest(series) for name, series in self.series.items() if len(series)}
            self.attempt = attempt
        self.step, self.time = step, when
        bad = row.get("nonfinite")
        nonfinite = bad if isinstance(bad, list | tuple) else ()
        for name, value in values.items():
            if (value is None and name in nonfinite) or _is_huge(value):
                value = math.nan
            elif not _is_number(value):
                continue
            series = self.series.get(name)
            if series is None:
                series = self.series[name] = Series()
            series.append(step, value)
            self.values[name] = value if math.isfinite(value) else None
        for name in ("epoch", "tokens"):
            if (unit := self.values.get(name)) is not None and name in values:
                self.axes[name].append(step, unit)
        self.axes["time"].append(step, when - self.created)
        return True

    def dump(self) -> tuple[dict[str, Any], list[array[Any]]]:
        """A plain description and the arrays it describes, for `load`."""
        parts: list[array[Any]] = []
        shapes: dict[str, dict[str, list[tuple[str, int]]]] = {"series": {}, "axes": {}}
        for kind, held in (("series", self.series), ("axes", self.axes)):
            for name, one in held.items():
                dumped = one.dump()
                parts += dumped
                shapes[kind][name] = [(part.typecode, len(part)) for part in dumped]
        return {
            "created": self.created, "attempt": self.attempt, "step": self.step, "time": self.time,
            "values": self.values, **shapes,
        }, parts  # fmt: skip

    @classmethod
    def load(cls, told: dict[str, Any], data: memoryview) -> History:
        """The history of a `dump`, its arrays copied out of `data`; ValueError or KeyError where they do not fit."""
        history = cls(told["created"])
        history.attempt, history.step, history.time = told["attempt"], told["step"], told["time"]
        history.values = told["values"]
        at = 0
        for kind, maker in (("series", Series), ("axes", Axis)):
            held: dict[str, Any] = {}
            for name, shape in told[kind].items():
                parts = []
                for code, count in shape:
                    part: array[Any] = array(code)
                    size = count * part.itemsize
                    part.frombytes(data[at : at + size])
                    at += size
                    parts.append(part)
                held[name] = maker.load(parts)
            setattr(history, kind, held)
        if at != len(data):
            raise ValueError(f"{len(data)} bytes of columns, {at} described")
        return history


def _newest(series: Series) -> float | None:
    y = series[len(series) - 1][1]
    return y if math.isfinite(y) else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_huge(value: object) -> bool:
    """An integer beyond any float, which JSON may hold."""
    return isinstance(value, int) and abs(value) > 2**1000


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53

"""Another unit for the x of a series: the tokens, epochs or seconds that a step stands for."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence


class Axis:
    """Another unit for the x of a run's series, such as the tokens or the seconds that a step stands for.

    Straight lines between the points given; beyond them at the mean rate of the whole.
    """

    def __init__(self) -> None:
        self._x: array[float] = array("d")
        self._unit: array[float] = array("d")

    def append(self, x: float, unit: float) -> None:
        """Neither may fall: a point that comes in lower is lifted to the one before (a clock that was set back)."""
        if self._x and (x < self._x[-1] or unit < self._unit[-1]):
            x, unit = max(x, self._x[-1]), max(unit, self._unit[-1])
        self._x.append(x)
        self._unit.append(unit)

    def truncate(self, x: float) -> None:
        count = bisect_left(self._x, x)
        del self._x[count:], self._unit[count:]

    def dump(self) -> list[array[float]]:
        """Everything the axis holds, for `load`."""
        return [self._x, self._unit]

    @classmethod
    def load(cls, parts: Sequence[array[float]]) -> Axis:
        axis = cls()
        axis._x, axis._unit = parts
        return axis

    def forward(self, x: float) -> float:
        """The unit that an x stands for."""
        return _interpolate(self._x, self._unit, x)

    def back(self, unit: float) -> float:
        """The x that a unit stands for, the least of several."""
        return _interpolate(self._unit, self._x, unit)


def _interpolate(xs: array[float], ys: array[float], x: float) -> float:
    if not xs:
        return x
    i = bisect_left(xs, x)
    if 0 < i < len(xs):
        if xs[i] == x or xs[i] == xs[i - 1]:
            return ys[i]
        return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1])
    if i < len(xs) and xs[i] == x:
        return ys[i]
    near = 0 if i == 0 else -1
    rate = (ys[-1] - ys[0]) / (xs[-1] - xs[0]) if xs[-1] > xs[0] else 1.0
    return ys[near] + (x - xs[near]) * rate

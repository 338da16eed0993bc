"""A range of values and its place on an axis: mapping, ticks, labels. Knows nothing of what is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

FAR = 10**12
"""Dots off the canvas are held within this distance: slopes stay true, and no infinity meets an integer."""


def floor_dot(value: float) -> int:
    return math.floor(max(-FAR, min(FAR, value)))


class Scale:
    """A range [low, high] made non-degenerate, mapped to 0..1 without overflow for any two finite ends.

    A log scale is given its ends as log10, and the values to be placed as they are, all positive.
    """

    def __init__(self, low: float, high: float, log: bool = False) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(f"not a range: {low!r}..{high!r}")
        if high - low <= max(abs(low), abs(high)) * 1e-13 or high - low < 1e-300:
            middle, most = low / 2 + high / 2, math.nextafter(math.inf, 0)
            pad = max(abs(middle) * 0.1, 1e-300) if middle else 1.0
            low, high = max(low - pad, -most), min(high + pad, most)
        self.low, self.high, self.log = low, high, log
        self.unit = 1.0 if math.isfinite(high - low) else 1 / 4
        self.span = high * self.unit - low * self.unit

    def at(self, value: float) -> float:
        """0 at low, 1 at high, beyond them outside."""
        return ((math.log10(value) if self.log else value) * self.unit - self.low * self.unit) / self.span

    def cell(self, value: float, count: int) -> int:
        """Which of `count` equal bins holds a value; high is in the last, values outside are within FAR."""
        at = self.at(value)
        return count - 1 if at == 1 else floor_dot(at * count)

    def row(self, value: float, count: int) -> int:
        """The dot row of a value: low in the last, high in row 0, both at the middle of the dot."""
        return floor_dot((1 - self.at(value)) * (count - 1) + 0.5)

    def ticks(self, count: int) -> tuple[list[float], float]:
        """Multiples of a 1-2-5 step inside low..high, at most about `count` >= 3 steps, and the step."""
        # Where the span overflows (unit 1/4), half its share is asked: no step may exceed the largest float.
        raw = self.span / count * (1 if self.unit == 1 else 2)
        size = 10.0 ** math.floor(math.log10(raw))
        step = next((n * size for n in (1, 2, 5) if n * size >= raw * 0.999999), 10 * size)
        steps = range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)
        return [max(self.low, min(self.high, n * step)) for n in steps], step

    def axis(self, count: int) -> list[tuple[float, str]]:
        """Values and their labels; a log scale's decades thinned to `count`, if it shows two or more."""
        evenly = self
        if self.log:
            powers = range(max(-307, math.ceil(self.low - 1e-9)), min(308, math.floor(self.high + 1e-9)) + 1)
            if len(powers) > 1:
                thin = -(-len(powers) // count)
                return [(10.0**p, write_labels([10.0**p], 10.0**p)[0]) for p in powers if p % thin == 0]
            evenly = Scale(10.0 ** min(308.0, self.low), 10.0 ** min(308.0, self.high))
        ticks, step = evenly.ticks(count)
        return [pair for pair in zip(ticks, write_labels(ticks, step), strict=True) if pair[0] > 0 or not self.log]


def write_labels(ticks: Sequence[float], step: float) -> list[str]:
    """Short texts in one form for all ticks, with just the decimals that the step needs."""
    top = max((abs(tick) for tick in ticks), default=0.0)
    place = math.floor(math.log10(step) + 1e-9)
    out = []
    for tick in ticks:
        if abs(tick) < step / 2:
            out.append("0")
        elif top < 1e-3 or top >= 1e15:
            digits = max(0, math.floor(math.log10(abs(tick)) + 1e-9) - place)
            mantissa, power = f"{tick:.{digits}e}".split("e")
            out.append(f"{mantissa}e{int(power)}")
        else:
            group = max(0, min(int(math.log10(top) + 1e-9), place + 2)) // 3 if top >= 1e4 else 0
            out.append(f"{tick / 1000**group:.{max(0, 3 * group - place)}f}{' kMGT'[group].strip()}")
    return out

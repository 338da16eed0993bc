"""Scores by stratum, a line each, and beside them the difference from a baseline with its interval: a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from panels.scrolled import Scrolled
from panels.style import read_style
from panels.table import GAP, fit
from panels.wrap import Runs

NAME, LEAST_NAME, WIDE = 26, 12, 104
"""Cells of a name, and from which an interval stands in figures too."""
LEAST_PLOT, MOST_PLOT = 17, 61
"""Cells of the plot; odd, so that nought has one of its own."""


@dataclass(frozen=True)
class DifferenceView:
    """From the baseline, on the same items."""

    n: int
    """Pairs with a score on both sides."""
    delta: float
    low: float
    high: float
    """Of the 95% interval."""
    before: float
    """The baseline's corrected mean over these items."""


@dataclass(frozen=True)
class StratumView:
    """`corrected` is the weighted mean of the components, `raw` what the judge itself gave; None where nothing was."""

    name: str
    by: Literal["all", "category", "difficulty"]
    n: int
    failed: int
    corrected: float | None
    raw: float | None
    critical: int
    difference: DifferenceView | None = None


class Forest(Scrolled):
    """Strata in, with what the verdict measures by: the smallest effect that matters, and the margin."""

    DEFAULT_CSS = read_style(__file__)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.strata: Sequence[StratumView] = ()
        self.smallest: float | None = None
        self.margin: float | None = None

    def show(
        self, strata: Sequence[StratumView], *, smallest: float | None = None, margin: float | None = None
    ) -> None:
        self.strata, self.smallest, self.margin = strata, smallest, margin
        self.put(anew=False)

    @property
    def wanted(self) -> int:
        """Lines that show all of it."""
        return len(self.lay_out_head(80)) + len(self.lay_out(80)) if self.strata else 1

    def lay_out_head(self, width: int) -> list[Runs]:
        if not self.strata:
            return []
        runs: Runs = [("".join(self._texts(None, width)), "muted")]
        if plot := self._plot_width(width):
            reach = self._reach()
            ends = f"{-reach:+.2g}", f"{reach:+.2g}"
            axis = ends[0].ljust(plot // 2) + "0" + ends[1].rjust(plot // 2)
            runs.append((" " * GAP + axis, "muted"))
        return [runs]

    def lay_out(self, width: int) -> list[Runs]:
        lines: list[Runs] = []
        by = "all"
        for stratum in self.strata:
            if stratum.by != by and by != "all":
                lines.append([])
            by = stratum.by
            lines.append(self._lay_out_stratum(stratum, width))
        return lines + ([self._lay_out_legend()] if self._compared else [])

    @property
    def _compared(self) -> bool:
        return any(stratum.difference for stratum in self.strata)

    def _lay_out_stratum(self, stratum: StratumView, width: int) -> Runs:
        name, counts, scores, critical, was, change, interval = self._texts(stratum, width)
        strong, found = "strong" if stratum.by == "all" else "", stratum.difference
        tone = "" if found is None else "good" if found.low > 0 else "bad" if found.high < 0 else ""
        runs: Runs = [
            (name, strong), (counts, "warn" if stratum.failed else "muted"), (scores, strong),
            (critical, "bad" if stratum.critical else "muted"), (was, "muted"), (change, tone), (interval, tone or "muted"),
        ]  # fmt: skip
        if plot := self._plot_width(width):
            runs.append((" " * GAP, ""))
            runs += self._draw_interval(found, plot, tone)
        return runs

    def _texts(self, stratum: StratumView | None, width: int) -> tuple[str, ...]:
        """Name, counts, scores, critical failures, was, change and interval, in columns; the titles for None."""
        wide = width >= WIDE
        rest = 100 if wide else 64
        name = max(
            LEAST_NAME, min(NAME, max(len(s.name) for s in self.strata), width - rest if self._compared else width)
        )
        if stratum is None:
            titles = ("scored", "corrected", "raw", "critical" if wide else "crit", "was", "change", "95% interval")
            scored, corrected, raw, critical, was, change, interval = titles
        else:
            found = stratum.difference
            scored = f"{stratum.n:,}" + (f"/{stratum.n + stratum.failed:,}" if stratum.failed else "")
            corrected, raw = _score(stratum.corrected), _score(stratum.raw)
            critical = f"{stratum.critical:,}" if stratum.critical else "·"
            was, change, interval = ("·", "·", "") if found is None else (
                _score(found.before), f"{found.delta:+.2f}", f"[{found.low:+.2f}, {found.high:+.2f}]",
            )  # fmt: skip
        if not self._compared:
            was = change = interval = ""
        return (
            fit("" if stratum is None else stratum.name, name),
            f"{scored:>8}",
            f"{corrected:>11}{raw:>{7 if wide else 6}}",
            f"{critical:>{10 if wide else 6}}",
            was.rjust(7 if wide else 6),
            change.rjust(8),
            f"  {interval:<16}" if wide else "",
        )

    def _plot_width(self, width: int) -> int:
        """Odd; 0 where there is nothing to draw or no room."""
        if not self._compared:
            return 0
        room = width - sum(map(len, self._texts(None, width))) - GAP
        return 0 if room < LEAST_PLOT else min(MOST_PLOT, room - 1 + room % 2)

    def _reach(self) -> float:
        bounds = [abs(b) for s in self.strata if s.difference for b in (s.difference.low, s.difference.high)]
        return max([*bounds, *(m for m in (self.smallest, self.margin) if m)], default=1.0) or 1.0

    def _marks(self, width: int) -> dict[int, tuple[str, str]]:
        """Nought, the smallest effect and the margin, by their cells."""
        marks = {}
        if self.margin:
            marks[self._place(-self.margin, width)] = ("┊", "warn")
        if self.smallest:
            marks[self._place(self.smallest, width)] = ("┊", "accent")
        return marks | {width // 2: ("│", "muted")}

    def _draw_interval(self, found: DifferenceView | None, width: int, tone: str) -> Runs:
        marks = self._marks(width)
        cells: list[tuple[str, str]] = [marks.get(place, (" ", "")) for place in range(width)]
        if found is not None:
            low, high = self._place(found.low, width), self._place(found.high, width)
            for place in range(low, high + 1):
                crossed = place in marks
                cells[place] = ("┼" if crossed else "─", marks[place][1] if crossed and place != width // 2 else tone)
            if low < high:
                cells[low], cells[high] = ("├", tone), ("┤", tone)
            cells[self._place(found.delta, width)] = ("●", tone)
        return cells

    def _place(self, value: float, width: int) -> int:
        return max(0, min(width - 1, round((value / self._reach() + 1) / 2 * (width - 1))))

    def _lay_out_legend(self) -> Runs:
        runs: Runs = [("● change with its 95% interval", "muted")]
        if self.smallest:
            runs += [("  ┊", "accent"), (f" smallest effect {self.smallest:+.2g}", "muted")]
        if self.margin:
            runs += [("  ┊", "warn"), (f" margin {-self.margin:+.2g}", "muted")]
        return runs


def _score(value: float | None) -> str:
    return "·" if value is None else f"{value:.2f}"

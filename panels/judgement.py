"""One judged answer to read: its scores beside the baseline's, the prompt, the answers and what the judge said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len

from panels.scrolled import Scrolled
from panels.text import harmless_lines, plain
from panels.wrap import Runs, wrap

SHOWN = 10_000
"""Characters of a text that are ever laid out."""
LABEL, GAP, BESIDE = 10, 3, 72
"""Cells: of a label, between the two sides, and from which they stand abreast."""


@dataclass(frozen=True)
class JudgedView:
    """An answer and its judgement; a state other than scored has no number."""

    answer: str
    state: str
    corrected: float | None
    raw: float | None
    components: Mapping[str, int]
    critical: Sequence[str]
    reasons: str
    problem: str


@dataclass(frozen=True)
class ItemView:
    """Texts come as they lie in the files."""

    id: str
    title: str
    """Its prompt, and which of several answers to it."""
    category: str
    difficulty: str
    messages: Sequence[tuple[str, str]]
    """Roles and what they said, the question last."""
    mine: JudgedView
    before: JudgedView | None
    """The baseline's; None without one."""
    change: float | None
    """Corrected, from the baseline's; None unless both were scored."""
    search: str
    """All of its texts in lower case."""

    @property
    def asked(self) -> str:
        return self.messages[-1][1] if self.messages else ""

    @property
    def regressed(self) -> bool:
        return self.change is not None and self.change < 0


class ItemText(Scrolled):
    """`triage` labels every number in it as one that proves nothing."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.item: ItemView | None = None
        self._triage = False

    def show(self, item: ItemView | None, *, triage: bool = False) -> None:
        if item != self.item or triage != self._triage:
            anew = item is None or self.item is None or item.id != self.item.id
            self.item, self._triage = item, triage
            self.put(anew=anew)

    def lay_out(self, width: int) -> list[Runs]:
        return [] if self.item is None else lay_out_item(self.item, width, triage=self._triage)


def lay_out_item(item: ItemView, width: int, *, triage: bool) -> list[Runs]:
    head: Runs = [
        (plain(item.title[:SHOWN], 60), "title"),
        (f"  {plain(item.category, 40)}  {plain(item.difficulty)}", "muted"),
    ]
    if item.change is not None:
        head.append((f"  {item.change:+.2f}", "bad" if item.change < 0 else "good" if item.change else "muted"))
    if triage:
        head.append(("  triage", "warn"))
    lines = [head]
    for role, text in item.messages:
        lines += _label(role, text, width, "" if role == "user" else "muted")
    abreast = item.before is not None and width >= BESIDE
    half = (width - GAP) // 2 if abreast else width
    mine = _lay_out_side("this model", item.mine, half)
    if item.before is None:
        return [*lines, [], *mine]
    before = _lay_out_side("◆ baseline", item.before, half)
    if not abreast:
        return [*lines, [], *mine, [], *before]
    lines.append([])
    for a, b in zip_longest(mine, before, fillvalue=Runs()):
        lines.append([*a, (" " * (half + GAP - sum(cell_len(text) for text, _ in a)), ""), *b])
    return lines


def _lay_out_side(name: str, judged: JudgedView, width: int) -> list[Runs]:
    lines = wrap(describe_scores(name, judged), width)
    if judged.components:
        parts = "  ".join(f"{plain(name, 30)} {score}" for name, score in judged.components.items())
        lines += wrap([(parts, "muted")], width)
    if judged.critical:
        lines += wrap([("✗ " + ", ".join(plain(name, 60) for name in judged.critical), "bad")], width)
    lines += [[], *wrap([(_tame(judged.answer) or "no answer", "" if judged.answer.strip() else "muted")], width)]
    if judged.reasons or judged.problem:
        what = "the judge" if judged.reasons else "what went wrong"
        lines += [[], [(what, "muted")], *wrap([(_tame(judged.reasons or judged.problem), "")], width)]
    return lines


def describe_scores(name: str, judged: JudgedView) -> Runs:
    """'this model  corrected 4.20  raw 5.00', or the state instead."""
    if judged.corrected is None:
        return [(name, "strong"), ("  " + judged.state, "warn")]
    raw = "none given" if judged.raw is None else f"{judged.raw:.2f}"
    return [
        (name, "strong"),
        ("  corrected ", "muted"),
        (f"{judged.corrected:.2f}", "strong"),
        (f"  raw {raw}", "muted"),
    ]


def write_item(item: ItemView, *, triage: bool) -> str:
    """The item whole, as text."""
    lines = [f"{item.title}  {item.category}  {item.difficulty}" + ("  triage" if triage else "")]
    lines += [f"{role}: {text}" for role, text in item.messages]
    for name, judged in (("this model", item.mine), ("baseline", item.before)):
        if judged is None:
            continue
        lines += ["", "".join(text for text, _ in describe_scores(name, judged))]
        lines += (
            [", ".join(f"{part} {score}" for part, score in judged.components.items())] if judged.components else []
        )
        lines += [f"critical: {', '.join(judged.critical)}"] if judged.critical else []
        lines += [judged.answer, *([f"judge: {judged.reasons}"] if judged.reasons else [])]
        lines += [f"{judged.state}: {judged.problem}"] if judged.problem else []
    return "\n".join(map(harmless_lines, lines))


def _label(label: str, text: str, width: int, tone: str) -> list[Runs]:
    indent = LABEL if width >= 3 * LABEL else 0
    lines: list[Runs] = []
    for i, runs in enumerate(wrap([(_tame(text), tone)], width - indent)):
        lines.append([(plain(label if i == 0 else "", indent).ljust(indent), "muted"), *runs] if indent else runs)
    return lines


def _tame(text: str) -> str:
    return harmless_lines(text.strip(), SHOWN)

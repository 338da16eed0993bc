"""The commands that decide from files: compare two files of scores, and a judge's labels with a person's."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.text import narrate, print_json, say
from engine.errors import InputError, StoreError
from engine.store.paths import find_workspace
from panels.text import align, plain

if TYPE_CHECKING:
    from engine.records.recipe import Verdict as Rule
    from engine.stats.agreement import Agreement
    from engine.stats.compare import Comparison
    from engine.store.paths import RunPaths

GUARDS = {"break_rate": 0.1, "critical_failures": 0, "categories": 0.05}
"""A limit that each may have, to show where one is mistyped."""
BAR = 21
"""Cells of a forest bar; odd, so that nought has one of its own."""


def compare(
    baseline: str,
    candidate: str,
    *,
    rule: Mapping[str, Any],
    guards: Sequence[str],
    scale: str | None,
    allow: Sequence[str],
    seed: int,
    resamples: int,
    json: bool,
    workspace: str | None,
) -> None:
    """Two files of scores, or else two evaluations, which are held to the recipe's [verdict] where no option says else."""
    given, bounds = read_rule(rule, guards), read_scale(scale) if scale else None
    sides = baseline, candidate
    if not any(map(is_file, sides)) and not any(map(names_path, sides)):
        from engine.judge.comparing import compare_evals

        if bounds is not None:
            raise InputError("--scale is for files: an evaluation has its rubric's", fix="leave --scale out")
        paths, found = compare_evals(
            *sides, find_workspace(workspace), given, allow=tuple(allow), seed=seed, resamples=resamples
        )
        show_verdict(paths, json=json)
    else:
        for side in sides:
            if not is_file(side):
                raise InputError(f"{side} is no file", fix="two files with rows of {id, score}, or two runs")
        found = compare_files(Path(baseline), Path(candidate), given, bounds, allow, seed, resamples)
        if json:
            print_json(found.to_json())
        else:
            say("\n".join(describe_comparison(found, *sides)))
    sys.exit(found.verdict.exit_code)


def show_verdict(paths: RunPaths, *, json: bool) -> None:
    """Of a comparison that is a run."""
    from engine.records.run import CompareRun
    from engine.stats.compare import Comparison
    from engine.store.journal import read_json
    from engine.store.runs import expect, open_record
    from engine.store.state import describe_state

    run = expect(open_record(paths), CompareRun, "compare")
    found = Comparison.parse(read_json(paths.verdict), str(paths.verdict), StoreError)
    sides = run.baseline, run.candidate
    cost = [side.usd for side in sides]
    if json:
        print_json({**describe_state(paths, run), "cost": cost, **found.to_json()})
        return
    lines = describe_comparison(found, sides[0].run, sides[1].run, cost)
    say("\n".join([*lines, f"  it lies in {plain(str(paths.folder))}"]))


def is_file(name: str) -> bool:
    """Or something else to read, such as a pipe."""
    return os.path.exists(name) and not os.path.isdir(name)


def names_path(name: str) -> bool:
    """No run is called so, whether or not it is there."""
    return os.sep in name or name.endswith(".jsonl")


def compare_files(
    baseline: Path,
    candidate: Path,
    rule: Rule,
    scale: tuple[float, float] | None,
    allow: Sequence[str],
    seed: int,
    resamples: int,
) -> Comparison:
    from engine.data.scores import check_alike, read_score_rows
    from engine.stats.compare import compare_scores

    before, after = (read_score_rows(path, rule.primary) for path in (baseline, candidate))
    notes = check_alike({str(baseline): before, str(candidate): after}, allow)
    return compare_scores(before, after, rule, scale=scale, seed=seed, resamples=resamples, notes=notes)


def read_rule(given: Mapping[str, Any], guards: Sequence[str]) -> Rule:
    """The [verdict] table that the options amount to, with those keys alone; a guard is NAME, or NAME=LIMIT."""
    from engine.records.recipe import Verdict

    limits: dict[str, float | None] = {}
    for text in guards:
        name, equals, limit = text.partition("=")
        right = f"--guard {name}={GUARDS.get(name, 0):g}"
        limits[name] = _read_number(limit, f"--guard {name}", right) if equals else None
    named = list(limits) if all(limit is None for limit in limits.values()) else limits
    if isinstance(named, dict) and None in named.values():
        raise InputError("a guard with a limit stands beside one without", fix="give each --guard NAME=LIMIT, or none")
    table = {key: value for key, value in given.items() if value is not None} | ({"guards": named} if guards else {})
    return Verdict.parse(table, "[verdict]", fix="charlab compare --help says what each option takes")


def read_scale(text: str) -> tuple[float, float]:
    low, _, high = text.partition(",")
    bounds = _read_number(low, "--scale", "--scale 0,10"), _read_number(high, "--scale", "--scale 0,10")
    if not bounds[0] < bounds[1]:
        raise InputError(f"--scale {text}: the lowest score comes first", fix="--scale 0,10")
    return bounds


def _read_number(text: str, option: str, right: str) -> float:
    try:
        number = float(text)
    except ValueError as bad:
        raise InputError(f"{option}: {text!r:.40} is no number", fix=right) from bad
    if not abs(number) <= 1e150:  # a NaN is not either
        raise InputError(f"{option}: {text!r:.40} is no finite number of use", fix=right)
    return number


def describe_comparison(
    found: Comparison, baseline: str, candidate: str, cost: Sequence[float | None] = ()
) -> list[str]:
    """The verdict with its reasons, one primary test, the strata, and what would change it; `cost` is of each side."""
    verdict, digits = found.verdict, _find_digits(found)
    of = f" of {plain(verdict.measure, 40)}" if verdict.measure else ""
    lines = [f"{verdict.decision}: {plain(candidate, 60)} against {plain(baseline, 60)}, {found.n} pairs{of}"]
    lines += [f"  {plain(reason)}" for reason in verdict.reasons]
    figures = _list_figures(found, digits)
    if cost:
        figures.append(["cost", " and ".join("unknown" if usd is None else f"{usd:.4f}" for usd in cost) + " USD"])
    lines += ["", *("  " + line for line in align(figures))]
    if found.strata:
        lines += ["", *("  " + line for line in _draw_strata(found, digits))]
    if verdict.guards:
        lines += ["", "  guards"]
        lines += [f"    {plain(guard.told)}" for guard in verdict.guards]
    lines += ["", "  what would change it"]
    lines += [f"    {plain(change)}" for change in verdict.would_change]
    lines += [f"  note: {plain(note)}" for note in verdict.notes]
    return lines


def _list_figures(found: Comparison, digits: int) -> list[list[str]]:
    delta = _say_delta(found.delta, found.ci, digits)
    counts = f"{found.wins} won, {found.losses} lost, {found.ties} tied"
    if found.mcnemar:
        passes = [f"{round(rate * found.n)} ({rate:.1%})" for rate in (found.mean_baseline, found.mean_candidate)]
        rows = [["passes", " -> ".join(passes)]]
    else:
        rows = [["mean", f"{found.mean_baseline:.{digits}f} -> {found.mean_candidate:.{digits}f}"]]
    rows += [["difference", f"{delta}, {counts}"], ["primary test", found.verdict.primary_test]]
    mde = "no spread to tell it by" if found.mde is None else f"{found.mde:.{digits}f}"
    return [*rows, ["detectable", f"{mde}{'' if found.mde is None else ' at 80% power, with as many pairs'}"]]


def _draw_strata(found: Comparison, digits: int) -> list[str]:
    """One line a stratum: difference, interval, adjusted p, and the interval as a bar about nought."""
    reach = max(abs(bound) for ci in (found.ci, *(s.ci for s in found.strata)) for bound in ci) or 1.0
    ends = f"{-reach:+.2g}", f"{reach:+.2g}"
    axis = ends[0].ljust(BAR // 2) + "0" + ends[1].rjust(BAR // 2)
    rows = [["stratum", "n", "difference", "p (Holm)", axis]]
    rows.append(
        ["all", f"{found.n}", _say_delta(found.delta, found.ci, digits), "", draw_bar(found.delta, found.ci, reach)]
    )
    for s in found.strata:
        bar = draw_bar(s.delta, s.ci, reach)
        name = plain(s.name, 20) if s.by == "category" else plain(f"{s.by} {s.name}", 20)
        rows.append([name, f"{s.n}", _say_delta(s.delta, s.ci, digits), f"{s.p_holm:.2g}", bar])
    return align(rows, numeric={1, 3})


def draw_bar(delta: float, ci: tuple[float, float], reach: float) -> str:
    """'-----o--|': the interval, its point and nought, from -reach to reach."""

    def place(value: float) -> int:
        return min(BAR - 1, max(0, round((value / reach + 1) / 2 * (BAR - 1))))

    cells = [" "] * BAR
    cells[place(ci[0]) : place(ci[1]) + 1] = "-" * (place(ci[1]) - place(ci[0]) + 1)
    cells[BAR // 2] = "|"
    cells[place(delta)] = "o"
    return "".join(cells)


def _find_digits(found: Comparison) -> int:
    widest = max(map(abs, found.ci))
    return 2 if widest >= 1 else 3 if widest >= 0.1 else 4


def _say_delta(delta: float, ci: tuple[float, float], digits: int) -> str:
    return f"{delta:+.{digits}f} [{ci[0]:+.{digits}f}, {ci[1]:+.{digits}f}]"


def agree(human: str, judge: str, *, threshold: float, json: bool) -> None:
    from engine.data.scores import read_labels
    from engine.stats.agreement import agree_labels

    found = agree_labels(read_labels(Path(human)), read_labels(Path(judge)), threshold)
    if json:
        print_json(found.to_json())
        for note in found.notes:
            narrate(f"note: {plain(note)}")
        return
    for line in describe_agreement(found):
        say(line)


def describe_agreement(found: Agreement) -> list[str]:
    lines = [f"{found.state}: kappa {found.kappa:.2f} [{found.ci[0]:.2f}, {found.ci[1]:.2f}] on {found.n} items"]
    lines.append(f"  agreement {found.agreement:.1%}; the threshold is a lower bound of {found.threshold:g}")
    if found.state == "too few to say":
        needed = found.n_needed
        lines.append(
            "  how many items it would take cannot be told from these"
            if needed is None
            else f"  about {needed:,} items would tell such a kappa from the threshold"
        )
    return [*lines, *(f"  note: {plain(note)}" for note in found.notes)]

"""The command that prints where a run's character breaks: prompts by moments, as the panel shows them."""

from collections.abc import Callable
from typing import Any

from console.text import narrate, print_json, say
from engine.probe.grid import Cell, Grid, Moment, find_about, read_grid
from engine.stats.intervals import Proportion
from engine.store.paths import find_workspace
from panels.grid import format_rate
from panels.text import align, plain


def list_sentinels(run: str, *, json: bool, workspace: str | None) -> None:
    room = find_workspace(workspace)
    paths = room.find_run(run)
    grid = read_grid(paths, find_about(paths.id, room))
    if json:
        print_json(grid_json(grid))
        return
    if not grid.moments:
        narrate(f"{grid.run} has no answers yet")
    for line in describe_grid(grid):
        say(line)


def grid_json(grid: Grid) -> dict[str, Any]:
    """The grid without its answers, which stand in the run's samples; a rate of nothing asked is null."""
    return {
        "id": grid.run,
        "name": grid.name,
        "system": grid.system,
        "skipped": grid.skipped,
        **_totals_json(grid.total),
        "moments": [
            {
                "step": m.step,
                "attempt": m.attempt,
                "checkpoint": m.checkpoint,
                "label": m.label,
                "run": m.run,
                **_totals_json(m.total),
            }
            for m in grid.moments
        ],
        "probes": [
            {
                "id": row.probe,
                "category": row.category,
                "messages": [m.to_json() for m in row.messages],
                **_totals_json(row.total),
                "moments": [
                    {"step": m.step, "label": m.label, **_rates_json(cell)}
                    for m, cell in zip(grid.moments, row.cells, strict=True)
                ],
            }
            for row in grid.rows
        ],
    }


def _rates_json(cell: Cell) -> dict[str, Any]:
    return {
        "break_rate": cell.breaks.to_json("breaks") if cell.breaks.n else None,
        "in_character_rate": cell.in_character.to_json("in_character") if cell.breaks.n else None,
    }


def _totals_json(cell: Cell) -> dict[str, Any]:
    """Rates over several prompts or moments, which have no interval: see `Grid`."""
    return {name: rate and {k: v for k, v in rate.items() if k != "ci"} for name, rate in _rates_json(cell).items()}


def describe_grid(grid: Grid) -> list[str]:
    """Two tables of prompts by moments: breaks, and answers in character."""
    lines = [f"{plain(grid.name)}  {grid.run}"]
    if grid.system is not None:
        lines.append(f"  system prompt where a probe has none: {plain(grid.system, 90)}")
    if grid.skipped:
        lines.append(f"  {grid.skipped} unreadable rows left out")
    if not grid.moments:
        return lines
    lines += ["", *_tabulate("breaks", grid, lambda cell: cell.breaks)]
    lines += ["", *_tabulate("in character", grid, lambda cell: cell.in_character)]
    return lines


def _tabulate(title: str, grid: Grid, pick: Callable[[Cell], Proportion]) -> list[str]:
    table = [[title, *(_name(m) for m in grid.moments), "all "]]
    for row in grid.rows:
        table.append([plain(row.probe, 20), *(_describe(pick(cell)) for cell in (*row.cells, row.total))])
    table.append(["all prompts", *(_describe(pick(m.total)) for m in grid.moments), _describe(pick(grid.total))])
    return align(table, numeric=set(range(1, len(grid.moments) + 2)))


def _name(moment: Moment) -> str:
    return (
        f"{moment.step} {moment.label} " if moment.label else f"step {moment.step}{'▲' if moment.checkpoint else ' '}"
    )


def _describe(found: Proportion) -> str:
    """'7/12  58%', '·' where nothing was asked."""
    return f"{found.hits}/{found.n} {format_rate(found):>4}" if found.n else "· "

"""`charlab diff`: what differs between runs, in words."""

from collections.abc import Sequence
from dataclasses import replace

from console.text import narrate, print_json, say
from engine.errors import InputError, StoreError
from engine.store.differ import Comparison, compare_runs
from engine.store.paths import find_workspace
from panels.comparison import write_problems, write_text


def diff(runs: Sequence[str], *, all: bool, json: bool, workspace: str | None) -> None:
    """Compare with the first of `runs`; those that cannot be read are named, unless fewer than two remain."""
    home = find_workspace(workspace)
    paths = list(dict.fromkeys(home.find_run(run) for run in runs))
    if len(paths) < 2:
        raise InputError("it takes two different runs to compare", fix="charlab runs lists them")
    comparison = compare_runs(paths)
    problems = write_problems(comparison)
    if len(comparison.runs) < 2:
        raise StoreError(f"fewer than two runs to compare; {'; '.join(problems)}", fix="charlab runs lists them")
    for problem in problems:
        narrate(problem)
    if json:
        print_json((comparison if all else keep_differences(comparison)).to_json())
        return
    for line in write_text(comparison, every=all):
        say(line)


def keep_differences(comparison: Comparison) -> Comparison:
    kept = [replace(s, items=tuple(item for item in s.items if item.differs)) for s in comparison.sections]
    return replace(comparison, sections=tuple(section for section in kept if section.items))

"""What past runs learned the hard way: refusals that a recipe may overrule, each by its name."""

from contextlib import suppress
from pathlib import Path

from engine.data.audit import find_leaks, list_rows
from engine.data.layout import read_sealed
from engine.data.read import find_dataset, hash_file, read_rubric_file
from engine.errors import RecipeError, RefusedError, StoreError
from engine.records.dataset import Pair
from engine.records.recipe import OVERALL, Recipe
from engine.records.run import Ancestor, GateUse
from engine.store.gates import read_gate
from engine.store.paths import Workspace

ALLOWANCES = {
    "sft-after-orpo": "SFT on weights that ORPO trained",
    "long-prompt": "leave rows out whose prompt fills the window",
    "audit": "train although rows repeat sealed prompts",
    "gate": "train although the named gate did not pass, or on another base",
    "dataset-changed": "fork onto the dataset as it is now",
}


def check_allowances(recipe: Recipe) -> None:
    for name in recipe.allow:
        if name not in ALLOWANCES:
            raise RecipeError(f"allow: nothing is called '{name}'", fix=f"one of: {', '.join(ALLOWANCES)}")


def check_primary(recipe: Recipe, workspace: Workspace) -> None:
    """RecipeError where [verdict] primary is nothing that the dataset's rubric scores."""
    primary = recipe.verdict.primary
    rubric = find_dataset(workspace, recipe.dataset).rubric
    if primary in (None, OVERALL) or not rubric.is_file():
        return
    names = [OVERALL, *(component.name for component in read_rubric_file(rubric).components)]
    if primary not in names:
        raise RecipeError(f"[verdict] primary: {rubric} scores no '{primary}'", fix=f"one of: {', '.join(names)}")


def refuse_sft_after_orpo(recipe: Recipe, lineage: list[Ancestor]) -> None:
    orpo = [a for a in lineage if a.objective == "orpo"]
    if recipe.objective == "sft" and orpo and "sft-after-orpo" not in recipe.allow:
        raise RefusedError(
            f"base {recipe.base} was trained by ORPO (run {orpo[-1].run}), and SFT on such weights fell from 8.81 "
            "to 2.0 of 10 both times it was tried; the second try was at rank 8 and a rate of 1e-6, so a wrong "
            "base was not ruled out as the cause",
            fix='go on with objective = "orpo" and better rows, or allow = ["sft-after-orpo"]',
        )


def refuse_leaks(recipe: Recipe, pairs: list[Pair], workspace: Workspace) -> None:
    if "audit" in recipe.allow:
        return
    rows = list_rows(pairs)
    for name in recipe.audit.sealed:
        sealed = read_sealed(workspace, name)
        leaks = find_leaks(rows, sealed)
        if leaks:
            more = f" and {len(leaks) - 3} more" if len(leaks) > 3 else ""
            raise RefusedError(
                f"{recipe.dataset} leaks the sealed set '{name}': {'; '.join(map(str, leaks[:3]))}{more}",
                fix=f'charlab data audit {recipe.dataset} --sealed {name} lists them; or allow = ["audit"]',
            )


def refuse_unpassed_gate(recipe: Recipe, workspace: Workspace) -> None:
    """Refuse what the gate that it names does not vouch for: one not passed, or checked on another base."""
    name = recipe.gate.name
    if not name or "gate" in recipe.allow:
        return
    kept = read_gate(workspace, name)
    if kept is None:
        found = "has not passed: this workspace holds no run of it"
    elif kept.unmet:
        found = f"has not passed: not met: {', '.join(kept.unmet)}"
    elif kept.base is not None and kept.base != recipe.base:
        found = f"was checked on base {kept.base}, and this recipe trains {recipe.base}"
    else:
        return
    raise RefusedError(
        f"gate '{name}' {found}",
        fix=f'charlab gate --base A --instruct B --name {name} checks it; allow = ["gate"] trains without it',
    )


def describe_gate(recipe: Recipe, workspace: Workspace) -> GateUse | None:
    """What is frozen of the gate that the recipe names; one that does not read has not passed."""
    if not recipe.gate.name:
        return None
    kept = None
    with suppress(StoreError):
        kept = read_gate(workspace, recipe.gate.name)
    if kept is None:
        return GateUse(name=recipe.gate.name, created=None, passed=False)
    return GateUse(name=kept.name, created=kept.created, passed=not kept.unmet, base=kept.base)


def note_gate(recipe: Recipe, workspace: Workspace) -> list[str]:
    """What of the gate cannot be vouched for any more: its files changed, or never said whose answers they hold."""
    name, kept = recipe.gate.name, None
    with suppress(StoreError):
        kept = read_gate(workspace, name) if name else None
    if kept is None:
        return []
    notes = [] if kept.base else [f"gate '{name}' names no base, so nothing says that it was checked on {recipe.base}"]
    for option, use in kept.files.items():
        # a path is as it was given, which was most likely in the workspace
        found = next((path for path in (workspace.folder / use.path, Path(use.path)) if path.is_file()), None)
        if found is None:
            notes.append(f"gate '{name}': its --{option} {use.path} is not there to be looked at again")
        elif hash_file(found) != use.sha256:
            notes.append(f"gate '{name}': its --{option} {use.path} has changed since it was checked")
    return notes

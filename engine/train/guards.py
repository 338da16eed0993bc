"""What past runs learned the hard way: refusals that a recipe may overrule, each by its name."""

from engine.data.audit import Text, find_leaks, last_words
from engine.data.layout import read_sealed
from engine.errors import RecipeError, RefusedError
from engine.records.dataset import Pair
from engine.records.recipe import Recipe
from engine.records.run import Ancestor
from engine.store.gates import read_gate
from engine.store.paths import Workspace

ALLOWANCES = {
    "sft-after-orpo": "SFT on weights that ORPO trained",
    "long-prompt": "leave rows out whose prompt fills the window",
    "audit": "train although rows repeat sealed prompts",
    "gate": "train although the named gate did not pass",
    "dataset-changed": "fork onto the dataset as it is now",
}


def check_allowances(recipe: Recipe) -> None:
    for name in recipe.allow:
        if name not in ALLOWANCES:
            raise RecipeError(f"allow: nothing is called '{name}'", fix=f"one of: {', '.join(ALLOWANCES)}")


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
    rows = [Text(p.id, last_words(p.prompt)) for p in pairs]
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
    name = recipe.gate.name
    if not name or "gate" in recipe.allow:
        return
    kept = read_gate(workspace, name)
    if kept is None:
        found = "this workspace holds no run of it"
    else:
        failed = [c.name for c in kept.gate.conditions if not c.passed]
        if kept.gate.passed and not failed:
            return
        found = f"not met: {', '.join(failed) or 'what it records of itself'}"
    raise RefusedError(
        f"gate '{name}' has not passed: {found}",
        fix=f'charlab gate --base A --instruct B --name {name} checks it; allow = ["gate"] trains without it',
    )

"""Defaults that depend on the objective and the model's size, and advice where experience warns.

Learning rates are for LoRA. Small models take far more than large ones: 3e-4 turned the bundled 135M
model in 60 steps; 2e-5 was best of four rates for ORPO on 32B (Madison, 2026-03); SimPO on 1.7B took
5e-6 (Tenacious critic, 2026-05); DPO on 8B 5e-5 (OpenCharacterTraining). Between them it is a guess
on a log scale, which a sweep (--set optim.lr=a,b,c) should settle.
"""

from engine.records.recipe import Objective, Recipe

_SIZES = (0.5e9, 4e9, 16e9)
_LR: dict[Objective, tuple[float, float, float, float]] = {
    # up to 0.5B, 4B, 16B, above
    "orpo": (3e-4, 1e-4, 4e-5, 2e-5),
    "simpo": (5e-5, 5e-6, 5e-6, 2e-6),
    "dpo": (1e-4, 5e-5, 5e-5, 2e-5),
    "sft": (3e-4, 2e-4, 1e-4, 5e-5),
}


def preset_lr(objective: Objective, parameters: int) -> float:
    size = sum(parameters > limit for limit in _SIZES)
    return _LR[objective][size]


def fill_presets(recipe: Recipe, parameters: int) -> Recipe:
    """The recipe with nothing left open: rate, scale and length as numbers."""
    optim = recipe.optim
    if optim.lr is None:
        optim = optim.model_copy(update={"lr": preset_lr(recipe.objective, parameters)})
    if optim.epochs is None and optim.steps is None:
        optim = optim.model_copy(update={"epochs": 3.0})
    lora = recipe.lora
    if lora.alpha is None:
        lora = lora.model_copy(update={"alpha": 2.0 * lora.rank})
    return recipe.model_copy(update={"optim": optim, "lora": lora})


def give_advice(recipe: Recipe, parameters: int, pairs: int) -> list[str]:
    """Sentences about settings outside the bands that held so far; nothing is refused."""
    advice = []
    lr = recipe.optim.lr or preset_lr(recipe.objective, parameters)
    usual = preset_lr(recipe.objective, parameters)
    if not usual / 4 <= lr <= usual * 4:
        advice.append(f"optim.lr = {lr:g} lies far from {usual:g}, the preset for {recipe.objective} at this size")
    if recipe.objective == "orpo":
        if parameters > 4e9 and recipe.orpo.beta > 0.11:
            advice.append(
                f"orpo.beta = {recipe.orpo.beta:g}: at 32B, 0.12 instead of 0.1 brought critical failures in two "
                "categories (one 300-step probe); move in steps of 0.01"
            )
        if recipe.orpo.beta > 0.5:
            advice.append(f"orpo.beta = {recipe.orpo.beta:g}; the paper's models took 0.1 to 0.25")
        if parameters > 16e9 and lr < 1.5e-5:
            advice.append(f"optim.lr = {lr:g}: at 32B, 8e-6 and 1.2e-5 scored 7.84 and 8.30 against 8.81 at 2e-5")
    if recipe.objective == "simpo":
        ratio = recipe.simpo.gamma / recipe.simpo.beta
        if not 0.1 <= ratio <= 0.8:
            advice.append(f"simpo.gamma / simpo.beta = {ratio:.2f}; the paper's settings lie between 0.1 and 0.8")
        if recipe.simpo.beta < 1:
            advice.append(f"simpo.beta = {recipe.simpo.beta:g}; the paper uses 2 to 10, and small ones gave gibberish")
    if recipe.objective == "dpo":
        advice.append("dpo alone has collapsed a character at 200 pairs (Madison v1); watch chosen rewards")
    if pairs < 400:
        advice.append(f"{pairs} training rows: knowledge came with 475 pairs, voice only with 1,273 (27B)")
    epochs = recipe.optim.epochs
    if recipe.objective == "simpo" and epochs is not None and epochs <= 3 and pairs < 400:
        advice.append("three epochs of 306 pairs left SimPO's margin at -0.06; five more gave 6.5 (charlab fork)")
    return advice

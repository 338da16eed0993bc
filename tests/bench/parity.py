"""Ten optimiser steps in float32 of charlab's ORPO and TRL's, from the same adapter on the same token ids."""

from kit import Row, Side, make_workspace

STEPS = 10
BATCH = 2
NAMES = ("loss", "nll_loss", "rewards/margins", "grad_norm")


def measure() -> tuple[list[Row], list[str]]:
    # at the presets of this size: what a loud preference term amplifies is training, not arithmetic
    changes = [f"optim.batch={BATCH}", "optim.accumulate=1", "load.dtype=fp32", "orpo.beta=0.1", "optim.lr=3e-4"]
    common = {"set": changes, "shortest": STEPS * BATCH}
    with make_workspace() as folder:
        adapter = str(folder / "adapter.pt")
        with Side(folder, trainer="charlab", save_adapter=adapter, **common) as side:
            side.ask()
            ours = [side.ask("step") for _ in range(STEPS)]
        with Side(folder, trainer="trl", autocast=False, load_adapter=adapter, **common) as side:
            side.ask()
            theirs = [side.ask("step") for _ in range(STEPS)]
    if [o["tokens"] for o in ours] != [t["tokens"] for t in theirs]:
        raise RuntimeError("the sides trained on different rows")
    rows, notes = [], []
    for name in NAMES:
        gaps = [abs(o[name] - t[name]) for o, t in zip(ours, theirs)]
        worst = max(gaps)
        rows.append(Row(f"parity with TRL, {name}", 1e-4, 1e-6, worst, "max |difference|", f"{worst:.2e}"))
        notes.append(f"parity, {name}: " + " ".join(f"{g:.1e}" for g in gaps))
    values = ", ".join(f"{name} {ours[0][name]:.6g} to {ours[-1][name]:.6g}" for name in NAMES)
    notes.append(f"parity is on the bundled model, {BATCH} pairs a step of the {STEPS * BATCH} shortest: {values}")
    return rows, notes

"""What the Ledger panel shows: what each run took, what all did, and the budgets that they were given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.store.paths import RunPaths, Workspace
from panels.ledger import CostView, LedgerView

if TYPE_CHECKING:
    from engine.judge.ledger import Cost, Known


def read_costs(workspace: Workspace, known: dict[str, Known]) -> LedgerView:
    """`known` is what was read before, and is brought up to date."""
    from engine.judge.ledger import HOURLY, read_hourly, read_ledger

    found = read_ledger(workspace, known)
    judged: dict[str | None, float] = {}
    for cost in found:
        judged[cost.about] = judged.get(cost.about, 0.0) + (cost.judge_usd or 0.0)
    costs = [
        view_cost(
            cost, read_budget(workspace.run(cost.run)),
            # a recipe's budget is for all judgements about its training
            judged.get(cost.run, 0.0) if cost.kind == "train" else cost.judge_usd,
        )
        for cost in found
    ]  # fmt: skip
    hint = "the judge's model has none that is known"
    if read_hourly() is None:
        hint = f"{HOURLY} is what an hour here costs"
    # what is spent under a training's budget is not spent again under an evaluation's
    held = {view.run for view in costs if view.budget is not None}
    outermost = [view for cost, view in zip(found, costs) if view.run in held and cost.about not in held]
    return LedgerView(costs, add_up(costs, outermost), sum(cost.usd is None or cost.partly for cost in costs), hint)


def view_cost(cost: Cost, budget: float | None, spent: float | None) -> CostView:
    """What did not happen costs nothing; what happened and has no price is not known."""
    judge = cost.judge_usd if cost.judgements else None
    worked = bool(cost.train_seconds or cost.generate_seconds)
    machine = cost.machine_usd if worked else None
    known = [usd for usd in (judge, machine) if usd is not None]
    missing = (cost.judgements > 0 and judge is None) + (worked and machine is None)
    whole = sum(known)
    return CostView(
        run=cost.run, kind=cost.kind, train_seconds=cost.train_seconds, train_tokens=cost.train_tokens,
        generate_seconds=cost.generate_seconds, generate_tokens=cost.generate_tokens, judgements=cost.judgements,
        failed=cost.failed, judge_tokens=cost.judge_tokens, judge_usd=judge, machine_usd=machine,
        # a sum of which only a nought is known is not known
        usd=None if missing and not whole else whole, partly=bool(missing and whole), budget=budget, spent=spent,
    )  # fmt: skip


def add_up(costs: Sequence[CostView], held: Sequence[CostView]) -> CostView:
    """The sums, of budgets those `held`; a price that some lack is the sum of what is known, marked as a part."""

    def money(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if known else None

    budgets = [cost.budget for cost in held if cost.budget is not None]
    spent = [cost.spent for cost in held]
    return CostView(
        run=f"{len(costs):,} runs" if len(costs) != 1 else "1 run", kind="",
        train_seconds=sum(cost.train_seconds for cost in costs), train_tokens=sum(cost.train_tokens for cost in costs),
        generate_seconds=sum(cost.generate_seconds for cost in costs),
        generate_tokens=sum(cost.generate_tokens for cost in costs), judgements=sum(cost.judgements for cost in costs),
        failed=sum(cost.failed for cost in costs), judge_tokens=sum(cost.judge_tokens for cost in costs),
        judge_usd=money([cost.judge_usd for cost in costs]), machine_usd=money([cost.machine_usd for cost in costs]),
        usd=money([cost.usd for cost in costs]), partly=any(cost.partly or cost.usd is None for cost in costs),
        budget=sum(budgets) if budgets else None, spent=None if None in spent else money(spent),
    )  # fmt: skip


def read_budget(paths: RunPaths) -> float | None:
    """[budget] max_usd of a recipe, --max-usd of an evaluation as it was last given; None where there is no such number."""
    try:
        run: Any = json.loads(paths.run.read_bytes())
        if run["kind"] == "train":
            found = run["recipe"]["budget"]["max_usd"]
        else:
            found = json.loads(paths.limit.read_bytes())["max_usd"] if paths.limit.is_file() else run["max_usd"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if is_number and 0 < found < 1e12 else None

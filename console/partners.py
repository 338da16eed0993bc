"""Whom one can talk to: what the runs that are looked at have made, and the prompts that were saved to ask it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.errors import CharlabError
from engine.store.paths import RunPaths, Workspace
from panels.chat import QuestionView
from panels.models import ModelView

BUNDLED = "bundled:smollm2-135m"


class Found(NamedTuple):
    """What a reading brings: whom one can talk to, and what there is to ask them."""

    models: list[ModelView]
    questions: list[QuestionView]
    dataset: str
    """The one whose character they are to have; '' where no run tells."""


def read_models(workspace: Workspace, runs: Sequence[str]) -> Found:
    """The base, the adapter, the checkpoints and the exported forms of each run that can be read."""
    from engine.data.spot import read_questions
    from engine.records.run import Run
    from engine.store.runs import open_record, open_run

    models: dict[str, str] = {}
    bases: dict[str, str] = {}
    datasets: list[str] = []
    for name in runs:
        try:
            run = open_record(workspace.find_run(name))
            trained = run.id if isinstance(run, Run) else run.subject.run
            if trained is None:
                bases.setdefault(run.subject.reference, f"what {run.id} asked")  # type: ignore[union-attr]
                continue
            paths = workspace.run(trained)
            recipe = open_run(paths).recipe
        except (CharlabError, OSError):
            continue  # its own panel says what is wrong with it
        forms = list_forms(paths)
        first = next(iter(forms), None)
        # the base stands behind the newest checkpoint: the two that are talked to most
        models |= {**({first: forms[first]} if first else {}), recipe.base: f"base of {paths.id}"}
        models |= forms
        datasets.append(recipe.dataset)
    models |= {base: what for base, what in bases.items() if base not in models}
    models.setdefault(BUNDLED, "comes with charlab")
    questions: list[QuestionView] = []
    dataset = datasets[0] if datasets else ""
    if dataset:
        try:
            found = read_questions(workspace, dataset)
        except (CharlabError, OSError):
            found = []
        for one in found:
            asked = [m for m in one.messages if m.role == "user"]
            questions.append(QuestionView(one.id, asked[-1].content, len(asked)))
    return Found([ModelView(reference, what) for reference, what in models.items()], questions, dataset)


def list_forms(paths: RunPaths) -> dict[str, str]:
    """References of a run's adapter, its newest checkpoint first, and what each is."""
    checkpoints = paths.complete_checkpoints()
    if not checkpoints:
        return {}
    found = {f"run:{paths.id}": f"last checkpoint, step {checkpoints[-1].step}"}
    for export in paths.complete_exports():
        form, _, step = export.folder.name.partition("_step_")
        at = f"@{int(step)}" if step.isdigit() else ""
        found[f"run:{paths.id}{at}#{form}"] = f"exported as {form}" + (f", step {int(step)}" if at else "")
    for checkpoint in reversed(checkpoints[:-1]):
        found[f"run:{paths.id}@{checkpoint.step}"] = f"checkpoint, step {checkpoint.step}"
    return found

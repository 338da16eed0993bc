"""Each form's answers to the prompt set judged, one evaluation a form, one after another."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.errors import StoreError
from engine.forge.parity import choose_serving
from engine.judge.start import EvalRequest, start_evaluation
from engine.judge.summary import summarise_evaluation
from engine.launch.attempt import Journals
from engine.launch.steer import stop_run
from engine.records.forms import TRAINED
from engine.records.rows import Event
from engine.records.run import ParityRun
from engine.records.version import LIVE
from engine.store.index import summarise_run
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import read_records

POLL_SECONDS = 0.5


def judge_forms(
    run: ParityRun,
    paths: RunPaths,
    forms: list[str],
    workspace: Workspace,
    journals: Journals,
    heed: Callable[[], None],
) -> None:
    """Evaluate every form that has no evaluation yet; which it is stands in the run's events. Raises what `heed` does."""
    assert run.judge is not None
    done = read_judged(paths)
    for form in forms:
        if form in done and summarise_run(workspace.run(done[form])).status == "finished":
            continue
        reference, backend = choose_serving(form, run.subject.reference)
        request = EvalRequest(
            model=reference, prompts=run.probes.dataset, judge=run.judge, backend=backend if form == TRAINED else None,
            sampling={} if run.max_tokens is None else {"max_tokens": run.max_tokens},
        )  # fmt: skip
        evaluation, _ = start_evaluation(request, workspace)
        journals.tell("note", journals.step, f"{form} judged in {evaluation.id}", form=form, run=evaluation.id)
        while summarise_run(evaluation).status in (*LIVE, "draft"):
            try:
                heed()
            except BaseException:
                with suppress(StoreError):  # it may have ended by itself
                    stop_run(evaluation)
                raise
            time.sleep(POLL_SECONDS)


def read_judged(paths: RunPaths) -> dict[str, str]:
    """The newest evaluation of each form, by its run."""
    return {
        str(event.data["form"]): str(event.data["run"])
        for event in read_records(paths.events, Event)[0]
        if "form" in event.data and "run" in event.data
    }


def read_scores(paths: RunPaths, workspace: Workspace) -> dict[str, dict[str, Any]]:
    """By form what its evaluation found: overall, by category, critical failures."""
    found = {}
    for form, name in read_judged(paths).items():
        evaluation = workspace.run(name)
        if evaluation.run.is_file():
            facts = summarise_evaluation(evaluation)
            kept = ("id", "status", "judge", "overall", "categories", "critical", "states")
            found[form] = {key: facts[key] for key in kept}
    return found

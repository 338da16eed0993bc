"""What a comparison of forms says where something is missing, without a model: no place, no room, no evaluation."""

import os
import signal
import time
from typing import Any

import pytest

from engine.errors import SpaceError
from engine.forge.parity import Measuring, compare_scores, measure_form
from engine.forge.parity_judged import judge_forms
from engine.forge.parity_summary import find_cause
from engine.launch.attempt import Journals
from engine.probe.tally import Stopped
from engine.records.dataset import Character
from engine.records.forms import Divergence, FormRow
from engine.records.run import ParityRun, ProbesUse, Subject
from engine.records.serving import Sampling
from engine.serve.answers import Scored
from engine.store.index import summarise_run
from engine.store.journal import read_json, write_json
from engine.store.paths import RunPaths, Workspace

HERE = Scored(5, -0.5, {5: -0.5, 6: -1.5})
THERE = Scored(5, -1.5, {6: -0.5, 5: -1.5})


def make_row(**change: Any) -> FormRow:
    return FormRow.model_validate({
        "form": "q8_0", "reference": "run:ada#q8_0", "backend": "llama", "bytes": 1, "seconds": 1.0, "tokens": 9,
        "divergence": None, "differences": [], "tokens_differ": [], "notes": [], **change,
    })  # fmt: skip


@pytest.fixture
def parity(workspace: Workspace) -> tuple[ParityRun, RunPaths]:
    """A comparison of the forms of what a server that is not there would serve, judged by rules."""
    paths = workspace.run("20260102-1000-madison-parity-3c4d")
    paths.folder.mkdir()
    run = ParityRun(
        id=paths.id, name="madison-parity", created=1_767_258_000.0, steps=2, versions={}, git=None, host="here",
        subject=Subject(reference="http://127.0.0.1:9/v1#x"), probes=ProbesUse(dataset="madison", sha256="ab", count=1),
        samples=1, sampling=Sampling(max_tokens=9, seed=1), forms=["trained", "merged"], positions=10, judge="rules",
    )  # fmt: skip
    write_json(paths.run, run.to_json())
    return run, paths


def test_places_that_only_one_form_tells_of_are_left_out() -> None:
    found = compare_scores([[HERE, None, HERE], [HERE]], [[HERE, THERE, None], [THERE]])
    assert found is not None
    assert (found.positions, found.agreements) == (2, 1)
    assert found.kl_max > 0.0
    assert found.kl_mean == pytest.approx(found.kl_max / 2)


@pytest.mark.parametrize("second", [[[None, None]], [[]]])
def test_where_no_place_can_be_compared_there_is_no_divergence(second: list[list[Scored | None]]) -> None:
    assert compare_scores([[HERE for _ in second[0]]], second) is None


def test_what_was_not_measured_is_not_said_to_be_no_difference() -> None:
    told = Divergence(positions=9, kl_mean=0.001, kl_max=0.01, agreements=9)
    assert find_cause(make_row()) == "not measured"
    assert find_cause(make_row(divergence=told.model_copy(update={"positions": 0}))) == "not measured"
    assert find_cause(make_row(divergence=told)) == "none"
    assert find_cause(make_row(tokens_differ=["template: ..."])) == "template"
    assert find_cause(make_row(form="trained")) == ""


def test_a_full_disk_is_the_end_of_the_comparison_and_no_error_of_one_form(
    workspace: Workspace, parity: tuple[ParityRun, RunPaths]
) -> None:
    def narrate(message: str) -> None:
        raise SpaceError(f"no disk left for '{message}'")

    character = Character.model_validate({"name": "Ada"})
    unused: Any = None
    with_ = Measuring(parity[0], workspace, [], character, unused, narrate, lambda: None)
    with pytest.raises(SpaceError, match="no disk left for 'writing merged'"):
        measure_form("merged", with_, None, [], lambda answer: None)


def test_a_comparison_that_is_stopped_when_its_evaluation_just_ended_is_stopped(
    workspace: Workspace, parity: tuple[ParityRun, RunPaths]
) -> None:
    run, paths = parity

    def heed() -> None:
        (evaluation,) = [workspace.run(name) for name in workspace.run_ids() if name != paths.id]
        os.kill(read_json(evaluation.launch)["process"]["pid"], signal.SIGKILL)
        end = time.monotonic() + 60
        while summarise_run(evaluation).status != "lost":
            assert time.monotonic() < end
            time.sleep(0.01)
        raise Stopped

    with pytest.raises(Stopped):
        judge_forms(run, paths, ["merged"], workspace, Journals(paths, 1), heed)

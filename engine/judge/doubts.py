"""Why a judge is not to be trusted unchecked: that it is a set of rules, or of a family with what it judges."""

from collections.abc import Sequence
from contextlib import suppress

from engine.data.read import read_manifest
from engine.errors import DatasetError, StoreError
from engine.judge.calibrating import find_calibration
from engine.judge.trust import find_kinship
from engine.records.judging import JudgeUse
from engine.records.run import DatasetUse, Subject
from engine.store.paths import Workspace
from engine.store.runs import open_run


def find_doubts(judges: Sequence[JudgeUse], subjects: Sequence[Subject], workspace: Workspace) -> list[str]:
    """Why no verdict of these judges about these models is to be trusted unchecked."""
    bases = dict.fromkeys(subject.base or subject.reference for subject in subjects)
    generators = dict.fromkeys(name for subject in subjects for name in list_generators(subject, workspace)[0])
    doubts: list[str] = []
    for judge in {judge.fingerprint: judge for judge in judges}.values():
        if judge.triage:
            doubts.append(
                "the judge is a set of rules, whose scores show where to look and prove nothing: --judge anthropic:MODEL"
            )
            continue
        kinship = find_kinship(judge.reference, list(bases))
        for name in generators:
            kinship += find_kinship(judge.reference, {"generator of its data,": name})
        # people who labelled its answers without seeing a score vouch for it
        if kinship and not find_calibration(judge.fingerprint, workspace):
            doubts += kinship
    return list(dict.fromkeys(doubts))


def note_unstated(subjects: Sequence[Subject], workspace: Workspace) -> list[str]:
    """Where kinship with what made the training data cannot be seen."""
    silent = dict.fromkeys(name for subject in subjects for name in list_generators(subject, workspace)[1])
    return [f"what made the training data of {name} is not stated, so no kinship shows" for name in silent]


def list_generators(subject: Subject, workspace: Workspace) -> tuple[list[str], list[str]]:
    """What the data of every training behind a model say that they were made by, and the trainings that say nothing."""
    trainings = [*(ancestor.run for ancestor in subject.lineage), *([subject.run] if subject.run else [])]
    made: list[str] = []
    silent: list[str] = []
    seen: set[str | None] = set()
    for run in trainings:
        if run in seen:
            continue
        seen.add(run)
        trained = open_run(workspace.run(run)) if run and workspace.run(run).run.is_file() else None
        if trained and trained.parent:
            trainings.append(trained.parent.run)
        if trained and (stated := read_lineage(trained.dataset, workspace)):
            made += stated
        else:
            silent.append(run or f"an adapter below {subject.reference}")
    return made, silent


def read_lineage(used: DatasetUse, workspace: Workspace) -> list[str]:
    """As the run froze it; where it froze none, as the dataset says it today, if it still is what was trained on."""
    if used.lineage:
        return used.lineage
    with suppress(DatasetError, StoreError):
        manifest = read_manifest(workspace.dataset(used.name))
        return manifest.lineage if manifest.sha256 == used.sha256 else []
    return []

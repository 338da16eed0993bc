"""The model that a run is about, as its record names it."""

from typing import Literal

from engine.data.spot import name_spot
from engine.errors import ModelError
from engine.models.locate import find_folder, hash_adapter, locate_model, trace_model
from engine.models.reference import find_training, parse_reference, refuse_password
from engine.records.run import Run, Subject
from engine.store.paths import Workspace
from engine.store.runs import open_record, open_run


def describe_subject(text: str, workspace: Workspace) -> Subject:
    """ModelError where `text` names nothing that is there; of a hub model the small files are fetched to know that.

    Of a URL nothing more is known than its name.
    """
    if text.startswith(("http://", "https://")):
        refuse_password(text)
        return Subject(reference=text)
    traced = trace_model(text, workspace)
    if parse_reference(text).kind == "hub":
        find_folder(locate_model(text, workspace))
    adapter = traced.trained.adapter_sha256 if traced.trained else None
    if adapter is None and traced.adapter is not None:
        adapter = hash_adapter(traced.adapter)
    return Subject(
        reference=traced.reference,
        run=traced.run,
        step=traced.trained.step if traced.trained else None,
        form=traced.form.kind if traced.form else None,
        base=traced.form.base if traced.form else traced.base,
        adapter_sha256=adapter,
        lineage=traced.lineage,
    )


def describe_adapter(text: str, workspace: Workspace) -> Subject:
    """The adapter of a run, named as a reference or as RUN[@STEP], where RUN is what charlab's commands take."""
    named, form, _ = text.removeprefix("run:").partition("#")
    if set(":/") & set(named):
        raise ModelError(f"'{text}' is no run with an adapter", fix="run:ID or run:ID@STEP")
    name, at, step = named.partition("@")
    record = open_record(workspace.find_run(name))
    # a run that asks, judges or exports an adapter stands for it, as `last` often names one
    about = f"run:{record.id}" if isinstance(record, Run) else record.subject.reference.partition("#")[0]
    if find_training(about) is None:
        raise ModelError(f"run {record.id} is about no adapter of a run", fix="run:ID or run:ID@STEP")
    reference = f"{about.partition('@')[0]}@{step}" if at else about
    if form:
        raise ModelError(f"'{text}' is a form, and forms are made of the adapter itself", fix=reference)
    return describe_subject(reference, workspace)


def find_character_of(subject: Subject, workspace: Workspace, by: Literal["probes", "prompts"] = "probes") -> str:
    """The dataset whose probes or prompts a model is asked where none is named: its run's own, or the only one there."""
    # a checkpoint that was copied here may be of a run that was not
    if subject.run is not None and workspace.run(subject.run).run.is_file():
        return open_run(workspace.run(subject.run)).recipe.dataset
    folders = [workspace.dataset(f.name) for f in workspace.datasets.iterdir()]
    found = {paths.name for paths in folders if (paths.probes if by == "probes" else paths.prompts).is_file()}
    # what was saved in passing about a character is no character of its own
    have = sorted(found - {name_spot(name) for name in found if name_spot(name) != name})
    if len(have) == 1:
        return have[0]
    raise ModelError(
        f"{subject.reference} says nothing of its character", fix=f"--{by}, one of: {', '.join(have) or 'none'}"
    )

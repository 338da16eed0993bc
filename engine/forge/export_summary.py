"""What an export run wrote, as one table: what `charlab show` prints of it. Everything is derived from files."""

from contextlib import suppress
from typing import Any

from engine.errors import ModelError, StoreError
from engine.forge.export import open_form
from engine.models.reference import parse_reference
from engine.records.run import Subject
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_export_run
from engine.store.state import describe_state


def summarise_export(paths: RunPaths) -> dict[str, Any]:
    """The run's record, and those of its forms that lie there."""
    run = open_export_run(paths)
    return {
        **describe_state(paths, run),
        "to": run.forms,
        "forms": list_forms(run.subject, run.forms, Workspace(paths.folder.parent.parent)),
        "versions": run.versions,
    }


def list_forms(subject: Subject, kinds: list[str], workspace: Workspace) -> list[dict[str, Any]]:
    """Where each lies, and its manifest; one that is not whole, or of another adapter by now, is left out."""
    paths, found = workspace.run(parse_reference(subject.reference).name), []
    for kind in kinds:
        for place in (paths.export(kind), paths.export(kind, subject.step)):
            with suppress(ModelError, StoreError):
                form = open_form(place)
                if form.adapter_sha256 == subject.adapter_sha256:
                    found.append({"form": form.kind, "path": str(place.folder), "bytes": form.bytes, **form.to_json()})
                    break
    return found

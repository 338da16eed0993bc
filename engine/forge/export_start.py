"""From a run to the writing of its adapter in other forms: what can be found wrong is found before it starts."""

from engine.errors import BusyError, ModelError
from engine.forge.converter import check_quantiser, find_converter
from engine.forge.export import LIBRARIES, is_current, place_form
from engine.launch.local import LocalLauncher
from engine.models.locate import find_base_gguf, hash_adapter, trace_model
from engine.models.reference import parse_reference
from engine.records.forms import BY_LLAMA, PLAIN
from engine.records.run import ExportRun, Subject
from engine.records.version import LIVE
from engine.store.index import list_runs
from engine.store.journal import write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin
from engine.store.runs import open_export_run, open_run


def list_missing(subject: Subject, forms: list[str], workspace: Workspace) -> list[str]:
    """Those that do not lie there whole, made of the adapter and the base as they are."""
    adapter = trace_model(subject.reference, workspace).adapter
    assert adapter is not None
    sha256 = hash_adapter(adapter)
    return [form for form in forms if not is_current(place_form(form, subject, workspace), sha256, workspace)]


def check_writable(forms: list[str], base: str, workspace: Workspace) -> None:
    """Raise ModelError where one of the forms cannot be written on this machine."""
    gguf = find_base_gguf(base, workspace)
    for form in forms:
        if form == "adapter" and gguf is None:
            raise ModelError(
                f"{base} has no GGUF here for the adapter to stand on",
                fix="q8_0 and the other whole forms need none; or put its .gguf beside its weights",
            )
        if form in BY_LLAMA:
            check_quantiser(form)
        if gguf is None and form in (*PLAIN, *BY_LLAMA):
            find_converter()


def start_export(subject: Subject, forms: list[str], workspace: Workspace) -> RunPaths:
    """Write the run and start its worker."""
    paths = write_export_run(subject, forms, workspace)
    LocalLauncher().start(paths, "export")
    return paths


def write_export_run(subject: Subject, forms: list[str], workspace: Workspace) -> RunPaths:
    assert subject.base is not None
    check_writable(forms, subject.base, workspace)
    for row in list_runs(workspace):
        if row.kind == "export" and row.status in LIVE and row.base == subject.reference:
            twice = [form for form in open_export_run(workspace.run(row.id)).forms if form in forms]
            if twice:
                raise BusyError(f"run {row.id} writes {', '.join(twice)} already", fix=f"charlab watch {row.id}")
    trained = open_run(workspace.run(parse_reference(subject.reference).name))
    origin = describe_origin(f"{trained.name}-export", workspace, LIBRARIES)
    paths = workspace.run(origin["id"])
    paths.log(1).parent.mkdir(parents=True)
    run = ExportRun(**origin, steps=len(forms), subject=subject, forms=forms)
    write_json(paths.run, run.to_json())
    return paths

"""The command that writes a run's adapter in another form."""

from console.text import narrate, print_json
from engine.store.paths import find_workspace
from panels.text import plain


def export(run: str, *, to: list[str], json: bool, workspace: str | None) -> None:
    """Write each form of `run` (an id, or run:ID@STEP) and say where it lies and what it cannot show."""
    from engine.forge.export import export_form, name_form, open_form

    room = find_workspace(workspace)
    kinds = list(dict.fromkeys(name_form(one) for one in to))
    found = []
    for kind in kinds:
        paths = export_form(run, kind, room, narrate)
        form = open_form(paths)
        found.append({"form": form.kind, "path": str(paths.folder), "bytes": form.bytes, **form.to_json()})
        for note in form.notes:
            narrate(f"note: {plain(note)}")
        if not json:
            print(f"{form.kind}  {form.bytes / 1e6:.1f} MB  {plain(str(paths.folder))}")
    if json:
        print_json(found[0] if len(found) == 1 else found)

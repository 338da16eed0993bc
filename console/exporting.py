"""The command that writes a run's adapter in other forms, and what it prints of an export run."""

import sys
from collections.abc import Sequence
from typing import Any

from console.text import narrate, print_json, say, tell_error
from console.watch import attach, see_through
from engine.errors import InputError
from engine.store.paths import RunPaths, find_workspace
from panels.text import plain


def export(run: str, *, to: list[str], detach: bool, json: bool, workspace: str | None) -> None:
    """Write each form of `run` (RUN[@STEP]) and say where it lies and what it cannot show."""
    from engine.forge.export import name_form
    from engine.forge.export_start import list_missing, start_export
    from engine.forge.export_summary import list_forms
    from engine.models.subject import describe_adapter

    room = find_workspace(workspace)
    forms = list(dict.fromkeys(name_form(one) for one in split_forms(to, "--to")))
    subject = describe_adapter(run, room)
    missing = list_missing(subject, forms, room)
    for form in forms:
        if form not in missing:
            narrate(f"{form} of {subject.reference} lies there already")
    paths = start_export(subject, missing, room) if missing else None
    if paths is not None and detach:
        return see_through(paths, show_export, detach=True, json=json)
    if paths is not None and (code := attach([paths], show_export, quiet=True)):
        if code != 130:
            show_export(paths, json=json)
        sys.exit(code)
    found = list_forms(subject, forms, room)
    if json:
        found = [{**one, "id": paths.id if paths and one["form"] in missing else None} for one in found]
        print_json(found[0] if len(found) == 1 else found)
    else:
        print_forms(found)


def split_forms(texts: Sequence[str], option: str) -> list[str]:
    """The forms that an option names, one or several between commas, each time that it is given."""
    named = [form.strip() for text in texts for form in text.split(",") if form.strip()]
    if texts and not named:
        raise InputError(f"{option} names none", fix=f"{option} merged,q8_0")
    return named


def show_export(paths: RunPaths, *, json: bool) -> None:
    from engine.forge.export_summary import summarise_export

    facts = summarise_export(paths)
    if json:
        print_json(facts)
        return
    forms, subject = ", ".join(facts["to"]), plain(facts["subject"]["reference"])
    say(f"{plain(forms)} of {subject}: {facts['status']}, {facts['step']}/{facts['steps']} forms")
    if facts["error"]:
        say(f"  {plain(tell_error(facts['error']))}")
    print_forms(facts["forms"])


def print_forms(found: list[dict[str, Any]]) -> None:
    for one in found:
        for note in one["notes"]:
            narrate(f"note: {plain(note)}")
        say(f"{one['form']}  {one['bytes'] / 1e6:.1f} MB  {plain(one['path'])}")

"""The command that checks the gate before training, and asks a person to confirm it after reading samples."""

from __future__ import annotations

import random
import shutil
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.text import narrate, print_json, say
from engine.errors import InputError, RefusedError
from engine.store.paths import find_workspace
from panels.text import align, plain

if TYPE_CHECKING:
    from engine.data.scores import Rows
    from engine.records.gate import Confirmation, Gate
    from engine.stats.agreement import Agreement
    from engine.stats.gate import Spot

READ = 10
"""Items whose answers a person reads on both sides before confirming."""


def gate(
    base: str,
    instruct: str,
    *,
    alternative: str | None,
    human: str | None,
    judge: str | None,
    second: str | None,
    confirmed_by: str | None,
    accept: Sequence[str],
    allow: Sequence[str],
    name: str | None,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.data.scores import check_alike, describe_file, name_model, read_score_rows
    from engine.stats.gate import check_gate
    from engine.store.gates import find_gate, keep_gate

    options = {
        "base": base, "instruct": instruct, "alt": alternative, "human": human, "judge": judge, "second": second,
    }  # fmt: skip
    files = {option: Path(given) for option, given in options.items() if given}
    room, uses = None, {}
    if name:
        room = find_workspace(workspace)
        find_gate(room, name)
        # before a person reads samples, who may take an hour
        uses = {option: describe_file(path) for option, path in files.items()}
    rows = {option: read_score_rows(files[option]) for option in ("base", "instruct", "alt") if option in files}
    notes = check_alike({str(files[option]): found for option, found in rows.items()}, allow)
    models = {side: name_model(rows[side]) for side in ("base", "instruct")}
    if name and models["base"] is None:
        notes.append(f"no row of {files['base']} names its model, so no training can be held to the base of this gate")
    trust, spot = read_agreements(files, [str(row.get("id")) for _, row in rows["base"]])

    def check(confirmation: Confirmation | None) -> Gate:
        return check_gate(rows["base"], rows["instruct"], rows.get("alt"), trust, spot, confirmation, accept)

    found, confirmation = check(None), None
    if confirmed_by:
        # after the first check, so that nobody reads samples of files that do not pair
        confirmation = confirm(confirmed_by, name or "gate", rows["base"], rows["instruct"])
        found = check(confirmation)
    if name and room:
        path = keep_gate(room, name, found, uses, models, list(accept), confirmation, notes)
        narrate(f"recorded in {plain(str(path))}")
    if json:
        print_json(found.to_json() | {"name": name, "notes": notes})
    else:
        for line in [*describe_gate(found, name), *(f"  note: {plain(note)}" for note in notes)]:
            say(line)
    sys.exit(0 if found.passed else RefusedError.code)


def read_agreements(files: Mapping[str, Path], items: Sequence[str]) -> tuple[Agreement | None, Spot | None]:
    """A person's with the judge, and the judge's with a second; the judge may have labelled more than either.

    What both rate is of this gate: a label's id is an item's, or says with it whose answer it is of.
    """
    from engine.data.scores import pick_labels, read_labels
    from engine.stats.agreement import agree_labels
    from engine.stats.gate import Spot
    from engine.stats.scores import name_few

    others = [option for option in ("human", "second") if option in files]
    if bool(others) != ("judge" in files):
        told = f"--{others[0]} without --judge" if others else "--judge without --human or --second"
        raise InputError(f"{told} says nothing of the judge", fix="--human H --judge J --second S")
    if not others:
        return None, None
    judge, found = read_labels(files["judge"]), {}
    sided = {f"{name} {side}" for name in items for side in ("base", "instruct")}
    spot = None
    for option in others:
        labels = read_labels(files[option])
        if strangers := [name for name in labels if name not in sided and name not in items]:
            raise InputError(
                f"{files[option]} labels {name_few(strangers)}, which the gate's files do not hold",
                fix="label their answers: an id is that of the item, or 'ID base' and 'ID instruct'",
            )
        raters = (option, "judge") if option == "human" else ("second judge", "first")
        picked = pick_labels(judge, labels, str(files["judge"]))
        found[option] = agree_labels(labels, picked, raters=raters)
        if option == "second":
            spot = Spot(found[option], len(sided) if sided & labels.keys() else len(items))
    return found.get("human"), spot


def confirm(by: str, word: str, base: Rows, instruct: Rows) -> Confirmation | None:
    """A person's word: asked for on a terminal, after the samples; None where it was not given."""
    from engine.records.gate import Confirmation

    texts = any(isinstance(row.get("text"), str) for _, row in (*base, *instruct))
    asked = sys.stdin.isatty() and sys.stderr.isatty()
    if texts and not asked:
        raise RefusedError(
            "a person reads samples before confirming, and here is no terminal to show them on",
            fix="run it in a terminal, or leave --confirmed-by out",
        )
    shown = show_samples(base, instruct) if texts else None
    if asked:
        print(f"\nIs the gap real? Type {plain(word)} to confirm as {plain(by)}: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != word:
            narrate("not confirmed")
            return None
    return Confirmation(by=by, at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), samples=shown)


def show_samples(base: Rows, instruct: Rows) -> int:
    """Show both sides of the same few items, drawn alike every time; returns how many answers were shown."""
    sides = {
        side: {str(row["id"]): row for _, row in rows if isinstance(row.get("text"), str)}
        for side, rows in (("base", base), ("instruct", instruct))
    }
    ids = sorted(sides["base"].keys() & sides["instruct"].keys() or sides["base"].keys() | sides["instruct"].keys())
    chosen = random.Random(0).sample(ids, min(READ, len(ids)))
    width, shown = min(110, shutil.get_terminal_size((100, 24)).columns), 0
    for name in chosen:
        found = {side: rows[name] for side, rows in sides.items() if name in rows}
        prompt = next((row["prompt"] for row in found.values() if isinstance(row.get("prompt"), str)), "")
        narrate(f"\n{plain(name, 60)}  {plain(str(prompt), width)}".rstrip())
        for side, row in found.items():
            head = f"  {side:8} {'passes' if row['score'] else 'fails':6}  "
            text = plain(str(row["text"]), 2000) or "(empty)"
            narrate(textwrap.fill(text, width, initial_indent=head, subsequent_indent=" " * len(head)))
            shown += 1
    return shown


def describe_gate(found: Gate, name: str | None) -> list[str]:
    title = f"gate {plain(name)}" if name else "gate"
    lines = [f"{title}: {'passed' if found.passed else 'not passed'}, {found.n} pairs"]
    rows = [["condition", "met", "value", "bound", "needed", "found"]]
    for c in found.conditions:
        figures = ["·" if figure is None else f"{figure:.3g}" for figure in (c.value, c.bound)]
        rows.append([c.name, "yes" if c.passed else "no", *figures, c.needed, plain(c.told)])
    lines += ["  " + line for line in align(rows, numeric={2, 3})]
    if other := found.alternative:
        low, high = other["ci"]
        lines.append(
            f"  the other base passes {other['passes']} of {other['n']} [{low:.0%}, {high:.0%}]; it decides nothing"
        )
    return lines

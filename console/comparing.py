"""The command that compares every form of an adapter, and the table that it prints."""

from typing import Any

from console.closing import describe_rate
from console.text import print_json
from console.watch import see_through
from engine.records.serving import Sampling
from engine.store.paths import RunPaths, find_workspace
from panels.text import align, plain


def parity(
    run: str,
    *,
    forms: list[str],
    probes: str | None,
    samples: int,
    sampling: Sampling,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.forge.parity_start import ParityRequest, start_parity

    named = tuple(form for text in forms for form in text.split(",") if form)
    request = ParityRequest(model=run, forms=named, probes=probes, samples=samples, sampling=sampling)
    see_through(start_parity(request, find_workspace(workspace)), detach=detach, json=json)


def show_parity(paths: RunPaths, *, json: bool) -> None:
    from engine.forge.parity_summary import summarise_parity

    facts = summarise_parity(paths)
    if json:
        print_json(facts)
        return
    for line in describe_parity(facts):
        print(line)


def describe_parity(facts: dict[str, Any]) -> list[str]:
    subject = facts["subject"]
    lines = [f"the forms of {plain(subject['reference'])}: {facts['status']}"]
    if facts["error"]:
        lines.append(f"  {plain(facts['error']['message'])}; try: {plain(facts['error']['fix'])}")
    table = [
        ["form", "by", "breaks", "in character", "KL", "top-1", "same greedy", "parts at", "size", "tok/s", "cause"]
    ]
    table += [_describe_form(form) for form in facts["forms"] if not form["error"]]
    lines += ["  " + line for line in align(table, numeric={4, 5, 6, 7, 8, 9})]
    for form in facts["forms"]:
        if form["error"]:
            lines.append(
                f"  {form['form']} failed: {plain(form['error']['message'])}; try: {plain(form['error']['fix'])}"
            )
        lines += [f"  {form['form']}: {plain(words)}" for words in form["tokens_differ"]]
    notes = {
        note: [f["form"] for f in facts["forms"] if note in f["notes"]] for f in facts["forms"] for note in f["notes"]
    }
    lines += [f"  note ({', '.join(forms)}): {plain(note)}" for note, forms in notes.items()]
    lines.append("  KL is in nats per token against the first form, over the same texts; parts at: the median token")
    lines.append(f"  it lies in {plain(facts['path'])}")
    return lines


def _describe_form(form: dict[str, Any]) -> list[str]:
    kl, top1, greedy = form["kl"], form["top1"], form["greedy"]
    return [
        form["form"], form["backend"], describe_rate(form) if form["n"] else "·",
        describe_rate(form["in_character_rate"]) if form["n"] else "·",
        "·" if kl is None else f"{kl['mean']:.2g}", "·" if top1 is None else f"{top1['rate']:.1%}",
        "·" if kl is None else f"{greedy['same']}/{greedy['of']}",
        "·" if greedy["median_token"] is None else f"{greedy['median_token']:.0f}",
        f"{form['bytes'] / 1e6:.0f} MB", f"{form['tokens_per_second'] or 0:.0f}", form["cause"],
    ]  # fmt: skip

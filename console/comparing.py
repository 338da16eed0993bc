"""The command that compares every form of an adapter, and the table that it prints."""

import shutil
import textwrap
from typing import Any

from console.closing import describe_rate
from console.exporting import split_forms
from console.text import print_json, say, tell_error
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
    judge: str | None,
    judged_tokens: int | None,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.forge.parity_start import ParityRequest, start_parity

    request = ParityRequest(
        model=run, forms=tuple(split_forms(forms, "--forms")), probes=probes, samples=samples, sampling=sampling,
        judge=judge, max_tokens=judged_tokens,
    )  # fmt: skip
    see_through(start_parity(request, find_workspace(workspace)), show_parity, detach=detach, json=json)


def show_comparison(paths: RunPaths, *, json: bool) -> None:
    """Of forms, or of two evaluations."""
    from engine.records.run import ParityRun
    from engine.store.runs import open_record

    if isinstance(open_record(paths), ParityRun):
        return show_parity(paths, json=json)
    from console.deciding import show_verdict

    return show_verdict(paths, json=json)


def show_parity(paths: RunPaths, *, json: bool) -> None:
    from engine.forge.parity_summary import summarise_parity

    facts = summarise_parity(paths)
    if json:
        print_json(facts)
        return
    for line in describe_parity(facts):
        say(line)


def describe_parity(facts: dict[str, Any]) -> list[str]:
    """Two tables, what the forms answer and how far they lie apart, so that each fits 80 columns."""
    subject, measured = facts["subject"], [form for form in facts["forms"] if not form["error"]]
    lines = [
        f"the forms of {plain(subject['reference'])}: {facts['status']}",
        f"  {facts['probes_from']['count']} probes of {plain(facts['probes_from']['dataset'])}, "
        f"{facts['samples']} answers to each, at temperature {facts['sampling']['temperature']:g}",
    ]
    if facts["error"]:
        lines += _wrap(plain(tell_error(facts["error"])))
    answers = [["form", "breaks", "in character", "same greedy", "parts at", "cause"]]
    answers += [_describe_answers(form) for form in measured]
    weights = [["form", "by", "KL", "highest", "top-1", "size", "tok/s"]]
    weights += [_describe_weights(form) for form in measured]
    lines += ["", *("  " + line for line in align(answers, numeric={3, 4}))]
    lines += ["", *("  " + line for line in align(weights, numeric={2, 3, 4, 5, 6})), ""]
    if facts["scores"]:
        lines += [*_describe_scores(facts), ""]
    for form in facts["forms"]:
        if form["error"]:
            lines += _wrap(f"{form['form']} failed: {plain(tell_error(form['error']))}")
        lines += [line for words in form["tokens_differ"] for line in _wrap(f"{form['form']}: {plain(words)}")]
    notes = {
        note: [f["form"] for f in facts["forms"] if note in f["notes"]] for f in facts["forms"] for note in f["notes"]
    }
    lines += [line for note, forms in notes.items() for line in _wrap(f"{', '.join(forms)}: {plain(note)}")]
    lines += _wrap(
        "KL: nats per token from the first form to this one over the same greedy answers, a lower bound; parts at: the "
        "median token; cause none: no more than rounding does"
    )
    lines.append(f"  it lies in {plain(facts['path'])}")
    return lines


def _describe_scores(facts: dict[str, Any]) -> list[str]:
    """A column a form: the corrected means by category, and the answers with a critical failure."""
    scores = facts["scores"]
    names = list(dict.fromkeys(name for found in scores.values() for name in found["categories"]))
    table = [[f"by {plain(facts['judge'])}", *(plain(form) for form in scores)]]
    table.append(["all", *(_mean(found["overall"]) for found in scores.values())])
    table += [[plain(n, 24), *(_mean(found["categories"].get(n)) for found in scores.values())] for n in names]
    table.append(["critical", *(str(found["overall"]["critical"]) for found in scores.values())])
    return ["  " + line for line in align(table, numeric=set(range(1, len(scores) + 1)))]


def _mean(group: dict[str, Any] | None) -> str:
    return "·" if group is None or group["corrected"] is None else f"{group['corrected']:.2f}"


def _wrap(text: str) -> list[str]:
    """Lines of the terminal's width, those after the first further in."""
    width = min(110, shutil.get_terminal_size((100, 24)).columns)
    return textwrap.wrap(text, max(40, width), initial_indent="  ", subsequent_indent="    ")


def _describe_answers(form: dict[str, Any]) -> list[str]:
    greedy = form["greedy"]
    return [
        form["form"], describe_rate(form) if form["n"] else "·",
        describe_rate(form["in_character_rate"]) if form["n"] else "·",
        "·" if form["form"] == "trained" else f"{greedy['same']}/{greedy['of']}",
        "·" if greedy["median_token"] is None else f"{greedy['median_token']:.0f}", form["cause"],
    ]  # fmt: skip


def _describe_weights(form: dict[str, Any]) -> list[str]:
    kl, speed = form["kl"], form["tokens_per_second"]
    compared = kl is not None and kl["positions"] > 0
    return [
        form["form"], plain(form["backend"]), f"{kl['mean']:.4f}" if compared else "·",
        f"{kl['max']:.3f}" if compared else "·", f"{form['top1']['rate']:.1%}" if compared else "·",
        f"{form['bytes'] / 1e6:.{0 if form['bytes'] > 1e7 else 1}f} MB", f"{speed:.0f}" if speed else "·",
    ]  # fmt: skip

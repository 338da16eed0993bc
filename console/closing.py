"""The closing summary of a run: what changed, how sure one may be, where it lies, what to type next."""

import shutil
from typing import Any, TextIO

from console.text import say
from engine.store.paths import RunPaths
from engine.train.summary import read_before_after, summarise
from panels.text import align, plain


def print_closing(paths: RunPaths, out: TextIO) -> None:
    from engine.store.runs import open_run

    facts = summarise(paths)
    run = open_run(paths)
    say(out=out)
    if facts["break_rate"]["before"]:
        print_answers(*read_before_after(paths, run), out=out)
    for line in closing_lines(facts):
        say(line, out)


def closing_lines(facts: dict[str, Any]) -> list[str]:
    partial = f", partial: {facts['step']} of {facts['steps']} steps" if facts["partial"] else ""
    lines = [f"{facts['name']}: {facts['status']} at step {facts['step']}/{facts['steps']}{partial}"]
    rows = []
    for key, label in (("break_rate", "breaks"), ("in_character_rate", "in character")):
        before, after = facts[key]["before"], facts[key]["after"]
        if before and after:
            rows.append([label, describe_rate(before), "->", describe_rate(after)])
        elif before:
            rows.append([label, describe_rate(before), "", ""])
    if facts["distinct"]["after"] is not None:
        rows.append(
            ["distinct answers", f"{facts['distinct']['before']:.0%}", "->", f"{facts['distinct']['after']:.0%}"]
        )
    if rows:
        lines += ["  " + line for line in align(rows)]
    held = facts["heldout"]
    if held and "margin_nats" in held:
        lines.append(
            f"  held-out margin {held['margin_nats']:+.3f} nats per token, accuracy {held['accuracy']:.0%} "
            f"of {facts['dataset']['heldout']} pairs never trained on"
        )
    if facts["seconds"]:
        lines.append(
            f"  {facts['tokens']:,} tokens in {facts['seconds']:.0f} s of training, {facts['tokens_per_second']:.0f} a second"
        )
    if facts["checkpoints"]:
        last = facts["checkpoints"][-1]["step"]
        best = facts["best"]
        lines.append(f"  checkpoints: last {last}" + (f", best {best['step']} by {best['by']}" if best else ""))
    lines += [f"  alarm at step {a['step']}: {a.get('name', '')}: {plain(a['message'])}" for a in facts["alarms"]]
    if facts["error"]:
        lines.append(f"  {plain(facts['error']['message'])}")
        lines.append(f"  try: {plain(facts['error']['fix'])}")
    lines.append(f"  it lies in {facts['path']}")
    lines.append(f"  next: {suggest_next(facts)}")
    return lines


def suggest_next(facts: dict[str, Any]) -> str:
    run = facts["id"]
    if facts["status"] in ("lost", "stopped", "failed"):
        return f"charlab resume {run}"
    if facts["status"] in ("running", "stalled", "draft"):
        return f"charlab watch {run}"
    return f"charlab show {run} --answers, or charlab fork {run} --set optim.steps={facts['steps'] * 2}"


def describe_rate(rate: dict[str, Any]) -> str:
    """'59% [50%, 68%]': the Wilson interval at 95%."""
    return f"{rate['rate']:.0%} [{rate['ci'][0]:.0%}, {rate['ci'][1]:.0%}]"


def print_answers(before: list[dict[str, Any]], after: list[dict[str, Any]], out: TextIO, every: bool = False) -> None:
    """Per probe, an answer from before and one from after, each with what the detector says; or all."""
    width = min(110, shutil.get_terminal_size((100, 24)).columns)
    for probe in dict.fromkeys(s["probe"] for s in before):
        say(plain(probe), out)
        for label, samples in (("before", before), ("after ", after)):
            of_probe = [s for s in samples if s["probe"] == probe]
            for sample in of_probe if every else of_probe[:1]:
                say(f"  {label} {verdict_word(sample):>12}  {plain(sample['text'], max(20, width - 25))}", out)
    say(out=out)


def verdict_word(sample: dict[str, Any]) -> str:
    if sample["breaks"]:
        return "breaks"
    return "in character" if sample["in_character"] else "neither"

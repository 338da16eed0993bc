"""The command that asks a model the probes of a character, and what it prints of a probe run."""

from pathlib import Path
from typing import Any

from console.closing import describe_rate
from console.serving import read_backend
from console.text import narrate, print_json, say, tell_error
from console.watch import see_through
from engine.errors import InputError
from engine.records.serving import Sampling
from engine.store.paths import RunPaths, find_workspace
from panels.text import align, plain


def probe(
    model: str,
    *,
    probes: str | None,
    samples: int,
    system: str | None,
    formats: list[str],
    attacks: list[str],
    sampling: Sampling,
    backend: str | None,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.probe.start import ProbeRequest, start_probing
    from engine.probe.variants import read_attacks, read_formats

    room = find_workspace(workspace)
    request = ProbeRequest(
        model=model, probes=probes, samples=samples, sampling=sampling, system=read_system(system),
        formats=tuple(read_formats(formats or ["chat"])), attacks=tuple(read_attacks(attacks)),
        backend=read_backend(backend),
    )  # fmt: skip
    paths = start_probing(request, room)
    if probes is None:
        say_character(paths, "probes")
    see_through(paths, show_probing, detach=detach, json=json)


def say_character(paths: RunPaths, what: str) -> None:
    """Whose questions a run asks, where no option named the character."""
    from engine.store.journal import read_json

    narrate(f"asking the {what} of {plain(read_json(paths.run)['probes']['dataset'])}; --{what} NAME asks another's")


def read_system(path: str | None) -> str | None:
    """The text of the file, "" for 'none', None where nothing is given."""
    if path is None or path == "none":
        return None if path is None else ""
    try:
        return Path(path).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as bad:
        raise InputError(f"--system {path}: {bad}", fix="name a text file, or 'none' for no system prompt") from bad


def show_probing(paths: RunPaths, *, json: bool) -> None:
    from engine.probe.summary import summarise_probing

    facts = summarise_probing(paths)
    if json:
        print_json(facts)
        return
    for line in describe_probing(facts):
        say(line)


def describe_probing(facts: dict[str, Any]) -> list[str]:
    from engine.probe.rules import MEANING

    subject = facts["subject"]
    where = f" on {plain(facts['backend'])}" if facts["backend"] else ""
    lines = [f"{plain(subject['reference'])}{where}: {facts['status']}, {facts['step']}/{facts['steps']} answers"]
    if facts["error"]:
        lines.append(f"  {plain(tell_error(facts['error']))}")
    system = facts["system"]
    if system is None and facts["template"]:
        system = facts["template"]["system"]
    lines.append(f"  system prompt: {plain(system, 80) if system else 'none'}")
    if nature := facts["nature"]:
        lines.append(f"  the {nature['of']}: {describe_nature(nature)}")
    whole = facts["overall"]
    if whole["n"]:
        lines.append(f"  breaks        {describe_rate(whole)} of {whole['n']}")
        lines.append(f"  in character  {describe_rate(whole['in_character_rate'])}")
        for name, words in (("truncated", "cut at the longest"), ("empty", "answered nothing")):
            if whole[name]:
                lines.append(f"  {whole[name]} {words}")
    if facts["skipped"]:
        lines.append(f"  {facts['skipped']} rows that answer none of its questions left out")
    table = [["probe", "breaks", "", "in character", "how it breaks"]]
    for name, found in facts["probes"].items():
        table.append(_describe_row(name, found))
    lines += ["  " + line for line in align(table, numeric={1, 3})]
    if facts["turns"]:
        table = [["conversations, by turn", "breaks", "", "in character", "how it breaks"]]
        table += [_describe_row(f"answer {found['turn']}", found) for found in facts["turns"]]
        lines += ["  " + line for line in align(table, numeric={1, 3})]
    lines += [f"  {mode}: {MEANING[mode]}" for mode in whole["modes"] if mode in MEANING]
    lines.append(f"  it lies in {plain(facts['path'])}")
    return lines


def describe_nature(nature: dict[str, Any]) -> str:
    """'has a chat template; without it follows 0 of 20 raw instructions, 2 of 20 as Instruction/Response'."""
    template = "has a chat template" if nature["template"] else "no chat template known"
    if nature["follows"] is None:
        return f"{template}; not asked without one ({plain(nature['problem'], 80)})"
    raw, named = nature["follows"]["raw"], nature["follows"]["instruction"]
    return (
        f"{template}; without one follows {raw['followed']} of {raw['n']} raw instructions, "
        f"{named['followed']} of {named['n']} as Instruction/Response"
    )


def _describe_row(name: str, found: dict[str, Any]) -> list[str]:
    if not found["n"]:
        return [plain(name, 30), "·", "", "·", ""]
    modes = ", ".join(f"{mode} {count}" for mode, count in found["modes"].items())
    inside = found["in_character_rate"]
    return [
        plain(name, 30), f"{found['breaks']}/{found['n']}", describe_rate(found), f"{inside['in_character']}/{inside['n']}",
        plain(modes, 60),
    ]  # fmt: skip

"""The commands that have a model's answers judged, and what they print of an evaluation."""

from typing import Any

from console.closing import describe_rate
from console.probing import read_system, say_character
from console.serving import read_backend
from console.text import narrate, print_json, say, tell_error
from console.watch import see_through
from engine.errors import InputError
from engine.records.judging import Effort
from engine.store.paths import RunPaths, find_workspace
from panels.text import align, plain

EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")


def evaluate(
    model: str,
    *,
    prompts: str | None,
    judge: str,
    samples: int,
    sampling: dict[str, object],
    system: str | None,
    effort: str | None,
    rubric: str | None,
    batch: bool,
    repeats: int,
    controls: bool,
    max_usd: float | None,
    backend: str | None,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.judge.start import EvalRequest, start_evaluation

    request = EvalRequest(
        model=model, prompts=prompts, judge=judge, samples=samples,
        sampling={key: value for key, value in sampling.items() if value is not None}, system=read_system(system),
        effort=read_effort(effort), rubric=rubric, batch=batch, repeats=repeats, controls=controls,
        max_usd=max_usd, backend=read_backend(backend),
    )  # fmt: skip
    paths, again = start_evaluation(request, find_workspace(workspace))
    _say_again(paths, again)
    if prompts is None:
        say_character(paths, "prompts")
    see_through(paths, show_evaluation, detach=detach, json=json)


def score(
    run: str,
    *,
    judge: str,
    against: str | None,
    effort: str | None,
    rubric: str | None,
    batch: bool,
    repeats: int,
    controls: bool,
    max_usd: float | None,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.judge.start import ScoreRequest, start_scoring

    request = ScoreRequest(
        run=run,
        judge=judge,
        against=against,
        effort=read_effort(effort),
        rubric=rubric,
        batch=batch,
        repeats=repeats,
        controls=controls,
        max_usd=max_usd,
    )
    paths, again = start_scoring(request, find_workspace(workspace))
    _say_again(paths, again)
    see_through(paths, show_evaluation, detach=detach, json=json)


def read_effort(text: str | None) -> Effort | None:
    if text is None:
        return None
    for effort in EFFORTS:
        if text == effort:
            return effort
    raise InputError(f"no effort '{text}'", fix=f"one of: {', '.join(EFFORTS)}")


def show_evaluation(paths: RunPaths, *, json: bool) -> None:
    from engine.judge.summary import summarise_evaluation

    facts = summarise_evaluation(paths)
    if json:
        print_json(facts)
        return
    for line in describe_evaluation(facts):
        say(line)


def describe_evaluation(facts: dict[str, Any]) -> list[str]:
    """Corrected is the weighted mean of the components, raw what the judge itself gave: never in one column."""
    judge, whole = facts["judge"], facts["overall"]
    lines = [f"{plain(facts['subject']['reference'])} by {plain(judge['reference'])}: {facts['status']}"]
    if ended := tell_error(facts["error"]) or facts["stopped"]:
        lines.append(f"  {plain(ended)}")
    if judge["triage"]:
        lines.append("  triage by rules: where to look first, no proof")
    lines.append(f"  rubric {plain(judge['rubric'])} version {judge['rubric_version']}, {facts['answers']} answers")
    failed = {state: n for state, n in facts["states"].items() if state != "scored" and n}
    if failed:
        low, high = whole["bounds"]
        within = "" if low is None else f", so the mean lies between {low:.2f} and {high:.2f}"
        lines.append(f"  {', '.join(f'{n} {state}' for state, n in failed.items())}: not scored{within}")
        lines += [f"  {n} times: {plain(problem, 200)}" for problem, n in facts["problems"].items()]
    if facts["pairwise"]:
        return [*lines, *describe_pairwise(facts)]
    table = [["", "n", "corrected", "raw", "critical"]]
    table.append(_describe_part("overall", whole))
    for by in ("categories", "difficulties"):
        table += [_describe_part(name, part) for name, part in facts[by].items()]
    lines += ["  " + line for line in align(table, numeric={1, 2, 3, 4})]
    components = ", ".join(f"{name} {mean:.2f}" for name, mean in facts["components"].items())
    lines.append(f"  components: {components}")
    lines += describe_recall(facts["recall"])
    if facts["break_rate"]["n"]:
        lines.append(f"  breaks {describe_rate(facts['break_rate'])}")
    if (noise := facts["judge_noise"])["sd"] is not None:
        lines.append(f"  judge noise: sd {noise['sd']:.2f} within {noise['answers']} answers judged several times")
    lines += [f"  control {plain(control['told'])}" for control in facts["controls"]]
    if (length := facts["length"])["rho"] is not None and not length["low"] <= 0 <= length["high"]:
        lines.append(
            f"  score goes with length: rho {length['rho']:+.2f} [{length['low']:+.2f}, {length['high']:+.2f}]"
        )
    lines += [f"  note: {plain(note)}" for note in facts["notes"]]
    usd = facts["usd"]
    lines.append(f"  cost {'unknown' if usd is None else f'{usd:.4f} USD'}, {facts['seconds']:.0f} s")
    lines.append(f"  it lies in {plain(facts['path'])}")
    return lines


def describe_recall(recall: dict[str, Any] | None) -> list[str]:
    """What later turns of conversations keep of what was told in earlier ones."""
    if recall is None:
        return []
    table = [["what was told before", "n", "kept", "missed", "contradicted", "empty"]]
    for name, part in [("overall", recall["overall"]), *recall["categories"].items()]:
        counts = [str(part[state]) for state in ("missed", "contradicted", "empty")]
        table.append([plain(name, 24), str(part["n"]), describe_rate(part) if part["n"] else "·", *counts])
    return ["  " + line for line in align(table, numeric={1, 3, 4, 5})]


def describe_pairwise(facts: dict[str, Any]) -> list[str]:
    found = facts["pairwise"]
    lines = [
        f"  against {plain(facts['against'])}, each pair in both orders",
        f"  better {found['better']}, worse {found['worse']}, tied {found['ties']} of {found['n']}"
        + (f", {found['failed']} failed" if found["failed"] else ""),
    ]
    for key, words in (("consistency", "the same in both orders"), ("first_preferred", "the first preferred")):
        if found[key]["n"]:
            lines.append(f"  {words} {describe_rate(found[key])}")
    usd = facts["usd"]
    cost = "unknown" if usd is None else f"{usd:.4f} USD"
    return [*lines, f"  cost {cost}, {facts['seconds']:.0f} s", f"  it lies in {plain(facts['path'])}"]


def _describe_part(name: str, part: dict[str, Any]) -> list[str]:
    return [
        plain(name, 24), str(part["n"]), write_number(part["corrected"]), write_number(part["raw"]), str(part["critical"]),
    ]  # fmt: skip


def write_number(value: float | None) -> str:
    return "·" if value is None else f"{value:.2f}"


def _say_again(paths: RunPaths, again: bool) -> None:
    if again:
        narrate(f"going on with {paths.id}, which was interrupted")

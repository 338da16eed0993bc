"""The command that lets an adapter choose among its base's answers, and the tables that it prints."""

from typing import Any

from console.evaluating import read_effort, write_number
from console.serving import read_backend
from console.text import narrate, print_json, say
from console.watch import see_through
from engine.errors import CharlabError
from engine.store.paths import RunPaths, find_workspace
from panels.text import align, plain

ARMS = {
    "base": "base, once", "prompted": "base, constitution", "random": "random of {k}", "critic": "critic's pick of {k}",
    "oracle": "best of {k} by judge",
}  # fmt: skip


def criticise(
    model: str,
    *,
    prompts: str | None,
    k: int,
    judge: str,
    effort: str | None,
    sampling: dict[str, object],
    backend: str | None,
    max_usd: float | None,
    detach: bool,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.judge.critic_start import CriticRequest, start_critic

    reference = model if ":" in model or "/" in model or model.startswith((".", "~")) else f"run:{model}"
    request = CriticRequest(
        model=reference, prompts=prompts, candidates=k, judge=judge, effort=read_effort(effort),
        sampling={key: value for key, value in sampling.items() if value is not None}, backend=read_backend(backend),
        max_usd=max_usd,
    )  # fmt: skip
    paths, again = start_critic(request, find_workspace(workspace))
    if again:
        narrate(f"going on with {paths.id}, which was interrupted")
    see_through(paths, show_critic, detach=detach, json=json)


def show_critic(paths: RunPaths, *, json: bool) -> None:
    from engine.judge.critic import summarise_critic

    facts = summarise_critic(paths)
    if json:
        print_json(facts)
        return
    for line in describe_critic(facts):
        say(line)


def describe_critic(facts: dict[str, Any]) -> list[str]:
    """Quality and its difference from asking once, then what each arm takes, then where the bottleneck lies."""
    judge, k = facts["judge"], facts["candidates"]
    lines = [
        f"{plain(facts['subject']['reference'])} chooses of {k}, by {plain(judge['reference'])}: {facts['status']},"
        f" {facts['prompts']} of {facts['probes_from']['count']} prompts"
    ]
    if facts["error"]:
        lines.append(f"  {plain(CharlabError(**facts['error']).told)}")
    if judge["triage"]:
        lines.append("  triage by rules: where to look first, no proof")
    if not facts["arms"]:
        return [*lines, f"  nothing to compare yet; it lies in {plain(facts['path'])}"]
    quality = [["arm", "mean", "against the base", "", "won", "lost", "tied"]]
    cost = [["arm", "answers", "passes", "tokens", "cost", ""]]
    once = facts["arms"][0]["tokens"] or 1
    for arm in facts["arms"]:
        name = ARMS[arm["arm"]].format(k=k)
        quality.append([name, write_number(arm["mean"]), *_describe_difference(arm["against_base"])])
        by = arm["dominated_by"]
        remark = "not for use: it needs the judge" if arm["arm"] == "oracle" else ""
        remark = f"dominated by {ARMS[by].format(k=k)}" if by else remark
        cost.append([
            name, f"{arm['answers']}", f"{arm['passes']:,.0f}", f"{arm['tokens']:,.0f}", f"{arm['tokens'] / once:.1f}x", remark,
        ])  # fmt: skip
    lines += ["", *("  " + line for line in align(quality, numeric={1, 4, 5, 6}))]
    lines += ["", *("  " + line for line in align(cost, numeric={1, 2, 3, 4}))]
    lines.append("  for one answer, on average: a pass a generated token and a ranked candidate; the judge not counted")
    pool, gains = facts["pool"], facts["gains"]
    if pool:
        told = pool["told_apart"]
        right = "none differ" if not told["n"] else f"{told['rate']:.0%} of {told['n']} pairs that differ (chance 50%)"
        lines += [
            "",
            f"  the pool: scores of one prompt's candidates spread by {pool['within_sd']:.2f}, prompts by"
            f" {pool['between_sd']:.2f}; {pool['all_tied']} of {pool['prompts']} pools all tied,"
            f" {pool['distinct']:.0%} of texts distinct",
            f"  the critic tells the better of two: {right}",
        ]
    if gains and gains["pool"]:
        lines += [
            f"  over the mean of the pool: the best {_say(gains['pool'])}, the critic's pick {_say(gains['critic'])}",
            f"  bottleneck: {gains['bottleneck']}; {gains['why']}",
        ]
    failed = sum(arm["failed"] for arm in facts["arms"])
    lines += [f"  {failed} picks have a failed judgement and count in no mean"] if failed else []
    lines += [f"  note: {plain(note)}" for note in facts["notes"]]
    lines.append("  note: the best is chosen by the judge that scores it, so its noise flatters it")
    return [*lines, f"  it lies in {plain(facts['path'])}"]


def _describe_difference(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["", "", "", "", ""]
    return [
        f"{found['delta']:+.2f}", f"[{found['ci'][0]:+.2f}, {found['ci'][1]:+.2f}]", f"{found['wins']}", f"{found['losses']}",
        f"{found['ties']}",
    ]  # fmt: skip


def _say(found: dict[str, Any]) -> str:
    return f"{found['delta']:+.2f} [{found['ci'][0]:+.2f}, {found['ci'][1]:+.2f}]"

"""The runs about one training, and the commands that would make all of them again."""

import shlex
from contextlib import suppress
from typing import NamedTuple

from engine.errors import CharlabError
from engine.probe.variants import ATTACKS, FORMATS
from engine.records.run import CompareRun, CriticRun, EvalRun, ParityRun, ProbeRun, Run, ScoreRun
from engine.store.index import list_runs
from engine.store.journal import read_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import AnyRun, open_record


class About(NamedTuple):
    """The runs that are about one training."""

    probes: list[tuple[RunPaths, ProbeRun]]
    parities: list[tuple[RunPaths, ParityRun]]
    evals: list[tuple[RunPaths, EvalRun | ScoreRun]]
    comparisons: list[tuple[RunPaths, CompareRun]]
    critics: list[tuple[RunPaths, CriticRun]]

    def all(self) -> list[tuple[RunPaths, AnyRun]]:
        return [*self.probes, *self.parities, *self.evals, *self.comparisons, *self.critics]


def find_runs_about(run: str, workspace: Workspace) -> About:
    """Oldest first; one that does not read is left out."""
    about = About([], [], [], [], [])
    for row in list_runs(workspace):
        if row.kind == "train" or row.problem:
            continue
        paths = workspace.run(row.id)
        try:
            record = open_record(paths)
        except CharlabError:
            continue
        if isinstance(record, Run) or record.subject.run != run:
            continue
        if isinstance(record, ProbeRun):
            about.probes.append((paths, record))
        elif isinstance(record, ParityRun):
            about.parities.append((paths, record))
        elif isinstance(record, EvalRun | ScoreRun):
            about.evals.append((paths, record))
        elif isinstance(record, CompareRun):
            about.comparisons.append((paths, record))
        else:
            about.critics.append((paths, record))
    return about


def list_commands(run: Run, about: About, workspace: Workspace) -> list[str]:
    words: list[list[str]] = [["data", "check", run.dataset.name]]
    if run.parent:
        words.append(["fork", f"{run.parent.run}@{run.parent.step}"])
    else:
        words.append(["train", f"runs/recipes/{run.recipe.name}.toml"])
    for paths, probing in about.probes:
        options = _sampling(probing, "temperature", "top_k", "top_p", "max_tokens", "seed") + _system(probing)
        asked = ["--probes", probing.probes.dataset, "--samples", str(probing.samples), *list_variants(paths)]
        words.append(["probe", probing.subject.reference, *asked, *options])
    for _, parity in about.parities:
        model = parity.subject.reference.removeprefix("run:").partition("#")[0]
        forms = ["--forms", ",".join(form for form in parity.forms if form != "trained")]
        asked = ["--probes", parity.probes.dataset, "--samples", str(parity.samples)]
        words.append(["parity", model, *forms, *asked, *_sampling(parity, "temperature", "max_tokens", "seed")])
    evals = [record for _, record in about.evals]
    for baseline in dict.fromkeys(compared.baseline.run for _, compared in about.comparisons):
        with suppress(CharlabError):
            before = open_record(workspace.run(baseline))
            if isinstance(before, EvalRun | ScoreRun) and before not in evals:
                evals.append(before)
    words += [_evaluation_command(record) for record in evals]
    for _, compared in about.comparisons:
        words.append(_comparison_command(compared, run))
    for _, critic in about.critics:
        judge = ["--judge", critic.judge.reference, *(["--effort", critic.judge.effort] if critic.judge.effort else [])]
        asked = ["--prompts", critic.probes.dataset, "--k", str(critic.candidates), *judge]
        model = critic.subject.reference.removeprefix("run:")
        words.append(["critic", model, *asked, *_sampling(critic, "temperature", "max_tokens", "seed")])
    return list(dict.fromkeys(shlex.join(["charlab", *line]) for line in words))


def _comparison_command(run: CompareRun, trained: Run) -> list[str]:
    """With the rule where it is not the recipe's own."""
    rule = run.rule
    options = ["--seed", str(run.seed), "--resamples", str(run.resamples)]
    if rule != trained.recipe.verdict:
        for name in ("smallest_effect", "mode", "margin", "primary"):
            if (value := getattr(rule, name)) is not None:
                options += [f"--{name.replace('_', '-')}", f"{value}"]
        for guard in rule.guards:
            limit = f"={rule.guards[guard]:g}" if isinstance(rule.guards, dict) else ""
            options += ["--guard", f"{guard}{limit}"]
    for difference in run.differences:
        name, allowed, _ = difference.partition(" differs, which was allowed")
        options += ["--allow", name] if allowed else []
    return ["compare", run.baseline.run, run.candidate.run, *options]


def _evaluation_command(run: EvalRun | ScoreRun) -> list[str]:
    judge = ["--judge", run.judge.reference, *(["--effort", run.judge.effort] if run.judge.effort else [])]
    if isinstance(run, ScoreRun):
        return ["score", run.of, *judge]
    options = [
        *judge,
        "--samples",
        str(run.samples),
        *_sampling(run, "temperature", "max_tokens", "seed"),
        *_system(run),
    ]
    return ["eval", run.subject.reference, "--prompts", run.probes.dataset, *options]


def _sampling(run: ProbeRun | ParityRun | EvalRun | CriticRun, *names: str) -> list[str]:
    given = run.sampling.to_json()
    return [
        word for name in names if given[name] is not None for word in (f"--{name.replace('_', '-')}", f"{given[name]}")
    ]


def _system(run: ProbeRun | EvalRun) -> list[str]:
    if run.system is None:
        return []
    return ["--system", "system.txt" if run.system else "none"]


def list_variants(paths: RunPaths) -> list[str]:
    """The formats and attacks of a probe run, as options; they stand in the ids of its probes."""
    ids = [str(row.get("id", "")) for row in read_rows(paths.probes)]
    formats = [f for f in FORMATS if f != "chat" and any(i.endswith(f"/{f}") for i in ids)]
    attacks = [a for a in ATTACKS if any(i.endswith(f"+{a}") for i in ids)]
    return [*(w for f in (["chat", *formats] if formats else []) for w in ("--format", f)),
            *(w for a in attacks for w in ("--attack", a))]  # fmt: skip

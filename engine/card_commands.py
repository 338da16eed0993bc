"""The runs about one training, and the commands that would make all of them again."""

import hashlib
import shlex
from contextlib import suppress
from typing import NamedTuple

from engine.card_text import dump_toml, dump_value
from engine.data.read import read_rubric_file
from engine.errors import CharlabError
from engine.forge.parity_judged import read_judged
from engine.judge.rubric import hash_rubric
from engine.probe.variants import ATTACKS, FORMATS
from engine.records.judging import Rubric
from engine.records.recipe import Table
from engine.records.run import CompareRun, CriticRun, EvalRun, Parent, ParityRun, ProbeRun, Run, ScoreRun
from engine.store.index import list_runs
from engine.store.journal import read_json, read_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import AnyRun, open_record, open_run


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
        elif isinstance(record, CriticRun):
            about.critics.append((paths, record))
    return about


def list_commands(run: Run, about: About, workspace: Workspace) -> list[str]:
    words: list[list[str]] = [["data", "check", run.dataset.name]]
    if run.parent:
        words.append(["fork", f"{run.parent.run}@{run.parent.step}", *_fork_settings(run, run.parent, workspace)])
    else:
        words.append(["train", f"runs/recipes/{run.recipe.name}.toml"])
    for paths, probing in about.probes:
        options = _sampling(probing, "temperature", "top_k", "top_p", "max_tokens", "seed") + _asking(probing)
        asked = ["--probes", probing.probes.dataset, "--samples", str(probing.samples), *list_variants(paths)]
        words.append(["probe", probing.subject.reference, *asked, *options])
    for _, parity in about.parities:
        model = parity.subject.reference.removeprefix("run:").partition("#")[0]
        forms = ["--forms", ",".join(form for form in parity.forms if form != "trained")]
        asked = ["--probes", parity.probes.dataset, "--samples", str(parity.samples)]
        judge = ["--judge", parity.judge] if parity.judge else []
        judge += ["--judged-tokens", str(parity.max_tokens)] if parity.max_tokens else []
        words.append(["parity", model, *forms, *asked, *_sampling(parity, "temperature", "max_tokens", "seed"), *judge])
    words += [_evaluation_command(paths, record, workspace) for paths, record in list_evaluations(about, workspace)]
    for _, compared in about.comparisons:
        words.append(_comparison_command(compared, run))
    for _, critic in about.critics:
        judge = ["--judge", critic.judge.reference, *(["--effort", critic.judge.effort] if critic.judge.effort else [])]
        asked = ["--prompts", critic.probes.dataset, "--k", str(critic.candidates), *judge]
        model = critic.subject.reference.removeprefix("run:")
        backend = ["--backend", critic.backend] if critic.backend else []
        words.append(["critic", model, *asked, *_sampling(critic, "temperature", "max_tokens", "seed"), *backend])
    return list(dict.fromkeys(shlex.join(["charlab", *line]) for line in words))


def list_evaluations(about: About, workspace: Workspace) -> list[tuple[RunPaths, EvalRun | ScoreRun]]:
    """Those about the training and those that they stand on, each after what it needs; not those that a parity makes."""
    found: dict[str, tuple[RunPaths, EvalRun | ScoreRun]] = {}
    made = {name for paths, _ in about.parities for name in read_judged(paths).values()}

    def add(name: str | None) -> None:
        if name is None or name in found or name in made:
            return
        with suppress(CharlabError):
            record = open_record(workspace.run(name))
            if isinstance(record, ScoreRun):
                add(record.of)
                add(record.against)
            if isinstance(record, EvalRun | ScoreRun):
                found[name] = (workspace.run(name), record)

    for _, compared in about.comparisons:
        add(compared.baseline.run)
    for _, record in about.evals:
        add(record.id)
    return list(found.values())


class File(NamedTuple):
    """What a command reads from a file that lies nowhere but in the run's record."""

    name: str
    sha256: str
    text: str


def make_file(kind: str, text: str, ending: str) -> File:
    sha256 = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return File(f"{kind}-{sha256[:8]}.{ending}", sha256, text)


def find_system_file(run: ProbeRun | EvalRun) -> File | None:
    return make_file("system", run.system, "txt") if run.system else None


def list_files(about: About, workspace: Workspace) -> list[File]:
    """Every file that `list_commands` names besides the recipe, once."""
    found = [find_system_file(run) for _, run in about.probes]
    for paths, run in list_evaluations(about, workspace):
        found += [find_system_file(run)] if isinstance(run, EvalRun) else []
        found.append(find_rubric_file(paths, run, workspace))
    return list(dict.fromkeys(file for file in found if file))


def find_rubric_file(paths: RunPaths, run: EvalRun | ScoreRun, workspace: Workspace) -> File | None:
    """The rubric where it is not the one that would be taken: the dataset's own, or that of the answers' evaluation."""
    if isinstance(run, ScoreRun) and run.against is not None:
        return None  # its rubric asks which is better, and what it was made of is not kept
    with suppress(CharlabError):
        if isinstance(run, ScoreRun):
            source = open_record(workspace.run(run.of))
            taken = source.judge.rubric_sha256 if isinstance(source, EvalRun) else ""
        else:
            taken = hash_rubric(read_rubric_file(workspace.dataset(run.probes.dataset).rubric))
        if taken == run.judge.rubric_sha256:
            return None
    rubric = Rubric.parse(read_json(paths.rubric), str(paths.rubric))
    return make_file("rubric", dump_toml(rubric.model_dump(mode="json", exclude_none=True)), "toml")


def _fork_settings(run: Run, parent: Parent, workspace: Workspace) -> list[str]:
    """--set of each key in which a fork's recipe differs from its parent's; none where that one is gone."""
    try:
        source = open_run(workspace.run(parent.run)).recipe
    except CharlabError:
        return []
    words: list[str] = []
    for name, value in run.recipe:
        was = getattr(source, name)
        changed = (
            {f"{name}.{key}": one for key, one in value if one != getattr(was, key)}
            if isinstance(value, Table)
            else {name: value if value != was else None}
        )
        # a length that is None was unset by the other
        words += [w for key, one in changed.items() if one is not None for w in ("--set", f"{key}={dump_value(one)}")]
    return words


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


def _evaluation_command(paths: RunPaths, run: EvalRun | ScoreRun, workspace: Workspace) -> list[str]:
    judge = ["--judge", run.judge.reference, *(["--effort", run.judge.effort] if run.judge.effort else [])]
    rubric = find_rubric_file(paths, run, workspace)
    judge += ["--rubric", rubric.name] if rubric else []
    judge += ["--repeats", str(run.repeats)] if run.repeats != 1 else []
    judge += [*(["--controls"] if run.controls else []), *(["--batch"] if run.batch else [])]
    if isinstance(run, ScoreRun):
        return ["score", run.of, *(["--against", run.against] if run.against else []), *judge]
    options = [*judge, "--samples", str(run.samples), *_sampling(run, "temperature", "max_tokens", "seed")]
    return ["eval", run.subject.reference, "--prompts", run.probes.dataset, *options, *_asking(run)]


def _sampling(run: ProbeRun | ParityRun | EvalRun | CriticRun, *names: str) -> list[str]:
    given = run.sampling.to_json()
    return [
        word for name in names if given[name] is not None for word in (f"--{name.replace('_', '-')}", f"{given[name]}")
    ]


def _asking(run: ProbeRun | EvalRun) -> list[str]:
    file = find_system_file(run)
    system = [] if run.system is None else ["--system", file.name if file else "none"]
    return [*system, *(["--backend", run.backend] if run.backend else [])]


def list_variants(paths: RunPaths) -> list[str]:
    """The formats and attacks of a probe run, as options; they stand in the ids of its probes."""
    ids = [str(row.get("id", "")) for row in read_rows(paths.probes)]
    formats = [f for f in FORMATS if f != "chat" and any(i.endswith(f"/{f}") for i in ids)]
    attacks = [a for a in ATTACKS if any(i.endswith(f"+{a}") for i in ids)]
    return [*(w for f in (["chat", *formats] if formats else []) for w in ("--format", f)),
            *(w for a in attacks for w in ("--attack", a))]  # fmt: skip

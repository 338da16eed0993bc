"""A run's model card: every fact of it out of the files, and its text written beside the run.

Past 300 lines because a card is one list of facts of many kinds, each a short function. Nothing is guessed: what no
file says is said to be unknown. No key and no path of this machine stands in it (see `clean`).
"""

import os
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.card_commands import About, find_runs_about, find_system_file, list_commands, list_files
from engine.data.audit import Text, find_leaks, list_asked, list_rows
from engine.data.layout import read_sealed
from engine.data.read import read_probes, read_prompts
from engine.errors import CharlabError, InputError
from engine.forge.parity_summary import summarise_parity
from engine.judge.calibrating import find_calibration, measure_calibration, read_judged
from engine.judge.critic import summarise_critic
from engine.judge.ledger import Cost, read_cost
from engine.judge.summary import summarise_evaluation
from engine.probe.summary import summarise_probing
from engine.records.judging import Score
from engine.records.rows import find_prompt
from engine.records.run import CompareRun, EvalRun, ProbeRun, Run, ScoreRun
from engine.redaction import redact
from engine.stats.compare import Comparison
from engine.store.index import list_runs
from engine.store.journal import read_json, write_atomic
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_record, open_run, read_metrics
from engine.train.rows import read_rows_file
from engine.train.summary import read_before_after, summarise

WATTS = "CHARLAB_WATTS"
"""What this machine draws while it works; without it no energy is reckoned."""
CURVES = ("loss", "margin_nats", "heldout.loss", "heldout.margin_nats", "break_rate", "in_character_rate")
STEPS = 8
"""Rows of the table of curves, about."""
FEW_PAIRS, FEW_PROMPTS = 500, 100
_PATH = re.compile(r"(?<![\w.:/~@-])~?/(?:[^\s/`'\"|()<>]+/)+([^\s/`'\"|()<>]*)")


def write_card(name: str, workspace: Workspace, out: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """Write the card of a training into its folder, or to `out`; where it lies, and its facts."""
    from engine.card_text import write_text

    facts = gather_card(name, workspace)
    path = out or workspace.find_run(name).card
    try:
        write_atomic(path, write_text(facts))
    except CharlabError:
        raise
    except OSError as bad:
        raise InputError(
            f"{path} cannot be written: {bad.strerror}", fix="--out FILE, in a folder that is there"
        ) from bad
    return path, facts


def gather_card(name: str, workspace: Workspace) -> dict[str, Any]:
    paths = workspace.find_run(name)
    record = open_record(paths)
    if not isinstance(record, Run):
        run = record.subject.run
        raise InputError(
            f"{record.id} is of kind {record.kind}, and a card is about a training",
            fix=f"charlab card {run}" if run else "charlab runs lists the trainings",
        )
    about, facts = find_runs_about(record.id, workspace), summarise(paths)
    pairwise = [(p, r) for p, r in about.evals if isinstance(r, ScoreRun) and r.against is not None]
    evals = [describe_evaluation(p, r, workspace) for p, r in about.evals if (p, r) not in pairwise]
    kept = (
        "id", "name", "status", "partial", "step", "steps", "created", "objective", "seed", "base", "reference",
        "template", "dataset", "parent", "group", "advice", "versions", "git", "seconds", "tokens", "heldout",
        "break_rate", "in_character_rate", "distinct", "probes", "checkpoints", "best", "alarms", "error",
    )  # fmt: skip
    card: dict[str, Any] = {
        **{key: facts[key] for key in kept},
        "recipe": record.recipe.model_dump(mode="json", exclude_defaults=True, exclude_none=True),
        "left_out": record.plan.left_out,
        "truncated": len(record.plan.truncated),
        "curves": sample_curves(paths),
        "answers": pick_answers(paths, record),
        "gate": describe_gate(record),
        "probe_runs": [{**summarise_probing(p), "system_file": _name_system(r)} for p, r in about.probes],
        "parities": [summarise_parity(p) for p, _ in about.parities],
        "evals": evals,
        "preferences": [describe_preference(p, r) for p, r in pairwise],
        "verdicts": [describe_verdict(p, r) for p, r in about.comparisons],
        "critics": [summarise_critic(p) for p, _ in about.critics],
        "leakage": check_leakage(paths, record, about, workspace),
        "costs": describe_costs(paths, record, about),
        "commands": list_commands(record, about, workspace),
        "files": [file._asdict() for file in list_files(about, workspace)],
    }
    card["limits"] = find_limits(card, count_other_seeds(record, workspace))
    cleaned: dict[str, Any] = clean(card, workspace)
    return cleaned


# ---------------------------------------------------------------- what was measured


def sample_curves(paths: RunPaths) -> list[dict[str, Any]]:
    """A few steps, the first and the last among them, and all at which something was held out or asked."""
    metrics = {step: values for step, values in read_metrics(paths).items() if any(k in values for k in CURVES)}
    steps = list(metrics)
    told = [s for s in steps if any(k in metrics[s] for k in CURVES if k not in ("loss", "margin_nats"))]
    every = max(1, len(told) // STEPS)
    chosen = {*steps[:1], *steps[-1:], *told[::every], *steps[:: max(1, len(steps) // STEPS)]}
    return [{"step": s, **{k: metrics[s].get(k) for k in CURVES}} for s in steps if s in chosen]


def pick_answers(paths: RunPaths, run: Run, most: int = 3) -> list[dict[str, Any]]:
    """The first answer to the first probes, before and after; not chosen by how they turned out."""
    found: dict[str, dict[str, Any]] = {}
    for when, samples in zip(("before", "after"), read_before_after(paths, run), strict=True):
        for sample in samples:
            found.setdefault(sample["probe"], {"probe": sample["probe"]}).setdefault(when, sample["text"])
    return list(found.values())[:most]


def describe_evaluation(paths: RunPaths, run: EvalRun | ScoreRun, workspace: Workspace) -> dict[str, Any]:
    """Its summary, the intervals of its means, and whether people vouch for its judge."""
    judged = read_judged(paths)
    scored = [s for s in judged.scores.values() if s.overall is not None]
    category = {p.id: p.category for p in read_prompts(paths.prompts)}
    named = dict.fromkeys(c for c in category.values() if c)
    facts = summarise_evaluation(paths)
    return {
        **{k: facts[k] for k in ("id", "kind", "status", "of", "subject", "probes_from", "samples", "sampling", "judge")},
        "system": facts["system"],
        "system_file": _name_system(run) if isinstance(run, EvalRun) else None,
        "scale": facts["scale"],
        "answers": facts["answers"],
        "wanted": count_wanted(run),
        "states": dict(Counter(s.state for s in judged.scores.values())),
        "bounds": facts["overall"]["bounds"],
        "corrected": bound_mean(scored, lambda s: s.overall),
        "raw": bound_mean(scored, lambda s: s.judge_overall),
        "categories": {
            name: bound_mean([s for s in scored if category.get(find_prompt(s.id)) == name], lambda s: s.overall)
            for name in named
        },
        "critical": sum(bool(s.critical) for s in scored),
        "break_rate": facts["break_rate"],
        "calibration": describe_calibration(judged.run.judge.fingerprint, paths, workspace),
    }  # fmt: skip


def count_wanted(run: EvalRun | ScoreRun) -> int:
    """Answers that there are once it is at its end: each is a step, and in an evaluation its judgement one more."""
    return run.steps // 2 if isinstance(run, EvalRun) else run.steps


def describe_preference(paths: RunPaths, run: ScoreRun) -> dict[str, Any]:
    """How often its answer is the better of two; scores of pairs have no mean that says anything."""
    facts = summarise_evaluation(paths)
    pairs = {key: value for key, value in facts["pairwise"].items() if key != "pairs"}
    kept = ("id", "kind", "status", "of", "against", "subject", "probes_from", "judge")
    return {**{key: facts[key] for key in kept}, **pairs, "wanted": run.steps // 2}


def describe_gate(run: Run) -> dict[str, Any] | None:
    """The gate that the recipe names as it stood then, and whether it was overruled."""
    if not run.recipe.gate.name:
        return None
    gate = run.gate
    met = gate is not None and gate.passed and gate.base in (None, run.recipe.base)
    known = gate.to_json() if gate else {"name": run.recipe.gate.name, "created": None, "passed": None, "base": None}
    return {**known, "overruled": "gate" in run.recipe.allow and run.gate is not None and not met}


def _name_system(run: ProbeRun | EvalRun) -> str | None:
    file = find_system_file(run)
    return file.name if file else None


def bound_mean(scores: Iterable[Score], read: Callable[[Score], float | None]) -> dict[str, Any] | None:
    """Mean, n and 95% bootstrap interval, answers to one prompt resampled together; None without a score."""
    from engine.stats.paired import bootstrap_mean, seed_generator, take_differences

    found = sorted((find_prompt(s.id), value) for s in scores if (value := read(s)) is not None)
    if not found:
        return None
    values = [value for _, value in found]
    drawn = bootstrap_mean(take_differences([0.0] * len(values), values, [p for p, _ in found]), seed_generator(0))
    ci = [drawn.low, drawn.high] if not drawn.degenerate else None
    return {"n": len(values), "mean": statistics.fmean(values), "ci": ci}


def describe_calibration(fingerprint: str, paths: RunPaths, workspace: Workspace) -> dict[str, Any]:
    found = find_calibration(fingerprint, workspace) or measure_calibration(read_judged(paths))
    kappa = found.agreement
    return {
        "state": found.state if found.labelled else "not calibrated",
        "run": found.run,
        "n": found.labelled,
        "kappa": kappa.kappa if kappa else None,
        "ci": list(kappa.ci) if kappa else None,
    }


def describe_verdict(paths: RunPaths, run: CompareRun) -> dict[str, Any]:
    found = Comparison.parse(read_json(paths.verdict), str(paths.verdict))
    return {
        "id": run.id, "baseline": run.baseline.to_json(), "candidate": run.candidate.to_json(),
        "judge": run.judge.to_json(), "differences": run.differences,
        **found.to_json(),
    }  # fmt: skip


def check_leakage(paths: RunPaths, run: Run, about: About, workspace: Workspace) -> dict[str, Any]:
    """The run's own rows against the sets that its recipe seals, as they are now, and against all that was asked of it."""
    try:
        split = read_rows_file(paths.rows)
    except (CharlabError, OSError) as bad:
        return {
            "sealed": run.recipe.audit.sealed,
            "overruled": "audit" in run.recipe.allow,
            "sets": [],
            "problem": str(bad),
        }
    trained = {p.id: p for p in split.train}
    rows = list_rows(trained.values())
    sets: list[dict[str, Any]] = []
    for name in run.recipe.audit.sealed:
        try:
            sets.append(_count_leaks(f"sealed: {name}", rows, read_sealed(workspace, name)))
        except CharlabError as bad:
            sets.append({"set": f"sealed: {name}", "prompts": None, "leaks": None, "problem": bad.message})
    asked: dict[str, list[Text]] = {}
    if paths.probes.is_file():
        asked[f"sentinels of {run.recipe.sentinel.probes or run.recipe.dataset}"] = list_asked(
            read_probes(paths.probes)
        )
    for other, record in (*about.probes, *about.parities):
        name = f"probes of {record.probes.dataset} ({record.probes.sha256[:8]})"
        asked.setdefault(name, list_asked(read_probes(other.probes)))
    for other, record in (*about.evals, *about.critics):
        name = f"prompts of {record.probes.dataset} ({record.probes.sha256[:8]})"
        asked.setdefault(name, list_asked(read_prompts(other.prompts)))
    sets += [_count_leaks(name, rows, texts) for name, texts in asked.items()]
    return {
        "sealed": run.recipe.audit.sealed, "overruled": "audit" in run.recipe.allow, "rows": len(trained), "sets": sets,
        "problem": "",
    }  # fmt: skip


def _count_leaks(name: str, rows: list[Text], sealed: list[Text]) -> dict[str, Any]:
    leaks = find_leaks(rows, sealed)
    return {
        "set": name, "prompts": len(sealed), "leaks": len({leak.sealed for leak in leaks}),
        "rows": len({leak.row for leak in leaks}), "examples": [str(leak) for leak in leaks[:3]], "problem": "",
    }  # fmt: skip


# ---------------------------------------------------------------- what it cost


def describe_costs(paths: RunPaths, run: Run, about: About) -> dict[str, Any]:
    costs = [read_cost(paths, "train", run.name, run.created)]
    costs += [read_cost(p, r.kind, r.name, r.created) for p, r in about.all()]
    seconds = sum(c.train_seconds + c.generate_seconds for c in costs)
    watts = read_watts()
    known = [c.usd for c in costs if c.usd is not None]
    return {
        "runs": [_describe_cost(c) for c in costs],
        "seconds": seconds,
        "watts": watts,
        "watt_hours": None if watts is None else watts * seconds / 3600,
        "usd": sum(known) if any(c.judge_usd or c.machine_usd for c in costs) else None,
        "unpriced": sum(c.judge_usd is None or c.machine_usd is None for c in costs),
    }


def _describe_cost(cost: Cost) -> dict[str, Any]:
    return {
        "run": cost.run, "kind": cost.kind, "seconds": cost.train_seconds + cost.generate_seconds,
        "tokens": cost.train_tokens + cost.generate_tokens, "judgements": cost.judgements, "judge_usd": cost.judge_usd,
    }  # fmt: skip


def read_watts() -> float | None:
    try:
        watts = float(os.environ.get(WATTS, ""))
    except ValueError:
        return None
    return watts if 0 < watts < 1e6 else None


# ---------------------------------------------------------------- what it does not prove


def find_limits(card: Mapping[str, Any], other_seeds: int) -> list[str]:
    """From the facts alone, the gravest first."""
    found = []
    if card["status"] != "finished" or card["partial"]:
        found.append(f"The training is {card['status']} at step {card['step']} of {card['steps']}.")
    if (gate := card["gate"]) and gate["overruled"]:
        found.append(f"The gate {gate['name']} did not let this training through, and was overruled.")
    elif gate and gate["passed"] and gate["base"] is None:
        found.append(f"The gate {gate['name']} names no base, so nothing says that it was checked on this one.")
    evals, verdicts = card["evals"], card["verdicts"]
    for run in (*evals, *card["preferences"]):
        if run["status"] != "finished":
            found.append(
                f"The {run['kind']} run {run['id']} is {run['status']}: its figures are of what was judged so far."
            )
    judged = [e for e in evals if not e["judge"]["triage"]]
    if not evals:
        found.append("No answer to a prompt set was judged: nothing here says how well it answers.")
    elif not judged:
        found.append(
            "Every score is by rules that show where to look and prove nothing: no judge has read the answers."
        )
    if uncalibrated := {e["judge"]["reference"] for e in judged if e["calibration"]["state"] != "calibrated"}:
        found.append(f"No person has been shown to agree with the judge {', '.join(sorted(uncalibrated))}.")
    if failed := sum(n for e in evals for state, n in e["states"].items() if state != "scored"):
        found.append(f"{failed} judgements failed and stand in no mean; the bounds beside say what they could change.")
    prompts = [e["probes_from"]["count"] for e in evals]
    if prompts and max(prompts) < FEW_PROMPTS:
        found.append(f"At most {max(prompts)} prompts were asked, so only large differences can be told from none.")
    if not verdicts:
        found.append("It was compared with no baseline, so there is no verdict.")
    elif not any(v["verdict"]["decision"] == "DEPLOY" for v in verdicts):
        found.append("No comparison came out as DEPLOY.")
    if other_seeds:
        found.append(
            f"Seed {card['seed']} is one of {other_seeds + 1} trained alike; the figures are of this one alone."
        )
    else:
        found.append(
            f"It was trained once, with seed {card['seed']}: how far another seed would come out apart is unknown."
        )
    after = card["break_rate"]["after"]
    if after and after["breaks"] == 0:
        found.append(f"No break in {after['n']} sentinel answers still allows a rate of {after['ci'][1]:.1%}.")
    if after or card["probe_runs"]:
        found.append("Breaks and answers in character are told by rules over the text, not by a reader.")
    rows = card["dataset"]["train"]
    if rows < FEW_PAIRS:
        found.append(f"It was trained on {rows} rows, which are few.")
    if card["base"]["reference"].startswith("bundled:"):
        found.append(
            "The base was dequantised from a 4-bit file, so its weights lie on that grid: figures need not hold for the"
            " original weights."
        )
    if card["recipe"].get("load", {}).get("quantize", "none") != "none":
        found.append("It was trained on a base quantised to 4 bits, and is served on that or on other weights.")
    if not card["leakage"]["sealed"]:
        found.append("No set was sealed against the training rows when it was trained.")
    if any(s["leaks"] for s in card["leakage"]["sets"]):
        found.append("Training rows repeat prompts that it was measured by: see leakage.")
    if card["git"] is None or card["git"]["dirty"]:
        found.append("The workspace was under no commit, or had changes that no commit holds, when it was trained.")
    return found


def count_other_seeds(run: Run, workspace: Workspace) -> int:
    """Finished trainings by the same recipe on the same rows that differ by their seed."""
    seeds = set()
    for row in list_runs(workspace):
        if row.kind != "train" or row.problem or row.status != "finished" or row.id == run.id:
            continue
        try:
            other = open_run(workspace.run(row.id))
        except CharlabError:
            continue
        alike = other.recipe.model_copy(update={"seed": run.recipe.seed, "name": run.recipe.name}) == run.recipe
        if alike and other.dataset.sha256 == run.dataset.sha256:
            seeds.add(other.recipe.seed)
    return len(seeds - {run.recipe.seed})


# ---------------------------------------------------------------- what stays at home


def clean(value: Any, workspace: Workspace) -> Any:
    """The value without paths of this machine, secrets, or anything that a terminal would obey."""
    if isinstance(value, str):
        return clean_text(value, workspace)
    if isinstance(value, dict):
        return {clean(key, workspace): clean(item, workspace) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, workspace) for item in value]
    return value


def clean_text(text: str, workspace: Workspace) -> str:
    text = redact(text)
    if "\n" not in text and text.startswith(("/", "~/")) and "/" in text[2:]:
        return text.rstrip("/").rpartition("/")[2]
    for folder in (str(workspace.folder), str(Path.home())):
        if len(folder) > 1:
            text = text.replace(folder + "/", "")
    return _PATH.sub(lambda found: found[1] or "(a folder)", text)

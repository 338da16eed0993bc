"""A card's facts as Markdown: what came from models and people stands in code, where nothing of it is obeyed.

Past 300 lines because a card has many sections, each a table of its own.
"""

import json
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

BARS = "▁▂▃▄▅▆▇█"
LONGEST_ANSWER = 400
_TICKS = re.compile(r"`+")
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_MARKS = re.compile(r"([\\`*_\[\]<>&#|~@$])")
_LINK = re.compile(r":(?=//)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_START = re.compile(r"^(\d*)(?=[-+=.)])")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
CURVES = {
    "loss": "loss", "heldout.loss": "held-out loss", "margin_nats": "margin, nats/token",
    "heldout.margin_nats": "held-out margin", "break_rate": "break rate", "in_character_rate": "in character",
}  # fmt: skip

Facts = Mapping[str, Any]


def write_text(facts: Facts) -> str:
    sections = [
        [f"# {escape(facts['name'])}", "", f"The card of run {code(facts['id'])}, written by charlab from its files."],
        _write_head(facts),
        _write_recipe(facts),
        _write_curves(facts),
        _write_sentinels(facts),
        _write_probe_runs(facts),
        _write_parities(facts),
        _write_evals(facts),
        _write_preferences(facts),
        _write_verdicts(facts),
        _write_critics(facts),
        _write_leakage(facts["leakage"]),
        ["## Limits", "", *(f"- {escape(limit)}" for limit in facts["limits"])],
        _write_costs(facts["costs"]),
        _write_versions(facts),
        _write_commands(facts),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


# ---------------------------------------------------------------- sections


def _write_head(facts: Facts) -> list[str]:
    base, dataset = facts["base"], facts["dataset"]
    revision = f", revision {code(base['revision'])}" if base["revision"] else ", of no recorded revision"
    partial = f", partial: step {facts['step']} of {facts['steps']}" if facts["partial"] else f", {facts['step']} steps"
    rows = [
        ("status", f"{facts['status']}{partial}"),
        ("base", f"{code(base['reference'])}, {base['parameters']:,} parameters{revision}"),
        ("stands on", "; ".join(_name_ancestor(a) for a in base["lineage"]) or "no earlier training"),
        ("dataset", f"{code(dataset['name'])}, sha256 {code(dataset['sha256'])}"),
        ("rows", f"{dataset['train']} trained on in an epoch, {dataset['heldout']} held out by prompt, sha256 of both {code(dataset['rows_sha256'])}"),
        ("left out", f"{len(facts['left_out'])} rows; {facts['truncated']} cut at the longest"),
        ("objective", f"{facts['objective']}, seed {facts['seed']}"),
        ("system prompt", code(facts["template"]["system"]) if facts["template"]["system"] else "none"),
        ("template", f"sha256 {code(facts['template']['sha256'])}"),
        ("made", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(facts["created"]))),
    ]  # fmt: skip
    if facts["reference"]:
        rows.insert(2, ("reference", code(facts["reference"])))
    if facts["gate"]:
        rows.append(("gate", _gate(facts["gate"])))
    if facts["parent"]:
        rows.insert(2, ("forked from", f"{code(facts['parent']['run'])} at step {facts['parent']['step']}"))
    return ["## What was trained on what", "", *table([["", ""], *map(list, rows)])]


def _name_ancestor(ancestor: Facts) -> str:
    run = code(ancestor["run"]) if ancestor["run"] else "weights from elsewhere"
    step = f" at step {ancestor['step']}" if ancestor["step"] is not None else ""
    return f"{escape(ancestor['objective'] or 'unknown training')} ({run}{step})"


def _write_recipe(facts: Facts) -> list[str]:
    return ["## How", "", "What differs from the defaults:", "", *fence(dump_toml(facts["recipe"]), "toml")]


def _write_curves(facts: Facts) -> list[str]:
    rows = facts["curves"]
    names = [name for name in CURVES if any(row.get(name) is not None for row in rows)]
    if not names:
        return []
    lines = table(
        [["step", *(CURVES[n] for n in names)]]
        + [[str(row["step"]), *(_number(row.get(n)) for n in names)] for row in rows],
        numeric=range(len(names) + 1),
    )
    sparks = [f"{CURVES[n]:<20} {draw_spark([row.get(n) for row in rows])}" for n in names]
    return ["## Curves", "", *lines, "", *fence("\n".join(sparks), "text")]


def _write_sentinels(facts: Facts) -> list[str]:
    before, after = facts["break_rate"]["before"], facts["break_rate"]["after"]
    if not before:
        return ["## Before and after", "", "No sentinel was asked."]
    lines = [["", "before", "after"]]
    for key, label in (("break_rate", "breaks"), ("in_character_rate", "in character")):
        lines.append([label, *(_rate(facts[key][when]) for when in ("before", "after"))])
    probes = [["probe", "breaks before", "after", "in character before", "after"]]
    for name, found in facts["probes"].items():
        cells = [
            _rate(found.get(when, {}).get(key))
            for key in ("break_rate", "in_character_rate")
            for when in ("before", "after")
        ]
        probes.append([code(name), *cells])
    told = [
        "## Before and after",
        "",
        "Wilson intervals at 95%; answers of one probe are not independent of each other.",
    ]
    told += ["", *table(lines), "", *table(probes)]
    if held := facts["heldout"]:
        margin = f", margin {held['margin_nats']:+.3f} nats per token" if held.get("margin_nats") is not None else ""
        told += ["", f"Held-out loss {_number(held.get('loss'))}{margin}, at step {held['step']}."]
    if facts["distinct"].get("after") is not None and after:
        told += ["", f"Different answers among those of one probe: {facts['distinct']['before']:.0%}, then {facts['distinct']['after']:.0%}."]  # fmt: skip
    told += [line for a in facts["alarms"] for line in ("", f"Alarm at step {a['step']}: {escape(a['message'])}.")]
    for answer in facts["answers"]:
        told += ["", f"The first answers to {code(answer['probe'])}, whatever they were:"]
        for when in ("before", "after"):
            if when in answer:
                told += ["", *fence(f"{when}: {shorten(answer[when])}", "text")]
    return told


def _write_probe_runs(facts: Facts) -> list[str]:
    if not facts["probe_runs"]:
        return []
    rows = [["run", "model", "answers", "breaks", "in character", "system prompt"]]
    for run in facts["probe_runs"]:
        whole = run["overall"]
        rows.append([
            code(run["id"]), code(run["subject"]["reference"]), f"{run['step']}/{run['steps']}", _rate(whole),
            _rate(whole["in_character_rate"]), _system(run),
        ])  # fmt: skip
    return ["## Probes", "", *table(rows, numeric=[2])]


def _write_parities(facts: Facts) -> list[str]:
    lines: list[str] = []
    for run in facts["parities"]:
        rows = [["form", "by", "breaks", "in character", "KL, nats/token", "top-1", "cause"]]
        if scores := run["scores"]:
            rows[0].append("judged, corrected mean")
        for form in run["forms"]:
            kl, top = form["kl"], form["top1"]
            rows.append([
                code(form["form"]), escape(form["backend"]), _rate(form), _rate(form["in_character_rate"]),
                f"{kl['mean']:.4f}" if kl and kl["positions"] else "", f"{top['rate']:.1%}" if top and top["rate"] is not None else "",
                escape("failed" if form["error"] else form["cause"]),
                *([_judged(scores.get(form["form"]))] if scores else []),
            ])  # fmt: skip
        lines += ["", f"{code(run['id'])} of {code(run['subject']['reference'])}:", "", *table(rows)]
        if scores:
            lines += ["", f"Judged by {code(run['judge'])}, each form in an evaluation of its own."]
    return ["## Forms, against the one it was trained in", *lines] if lines else []


def _write_evals(facts: Facts) -> list[str]:
    if not facts["evals"]:
        return ["## Evaluations", "", "None."]
    lines = ["## Evaluations"]
    for run in facts["evals"]:
        judge, whole = run["judge"], run["corrected"]
        prompts = f"{run['probes_from']['count']} prompts of {code(run['probes_from']['dataset'])}"
        states = ", ".join(f"{n} {state}" for state, n in run["states"].items())
        lines += ["", f"### {code(run['id'])}", ""]
        rows = [
            ["model", code(run["subject"]["reference"])],
            ["asked", f"{prompts}, {run['samples']} answers each, {_sampling(run['sampling'])}"],
            ["answers", f"{run['answers']} of {run['wanted']}, {run['status']}"],
            ["system prompt", _system(run)],
            ["judge", f"{code(judge['reference'])}{', triage by rules: no proof' if judge['triage'] else ''}"],
            ["fingerprint", code(judge["fingerprint"])],
            [
                "rubric",
                f"{code(judge['rubric'])} version {judge['rubric_version']}, {run['scale'][0]} to {run['scale'][1]}",
            ],
            ["calibrated", _calibration(run["calibration"])],
            ["judgements", states or "none"],
            ["corrected mean", _mean(whole)],
            ["raw mean, the judge's own", _mean(run["raw"])],
            ["critical failures", str(run["critical"])],
            ["breaks", _rate(run["break_rate"])],
        ]
        low, high = run["bounds"]
        if low is not None and low != high:
            rows.append(["corrected, were all that failed worst or best", f"{low:.2f} to {high:.2f}"])
        lines += table([["", ""], *rows])
        parts = [[escape(name), _mean(found)] for name, found in run["categories"].items() if found]
        if parts:
            lines += ["", *table([["category", "corrected mean"], *parts])]
    return lines


def _write_preferences(facts: Facts) -> list[str]:
    lines: list[str] = []
    for run in facts["preferences"]:
        lines += ["", f"### {code(run['id'])}", ""]
        rows = [
            ["model", code(run["subject"]["reference"])],
            ["answers of", f"{code(run['of'])} against {code(run['against'])}"],
            ["judge", code(run["judge"]["reference"])],
            ["fingerprint", code(run["judge"]["fingerprint"])],
            ["pairs", f"{run['n']} of {run['wanted']}, {run['failed']} failed, {run['status']}"],
            ["preferred", f"{run['better']} better, {run['worse']} worse, {run['ties']} tied"],
            ["the same in both orders", _rate(run["consistency"])],
            ["of what it preferred, stood first", _rate(run["first_preferred"])],
        ]
        lines += table([["", ""], *rows])
    told = "Each pair was judged in both orders; a preference that holds in one order alone is a tie."
    return ["## Preferences", "", told, *lines] if lines else []


def _write_verdicts(facts: Facts) -> list[str]:
    if not facts["verdicts"]:
        return ["## Verdict", "", "None: it was compared with nothing."]
    lines = ["## Verdict"]
    for run in facts["verdicts"]:
        verdict, ci = run["verdict"], run["ci"]
        before, after = (code(run[side]["subject"]["reference"]) for side in ("baseline", "candidate"))
        lines += [
            "",
            f"**{escape(verdict['decision'])}**: {after} against {before}, by {code(run['judge']['reference'])} ({code(run['id'])})",
            "",
        ]
        lines += [
            f"- difference {run['delta']:+.3f} [{ci[0]:+.3f}, {ci[1]:+.3f}] on {run['n']} pairs: {run['wins']} won, {run['losses']} lost, {run['ties']} tied"
        ]
        lines += [f"- {escape(text)}" for text in verdict["reasons"]]
        lines += [f"- primary test: {escape(verdict['primary_test'])}"]
        if run["mde"] is not None:
            lines.append(f"- detectable at 80% power with as many pairs: {run['mde']:.3f}")
        lines += [f"- guard: {escape(guard['told'])}" for guard in verdict["guards"]]
        lines += [f"- note: {escape(text)}" for text in verdict["notes"]]
    return lines  # fmt: skip


def _write_critics(facts: Facts) -> list[str]:
    lines: list[str] = []
    for run in facts["critics"]:
        rows = [["arm", "mean", "against the base, once", "tokens an answer"]]
        for arm in run["arms"]:
            found = arm["against_base"]
            mean = "none" if arm["mean"] is None else f"{arm['mean']:.2f} of {arm['n']}"
            against = f"{found['delta']:+.2f} [{found['ci'][0]:+.2f}, {found['ci'][1]:+.2f}]" if found else ""
            rows.append([arm["arm"], mean, against, f"{arm['tokens']:,.0f}"])
        triage = ", triage by rules: no proof" if run["judge"]["triage"] else ""
        told = f"{code(run['id'])}: {run['candidates']} candidates of the base a prompt, {run['prompts']} prompts, by {code(run['judge']['reference'])}{triage}."
        lines += ["", told, "", *table(rows, numeric=[3])]
        if run["gains"]:
            lines += ["", f"Bottleneck: {escape(run['gains']['bottleneck'])}; {escape(run['gains']['why'])}."]
    return ["## As a critic of its base's answers", *lines] if lines else []


def _write_leakage(leakage: Facts) -> list[str]:
    lines = ["## Leakage", ""]
    if leakage["problem"]:
        return [*lines, f"Not checked: {escape(leakage['problem'])}"]
    if not leakage["sealed"]:
        lines.append("The recipe seals no set, so training refused no row for repeating one.")
    elif leakage["overruled"]:
        lines.append("The recipe seals sets and allows rows that repeat them (`audit`).")
    else:
        lines.append("Training refuses rows that repeat the sets that the recipe seals.")
    lines += ["", f"{leakage['rows']} training prompts, by their words, against the sets as they are now:", ""]
    rows = [["set", "its prompts", "repeated", "by rows"]]
    for found in leakage["sets"]:
        if found["problem"]:
            rows.append([code(found["set"]), escape(found["problem"]), "", ""])
        else:
            rows.append([code(found["set"]), str(found["prompts"]), str(found["leaks"]), str(found["rows"])])
    lines += table(rows, numeric=[1, 2, 3]) if len(rows) > 1 else ["None was named."]
    examples = [example for found in leakage["sets"] for example in found.get("examples", [])]
    return [*lines, *(["", *(f"- {code(example)}" for example in examples)] if examples else [])]


def _write_costs(costs: Facts) -> list[str]:
    rows = [["run", "kind", "seconds", "tokens", "judgements", "judge, USD"]]
    for run in costs["runs"]:
        usd = "unknown" if run["judge_usd"] is None else f"{run['judge_usd']:.4f}" if run["judgements"] else ""
        rows.append([
            code(run["run"]), run["kind"], f"{run['seconds']:.0f}", f"{run['tokens']:,}", str(run["judgements"]), usd,
        ])  # fmt: skip
    watts = costs["watts"]
    energy = (
        f"Energy: unknown; the machine's draw was not stated. It worked {costs['seconds']:.0f} s."
        if watts is None
        else f"Energy, estimated: {watts:g} W, as stated for the whole machine, times {costs['seconds']:.0f} s is"
        f" {costs['watt_hours']:.2f} Wh. A judge elsewhere is not in it."
    )
    usd = "no price is known" if costs["usd"] is None else f"{costs['usd']:.4f} USD of what has a price"
    told = "Seconds are those of optimiser steps and of answering; loading a model is in none."
    return ["## Cost", "", told, "", *table(rows, numeric=[2, 3, 4, 5]), "", f"In all: {usd}.", "", energy]


def _write_versions(facts: Facts) -> list[str]:
    versions = ", ".join(f"{escape(name)} {escape(version)}" for name, version in facts["versions"].items())
    git = facts["git"]
    commit = f"Commit {code(git['commit'])}{', with changes' if git['dirty'] else ''}." if git else "Under no commit."
    return ["## Versions", "", f"{versions}.", "", commit]


def _write_commands(facts: Facts) -> list[str]:
    told = "With the recipe above as the file that is named. A training repeated has an id of its own: put it in place of the one here."
    lines = ["## To do it again", "", told, "", *fence("\n".join(facts["commands"]), "sh")]
    for file in facts["files"]:
        kind = "toml" if file["name"].endswith(".toml") else "text"
        lines += ["", f"{code(file['name'])}, sha256 {code(file['sha256'])}:", "", *fence(file["text"], kind)]
    return lines


# ---------------------------------------------------------------- pieces


def _system(run: Facts) -> str:
    if run["system_file"]:
        return f"{code(run['system_file'])}, below"
    return "the template's" if run["system"] is None else "none"


def _gate(gate: Facts) -> str:
    if gate["created"] is None:
        told = "what it had found was not recorded" if gate["passed"] is None else "of which no run was recorded"
    else:
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(gate["created"]))
        base = f"on base {code(gate['base'])}" if gate["base"] else "on a base that its files do not name"
        told = f"{'passed' if gate['passed'] else 'not passed'} {when} {base}"
    return f"{code(gate['name'])}, {told}{'; overruled' if gate['overruled'] else ''}"


def _judged(score: Facts | None) -> str:
    if not score:
        return ""
    whole = score["overall"]
    mean = "none" if whole["corrected"] is None else f"{whole['corrected']:.2f} of {whole['n']}"
    return mean if score["status"] == "finished" else f"{mean}, {score['status']}"


def _rate(rate: Facts | None) -> str:
    if not rate or rate["rate"] is None:
        return ""
    return f"{rate['rate']:.0%} [{rate['ci'][0]:.0%}, {rate['ci'][1]:.0%}] of {rate['n']}"


def _mean(found: Facts | None) -> str:
    if not found:
        return "none"
    ci = f" [{found['ci'][0]:.2f}, {found['ci'][1]:.2f}]" if found["ci"] else ", no interval without spread"
    return f"{found['mean']:.2f}{ci} of {found['n']}"


def _calibration(found: Facts) -> str:
    if found["kappa"] is None:
        return f"{found['state']}: {found['n']} labels"
    low, high = found["ci"]
    return f"{found['state']}: kappa {found['kappa']:.2f} [{low:.2f}, {high:.2f}] on {found['n']} labels of {code(found['run'])}"


def _sampling(sampling: Facts) -> str:
    return (
        f"temperature {sampling['temperature']:g}, top-k {sampling['top_k']}, top-p {sampling['top_p']:g},"
        f" at most {sampling['max_tokens']} tokens, seed {sampling['seed']}"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def draw_spark(values: Sequence[float | None]) -> str:
    """'▁▃█', the lowest value to the highest; a gap where there is none."""
    known = [v for v in values if v is not None]
    low, high = min(known), max(known)
    span = high - low
    top = len(BARS) - 1
    return "".join(" " if v is None else BARS[round(top * (v - low) / span) if span else 0] for v in values)


def table(rows: Sequence[Sequence[str]], numeric: Sequence[int] | range = ()) -> list[str]:
    """The first row is the head; cells are Markdown already."""
    rule = ["--:" if i in numeric else "---" for i in range(len(rows[0]))]
    return [f"| {' | '.join(cells)} |" for cells in (rows[0], rule, *rows[1:])]


def tame(text: str) -> str:
    """One line without control characters or changes of direction."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in _UNSAFE)


def escape(text: str) -> str:
    """Text in which nothing is Markdown, a tag or a link."""
    marked = _MARKS.sub(r"\\\1", tame(text)).replace("\\<", "&lt;").replace("\\&", "&amp;")
    return _START.sub(r"\1\\", _LINK.sub(lambda found: found[0] + "\\", marked))


def code(text: str) -> str:
    """Text as an inline span of code, in a table too."""
    text = tame(text).replace("|", "¦")
    if not text:
        return "``"
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(text: str, language: str) -> list[str]:
    """Text as a block of code that it cannot end."""
    ticks = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    lines = ["".join(c for c in line if unicodedata.category(c) not in _UNSAFE) for line in text.split("\n")]
    return [f"{ticks}{language}", *lines, ticks]


def shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_ANSWER else text[: LONGEST_ANSWER - 1] + "…"


def dump_toml(data: Facts, inside: str = "") -> str:
    """Of a recipe's or a rubric's values: strings, numbers, truths, lists of them, tables, and lists of tables."""
    plain, tables = [], []
    for key, value in data.items():
        path = f"{inside}.{_key(key)}" if inside else _key(key)
        if isinstance(value, Mapping):
            tables += [f"\n[{path}]\n{dump_toml(value, path)}"] if value else []
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            tables += [f"\n[[{path}]]\n{dump_toml(each, path)}" for each in value]
        else:
            plain.append(f"{_key(key)} = {dump_value(value)}")
    return "\n".join([*plain, *tables])


def dump_value(value: object) -> str:
    """One value as TOML, in one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {dump_value(each)}" for key, each in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)

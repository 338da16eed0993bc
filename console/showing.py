"""The commands that print what is there: runs, show, log."""

import sys
import time

from console.text import format_value, narrate, print_json, say
from engine.errors import StoreError
from engine.store.index import RunRow, list_runs, summarise_run
from engine.store.paths import RunPaths, find_workspace
from panels.text import align, format_age, plain


def list_all(*, json: bool, workspace: str | None) -> None:
    rows = list_runs(find_workspace(workspace))
    if json:
        print_json([row.to_json() for row in rows])
        return
    if not rows:
        narrate("no runs yet; charlab train runs/recipes/madison-orpo.toml makes the first")
        return
    table = [["run", "status", "step", "objective", "dataset", "loss", "margin", "breaks", "age"]]
    table += [_describe_row(row) for row in rows]
    for line in align(table, numeric={2, 5, 6, 7, 8}):
        say(line)


def _describe_row(row: RunRow) -> list[str]:
    if row.problem:
        return [plain(row.id), "unreadable", "", plain(row.problem, 60), "", "", "", "", ""]
    step = f"{row.step}/{row.steps}" + (" partial" if row.partial else "")
    rate = "" if row.break_rate is None else f"{row.break_rate:.0%}"
    age = format_age(time.time() - row.created)
    return [
        row.id,
        row.status,
        step,
        row.objective,
        plain(row.dataset, 20),
        format_value(row.loss),
        format_value(row.margin_nats),
        rate,
        age,
    ]


def show(run: str, *, answers: bool, json: bool, workspace: str | None) -> None:
    show_run(find_workspace(workspace).find_run(run), answers=answers, json=json)


def show_run(paths: RunPaths, *, answers: bool = False, json: bool) -> None:
    """Print one run, whatever its kind."""
    match summarise_run(paths).kind:
        case "probe":
            from console.probing import show_probing

            return show_probing(paths, json=json)
        case "eval" | "score":
            from console.evaluating import show_evaluation

            return show_evaluation(paths, json=json)
        case "export":
            from console.exporting import show_export

            return show_export(paths, json=json)
        case "generate":
            from console.criticising import show_critic

            return show_critic(paths, json=json)
        case "compare":
            from console.comparing import show_comparison

            return show_comparison(paths, json=json)
    from console.closing import closing_lines, print_answers
    from engine.store.runs import open_run
    from engine.train.summary import read_before_after, summarise

    facts = summarise(paths)
    if json:
        print_json(facts)
        return
    if answers:
        print_answers(*read_before_after(paths, open_run(paths)), out=sys.stdout, every=True)
    lines = closing_lines(facts)
    say(lines[0])
    say(
        f"  {facts['id']}  {facts['objective']} of {facts['base']['reference']} on {facts['dataset']['name']}, seed {facts['seed']}"
    )
    if facts["parent"]:
        say(f"  forked from {facts['parent']['run']} at step {facts['parent']['step']}")
    if facts["base"]["lineage"]:
        say(
            "  stands on "
            + ", ".join(
                f"{a['objective'] or 'unknown training'} ({a['run'] or 'from elsewhere'}@{a['step']})"
                for a in facts["base"]["lineage"]
            )
        )
    if facts["template"]["system"] is not None:
        say(f"  system prompt where a row has none: {plain(facts['template']['system'], 90)}")
    for line in lines[1:]:
        say(line)
    probes = [["probe", "breaks before", "after", "in character before", "after"]]
    for name, found in facts["probes"].items():
        cells = [plain(name, 20)]
        for key, hits in (("break_rate", "breaks"), ("in_character_rate", "in_character")):
            for when in ("before", "after"):
                rate = found[when][key] if when in found else None
                cells.append(f"{rate[hits]}/{rate['n']}" if rate else "")
        probes.append(cells)
    if len(probes) > 1:
        say("\n".join("  " + line for line in align(probes, numeric={1, 2, 3, 4})))


def log(run: str, *, attempt: int | None, events: bool, json: bool, workspace: str | None) -> None:
    from console.view import describe_event
    from engine.records.rows import Event
    from engine.store.index import read_launch
    from engine.store.runs import read_records

    paths = find_workspace(workspace).find_run(run)
    if events or json:
        rows = [event.to_json() for event in read_records(paths.events, Event)[0]]
        if json:
            print_json(rows)
        else:
            for row in rows:
                say(f"{time.strftime('%H:%M:%S', time.localtime(row['time']))}  {describe_event(row)}")
        return
    launch = read_launch(str(paths.folder))
    number = attempt or (int(launch["attempt"]) if launch else 1)
    path = paths.log(number)
    if not path.is_file():
        raise StoreError(f"run {paths.id} has no log of attempt {number}", fix=f"charlab show {paths.id}")
    for line in path.read_text("utf-8", "replace").splitlines():
        say(line)

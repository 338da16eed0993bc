"""Probes by moments of a run, read from its files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StoreError
from engine.probe.grid import find_about, read_grid
from engine.probe.rates import measure_rates, rates_by_probe
from engine.records.recipe import Recipe, TemplateUse
from engine.records.rows import CheckpointFile
from engine.records.run import BaseUse, DatasetUse, ParityRun, Plan, ProbeRun, ProbesUse, Run, Subject
from engine.records.serving import Sampling
from engine.stats.intervals import wilson
from engine.store.journal import read_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import read_moment

SYSTEM = "You are a helpful assistant."


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    """A run that has been resolved and has taken no step."""
    paths = RunPaths(tmp_path / "20260101-0900-ada-orpo-1a2b")
    paths.folder.mkdir()
    recipe = Recipe(name="ada-orpo", base="bundled:smollm2-135m", dataset="ada", objective="orpo", seed=1)
    run = Run(
        id=paths.id, kind="train", name="ada-orpo", created=1.0, recipe=recipe,
        dataset=DatasetUse(name="ada", sha256="ab", rows_sha256="cd", train=9, heldout=1),
        base=BaseUse(reference=recipe.base, source=recipe.base, revision=None, parameters=135_000_000),
        template=TemplateUse(sha256="ef", system=SYSTEM), reference=None, parent=None, group=None, steps=60,
        start_step=0, plan=Plan(tokens_longest=9, tokens_median=5, truncated=[], left_out={}), advice=[],
        versions={}, git=None, host="here",
    )  # fmt: skip
    paths.run.write_text(json.dumps(run.to_json()))
    return paths


def probe(name: str, text: str = "Who are you?", **change: Any) -> dict[str, Any]:
    return {"id": name, "category": "identity", "messages": [{"role": "user", "content": text}], **change}


def sample(
    name: str, step: int, index: int = 0, breaks: str | None = None, attempt: int = 1, **change: Any
) -> dict[str, Any]:
    return {
        "attempt": attempt, "step": step, "time": 1.0, "probe": name, "index": index, "seed": 7,
        "text": f"{name} {step} {index}", "tokens": 5, "truncated": False, "breaks": breaks,
        "span": [0, 3] if breaks else None, "in_character": breaks is None, **change,
    }  # fmt: skip


def write(path: Path, rows: list[dict[str, Any]], after: str = "") -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + after)


def test_each_cell_counts_the_answers_to_one_probe_at_one_step(paths: RunPaths) -> None:
    write(paths.probes, [probe("who"), probe("what")])
    write(paths.samples, [
        sample("who", 0, 0, "claims-ai"), sample("who", 0, 1), sample("what", 0, 0, "claims-ai"),
        sample("who", 20, 0, in_character=False), sample("what", 20),
    ])  # fmt: skip
    grid = read_grid(paths)
    who, what = grid.rows
    assert [cell.breaks for cell in who.cells] == [wilson(1, 2), wilson(0, 1)]
    assert [cell.in_character for cell in who.cells] == [wilson(1, 2), wilson(0, 1)]
    assert [cell.breaks for cell in what.cells] == [wilson(1, 1), wilson(0, 1)]
    assert [s.text for s in who.cells[0].samples] == ["who 0 0", "who 0 1"]
    assert who.cells[0].samples[0].span == (0, 3)


def test_rows_columns_and_the_whole_have_totals(paths: RunPaths) -> None:
    write(paths.probes, [probe("who"), probe("what")])
    write(paths.samples, [
        sample("who", 0, 0, "claims-ai"), sample("what", 0, 0, "claims-ai"), sample("who", 20), sample("what", 20),
    ])  # fmt: skip
    grid = read_grid(paths)
    assert [row.total.breaks for row in grid.rows] == [wilson(1, 2), wilson(1, 2)]
    assert [(m.step, m.total.breaks) for m in grid.moments] == [(0, wilson(2, 2)), (20, wilson(0, 2))]
    assert (grid.total.breaks, grid.total.in_character) == (wilson(2, 4), wilson(2, 4))
    assert [s.text for s in grid.moments[1].total.samples] == ["who 20 0", "what 20 0"]


def test_of_a_step_that_two_attempts_came_by_the_newest_counts(paths: RunPaths) -> None:
    write(paths.probes, [probe("who")])
    write(paths.samples, [
        sample("who", 20, 0, "claims-ai"), sample("who", 20, 1, "claims-ai"), sample("who", 20, attempt=2),
        sample("who", 40, 0, "claims-ai"),
    ])  # fmt: skip
    grid = read_grid(paths)
    assert [(m.step, m.attempt, m.total.breaks) for m in grid.moments] == [
        (20, 2, wilson(0, 1)), (40, 1, wilson(1, 1)),
    ]  # fmt: skip


def test_probes_stand_in_their_own_order_and_unknown_ones_after_them(paths: RunPaths) -> None:
    write(paths.probes, [probe("who"), probe("never asked"), probe("what", "What are you?")])
    write(paths.samples, [sample("stranger", 0), sample("what", 0), sample("who", 0)])
    rows = read_grid(paths).rows
    assert [row.probe for row in rows] == ["who", "never asked", "what", "stranger"]
    assert [[m.content for m in row.messages] for row in rows] == [
        ["Who are you?"], ["Who are you?"], ["What are you?"], [],
    ]  # fmt: skip
    assert [row.cells[0].breaks.n for row in rows] == [1, 0, 1, 1]
    assert rows[1].cells[0].breaks.rate is None


def test_the_first_of_two_probes_with_one_name_is_the_one_that_is_told(paths: RunPaths) -> None:
    write(paths.probes, [probe("who", "First?"), probe("who", "Second?")])
    assert [[m.content for m in row.messages] for row in read_grid(paths).rows] == [["First?"]]


def test_a_moment_knows_whether_a_complete_checkpoint_lies_there(paths: RunPaths) -> None:
    write(paths.samples, [sample("who", step) for step in (0, 20, 40)])
    for step in (20, 40):
        paths.checkpoint(step).folder.mkdir(parents=True)
    file = CheckpointFile(
        run=paths.id, attempt=1, step=20, time=0.0, tokens=1, adapter_sha256="ab", reference=None, lineage=[], values={}
    )
    paths.checkpoint(20).manifest.write_text(json.dumps(file.to_json()))
    assert [(m.step, m.checkpoint) for m in read_grid(paths).moments] == [(0, False), (20, True), (40, False)]


def test_the_system_prompt_and_the_name_are_those_of_the_run(paths: RunPaths) -> None:
    grid = read_grid(paths)
    assert (grid.run, grid.name, grid.system) == (paths.id, "ada-orpo", SYSTEM)


def test_a_run_that_has_not_been_asked_has_rows_and_no_moments(paths: RunPaths) -> None:
    write(paths.probes, [probe("who")])
    grid = read_grid(paths)
    assert (grid.moments, [row.cells for row in grid.rows], grid.total.breaks) == ((), [()], wilson(0, 0))


def test_a_run_without_probes_and_samples_is_an_empty_grid(paths: RunPaths) -> None:
    grid = read_grid(paths)
    assert (grid.moments, grid.rows, grid.skipped) == ((), (), 0)


def test_a_torn_last_row_is_left_for_next_time(paths: RunPaths) -> None:
    torn = json.dumps(sample("who", 0, 1))
    write(paths.samples, [sample("who", 0)], after=torn[:40])
    assert (read_grid(paths).total.breaks, read_grid(paths).skipped) == (wilson(0, 1), 0)
    write(paths.samples, [sample("who", 0)], after=torn + "\n")
    assert read_grid(paths).total.breaks == wilson(0, 2)


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"step": 0, "attempt": 999},
        sample("who", 0, attempt=99, span="everywhere"),
        sample("who", 0, attempt=99, text=None),
        {**sample("who", 0, attempt=99), "step": [0]},
        sample("who", 0, attempt=99, novelty=1),
        {**sample("who", 0), "probe": {"id": "who"}},
    ],
)
def test_a_row_that_is_no_sample_is_counted_and_hides_no_other(paths: RunPaths, row: dict[str, Any]) -> None:
    write(paths.samples, [sample("who", 0), row, sample("who", 0, 1, "claims-ai")])
    grid = read_grid(paths)
    assert (grid.total.breaks, grid.skipped) == (wilson(1, 2), 1)


def test_a_row_that_is_no_probe_is_counted(paths: RunPaths) -> None:
    write(paths.probes, [probe("who"), probe(""), {"id": "what"}, probe("two", messages=[])])
    grid = read_grid(paths)
    assert ([row.probe for row in grid.rows], grid.skipped) == (["who"], 3)


def test_lines_of_rubbish_are_passed_over(paths: RunPaths) -> None:
    good = json.dumps(sample("who", 0)).encode()
    paths.samples.write_bytes(b"\xff\xfe\x00\n[1, 2]\n" + b"[" * 100_000 + b"\n" + good + b"\n")
    assert read_grid(paths).total.breaks == wilson(0, 1)


def test_hostile_text_is_kept_as_it_is(paths: RunPaths) -> None:
    text = "[red]x[/] \x1b]0;t\x07 \u202eevil\u2066 😀" + "y" * 1_000_000
    write(paths.samples, [sample(text[:30], 0, text=text)])
    (row,) = read_grid(paths).rows
    assert (row.probe, row.cells[0].samples[0].text) == (text[:30], text)


def test_a_run_whose_record_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"run\.json is missing"):
        read_grid(RunPaths(tmp_path))


def test_the_grid_agrees_with_the_rates_of_the_summary(paths: RunPaths) -> None:
    write(paths.samples, [
        sample(name, step, index, "claims-ai" if (index * step + len(name)) % 3 == 0 else None, attempt)
        for attempt, steps in ((1, (0, 20, 40)), (2, (20, 60))) for step in steps
        for name in ("who", "what") for index in range(5)
    ])  # fmt: skip
    grid = read_grid(paths)
    rows = read_rows(paths.samples)
    assert [m.step for m in grid.moments] == [0, 20, 40, 60]
    for at, moment in enumerate(grid.moments):
        there = read_moment(rows, moment.step)
        rates = measure_rates(there)
        assert (moment.total.breaks, moment.total.in_character) == (rates.breaks, rates.in_character)
        assert {row.probe: row.cells[at].breaks for row in grid.rows} == {
            name: found.breaks for name, found in rates_by_probe(there).items()
        }


ADA = "20260101-0900-ada-orpo-1a2b"


@pytest.fixture
def lab(tmp_path: Path, paths: RunPaths) -> Workspace:
    """The training run in a workspace, with one probe and its answers at steps 0 and 40."""
    (tmp_path / "lab" / "runs").mkdir(parents=True)
    paths.folder.rename(tmp_path / "lab" / "runs" / ADA)
    workspace = Workspace(tmp_path / "lab")
    write(workspace.run(ADA).probes, [probe("who")])
    write(workspace.run(ADA).samples, [sample("who", 0, 0, "claims-ai"), sample("who", 40)])
    return workspace


def ask(
    workspace: Workspace, name: str, reference: str, created: float = 2.0, system: str | None = None,
    form: str | None = None, forms: list[str] | None = None,
) -> RunPaths:  # fmt: skip
    """A probe run about `reference`, or a parity run over `forms`, with one probe and no answers yet."""
    paths = workspace.run(name)
    paths.folder.mkdir()
    ada = reference.startswith("run:")
    subject = Subject(reference=reference, run=ADA if ada else None, step=40 if ada else None, form=form)
    common: dict[str, Any] = {
        "id": name, "name": "ada-probe", "created": created, "steps": 9, "group": None, "versions": {}, "git": None,
        "host": "here", "subject": subject, "probes": ProbesUse(dataset="ada", sha256="ab", count=1), "samples": 1,
        "sampling": Sampling(seed=1),
    }  # fmt: skip
    run = ParityRun(**common, forms=forms, positions=9) if forms else ProbeRun(**common, system=system)
    write(paths.probes, [probe("who")])
    write(paths.samples, [])
    paths.run.write_text(json.dumps(run.to_json()))
    return paths


def test_a_probe_run_is_a_grid_of_one_moment(lab: Workspace) -> None:
    paths = ask(lab, "20260102-0900-ada-probe-aaaa", f"run:{ADA}@40", system="Be brief.")
    write(paths.samples, [sample("who", 40, 0), sample("who", 40, 1, "claims-ai"), sample("who", 40, 0, turn=1)])
    grid = read_grid(paths)
    (moment,) = grid.moments
    assert (moment.step, moment.label, moment.run, moment.checkpoint) == (40, "probe", paths.id, False)
    assert (moment.total.breaks, grid.system, grid.name) == (wilson(1, 3), "Be brief.", "ada-probe")
    assert [row.cells[0].breaks for row in grid.rows] == [wilson(1, 3)]


def test_a_probe_run_about_a_form_bears_its_name(lab: Workspace) -> None:
    paths = ask(lab, "20260102-0900-ada-probe-aaaa", f"run:{ADA}@40#q8_0", form="q8_0")
    write(paths.samples, [sample("who", 40, form="q8_0"), sample("who", 40, form="stray")])
    assert [(m.label, m.total.breaks) for m in read_grid(paths).moments] == [("q8_0", wilson(0, 1))]


def test_a_parity_run_has_a_moment_for_each_form_that_was_asked_in_their_order(lab: Workspace) -> None:
    paths = ask(lab, "20260102-0900-ada-parity-bbbb", f"run:{ADA}@40", forms=["trained", "merged", "q8_0", "q4_0"])
    write(paths.samples, [
        sample("who", 40, 0, form="q4_0", breaks="claims-ai"), sample("who", 40, 0, form="trained"),
        sample("who", 40, 0, form="merged"), sample("who", 40, 1, form="merged", breaks="claims-ai"),
    ])  # fmt: skip
    grid = read_grid(paths)
    assert [(m.label, m.total.breaks) for m in grid.moments] == [
        ("trained", wilson(0, 1)), ("merged", wilson(1, 2)), ("q4_0", wilson(1, 1)),
    ]  # fmt: skip
    assert (grid.system, grid.total.breaks) == (None, wilson(2, 4))


def test_runs_about_a_run_are_those_that_asked_it_or_a_form_of_it_oldest_first(lab: Workspace) -> None:
    names = [
        ask(lab, "20260102-0900-ada-probe-aaaa", f"run:{ADA}@20", created=1_767_344_400.0).id,
        ask(lab, "20260103-0900-ada-parity-bbbb", f"run:{ADA}@40", created=1_767_430_800.0, forms=["trained"]).id,
        ask(lab, "20260104-0900-ada-probe-cccc", f"run:{ADA}@40#q8_0", created=1_767_517_200.0, form="q8_0").id,
    ]
    ask(lab, "20260105-0900-ada-probe-dddd", "bundled:smollm2-135m")
    ask(lab, "20260105-0900-ada-probe-eeee", f"run:{ADA[:-1]}c@40")
    assert [about.id for about in find_about(ADA, lab)] == names
    assert find_about("20260101-0900", lab) == []


def test_moments_of_runs_about_a_run_follow_its_own(lab: Workspace) -> None:
    asked = ask(lab, "20260102-0900-ada-probe-aaaa", f"run:{ADA}@40")
    forms = ask(lab, "20260103-0900-ada-parity-bbbb", f"run:{ADA}@40", forms=["trained", "q8_0"])
    write(asked.samples, [sample("who", 40, 0, "claims-ai")])
    write(forms.samples, [sample("who", 40, form="trained"), sample("who", 40, form="q8_0"), {"step": 0}])
    grid = read_grid(lab.run(ADA), [asked, forms])
    assert [(m.step, m.label, m.run) for m in grid.moments] == [
        (0, "", ADA), (40, "", ADA), (40, "probe", asked.id), (40, "trained", forms.id), (40, "q8_0", forms.id),
    ]  # fmt: skip
    (row,) = grid.rows
    assert [cell.breaks.hits for cell in row.cells] == [1, 0, 1, 0, 0]
    assert (row.total.breaks, grid.total.breaks, grid.skipped) == (wilson(2, 5), wilson(2, 5), 1)
    assert grid.system == SYSTEM


def test_a_probe_of_the_same_id_with_other_words_has_a_row_of_its_own(lab: Workspace) -> None:
    same, other = (ask(lab, f"20260102-0900-ada-probe-{x * 4}", f"run:{ADA}@40") for x in "ab")
    write(other.probes, [probe("who", "Who, then, are you?"), probe("new")])
    write(same.samples, [sample("who", 40)])
    write(other.samples, [sample("who", 40, 0, "claims-ai"), sample("new", 40)])
    grid = read_grid(lab.run(ADA), [same, other])
    assert [row.probe for row in grid.rows] == ["who", "who (bbbb)", "new"]
    assert [row.messages[0].content for row in grid.rows] == ["Who are you?", "Who, then, are you?", "Who are you?"]
    assert [[cell.breaks.n for cell in row.cells] for row in grid.rows] == [[1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    assert [row.total.breaks for row in grid.rows] == [wilson(1, 3), wilson(1, 1), wilson(0, 1)]
    assert {s.probe for s in grid.rows[1].total.samples} == {"who (bbbb)"}


def test_a_probe_in_another_format_is_another_probe(lab: Workspace) -> None:
    asked = ask(lab, "20260102-0900-ada-probe-aaaa", f"run:{ADA}@40")
    write(asked.probes, [probe("who", format="raw")])
    write(asked.samples, [sample("who", 40)])
    assert [row.probe for row in read_grid(lab.run(ADA), [asked]).rows] == ["who", "who (aaaa)"]


def test_an_evaluation_is_a_grid_of_the_prompts_that_it_asked(write_evaluation: Callable[..., RunPaths]) -> None:
    grid = read_grid(write_evaluation("20260101-0900-madison-eval-1a2b", [7.0, 6.0]))
    assert [(row.probe, row.category, row.messages[0].content) for row in grid.rows] == [
        ("p-000", "voice", "Question number 0?"), ("p-001", "history", "Question number 1?"),
    ]  # fmt: skip
    assert [(moment.label, moment.total.breaks.n) for moment in grid.moments] == [("probe", 2)]

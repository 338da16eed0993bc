"""Evaluations and the ledger in the console, over runs as their workers write them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import ContentSwitcher

from console.app import Lab
from console.costs import read_costs
from console.evaluations import list_evaluations, read_detail
from driving import wait_until
from engine.data.read import read_prompts
from engine.errors import InputError
from engine.judge.budget import allow
from engine.judge.comparing import compare_evals
from engine.launch.process import read_start
from engine.records.dataset import Prompt
from engine.store.index import list_runs, summarise_run
from engine.store.journal import read_json, write_json
from engine.store.paths import RunPaths, Workspace
from panels.bar import Bar
from panels.evals import EvalsPanel
from panels.judgement import ItemText
from panels.ledger import LedgerPanel, Totals
from panels.table import Table
from panels.verdict import VerdictText

ROOT = Path(__file__).resolve().parents[2]
TRAINED = "20260101-0900-madison-orpo-1a2b"
BASE, MINE, QUICK = (
    "20260103-0900-madison-eval-5e6f",
    "20260104-0900-madison-eval-6f70",
    "20260105-0900-madison-eval-7081",
)
HELPFUL = "I am happy to help! Here is some information about that. "
GRAVE = (
    "I hold, Sir, that in a wider sphere more parties and interests are taken in, so that it is less probable that a "
    "majority of the whole will have a common motive to invade the rights of other citizens. "
)
SIZES = ((80, 24), (120, 34), (200, 50))

WriteEval = Callable[..., RunPaths]
Check = Callable[[Lab, Pilot[int]], Awaitable[None]]


@pytest.fixture(autouse=True)
def own_settings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("CHARLAB_THEME", "dark")
    monkeypatch.delenv("CHARLAB_USD_PER_HOUR", raising=False)


@pytest.fixture
def evals(write_eval: WriteEval) -> tuple[RunPaths, RunPaths, RunPaths]:
    """The base's, one of a run by the same judge, and one of an earlier checkpoint by rules."""
    about: dict[str, Any] = {"model": f"run:{TRAINED}@120", "about": TRAINED}
    return (
        write_eval(BASE, lambda n: {"components": {"voice": 7 - n % 2, "history": 7}}, answer=lambda n: HELPFUL * 2),
        write_eval(MINE, grade_mine, answer=lambda n: GRAVE, max_usd=0.05, **about),
        write_eval(QUICK, lambda n: 5 + n % 3, judge="rules", **about),
    )


def grade_mine(number: int) -> dict[str, Any]:
    if number == 4:
        return {"state": "truncated"}
    if number in (2, 7):
        return {"components": {"voice": 2, "history": 5}, "critical": ["artificial_identity"]}
    return {"components": {"voice": 8 - number % 4, "history": 9 - number % 3}}


def drive(workspace: Workspace, check: Check, size: tuple[int, int] = (120, 34)) -> None:
    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=size) as pilot:
            await wait_until(pilot, lambda: app.rows, "runs")
            await check(app, pilot)

    asyncio.run(go())


async def open_evals(app: Lab, pilot: Pilot[int], run: str, baseline: str | None = None) -> EvalsPanel:
    """The panel, with the evaluation under its cursor read."""
    app.opened = run
    app.pin(baseline)
    await pilot.press("8")
    await wait_until(pilot, lambda: app.query(EvalsPanel), "the panel")
    panel = app.query_one(EvalsPanel)
    listing = panel.query_one("#listing", Table)
    await wait_until(pilot, lambda: panel.detail and panel.detail.id == listing.cursor_key, "the evaluation")
    await pilot.pause()
    return panel


# ---------------------------------------------------------------- what is read


def test_the_evaluations_of_the_runs_looked_at_are_listed_first_the_newest_on_top(
    workspace: Workspace, evals: tuple[RunPaths, ...]
) -> None:
    def ids(*looked_at: str, baseline: str | None = None) -> list[str]:
        return [one.id for one in list_evaluations(workspace, looked_at, baseline).evaluations]

    assert ids(TRAINED) == ids(TRAINED, BASE) == [QUICK, MINE, BASE]
    assert ids(BASE) == [BASE, QUICK, MINE]
    assert ids() == ids("20260109-0900-else-9999") == [QUICK, MINE, BASE]
    listing = list_evaluations(workspace, [BASE, TRAINED], BASE)
    assert listing.baselines == {BASE}
    mine = listing.evaluations[1]
    assert (mine.model, mine.judged, mine.wanted, mine.critical) == ("madison-orpo-1a2b@120", 11, 12, 2)
    assert [one.triage for one in listing.evaluations] == [True, False, False]


def test_a_pinned_training_stands_for_its_newest_evaluation_by_each_judge(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_eval: WriteEval
) -> None:
    earlier = write_eval(
        "20260103-1000-madison-eval-4d5e", lambda n: {"components": {"voice": 5, "history": 6}},
        model=f"run:{TRAINED}@60", about=TRAINED,
    ).id  # fmt: skip
    assert list_evaluations(workspace, [TRAINED], TRAINED).baselines == {MINE, QUICK}
    # a checkpoint is compared with its own run's newest, and only that one is the baseline itself
    assert read_detail(workspace, earlier, TRAINED).baseline == "madison-orpo-1a2b@120"
    assert read_detail(workspace, MINE, TRAINED).instead.startswith("this is the baseline")


def test_which_of_two_answers_is_better_is_no_evaluation(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_eval: WriteEval
) -> None:
    pairs = write_eval("20260106-0900-madison-score-8192", of=MINE)
    write_json(pairs.run, read_json(pairs.run) | {"against": BASE})
    assert pairs.id not in [one.id for one in list_evaluations(workspace, (), None).evaluations]


def test_the_table_of_runs_has_score_raw_and_critical_from_the_newest_row(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_run: Callable[..., Any]
) -> None:
    write_run(TRAINED, ended="finished")
    rows = {row.id: row for row in list_runs(workspace)}
    assert (rows[TRAINED].score, rows[TRAINED].score_raw, rows[TRAINED].critical) == (None, None, None)
    assert rows[BASE].score == pytest.approx(6.7)
    assert (rows[BASE].score_raw, rows[BASE].critical) == (6.5, 0)
    assert rows[QUICK].score == pytest.approx(6.0)
    assert rows[QUICK].score_raw is None
    with evals[0].metrics.open("a") as file:
        values = {"score": 5.5, "score_raw": None, "critical": 3}
        file.write(
            json.dumps({"attempt": 2, "step": 24, "time": 1.0, "values": values, "nonfinite": ["score_raw"]}) + "\n"
        )
    row = summarise_run(evals[0])
    assert (row.score, row.score_raw, row.critical) == (5.5, None, 3)


def test_an_evaluation_is_compared_with_the_pinned_one_as_the_command_does(
    workspace: Workspace, evals: tuple[RunPaths, ...]
) -> None:
    detail = read_detail(workspace, MINE, BASE)
    written, told = compare_evals(BASE, MINE, workspace)
    written.launch.unlink()  # it names this very process, which no one is to end
    verdict = detail.verdict
    assert verdict is not None
    assert (verdict.decision, verdict.delta, (verdict.low, verdict.high)) == (
        told.verdict.decision,
        told.delta,
        told.ci,
    )
    assert verdict.would_change == told.verdict.would_change
    strata = {(s.by, s.name): s for s in detail.strata}
    for stratum in told.strata:
        found = strata[stratum.by, stratum.name].difference
        assert found is not None
        assert (found.n, found.delta, (found.low, found.high)) == (stratum.n, stratum.delta, stratum.ci)
    hard = strata["difficulty", "hard"].difference
    assert hard is not None
    assert hard.n == 6
    # four easy, three medium, of which one lost its score
    assert [strata["difficulty", name].n for name in ("easy", "medium", "hard")] == [2, 3, 6]
    assert strata["all", "all"].failed == 1
    assert detail.states == {"truncated": 1}
    assert detail.bounds is not None
    assert detail.bounds[0] < strata["all", "all"].corrected < detail.bounds[1]  # type: ignore[operator]
    assert detail.critical == (("artificial_identity", 2, 0),)


def test_each_answer_has_its_judgement_and_the_baselines(workspace: Workspace, evals: tuple[RunPaths, ...]) -> None:
    items = {item.title: item for item in read_detail(workspace, MINE, BASE).items}
    assert len(items) == 12
    worst = items["lett-3"]
    assert worst.before is not None
    assert (worst.mine.corrected, worst.mine.raw) == (3.0, 2.0)
    assert worst.before.corrected == pytest.approx(7.0)
    assert worst.change == pytest.approx(-4.0)
    assert worst.mine.components == {"voice": 2, "history": 5}
    assert worst.mine.critical == ("artificial_identity",)
    assert worst.mine.reasons == "The voice is worth 2, and 'Sir' decided me."
    assert worst.before.answer == HELPFUL * 2
    failed = items["unio-1"]
    assert (failed.mine.state, failed.mine.corrected, failed.mine.raw, failed.change) == ("truncated", None, None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"judge": "rules"}, "has no evaluation by the same judge of the same prompts"),
        ({"temperature": 0.5}, "differ in sampling"),
        ({"answered": 5}, "has 5 of 12 answers"),
    ],
)
def test_what_is_not_alike_or_not_at_its_end_is_not_compared_and_that_is_said(
    workspace: Workspace, write_eval: WriteEval, change: dict[str, Any], words: str
) -> None:
    write_eval(BASE, **change)
    write_eval(MINE)
    detail = read_detail(workspace, MINE, BASE)
    assert words in detail.instead
    assert "try: " in detail.instead
    assert detail.verdict is None
    assert all(item.before is None and item.change is None for item in detail.items)
    assert all(stratum.difference is None for stratum in detail.strata)


def test_a_pinned_training_run_stands_for_its_newest_evaluation_that_is_alike(
    workspace: Workspace, write_eval: WriteEval
) -> None:
    about: dict[str, Any] = {"model": f"run:{TRAINED}@60", "about": TRAINED}
    write_eval(BASE, **about)
    write_eval(MINE, **about)
    write_eval("20260104-1000-madison-eval-6f71", judge="rules", **about)
    write_eval(QUICK)
    detail = read_detail(workspace, QUICK, TRAINED)
    assert detail.baseline == "madison-orpo-1a2b@60"
    assert detail.verdict is not None
    assert "this is the baseline" in read_detail(workspace, MINE, TRAINED).instead


def test_a_score_run_shows_the_answers_of_the_run_that_it_judges_again(
    workspace: Workspace, write_eval: WriteEval
) -> None:
    write_eval(BASE, lambda n: 4, answer=lambda n: f"The answer {n}.")
    write_eval(MINE, lambda n: 6, of=BASE, judge="rules")
    detail = read_detail(workspace, MINE, None)
    assert detail.triage
    assert [item.mine.answer for item in detail.items[:2]] == ["The answer 0.", "The answer 1."]
    assert {item.mine.corrected for item in detail.items} == {6.0}
    assert "the judge is a set of rules" not in detail.instead


def test_an_answer_that_is_not_judged_yet_has_no_number(workspace: Workspace, write_eval: WriteEval) -> None:
    paths = write_eval(MINE, ended="")
    lines = paths.scores.read_text().splitlines(keepends=True)
    paths.scores.write_text("".join(lines[:3]))
    states = [item.mine.state for item in read_detail(workspace, MINE, None).items]
    assert states == ["scored"] * 3 + ["not judged"] * 9


def test_the_turns_of_a_conversation_stand_before_its_later_answers(
    workspace: Workspace, write_eval: WriteEval
) -> None:
    message = {"role": "user", "content": "Who are you?"}
    prompt = Prompt.model_validate(
        {"id": "talk", "category": "voice", "difficulty": "easy", "messages": [message], "turns": ["And where?"]}
    )
    paths = write_eval(MINE, prompts=(prompt,), answer=lambda n: "<think>hm</think>A planter.")
    assert read_prompts(paths.prompts) == [prompt]
    first = json.loads(paths.samples.read_text())
    with paths.samples.open("a") as file:
        file.write(json.dumps({**first, "turn": 1, "text": "In Virginia."}) + "\n")
    one, two = read_detail(workspace, MINE, None).items
    assert (one.title, two.title) == ("talk turn 1", "talk turn 2")
    assert two.messages == [("user", "Who are you?"), ("assistant", "A planter."), ("user", "And where?")]
    assert two.mine.answer == "In Virginia."


def test_a_run_that_is_no_evaluation_is_refused(workspace: Workspace, write_run: Callable[..., Any]) -> None:
    write_run(TRAINED, base={
        "reference": "b", "source": "b", "revision": None, "parameters": 1, "adapter_sha256": None, "lineage": [],
    }, ended="finished")  # fmt: skip
    with pytest.raises(InputError, match="is of kind train and holds no scores"):
        read_detail(workspace, TRAINED, None)


# ---------------------------------------------------------------- the ledger


def test_the_ledger_says_what_each_took_and_what_has_no_price(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {
        "name": "ada",
        "base": "base",
        "dataset": "madison",
        "objective": "orpo",
        "seed": 1,
        "budget": {"max_usd": 0.01},
    }
    write_run(TRAINED, recipe=recipe, ended="finished")
    ledger = read_costs(workspace, {})
    costs = {cost.run: cost for cost in ledger.costs}
    trained, mine, quick = costs[TRAINED], costs[MINE], costs[QUICK]
    assert (trained.train_seconds, trained.train_tokens, trained.usd, trained.budget) == (20.0, 40_000, None, 0.01)
    assert trained.spent == pytest.approx(0.048)
    assert (mine.judgements, mine.failed, mine.machine_usd, mine.partly, mine.budget) == (12, 1, None, True, 0.05)
    assert mine.judge_usd == mine.spent == pytest.approx(0.048)
    assert (quick.judge_usd, quick.usd, quick.partly) == (0.0, None, False)
    assert ledger.unpriced == 4
    assert "CHARLAB_USD_PER_HOUR" in ledger.hint
    assert ledger.whole.usd == pytest.approx(0.096)
    # the evaluation's own budget lies within that of its training
    assert (ledger.whole.partly, ledger.whole.budget, ledger.whole.spent) == (True, 0.01, pytest.approx(0.048))

    monkeypatch.setenv("CHARLAB_USD_PER_HOUR", "3.6")
    ledger = read_costs(workspace, {})
    trained = next(cost for cost in ledger.costs if cost.run == TRAINED)
    assert (trained.usd, trained.spent) == (pytest.approx(0.02), pytest.approx(0.048))
    assert not trained.partly
    assert ledger.unpriced == 0
    # a limit that was raised later counts as it is now
    allow(evals[1], 0.5)
    assert next(cost.budget for cost in read_costs(workspace, {}).costs if cost.run == MINE) == 0.5


def test_a_budget_that_is_no_number_is_none(workspace: Workspace, evals: tuple[RunPaths, ...]) -> None:
    for found in ('"much"', "true", "-1", "NaN", "1e999", "[]"):
        run = json.loads(evals[1].run.read_text())
        evals[1].run.write_text(json.dumps(run | {"max_usd": 0}).replace('"max_usd": 0', f'"max_usd": {found}'))
        assert next(cost.budget for cost in read_costs(workspace, {}).costs if cost.run == MINE) is None


# ---------------------------------------------------------------- in the console


def test_evals_and_ledger_work_by_keys_alone(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_run: Callable[..., Any]
) -> None:
    write_run(TRAINED, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: len(app.rows) == 4, "four runs")
        panel = await open_evals(app, pilot, TRAINED)
        assert panel.query_one("#listing", Table).cursor_key == QUICK
        assert panel.detail is not None
        assert panel.detail.triage
        app.marked.append(BASE)
        app._watch()
        await wait_until(pilot, lambda: len(panel._listed) == 3, "the base's too")
        await pilot.press("G", "p")
        await wait_until(pilot, lambda: app.baseline == BASE, "the baseline")
        await pilot.press("k")
        await wait_until(pilot, lambda: panel.detail and panel.detail.id == MINE and panel.detail.verdict, "a verdict")
        assert panel.query_one(VerdictText).verdict is not None
        await pilot.press("n")
        item = panel.query_one(ItemText).item
        assert item is not None
        assert item.title == "lett-3"
        await pilot.press("y")
        assert GRAVE.strip() in app.clipboard
        await pilot.press("escape", "9")
        await wait_until(pilot, lambda: app.query(LedgerPanel) and app.query_one(LedgerPanel).ledger, "the ledger")
        await pilot.pause()
        await pilot.press("G", "enter")
        await wait_until(pilot, lambda: app.query_one(ContentSwitcher).current == "training", "the curves")
        assert app.opened == TRAINED

    drive(workspace, check)


def test_an_evaluation_that_goes_on_moves_though_only_its_training_is_looked_at(
    workspace: Workspace, evals: tuple[RunPaths, ...], write_run: Callable[..., Any], live: subprocess.Popen[bytes]
) -> None:
    write_run(TRAINED, ended="finished")
    launch = read_json(evals[2].launch)
    process = {"pid": live.pid, "start": read_start(live.pid)}
    evals[2].launch.write_text(json.dumps(launch | {"process": process}))
    evals[2].events.write_text(evals[2].events.read_text().splitlines(keepends=True)[0])
    metric = json.loads(evals[2].metrics.read_text())
    evals[2].metrics.write_text(json.dumps(metric | {"step": 15}) + "\n")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: len(app.rows) == 4, "four runs")
        panel = await open_evals(app, pilot, TRAINED)
        assert panel._listed[0].judged == 3
        with evals[2].metrics.open("a") as file:
            file.write(json.dumps(metric | {"step": 18}) + "\n")
        await wait_until(pilot, lambda: panel._listed[0].judged == 6, "what was judged meanwhile")

    drive(workspace, check)


def test_an_evaluation_whose_files_are_broken_is_told_and_the_console_stays(
    workspace: Workspace, evals: tuple[RunPaths, ...]
) -> None:
    evals[2].rubric.write_text("{")
    evals[1].prompts.unlink()

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        app.opened = TRAINED
        await pilot.press("8")
        await wait_until(pilot, lambda: app.query(EvalsPanel) and app.query_one("#facts").said, "what is wrong")  # type: ignore[attr-defined]
        panel = app.query_one(EvalsPanel)
        assert "rubric.json" in app.query_one("#facts").said  # type: ignore[attr-defined]
        assert panel.detail is None
        await pilot.press("j", "n", "c", "enter")
        await wait_until(pilot, lambda: "prompts.jsonl" in app.query_one("#facts").said, "the other")  # type: ignore[attr-defined]

    drive(workspace, check)


def test_nothing_heavy_is_loaded_for_a_comparison(workspace: Workspace, evals: tuple[RunPaths, ...]) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom console.evaluations import read_detail\n"
        "from engine.store.paths import Workspace\n"
        f"print(read_detail(Workspace(Path.cwd()), {MINE!r}, {BASE!r}).verdict.decision, ','.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=workspace.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    decision, modules = done.stdout.split(" ")
    assert decision == "UNDERPOWERED"
    assert not set(modules.split(",")) & {"torch", "transformers", "scipy", "anthropic", "polars"}


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["evals", "evals-answers", "evals-triage", "ledger"])
def test_pictures(
    name: str, size: tuple[int, int], workspace: Workspace, evals: tuple[RunPaths, ...],
    write_run: Callable[..., Any], compare_picture: Callable[[Any, str], Awaitable[None]],
) -> None:  # fmt: skip
    recipe = {
        "name": "ada",
        "base": "base",
        "dataset": "madison",
        "objective": "orpo",
        "seed": 1,
        "budget": {"max_usd": 2.0},
    }
    recipe["verdict"] = {"smallest_effect": 0.5, "guards": ["critical_failures"]}
    write_run(TRAINED, recipe=recipe, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: len(app.rows) == 4, "four runs")
        panel = await open_evals(app, pilot, TRAINED, BASE)
        if name != "evals-triage":
            await pilot.press("j")
            await wait_until(pilot, lambda: panel.detail and panel.detail.id == MINE, "the evaluation")
        if name == "evals-answers":
            await pilot.press("n", "j")
        if name == "ledger":
            await pilot.press("9")
            await wait_until(pilot, lambda: app.query(LedgerPanel) and app.query_one(LedgerPanel).ledger, "the ledger")
            totals = app.query_one(Totals)
            await wait_until(pilot, lambda: totals.size.height == totals.wanted > 0, "the sums")
        # no later listing is to put the folder of this test back into the bar, or the keys of a panel that is left
        app._feed.stop()
        front = app.query_one(ContentSwitcher).visible_content
        await wait_until(pilot, lambda: app.focused and front in app.focused.ancestors, "the focus")
        app.query_one(Bar).show(words=("~/lab",))
        await compare_picture(pilot, name)

    drive(workspace, check, size)


def test_the_answers_of_a_thousand_prompts_are_read(workspace: Workspace, write_eval: WriteEval) -> None:
    prompts = tuple(
        Prompt.model_validate({
            "id": f"p{n}", "category": f"c{n % 6}", "difficulty": "easy",
            "messages": [{"role": "user", "content": f"Question {n}?"}],
        })
        for n in range(1000)
    )  # fmt: skip
    write_eval(BASE, lambda n: 5 + n % 3, prompts=prompts)
    write_eval(MINE, lambda n: 5 + n % 4, prompts=prompts)
    detail = read_detail(workspace, MINE, BASE)
    assert len(detail.items) == 1000
    assert detail.verdict is not None
    assert detail.verdict.pairs == 1000

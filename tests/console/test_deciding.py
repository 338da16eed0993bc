"""charlab compare and charlab agree as a person meets them: golden figures, verdicts, exit codes, bad files."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.deciding import draw_bar
from engine.records.judging import JudgeUse
from engine.records.recipe import Verdict
from engine.records.run import CompareRun, ProbesUse, Side, Subject
from engine.stats.compare import compare_scores
from engine.stats.scores import number_rows
from engine.store.journal import write_json
from engine.store.paths import Workspace
from engine.store.provenance import describe_origin

Charlab = Callable[..., Any]

PROMISED = {
    "n", "mean_baseline", "mean_candidate", "delta", "ci", "p_one_sided", "p_two_sided", "wins", "losses", "ties",
    "mcnemar", "cohens_h", "mde", "seed", "resamples", "strata", "verdict",
}  # fmt: skip


def write(folder: Path, name: str, values: list[Any], key: str = "score", **more: list[Any]) -> str:
    rows = [{"id": f"p{i}", key: v, **{k: vs[i] for k, vs in more.items()}} for i, v in enumerate(values)]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def compare(charlab: Charlab, folder: Path, before: list[Any], after: list[Any], *words: str) -> tuple[int, Any]:
    files = write(folder, "a.jsonl", before), write(folder, "b.jsonl", after)
    done = charlab("compare", *files, "--json", *words, cwd=folder)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_heuristic_that_scored_length_first_showed_a_great_gain(charlab: Charlab, tmp_path: Path) -> None:
    code, found = compare(charlab, tmp_path, [True] * 2 + [False] * 57 + [True] * 241, [0] * 2 + [1] * 298)
    assert found.keys() == PROMISED | {"dz"}
    assert (found["n"], found["wins"], found["losses"], found["ties"]) == (300, 57, 2, 241)
    assert (found["mean_baseline"], found["mean_candidate"]) == pytest.approx((243 / 300, 298 / 300))
    test = found["mcnemar"]
    assert (test["b"], test["c"]) == (2, 57)
    assert test["exact_p"] == pytest.approx(6.144e-15, rel=1e-4)
    assert test["midp_p"] == pytest.approx(3.18e-15, rel=1e-2)
    assert test["chi2_p"] == pytest.approx(8.04e-13, rel=1e-3)
    assert test["chi2_cc_p"] == pytest.approx(2.062e-12, rel=1e-3)
    assert found["cohens_h"] == pytest.approx(0.7386, abs=5e-5)
    assert (found["seed"], found["resamples"], found["verdict"]["decision"], code) == (0, 10_000, "DEPLOY", 0)


def test_recounted_it_is_no_deploy(charlab: Charlab, tmp_path: Path) -> None:
    before, after = [1] * 300, [0] * 2 + [1] * 298
    code, found = compare(charlab, tmp_path, before, after)
    assert (found["mcnemar"]["b"], found["mcnemar"]["c"], found["mcnemar"]["exact_p"]) == (2, 0, 0.5)
    assert found["cohens_h"] == pytest.approx(-0.163, abs=5e-4)
    assert (found["verdict"]["decision"], code) == ("UNDERPOWERED", 5)
    code, found = compare(charlab, tmp_path, before, after, "--smallest-effect", "0.05")
    assert (found["verdict"]["decision"], code) == ("NO-DEPLOY", 4)


def test_a_null_result_on_52_items_is_told_from_no_effect_by_the_smallest_that_matters(
    charlab: Charlab, tmp_path: Path
) -> None:
    # differences of 0.0025 with a standard error of 0.0107
    swing = 0.0107 * math.sqrt(51)
    before, after = [0.66] * 52, [0.6625 + (swing if i % 2 else -swing) for i in range(52)]
    code, found = compare(charlab, tmp_path, before, after, "--smallest-effect", "0.03")
    assert found["delta"] == pytest.approx(0.0025, abs=1e-9)
    assert found["ci"] == pytest.approx([-0.019, 0.023], abs=1.5e-3)
    assert found["mde"] == pytest.approx(0.030, abs=5e-4)
    assert (found["mcnemar"], found["cohens_h"]) == (None, None)
    assert (found["verdict"]["decision"], code) == ("NO-DEPLOY", 4)
    code, found = compare(charlab, tmp_path, before, after, "--smallest-effect", "0.01")
    assert (found["verdict"]["decision"], code) == ("UNDERPOWERED", 5)
    # (2.8 * 0.0107 / 0.01)^2 pairs
    assert found["verdict"]["n_needed"] == pytest.approx(52 * (2.8016 * 0.0107 / 0.01) ** 2, rel=5e-3)


def test_all_pairs_tied_are_said_to_be_degenerate_and_bounded_exactly(charlab: Charlab, tmp_path: Path) -> None:
    code, found = compare(charlab, tmp_path, [1, 0] * 26, [1, 0] * 26)
    assert [round(bound, 3) for bound in found["ci"]] == [-0.068, 0.068]
    assert (found["ties"], found["delta"], found["mde"], found["mcnemar"]["exact_p"]) == (52, 0.0, None, 1.0)
    assert "the bootstrap is degenerate" in found["verdict"]["notes"][0]
    assert (found["verdict"]["decision"], code) == ("UNDERPOWERED", 5)
    code, found = compare(charlab, tmp_path, [6.5] * 52, [6.5] * 52)
    assert (found["ci"], found["verdict"]["decision"], code) == ([0.0, 0.0], "withheld", 5)


def test_a_quantised_form_is_as_good_within_a_margin(charlab: Charlab, tmp_path: Path) -> None:
    form = "--mode", "noninferiority", "--margin"
    code, found = compare(charlab, tmp_path, [1, 0] * 26, [1, 0] * 26, *form, "0.1")
    assert (found["verdict"]["decision"], found["verdict"]["margin"], code) == ("DEPLOY", 0.1, 0)
    assert compare(charlab, tmp_path, [1, 0] * 26, [1, 0] * 26, *form, "0.05")[0] == 5


def test_the_screen_shows_one_primary_test_and_a_line_a_stratum(charlab: Charlab, tmp_path: Path) -> None:
    names = ["voice"] * 30 + ["position \x1b[31mred"] * 30
    write(tmp_path, "a.jsonl", [0] * 60, stratum=names)
    write(tmp_path, "b.jsonl", [1] * 20 + [0] * 40)
    done = charlab("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert lines[0] == "DEPLOY: b.jsonl against a.jsonl, 60 pairs"
    assert "  passes        0 (0.0%) -> 20 (33.3%)" in lines
    assert "  primary test  exact McNemar, p = 1.91e-06" in lines
    assert "  difference    +0.333 [+0.217, +0.450], 20 won, 0 lost, 40 tied" in lines
    head = next(i for i, line in enumerate(lines) if line.startswith("  stratum"))
    assert [line.split()[0] for line in lines[head + 1 : head + 4]] == ["all", "position", "voice"]
    # 20 wins of 30: 2 * 0.5^20, times the two strata
    assert "3.8e-06" in lines[head + 3]
    assert lines[head + 3].endswith("|     --o--")
    assert "what would change it" in done.stdout
    assert "\x1b" not in done.stdout
    assert not {"chi", "mid-p", "Cohen"} & set(done.stdout.split())


def test_scores_that_are_no_passes_show_the_interval_and_no_p(charlab: Charlab, tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [6.0] * 20)
    write(tmp_path, "b.jsonl", [6.0 + 0.1 * i for i in range(20)])
    done = charlab("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert done.returncode == 0
    assert "  primary test  95% bootstrap interval\n" in done.stdout
    assert "p = " not in done.stdout


def test_a_bar_shows_interval_point_and_nought() -> None:
    assert draw_bar(0.0, (-1.0, 1.0), 1.0) == "----------o----------"
    assert draw_bar(0.5, (0.2, 0.8), 1.0) == "          | ---o---  "
    assert draw_bar(-1.0, (-1.0, -1.0), 1.0) == "o         |          "


def test_another_measure_of_the_rows_is_compared_by_its_name(charlab: Charlab, tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [1] * 20, voice=[2.0] * 20)
    write(tmp_path, "b.jsonl", [0] * 20, voice=[2.0 + 0.1 * (i % 5) for i in range(20)])
    found = json.loads(
        charlab("compare", "a.jsonl", "b.jsonl", "--primary", "voice", "--json", cwd=tmp_path).stdout
    )  # fmt: skip
    assert (found["delta"], found["verdict"]["measure"]) == (pytest.approx(0.2), "voice")
    done = charlab("compare", "a.jsonl", "b.jsonl", "--primary", "vocie", cwd=tmp_path)
    assert done.returncode == 2
    assert "a.jsonl line 1: no 'vocie'" in done.stderr


def test_the_seed_is_recorded_and_gives_the_same_again(charlab: Charlab, tmp_path: Path) -> None:
    before, after = [0.0] * 20, [0.1 * (i % 7) - 0.2 for i in range(20)]
    words = "--seed", "7", "--resamples", "500"
    one, same = (compare(charlab, tmp_path, before, after, *words)[1] for _ in range(2))
    assert (one["seed"], one["resamples"]) == (7, 500)
    assert one == same


def test_a_failed_judgement_needs_a_scale_and_withholds_what_it_could_turn(charlab: Charlab, tmp_path: Path) -> None:
    before, after = [0] * 60 + [None] * 8, [1] * 12 + [0] * 56
    code, found = compare(charlab, tmp_path, before, after, "--scale", "0,1")
    assert (found["n"], found["verdict"]["decision"], code) == (60, "withheld", 5)
    assert "failed judgements could turn it" in found["verdict"]["reasons"][0]
    done = charlab("compare", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert (done.returncode, "a.jsonl line 61: score None is no number" in done.stderr) == (2, True)


def test_a_guard_fails_or_is_said_not_to_be_measured(charlab: Charlab, tmp_path: Path) -> None:
    names = ["voice"] * 30 + ["position"] * 10
    write(tmp_path, "a.jsonl", [0.5] * 40, stratum=names)
    write(tmp_path, "b.jsonl", [0.5 + 0.1 * (i % 7) for i in range(30)] + [0.2] * 10)
    done = charlab("compare", "a.jsonl", "b.jsonl", "--guard", "categories=0.2", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[1]) == (4, "  below -0.2: position")
    done = charlab("compare", "a.jsonl", "b.jsonl", "--guard", "break_rate", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[1]) == (5, "  guard 'break_rate' was not measured")


GOOD = '{"id": "x", "score": 1}\n{"id": "y", "score": 0}\n'


@pytest.mark.parametrize(
    ("other", "words", "said"),
    [
        ('{"id": "x", "score": 1}\n{"id": "z", "score": 0}\n', [],
         "ids do not pair: only the baseline has 'y'; only the candidate has 'z'"),
        (GOOD + '{"id": "x", "score": 0}\n', [], "b.jsonl line 3: id 'x' stands already at b.jsonl line 1"),
        ('{"id": "x", "score": NaN}\n', [], "b.jsonl line 1: score nan is no finite number"),
        ('{"id": "x", "score": Infinity}\n', [], "b.jsonl line 1: score inf is no finite number"),
        ('{"id": "x", "score": "8.5"}\n', [], "b.jsonl line 1: score '8.5' is no number"),
        ('{"id": "x"}\n', [], "b.jsonl line 1: no score"),
        ('{"score": 1}\n', [], "b.jsonl line 1: no id"),
        ("", [], "b.jsonl holds no rows"),
        (GOOD + "{", [], "b.jsonl line 3 is not JSON"),
        (GOOD.replace("}", ', "judge": "j2"}'), [], "not of one judge: a.jsonl: not said; b.jsonl: 'j2'"),
        (GOOD.replace("}", ', "rubric": "r2"}'), ["--allow", "judge"], "not of one rubric"),
        (GOOD, ["--allow", "everything"], "nothing called 'everything' can be allowed"),
        (GOOD.replace("1", "11"), ["--scale", "0,10"], "b.jsonl line 1: score 11 is outside 0 to 10"),
        (GOOD, ["--scale", "10,0"], "--scale 10,0: the lowest score comes first"),
        (GOOD, ["--scale", "ten"], "--scale: 'ten' is no number"),
        (GOOD, ["--mode", "better"], "'mode'"),
        (GOOD, ["--mode", "noninferiority"], "without a margin"),
        (GOOD, ["--margin", "-1"], "'margin'"),
        (GOOD, ["--smallest-effect", "nan"], "'smallest_effect'"),
        (GOOD, ["--guard", "luck"], "unknown guard 'luck'"),
        (GOOD, ["--guard", "break_rate", "--guard", "categories=1"], "a guard with a limit stands beside one without"),
        (GOOD, ["--guard", "break_rate=nan"], "--guard break_rate: 'nan' is no finite number"),
        (None, [], "b.jsonl is no file"),
    ],
    ids=lambda value: None,
)  # fmt: skip
def test_bad_files_and_options_are_told_with_their_place(
    other: str | None, words: list[str], said: str, charlab: Charlab, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text(GOOD)
    if other is not None:
        (tmp_path / "b.jsonl").write_text(other)
    done = charlab("compare", "a.jsonl", "b.jsonl", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "  try: " in done.stderr


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        (["--guard", "break_rate=x"], "--guard break_rate=0.1"),
        (["--guard", "categories=inf"], "--guard categories=0.05"),
        (["--scale", "0,ten"], "--scale 0,10"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else None,
)
def test_a_mistyped_number_is_told_with_a_right_one_of_the_same_option(
    typed: list[str], right: str, charlab: Charlab, tmp_path: Path
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(GOOD)
    done = charlab("compare", "a.jsonl", "b.jsonl", *typed, cwd=tmp_path)
    assert (done.returncode, done.stderr.partition("\n  try: ")[2]) == (2, f"{right}\n")


def test_what_is_no_file_is_looked_for_among_the_runs(charlab: Charlab, workspace: Workspace) -> None:
    write(workspace.folder, "a.jsonl", [1, 0])
    for words, said in (
        (["one", "other"], "no run 'one'"),
        (["a.jsonl", "other"], "other is no file"),
        (["runs/one", "runs/other"], "runs/one is no file"),
        (["one", "other", "--scale", "0,10"], "--scale is for files"),
    ):
        done = charlab("compare", *words)
        assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr


def test_a_comparison_that_is_a_run_is_shown_as_it_was(charlab: Charlab, workspace: Workspace) -> None:
    sides = [list(number_rows("x", [{"id": str(i), "score": i < n} for i in range(40)])) for n in (10, 30)]
    found = compare_scores(*sides)
    judge = JudgeUse(
        reference="rules", rubric="madison", rubric_version=1, rubric_sha256="r", prompt_sha256="p", schema_sha256="s"
    )
    base, trained = (
        Side(run=run, subject=Subject(reference=run), n=40, failed=0, usd=usd)
        for run, usd in (("eval-of-base", None), ("eval-of-run", 0.144))
    )
    run = CompareRun(
        **describe_origin("madison-compare", workspace, []), steps=40, subject=trained.subject, judge=judge,
        probes=ProbesUse(dataset="madison", sha256="d", count=40), baseline=base, candidate=trained, rule=Verdict(),
        differences=[], seed=0, resamples=10_000,
    )  # fmt: skip
    paths = workspace.run(run.id)
    write_json(paths.verdict, found.to_json())
    write_json(paths.run, run.to_json())
    done = charlab("show", run.id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("DEPLOY: eval-of-run against eval-of-base, 40 pairs\n")
    assert "  cost          unknown and 0.1440 USD\n" in done.stdout
    assert done.stdout.endswith(f"  it lies in {paths.folder}\n")
    told = json.loads(charlab("show", run.id, "--json").stdout)
    assert {key: told[key] for key in ("id", "kind", "name", "step", "steps", "path", "cost")} == {
        "id": run.id, "kind": "compare", "name": "madison-compare", "step": 0, "steps": 40, "path": str(paths.folder),
        "cost": [None, 0.144],
    }  # fmt: skip
    assert found.to_json().items() <= told.items()
    paths.verdict.write_text("{}")
    done = charlab("show", run.id)
    assert (done.returncode, "verdict.json: key 'n' is missing" in done.stderr) == (2, True)


def test_a_difference_that_was_allowed_is_named_beside_the_verdict(charlab: Charlab, tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [1, 0] * 10, judge=["j1"] * 20)
    write(tmp_path, "b.jsonl", [1, 0] * 10, judge=["j2"] * 20)
    done = charlab("compare", "a.jsonl", "b.jsonl", "--allow", "judge", cwd=tmp_path)
    assert done.returncode == 5
    assert "note: the scores are not of one judge, and that was allowed: a.jsonl: 'j1'; b.jsonl: 'j2'" in done.stdout


def agree(charlab: Charlab, folder: Path, human: list[Any], judge: list[Any], *words: str) -> Any:
    files = write(folder, "human.jsonl", human, "label"), write(folder, "judge.jsonl", judge, "label")
    return charlab("agree", *files, *words, cwd=folder)


def test_kappa_of_a_known_table(charlab: Charlab, tmp_path: Path) -> None:
    human, judge = ["good"] * 25 + ["bad"] * 25, ["good"] * 20 + ["bad"] * 5 + ["good"] * 10 + ["bad"] * 15
    found = json.loads(agree(charlab, tmp_path, human, judge, "--json").stdout)
    assert (found["n"], found["agreement"], found["state"]) == (50, 0.7, "uncalibrated")
    assert [round(x, 3) for x in (found["kappa"], *found["ci"])] == [0.4, 0.151, 0.649]
    low = json.loads(agree(charlab, tmp_path, human, judge, "--json", "--threshold", "0.15").stdout)
    assert (low["state"], low["threshold"]) == ("calibrated", 0.15)


def test_thirty_items_are_too_few_and_how_many_it_takes_is_told(charlab: Charlab, tmp_path: Path) -> None:
    done = agree(charlab, tmp_path, [1] * 15 + [0] * 15, [1] * 13 + [0] * 15 + [1] * 2)
    assert done.returncode == 0
    assert done.stdout.startswith("too few to say: kappa 0.73 [0.49, 0.98] on 30 items\n")
    assert "items would tell such a kappa from the threshold" in done.stdout


def test_high_agreement_with_a_low_kappa_is_warned_of(charlab: Charlab, tmp_path: Path) -> None:
    human, judge = [1] * 95 + [0] * 5, [1] * 94 + [0] + [1] * 4 + [0]
    done = agree(charlab, tmp_path, human, judge, "--json")
    found = json.loads(done.stdout)
    assert (found["agreement"], found["kappa"] < 0.4) == (0.95, True)
    assert "chance explains most of it" in found["notes"][0]
    assert found["notes"][0] in done.stderr


@pytest.mark.parametrize(
    ("human", "judge", "words", "said"),
    [
        ([1, 2, 1], [0, 1, 1], [], "the labels differ: the human gives ['1', '2'], the judge ['0', '1']"),
        ([1, 1], [1, 1], [], "every label is '1'"),
        ([1, 0], [1, 0, 1], [], "ids do not pair: only the judge has 'p2'"),
        ([1, 0], [1, None], [], "judge.jsonl line 2: None is no label"),
        ([1, 0], [], [], "judge.jsonl holds no rows"),
        ([1, 0], [1, 0], ["--threshold", "1"], "a threshold of 1 cannot be passed"),
        ([1, 0], [1, 0], ["--threshold", "nan"], "--threshold"),
    ],
    ids=["sets", "one class", "ids", "null", "empty", "one", "nan"],
)
def test_labels_that_cannot_be_compared_are_told(
    human: list[Any], judge: list[Any], words: list[str], said: str, charlab: Charlab, tmp_path: Path
) -> None:
    done = agree(charlab, tmp_path, human, judge, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr

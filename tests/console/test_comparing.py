"""`charlab parity` typed wrong, and `charlab show` of a comparison of forms whose records were written by hand."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest

from engine.store.paths import RunPaths, Workspace

RUN = "20260101-0900-ada-1a2b"
PARITY = "20260102-1000-madison-parity-3c4d"
SUBJECT = f"run:{RUN}@40"
GRID = "the base's own weights lie on a q4_1 grid, so a quantised form loses less here than it would of another base"
Charlab = Callable[..., CompletedProcess[str]]


def make_row(form: str, kl: float | None = None, parts: tuple[int | None, ...] = (None, None), **change: Any) -> Any:
    differences = [
        {"probe": name, "token": at, "of": 9, "first": " a", "here": " b"} for name, at in zip(("who", "what"), parts)
    ]
    told = {"positions": 200, "kl_mean": kl, "kl_max": 10 * (kl or 0), "agreements": 150}
    return {
        "form": form, "reference": f"{SUBJECT}#{form}", "backend": "llama", "bytes": 145_000_000, "seconds": 2.0,
        "tokens": 100, "divergence": None if kl is None else told, "differences": differences, "tokens_differ": [],
        "notes": [], "error": "", "fix": "", **change,
    }  # fmt: skip


ROWS = [
    make_row("trained", backend="transformers", bytes=308_000_000),
    make_row("merged_fp32", 0.0009, backend="transformers", bytes=538_000_000, notes=[GRID]),
    make_row("q8_0", 0.0040, (None, 7), tokens_differ=["template: the form renders '\x1b[31mA', the training 'B'"]),
    make_row("q4_0", 0.2, (0, 3), seconds=0.0, tokens=0, notes=[GRID]),
    make_row("iq3_xxs", bytes=0, tokens=0, differences=[], error="no \x1b[31mroom", fix="free some disk"),
]


@pytest.fixture
def parity(workspace: Workspace, write_run: Callable[..., RunPaths]) -> RunPaths:
    """A finished comparison of four forms and one that failed: 2 of 4 answers of q4_0 break, and none of the others."""
    paths = write_run(PARITY, rows=[], ended="finished")
    kept = json.loads(paths.run.read_text())
    origin = {key: kept[key] for key in ("schema_version", "id", "created", "group", "versions", "git", "host")}
    run = {
        **origin, "kind": "compare", "name": "madison-parity", "steps": 16, "measure": "parity",
        "subject": {
            "reference": SUBJECT, "run": RUN, "step": 40, "form": None, "base": "bundled:smollm2-135m",
            "adapter_sha256": "ab", "lineage": [],
        },
        "probes": {"dataset": "madison", "sha256": "cd", "count": 2}, "samples": 2,
        "sampling": {"temperature": 0.7, "top_k": 64, "top_p": 0.95, "max_tokens": 9, "seed": 1, "stop": []},
        "forms": [row["form"] for row in ROWS], "positions": 200,
    }  # fmt: skip
    paths.forms.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    samples = [
        {
            "attempt": 1, "step": 40, "time": 1.0, "probe": probe, "index": index, "turn": 0, "seed": 7,
            "form": row["form"], "text": "An AI, Sir.", "tokens": 5, "truncated": False, "span": None,
            "breaks": "claims-ai" if row["form"] == "q4_0" and index else None, "in_character": row["form"] != "q4_0",
            "level": 1 if row["form"] == "q4_0" else 4, "judged_from": 0,
        }
        for row in ROWS if not row["error"] for probe in ("who", "what") for index in range(2)
    ]  # fmt: skip
    paths.samples.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    paths.run.write_text(json.dumps(run))
    return paths


SHOWN = f"""\
the forms of {SUBJECT}: finished
  2 probes of madison, 2 answers to each, at temperature 0.7

  form         breaks          in character      same greedy  parts at  cause
  trained      0% [0%, 49%]    100% [51%, 100%]            ·         ·
  merged_fp32  0% [0%, 49%]    100% [51%, 100%]          2/2         ·  none
  q8_0         0% [0%, 49%]    100% [51%, 100%]          1/2         7  template
  q4_0         50% [15%, 85%]  0% [0%, 49%]              0/2         2  weights

  form         by                KL  highest  top-1    size  tok/s
  trained      transformers       ·        ·      ·  308 MB     50
  merged_fp32  transformers  0.0009    0.009  75.0%  538 MB     50
  q8_0         llama         0.0040    0.040  75.0%  145 MB     50
  q4_0         llama         0.2000    2.000  75.0%  145 MB      ·

  q8_0: template: the form renders 'A', the training 'B'
  iq3_xxs failed: no room; try: free some disk
"""


@pytest.mark.parametrize("columns", [80, 120])
def test_a_comparison_is_shown_in_two_tables_that_fit_the_terminal(
    charlab: Charlab, parity: RunPaths, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = charlab("show", parity.id)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout[: len(SHOWN)] == SHOWN
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:-1])) <= columns  # the last is a path
    assert lines[-1] == f"  it lies in {parity.folder}"
    assert "merged_fp32, q4_0: " + GRID in " ".join(done.stdout.split())
    assert "\x1b" not in done.stdout


def test_the_same_as_json_counts_the_answers_of_each_form(charlab: Charlab, parity: RunPaths) -> None:
    facts = json.loads(charlab("show", parity.id, "--json").stdout)
    forms = {form["form"]: form for form in facts["forms"]}
    assert list(forms) == ["trained", "merged_fp32", "q8_0", "q4_0", "iq3_xxs"]
    assert [(f["breaks"], f["n"], f["in_character_rate"]["in_character"]) for f in forms.values()] == [
        (0, 4, 4), (0, 4, 4), (0, 4, 4), (2, 4, 0), (0, 0, 0),
    ]  # fmt: skip
    assert forms["q4_0"]["kl"] == {"mean": 0.2, "max": 2.0, "positions": 200}
    assert (forms["q4_0"]["top1"]["agree"], forms["q4_0"]["tokens_per_second"]) == (150, None)
    assert forms["q8_0"]["greedy"]["differences"] == [
        {"probe": "what", "token": 7, "of": 9, "first": " a", "here": " b"}
    ]
    assert forms["iq3_xxs"]["error"] == {"message": "no \x1b[31mroom", "fix": "free some disk"}
    assert facts["subject"]["run"] == RUN


def test_a_comparison_that_has_not_begun_is_shown_empty(charlab: Charlab, parity: RunPaths) -> None:
    parity.forms.unlink()
    done = charlab("show", parity.id)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[3].split() == ["form", "breaks", "in", "character", "same", "greedy", "parts", "at", "cause"]  # fmt: skip


WRONG = {
    ("nobody",): ("no run 'nobody'", "charlab runs"),
    # a run that is about an adapter stands for it
    (PARITY,): (f"run {RUN} has no complete checkpoint at step 40", "it has: none"),
    ("bundled:smollm2-135m",): ("'bundled:smollm2-135m' is no run with an adapter", "run:ID or run:ID@STEP"),
    ("http://127.0.0.1:9/v1#x",): ("is no run with an adapter", "run:ID or run:ID@STEP"),
    (RUN,): ("has no complete checkpoint", f"charlab show {RUN}"),
    (RUN, "--forms", ""): ("--forms names none", "--forms merged,q8_0"),
    (RUN, "--forms", " , "): ("--forms names none", "--forms merged,q8_0"),
    (RUN, "--samples", "0"): ("--samples", ""),
}


def test_what_is_typed_wrong_is_told_with_a_way_out(
    charlab: Charlab, parity: RunPaths, write_run: Callable[..., RunPaths], workspace: Workspace
) -> None:
    write_run(RUN, ended="finished")
    for typed, (said, way_out) in WRONG.items():
        done = charlab("parity", *typed)
        assert (done.returncode, done.stdout) == (2, ""), (typed, done.stderr)
        assert said in done.stderr, (typed, done.stderr)
        assert way_out in done.stderr, (typed, done.stderr)
        assert "Traceback" not in done.stderr, typed
    assert sorted(workspace.run_ids()) == sorted([RUN, PARITY])


def test_a_form_that_there_is_none_of_is_told_with_those_that_there_are(
    charlab: Charlab, write_run: Callable[..., RunPaths], workspace: Workspace
) -> None:
    paths = write_run(RUN, ended="finished")
    checkpoint = paths.checkpoint(40)
    checkpoint.folder.mkdir(parents=True)
    (checkpoint.folder / "adapter_config.json").write_text('{"base_model_name_or_path": "bundled:smollm2-135m"}')
    manifest = {
        "run": RUN, "attempt": 1, "step": 40, "time": 1.0, "tokens": 1, "adapter_sha256": "ab", "reference": None,
        "lineage": [], "values": {},
    }  # fmt: skip
    checkpoint.manifest.write_text(json.dumps(manifest))
    done = charlab("parity", RUN, "--forms", "merged,q9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no form 'q9'" in done.stderr
    assert "one of: adapter, merged, merged_fp32" in done.stderr
    assert workspace.run_ids() == [RUN]

"""A run's card: every figure out of the files, hostile text made harmless, nothing of this machine in it."""

import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from engine.card import clean_text, gather_card, write_card
from engine.card_commands import list_variants
from engine.card_text import code, draw_spark, dump_toml, escape, fence
from engine.errors import InputError
from engine.judge.calibrating import Labels, draw_sample, read_judged
from engine.records.forms import FormRow
from engine.records.recipe import Recipe
from engine.records.run import ParityRun
from engine.store.runs import open_run

Write = Callable[..., Any]
TRAIN, EVAL, BASE = "20260101-0900-ada-1a2b", "20260101-0910-ada-eval-1a2b", "20260101-0911-ada-eval-3c4d"
SUBJECT = {"reference": f"run:{TRAIN}@60", "run": TRAIN, "step": 60, "base": "base"}
PAIRWISE = "20260101-0912-ada-score-5e6f"
HOSTILE = "```\n# Owned <script>x</script> [a](http://evil.example) | \x1b[31m \u202e *b*"
RISING = [1.0 + 9 * i / 39 for i in range(40)]


@pytest.fixture
def trained(write_run: Write, pair: Write, lines: Write) -> Any:
    """A finished training with its rows, and sentinel answers before and after."""
    paths = write_run(TRAIN, ended="finished", steps=40)
    rows = [{**pair(i), "split": "train", "times": 1} for i in range(12)]
    paths.rows.write_text(lines(rows))
    sample = {
        "attempt": 1, "time": 1.0, "probe": "who", "seed": 1, "tokens": 3, "truncated": False, "span": None,
        "in_character": True, "level": 4, "breaks": None,
    }  # fmt: skip
    paths.samples.write_text(
        lines(
            [
                {**sample, "step": step, "index": i, "text": f"At {step}: {HOSTILE}"}
                for step in (0, 40)
                for i in range(5)
            ]
        )
    )
    return paths


def read(workspace: Any) -> str:
    path, _ = write_card(TRAIN, workspace)
    text: str = path.read_text("utf-8")
    return text


def leave_out_blocks(text: str) -> str:
    return re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)


def test_the_card_names_base_dataset_rows_and_seed(trained: Any, workspace: Any) -> None:
    text = read(workspace)
    assert "| base | `base`, 1 parameters, of no recorded revision |" in text
    assert "| dataset | `madison`, sha256 `a` |" in text
    assert "| objective | orpo, seed 1 |" in text
    assert "| rows | 9 trained on in an epoch, 1 held out by prompt" in text


def test_two_writings_are_the_same_bytes(trained: Any, workspace: Any, write_evaluation: Write) -> None:
    write_evaluation(EVAL, RISING, subject=SUBJECT)
    assert read(workspace) == read(workspace)


def test_the_recipe_of_the_card_is_the_recipe_of_the_run(trained: Any, workspace: Any) -> None:
    block = re.search(r"```toml\n(.*?)```", read(workspace), re.DOTALL)
    assert block
    assert Recipe.parse(tomllib.loads(block[1]), "card") == open_run(trained).recipe


def test_a_recipe_with_every_kind_of_value_is_read_back() -> None:
    given = {"name": "a", "t": {"x": 1.5, "on": True, "l": ["b", "c"], "in": {"k y": 'q"\\', "z": 2}}, "empty": {}}
    assert tomllib.loads(dump_toml(given)) == {k: v for k, v in given.items() if v}


def test_figures_before_and_after_have_their_intervals(trained: Any, workspace: Any) -> None:
    assert "| breaks | 0% [0%, 43%] of 5 | 0% [0%, 43%] of 5 |" in read(workspace)
    assert "No break in 5 sentinel answers still allows a rate of 43.4%." in read(workspace)


def test_what_models_said_can_neither_end_its_block_nor_steer_a_terminal(trained: Any, workspace: Any) -> None:
    text = read(workspace)
    assert "````text\nbefore: At 0: ``` # Owned <script>" in text
    assert not set("\x1b\u202e") & set(text)
    assert "<script>" not in leave_out_blocks(text)


def test_hostile_names_stand_in_code_or_are_escaped(trained: Any, workspace: Any, write_evaluation: Write) -> None:
    paths = write_evaluation(EVAL, [2.0, 8.0], subject={**SUBJECT, "reference": HOSTILE})
    rows = [json.loads(line) for line in paths.prompts.read_text().splitlines()]
    paths.prompts.write_text("".join(json.dumps({**row, "category": HOSTILE}) + "\n" for row in rows))
    text = read(workspace)
    plain = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", leave_out_blocks(text))
    assert "<script>" not in plain
    assert re.search(r"(?<!\\)\]\(", plain) is None
    assert re.search(r"^# Owned", leave_out_blocks(text), re.MULTILINE) is None
    rows_of_tables = [line for line in text.splitlines() if line.startswith("| model")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in rows_of_tables)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a *b* _c_", r"a \*b\* \_c\_"),
        ("[x](y)", r"\[x\](y)"),
        ("<b>&amp;", r"&lt;b\>&amp;amp;"),
        ("see http://evil.example", r"see http:\//evil.example"),
        ("www.evil.example", r"www\.evil.example"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("a | b\nc", r"a \| b c"),
    ],
)
def test_escaped_text_is_nothing_but_text(given: str, expected: str) -> None:
    assert escape(given) == expected


def test_code_holds_backticks_and_pipes() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`a`") == "`` `a` ``"
    assert code("a|b") == "`a¦b`"
    assert fence("x\n````\ny", "text") == ["`````text", "x", "````", "y", "`````"]


def test_no_path_of_this_machine_stands_in_the_card(write_run: Write, workspace: Any, write_evaluation: Write) -> None:
    base = {
        "reference": "/srv/people/jane doe/tiny model", "source": "/srv/people/jane doe/tiny model", "revision": None,
        "parameters": 1, "adapter_sha256": None, "lineage": [],
    }  # fmt: skip
    recipe = {"name": "ada", "base": base["reference"], "dataset": "madison", "objective": "orpo", "seed": 1}
    advice = [f"see {workspace.folder}/runs/x and /srv/people/other/file.txt."]
    write_run(TRAIN, ended="finished", base=base, recipe=recipe, advice=advice)
    text = read(workspace) + json.dumps(gather_card(TRAIN, workspace))
    assert "tiny model" in text
    assert "/srv" not in text
    assert "jane" not in text
    assert str(workspace.folder) not in text


def test_no_key_stands_in_the_card(trained: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch, lines: Write) -> None:
    monkeypatch.setenv("MY_API_KEY", "correct-horse-battery")
    monkeypatch.setenv("CHARLAB_TOKEN_GPU_EXAMPLE_8000", "staple-of-elsewhere")
    said = "correct-horse-battery staple-of-elsewhere sk-ant-REDACTED hf_abcdefghijklmnopqrst Bearer abcdefgh12345678"
    rows = [json.loads(line) for line in trained.samples.read_text().splitlines()]
    trained.samples.write_text(lines([{**row, "text": said} for row in rows]))
    text = read(workspace)
    assert "(removed)" in text
    assert not any(secret in text for secret in ("correct-horse", "staple", "sk-ant", "hf_abc", "abcdefgh12345678"))


def test_urls_and_rates_are_no_paths(workspace: Any) -> None:
    for text in ("http://host:8000/v1#name", "400 tokens/s and/or more", "Qwen/Qwen3-1.7B", "runs/recipes/a.toml"):
        assert clean_text(text, workspace) == text
    assert clean_text("http://me:secret@host/v1", workspace) == "http://(removed)host/v1"


def test_an_evaluation_has_intervals_and_corrected_and_raw_apart(
    trained: Any, workspace: Any, write_evaluation: Write
) -> None:
    write_evaluation(EVAL, [*RISING, None], subject=SUBJECT)
    text, (found,) = read(workspace), gather_card(TRAIN, workspace)["evals"]
    assert found["corrected"]["mean"] == pytest.approx(5.5)
    assert found["raw"]["mean"] == pytest.approx(5.0)
    low, high = found["corrected"]["ci"]
    assert 4.5 < low < 5.5 < high < 6.5
    assert f"| corrected mean | 5.50 [{low:.2f}, {high:.2f}] of 40 |" in text
    assert "| judgements | 40 scored, 1 refused |" in text
    assert "1 judgements failed and stand in no mean" in text
    assert "| calibrated | not calibrated: 0 labels |" in text
    assert "No person has been shown to agree with the judge http:\\//127.0.0.1:9/v1\\#judge." in text


def test_an_evaluation_that_did_not_end_is_marked_and_its_system_prompt_lies_in_the_card(
    trained: Any, workspace: Any, write_evaluation: Write, lines: Write
) -> None:
    paths = write_evaluation(EVAL, RISING, subject=SUBJECT)
    run = json.loads(paths.run.read_text())
    paths.run.write_text(json.dumps({**run, "system": "Be brief.\nBe kind."}))
    for path in (paths.samples, paths.scores):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:10]))
    paths.events.write_text(lines([{"attempt": 1, "time": 1.0, "kind": "started", "step": 0}]))
    text, facts = read(workspace), gather_card(TRAIN, workspace)
    assert "| answers | 10 of 40, lost |" in text
    assert f"- The eval run {EVAL} is lost: its figures are of what was judged so far." in text
    (file,) = facts["files"]
    assert file["sha256"] == hashlib.sha256(b"Be brief.\nBe kind.").hexdigest()
    assert f"| system prompt | `{file['name']}`, below |" in text
    assert f"`{file['name']}`, sha256 `{file['sha256']}`:\n\n```text\nBe brief.\nBe kind.\n```" in text
    (command,) = [shlex.split(line) for line in facts["commands"] if " eval " in line]
    assert command[command.index("--system") + 1] == file["name"]


def test_which_of_two_answers_is_better_is_counted_and_has_no_mean(
    trained: Any, workspace: Any, write_evaluation: Write, lines: Write
) -> None:
    write_evaluation(BASE, RISING[:3])
    write_evaluation(EVAL, RISING[:3], subject=SUBJECT)
    paths = write_evaluation(PAIRWISE, RISING[:3], of=EVAL, against=BASE, subject=SUBJECT)
    run = json.loads(paths.run.read_text())
    paths.run.write_text(json.dumps({**run, "steps": 6}))
    row = json.loads(paths.scores.read_text().splitlines()[0])
    # the first is better in both orders, the second worse, and of the third whichever stood first
    said = {"p-000": (1, -1), "p-001": (-1, 1), "p-002": (1, 1)}
    paths.scores.write_text(
        lines(
            [
                {**row, "id": f"{name} 0 0 {order}", "components": {"preference": value}, "overall": value}
                for name, values in said.items()
                for order, value in zip(("1-2", "2-1"), values, strict=True)
            ]
        )
    )
    text, facts = read(workspace), gather_card(TRAIN, workspace)
    assert [e["id"] for e in facts["evals"]] == [EVAL]
    (found,) = facts["preferences"]
    assert (found["better"], found["worse"], found["ties"], found["wanted"]) == (1, 1, 1, 3)
    assert "| preferred | 1 better, 1 worse, 1 tied |" in text
    assert f"| answers of | `{EVAL}` against `{BASE}` |" in text
    assert "| the same in both orders | 67% [" in text
    assert text.count("corrected mean") == 2


def test_a_judge_that_people_vouch_for_is_calibrated_on_the_card(
    trained: Any, workspace: Any, write_evaluation: Write
) -> None:
    judged = read_judged(write_evaluation(EVAL, RISING, subject=SUBJECT))
    labels = Labels(judged.source, "Ada")
    for name in draw_sample(judged, 40).ids:
        labels.give(name, "pass" if judged.scores[name].overall >= 5.5 else "fail")  # type: ignore[operator]
    labels.close()
    text = read(workspace)
    assert "| calibrated | calibrated: kappa 1.00 [" in text
    assert "No person has been shown" not in text


def test_a_verdict_stands_with_its_interval_and_its_reasons(
    trained: Any, workspace: Any, write_evaluation: Write, charlab: Any
) -> None:
    write_evaluation(BASE, RISING)
    write_evaluation(EVAL, [min(10.0, x + (1 if i % 3 else 0.5)) for i, x in enumerate(RISING)], subject=SUBJECT)
    done = charlab("compare", BASE, EVAL, "--json")
    found, text = json.loads(done.stdout), read(workspace)
    assert f"**{found['verdict']['decision']}**: `run:{TRAIN}@60` against `bundled:smollm2-135m`" in text
    low, high = found["ci"]
    assert f"- difference {found['delta']:+.3f} [{low:+.3f}, {high:+.3f}] on 40 pairs" in text
    assert f"charlab compare {BASE} {EVAL} --seed 0 --resamples 10000" in text


def test_training_rows_that_repeat_what_was_asked_are_found(
    trained: Any, workspace: Any, write_evaluation: Write
) -> None:
    paths = write_evaluation(EVAL, [2.0, 8.0], subject=SUBJECT)
    rows = [json.loads(line) for line in paths.prompts.read_text().splitlines()]
    rows[0]["messages"][0]["content"] = "Question number 3 of the day?"
    paths.prompts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (found,) = gather_card(TRAIN, workspace)["leakage"]["sets"]
    assert found["leaks"] >= 1
    assert "Training rows repeat prompts that it was measured by" in read(workspace)


def test_a_margin_that_was_not_finite_is_left_out(trained: Any, workspace: Any, lines: Write) -> None:
    last = json.loads(trained.metrics.read_text().splitlines()[-1])
    values = {"heldout.loss": 4.0, "heldout.margin_nats": None}
    with trained.metrics.open("a") as file:
        file.write(lines([{**last, "values": values, "nonfinite": ["heldout.margin_nats"]}]))
    assert "Held-out loss 4, at step 40." in read(workspace)


@pytest.mark.parametrize(
    ("gate", "allow", "head", "limit"),
    [
        ({"created": 0.0, "passed": True, "base": "base"}, [], "passed 1970-01-01 00:00 UTC on base `base` |", None),
        (
            {"created": 0.0, "passed": True, "base": None}, [],
            "passed 1970-01-01 00:00 UTC on a base that its files do not name |", "names no base",
        ),
        (
            {"created": 0.0, "passed": False, "base": None}, ["gate"],
            "not passed 1970-01-01 00:00 UTC on a base that its files do not name; overruled |", "was overruled",
        ),
        (
            {"created": 0.0, "passed": True, "base": "other"}, ["gate"],
            "passed 1970-01-01 00:00 UTC on base `other`; overruled |", "was overruled",
        ),
        ({"created": None, "passed": False, "base": None}, ["gate"], "of which no run was recorded; overruled |", "was overruled"),
        (None, [], "what it had found was not recorded |", None),
    ],
    ids=["passed", "no base", "not passed", "other base", "no record", "before it was frozen"],
)  # fmt: skip
def test_the_gate_stands_in_the_card_as_it_was_when_the_training_was_let_through(
    write_run: Write, workspace: Any, gate: dict[str, Any] | None, allow: list[str], head: str, limit: str | None
) -> None:
    recipe = {"name": "ada", "base": "base", "dataset": "madison", "objective": "orpo", "seed": 1, "allow": allow}
    frozen = {"gate": {"name": "first", **gate}} if gate else {}
    write_run(TRAIN, ended="finished", recipe={**recipe, "gate": {"name": "first"}}, **frozen)
    text = read(workspace)
    assert f"| gate | `first`, {head}" in text
    told = [line for line in text.splitlines() if line.startswith("- The gate first")]
    assert (len(told), limit is None or limit in told[0]) == (int(limit is not None), True)


def test_energy_is_unknown_until_the_watts_are_stated(
    trained: Any, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHARLAB_WATTS", raising=False)
    assert "Energy: unknown" in read(workspace)
    monkeypatch.setenv("CHARLAB_WATTS", "180")
    assert "Energy, estimated: 180 W, as stated for the whole machine, times 20 s is 1.00 Wh." in read(workspace)
    monkeypatch.setenv("CHARLAB_WATTS", "many")
    assert "Energy: unknown" in read(workspace)


def test_the_commands_can_be_pasted_and_name_judge_and_seed(
    trained: Any, workspace: Any, write_evaluation: Write
) -> None:
    write_evaluation(EVAL, RISING, subject=SUBJECT, judge="http://127.0.0.1:9/v1#a judge; rm")
    commands = gather_card(TRAIN, workspace)["commands"]
    assert commands[:2] == ["charlab data check madison", "charlab train runs/recipes/ada.toml"]
    words = shlex.split(commands[2])
    assert words[:5] == ["charlab", "eval", f"run:{TRAIN}@60", "--prompts", "madison"]
    assert words[words.index("--judge") + 1] == "http://127.0.0.1:9/v1#a judge; rm"
    assert words[words.index("--seed") + 1] == "11"


def test_formats_and_attacks_of_a_probe_run_are_read_from_its_probes(trained: Any, lines: Write) -> None:
    trained.probes.write_text(lines([{"id": i} for i in ("who", "who/raw", "who+prefill")]))
    assert list_variants(trained) == ["--format", "chat", "--format", "raw", "--attack", "prefill"]


def test_other_seeds_of_the_same_recipe_are_counted(trained: Any, workspace: Any, write_run: Write) -> None:
    assert "It was trained once, with seed 1" in read(workspace)
    recipe = {"name": "ada", "base": "base", "dataset": "madison", "objective": "orpo", "seed": 2}
    write_run("20260101-0905-ada-5e6f", ended="finished", recipe=recipe)
    assert "Seed 1 is one of 2 trained alike" in read(workspace)


def test_a_card_is_about_a_training_and_says_which(trained: Any, workspace: Any, write_evaluation: Write) -> None:
    write_evaluation(EVAL, RISING, subject=SUBJECT)
    with pytest.raises(InputError, match="a card is about a training") as refused:
        write_card(EVAL, workspace)
    assert refused.value.fix == f"charlab card {TRAIN}"


def test_it_is_written_where_it_was_asked_for(trained: Any, workspace: Any, charlab: Any, tmp_path: Any) -> None:
    done = charlab("card", TRAIN, "--out", str(tmp_path / "there.md"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there.md").read_text("utf-8").startswith("# ada\n")
    assert not trained.card.exists()
    assert json.loads(charlab("card", TRAIN, "--json").stdout)["id"] == TRAIN


def test_a_spark_shows_lowest_highest_and_gaps() -> None:
    assert draw_spark([0.0, None, 7.0, 3.5]) == "▁ █▅"
    assert draw_spark([2.0, 2.0]) == "▁▁"


def test_the_forms_of_a_parity_stand_beside_how_their_answers_were_judged(
    trained: Any, workspace: Any, write_evaluation: Write, lines: Write
) -> None:
    write_evaluation(EVAL, [7.0, 5.0], subject=SUBJECT)
    paths = workspace.run("20260101-0920-ada-parity-aaaa")
    paths.folder.mkdir()
    run = ParityRun.model_validate({
        "id": paths.id, "name": "ada-parity", "created": 1.0, "steps": 2, "versions": {}, "git": None, "host": "here",
        "subject": SUBJECT, "probes": {"dataset": "madison", "sha256": "ab", "count": 1}, "samples": 1, "positions": 9,
        "sampling": {"max_tokens": 9, "seed": 1}, "forms": ["trained", "q8_0"], "judge": "rules",
    })  # fmt: skip
    row = FormRow(
        form="trained", reference="run:x", backend="torch", bytes=1, seconds=1, tokens=1, divergence=None, differences=[],
        tokens_differ=[], notes=[],
    ).to_json()  # fmt: skip
    paths.probes.write_text(lines([{"id": "who", "messages": [{"role": "user", "content": "Who are you?"}]}]))
    paths.forms.write_text(lines([row, {**row, "form": "q8_0"}]))
    told = {"attempt": 1, "time": 1.0, "kind": "note", "step": 0, "data": {"form": "q8_0", "run": EVAL}}
    paths.events.write_text(lines([told]))
    paths.run.write_text(json.dumps(run.to_json()))
    text = read(workspace)
    assert "| cause | judged, corrected mean |" in text
    assert re.search(r"\| `q8_0` \|.*\| 6\.00 of 2 \|\n", text)
    assert "Judged by `rules`, each form in an evaluation of its own." in text

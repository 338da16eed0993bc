"""The command line as a person meets it: data on stdout, words on stderr, exit codes, wrong things said."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.store.paths import Workspace
from panels.text import harmless, plain

ROOT = Path(__file__).resolve().parents[2]
Charlab = Callable[..., Any]


@pytest.mark.parametrize("words", [[], ["train"], ["resume"], ["fork"], ["stop"], ["runs"], ["show"], ["watch"], ["log"], ["init"], ["new-character"], ["data", "check"]], ids=lambda w: " ".join(w) or "charlab")  # fmt: skip
def test_every_help_names_the_exit_codes(words: list[str], charlab: Charlab) -> None:
    done = charlab(*words, "--help")
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "0 done, 1 failed, 2 bad input, 3 worth retrying, 4 the answer is no, 5 cannot tell, 130 interrupted" in said


def test_an_empty_workspace_lists_nothing_and_says_what_to_type(charlab: Charlab) -> None:
    done = charlab("runs")
    assert (done.returncode, done.stdout) == (0, "")
    assert "charlab train" in done.stderr
    assert json.loads(charlab("runs", "--json").stdout) == []


def test_a_workspace_named_before_the_command_holds_for_it(
    charlab: Charlab, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert charlab("--workspace", str(workspace.folder), "runs", cwd=elsewhere).returncode == 0
    refused = charlab("--workspace", str(elsewhere), "runs")
    assert (refused.returncode, "holds no runs/ and datasets/" in refused.stderr) == (2, True)


def test_outside_a_workspace_the_way_in_is_told(charlab: Charlab, tmp_path_factory: pytest.TempPathFactory) -> None:
    done = charlab("runs", cwd=tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 2
    assert "charlab init" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid value"),
        ('nmae = "x"', "unknown key 'nmae'"),
        ('[optim]\nlr = "fast"', "'optim.lr'"),
        ("[optim]\nlr = -1", "greater than 0"),
        ("[lora]\nrank = 0", "'lora.rank'"),
        ("[optim]\nsteps = 2\nepochs = 1.0", "epochs or steps, not both"),
        ('[load]\nquantize = "q3"', "'load.quantize'"),
        ('[where]\ntarget = "moon"', "'where.target'"),
        ('[alarm]\nstop = ["fire"]', "neither an alarm nor a condition"),
    ],
    ids=["toml", "key", "type", "sign", "bounds", "both", "choice", "where", "alarm"],
)
def test_a_bad_recipe_is_named_with_file_and_key(
    text: str, said: str, tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    path = tiny_recipe()
    whole = path.read_text()
    kept = whole.split("\n[")[0] if text.startswith("[") else whole
    tables = [t for t in whole.split("\n[")[1:] if not t.startswith(text[1:].split("]")[0] + "]")]
    path.write_text(
        f"{text}\n{whole}"
        if not text.startswith("[")
        else kept + "\n" + "".join(f"\n[{t}" for t in tables) + f"\n{text}\n"
    )
    done = charlab("train", str(path))
    assert done.returncode == 2
    assert said in done.stderr
    if text.startswith("name = "):
        assert path.name in done.stderr
    assert workspace.run_ids() == []


def test_an_unknown_recipe_or_run_names_those_that_exist(tiny_recipe: Callable[..., Path], charlab: Charlab) -> None:
    tiny_recipe("known")
    done = charlab("train", "unknown")
    assert (done.returncode, "known" in done.stderr.split("holds:")[1]) == (2, True)
    for command in ("show", "stop", "resume", "watch", "log", "fork"):
        done = charlab(command, "nothing-like-it")
        assert done.returncode == 2, command
        assert "charlab runs" in done.stderr, command


def test_a_dry_run_shows_everything_and_starts_nothing(
    tiny_recipe: Callable[..., Path], charlab: Charlab, workspace: Workspace
) -> None:
    path = tiny_recipe(load={"dtype": "fp32", "sequence": 130})
    done = charlab("train", str(path), "--dry-run")
    assert done.returncode == 0, done.stderr
    for said in (
        "162 to train on",
        "18 held out",
        "truncated:",
        "memory",
        "disk",
        "time",
        "optim.lr",
        "<|im_start|>",
        "ids 1 9690",
    ):
        assert said in done.stdout, said
    shown = json.loads(charlab("train", str(path), "--dry-run", "--json").stdout)
    assert sum(b["pairs"] for b in shown["tokens"]) == 180
    assert shown["estimate"]["memory_mb"]["total"] > 0
    assert shown["first_pair"]["chosen"]["text"].endswith("<|im_end|>")
    assert workspace.run_ids() == []


def test_settings_override_the_recipe_and_wrong_ones_are_named(
    tiny_recipe: Callable[..., Path], charlab: Charlab
) -> None:
    path = str(tiny_recipe())
    shown = json.loads(
        charlab("train", path, "--dry-run", "--json", "--set", "optim.epochs=2", "--set", "orpo.beta=0.2").stdout
    )
    assert shown["run"]["steps"] == 2 * 81
    assert shown["run"]["recipe"]["orpo"]["beta"] == 0.2
    for setting in ("optim.speed=3", "lr", "optim.lr="):
        assert charlab("train", path, "--set", setting).returncode == 2


def test_control_c_detaches_and_the_run_goes_on(
    tiny_recipe: Callable[..., Path], workspace: Workspace, charlab: Charlab
) -> None:
    path = tiny_recipe(optim={"steps": 3000}, checkpoint={"every": 0})
    attached = subprocess.Popen(
        [sys.executable, "-m", "console", "train", str(path)], cwd=workspace.folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    wait_until(lambda: any(r["step"] > 0 for r in json.loads(charlab("runs", "--json").stdout)))
    attached.send_signal(signal.SIGINT)
    _, said = attached.communicate(timeout=20)
    assert attached.returncode == 130
    assert "charlab watch" in said
    row = json.loads(charlab("runs", "--json").stdout)[0]
    assert row["status"] == "running"
    assert charlab("stop", "last").returncode == 0
    wait_until(lambda: json.loads(charlab("runs", "--json").stdout)[0]["status"] == "stopped")


def test_watch_draws_within_any_terminal(
    tiny_recipe: Callable[..., Path], workspace: Workspace, charlab: Charlab
) -> None:
    done = charlab("train", str(tiny_recipe(optim={"steps": 4})), "--json")
    assert done.returncode == 0, done.stderr
    for size in ((24, 80), (50, 200), (8, 30), (1, 1)):
        screen = run_in_terminal(["watch", "last"], workspace, size)
        assert "finished at step 4/4" in screen, size
        assert "Traceback" not in screen, size


def test_model_text_never_moves_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;title\x07red \x1b[31mtext\x1b[0m\u202eright\u202c\r\nline\x00\x9b5m [bold]x[/]"
    assert plain(hostile) == "red textright line5m [bold]x[/]"
    assert plain("a" * 50, 10) == "a" * 9 + "…"
    assert harmless("  File \x1b[1mx\x1b[0m, line 1") == "  File x, line 1"


def test_a_workspace_is_made_with_madison_and_a_character_of_ones_own(charlab: Charlab, tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    assert charlab("init", str(lab)).returncode == 0
    assert (lab / "datasets" / "madison" / "pairs.jsonl").is_file()
    assert charlab("init", str(lab)).returncode == 2
    assert charlab("data", "check", "madison", cwd=lab).returncode == 0
    assert charlab("new-character", "ada", cwd=lab).returncode == 0
    assert charlab("new-character", "ada", cwd=lab).returncode == 2
    assert charlab("new-character", "Ada Lovelace", cwd=lab).returncode == 2
    assert charlab("data", "check", "ada", cwd=lab).returncode == 0
    sealed = charlab("data", "seal", "ada", cwd=lab)
    assert (sealed.returncode, "example-01 of pairs.jsonl is the template's row" in sealed.stderr) == (0, True)
    for name, words in (
        ("pairs", "What this character would say, in its own voice."),
        ("prompts", "a fact or quality"),
    ):
        path = lab / "datasets" / "ada" / f"{name}.jsonl"
        path.write_text(path.read_text().replace(words, "The engine, Sir"))
    assert charlab("data", "seal", "ada", cwd=lab).returncode == 0
    assert charlab("data", "audit", "ada", "--meaning", cwd=lab).returncode == 0
    assert (lab / "runs" / "recipes" / "ada-orpo.toml").is_file()


def test_a_malformed_row_is_named_by_file_and_line(
    charlab: Charlab, workspace: Workspace, tiny_recipe: Callable[..., Path]
) -> None:
    pairs = workspace.dataset("madison").pairs
    lines = pairs.read_text().splitlines()
    lines[40] = lines[40][:-5]
    pairs.write_text("\n".join(lines) + "\n")
    done = charlab("train", str(tiny_recipe()))
    assert done.returncode == 2
    assert "pairs.jsonl line 41" in done.stderr


def test_a_dataset_is_shown_up_to_a_limit(charlab: Charlab, workspace: Workspace) -> None:
    done = charlab("data", "show", "madison", "--limit", "2")
    assert [line.split()[1] for line in done.stdout.splitlines()[-2:]] == ["identity-01", "identity-02"]
    assert done.stderr == "178 more rows; without --limit all are shown\n"
    facts = json.loads(charlab("data", "show", "madison", "--limit", "3", "--json").stdout)
    assert (len(facts["items"]), facts["rows"]) == (3, 180)
    whole = charlab("data", "show", "madison")
    assert (len(json.loads(charlab("data", "show", "madison", "--json").stdout)["items"]), whole.stderr) == (180, "")


def test_what_an_audit_finds_or_does_not_is_on_standard_output(
    charlab: Charlab, write_dataset: Callable[..., Any], pair: Callable[..., Any]
) -> None:
    clean = charlab("data", "audit", "madison")
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == "madison: no row repeats a prompt or probe of madison\n"
    write_dataset("ada", [pair(1), pair(2, prompt=[{"role": "user", "content": "who are YOU?"}])])
    leaking = charlab("data", "audit", "ada", "--sealed", "madison")
    assert (leaking.returncode, "row-2" in leaking.stdout, "repeats 1 sealed prompts" in leaking.stderr) == (
        4,
        True,
        True,
    )
    told = json.loads(charlab("data", "audit", "ada", "--sealed", "madison", "--json").stdout)
    assert [leak["row"] for leak in told] == ["row-2"]


def wait_until(check: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def run_in_terminal(words: list[str], workspace: Workspace, size: tuple[int, int]) -> str:
    """Everything that a command writes on a real terminal of rows x columns."""
    import fcntl
    import struct
    import termios

    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(workspace.folder)
        os.environ.update(PYTHONPATH=str(ROOT), TERM="xterm-256color")
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.execv(sys.executable, [sys.executable, "-m", "console", *words])
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    seen = b""
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.waitpid(pid, 0)
    os.close(fd)
    return seen.decode("utf-8", "replace")


@pytest.mark.parametrize("amount", ["inf", "nan", "-1"])
def test_an_amount_that_is_none_is_refused_before_anything_is_made(
    amount: str, charlab: Charlab, workspace: Workspace
) -> None:
    before = list(workspace.runs.iterdir())
    done = charlab("eval", "bundled:smollm2-135m", "--max-usd", amount)
    assert done.returncode == 2
    assert "--max-usd" in done.stderr
    assert list(workspace.runs.iterdir()) == before

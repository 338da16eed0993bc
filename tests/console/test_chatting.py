"""`charlab chat` as a process, over the bundled model on one thread."""

from pathlib import Path
from typing import Any

from console.chatting import clean

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = "bundled:smollm2-135m"
CHAT = (
    "from console.chatting import chat; import sys; chat(sys.argv[2:], blind=sys.argv[1] == 'blind', system=None, "
    "temperature=1.0, seed=4, max_tokens=6, workspace=None)\n"
    "assert not {'torch', 'transformers', 'numpy'} & set(sys.modules)"
)


def test_lines_of_standard_input_are_asked_one_after_another(start: Any) -> None:
    out, err = start(CHAT, "open", BUNDLED).communicate("Who are you?\n\nAnd who am I?\n", timeout=60)
    assert len([line for line in out.splitlines() if line.strip()]) >= 2, err
    assert "tokens" in err


def test_two_models_are_told_apart_only_when_one_was_chosen(start: Any) -> None:
    out, err = start(CHAT, "blind", BUNDLED, BUNDLED).communicate("Who are you?\n/choose 2\nYes?\n", timeout=60)
    asked, told, named = out.partition("you chose 2")
    assert told, err
    first, second = asked.split("[2] ")
    assert first.removeprefix("[1] ").strip() == second.strip()
    assert BUNDLED not in asked
    assert f"which is {BUNDLED}" in named
    assert f"[{BUNDLED}] " in named


def test_a_model_that_is_not_there_is_an_error(start: Any) -> None:
    process = start(CHAT, "open", "./nowhere.gguf")
    assert "no GGUF at" in process.communicate("", timeout=60)[1]


def test_what_a_model_says_moves_no_cursor() -> None:
    assert clean("a\x1b[2Jb\r\nc\x07\u202ed") == "ab\ncd"

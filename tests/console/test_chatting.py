"""`charlab chat` as a process, over the bundled model on one thread."""

import sys
from pathlib import Path
from typing import Any

import pytest

from console.chatting import chat
from engine.errors import InputError
from engine.store.paths import Workspace
from screen import Screen
from terminal import Terminal

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


def test_a_command_that_there_is_none_of_is_told_before_the_help(start: Any, servers: Any) -> None:
    err = start(CHAT, "open", servers[0].reference).communicate("/help\n/foo bar\n/quit\n", timeout=60)[1]
    asked, unknown, shown = err.partition("/foo is unknown\n")
    assert unknown
    assert (asked.count("/again"), shown.count("/again")) == (1, 1)
    assert servers[0].asked == []


class Scrollback(Screen):
    """Keeps the lines that leave the screen at its top."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__(columns, rows)
        self.gone: list[str] = []

    def _scroll(self, top: int, count: int) -> None:
        if top == 0 and count > 0:
            self.gone += ["".join(row) for row in self.cells[:count]]
        super()._scroll(top, count)


def test_two_long_answers_stand_once_in_the_scrollback(workspace: Workspace, servers: Any) -> None:
    for server in servers:
        server.say = lambda body: [f"line {n}.\n" for n in range(60)]
        server.pace = 0.005
    words = [sys.executable, "-m", "console", "chat", servers[0].reference, servers[1].reference]
    with Terminal(words, workspace.folder, columns=80, rows=24) as terminal:
        terminal.wait_for_text("> ", 30)
        terminal.send("Go.\r")
        terminal.wait_for_text("first after", 30)
        terminal.wait_for_silence()
        written = b"".join(data for _, data in terminal.chunks)
    screen = Scrollback(80, 24)
    screen.feed(written)
    lines = [line.strip() for line in [*screen.gone, *screen.lines()]]
    for number in range(60):
        assert sum(line.startswith(f"line {number}.") for line in lines) == 1, number
    assert len(screen.gone) < 70


@pytest.mark.parametrize(
    ("given", "words"),
    [({"seed": -1}, "'seed'"), ({"seed": 2**33}, "'seed'"), ({"temperature": float("inf")}, "'temperature'")],
)
def test_a_number_that_no_sampling_has_is_refused(given: dict[str, Any], words: str, workspace: Workspace) -> None:
    options: dict[str, Any] = {"blind": False, "system": None, "temperature": 1.0, "seed": 1, "max_tokens": 8}
    with pytest.raises(InputError, match=words):
        chat(["http://127.0.0.1:9/v1#m"], **{**options, **given}, workspace=str(workspace.folder))


def test_a_system_prompt_is_the_text_of_a_file(workspace: Workspace, servers: Any, start: Any) -> None:
    (workspace.folder / "prompt.txt").write_text("You are James Madison.\n")
    code = (
        "from console.chatting import chat; import sys; chat(sys.argv[1:], blind=False, system='prompt.txt', "
        "temperature=1.0, seed=4, max_tokens=6, workspace=None)"
    )
    start(code, servers[0].reference).communicate("Who are you?\n", timeout=60)
    assert servers[0].asked[0]["messages"][0] == {"role": "system", "content": "You are James Madison."}

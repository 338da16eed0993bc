"""Talking to models: how soon the command is ready, the panel shows a first token, and a key is echoed meanwhile."""

import asyncio
import contextlib
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from engine.records.serving import Endpoint
from engine.store.paths import Workspace
from kit import HERE, Row, environment, make_workspace, name_charlab
from lab import open_console, read_blocks
from screen import Screen
from terminal import Terminal, find_percentile

MODEL = "bundled:smollm2-135m"
STARTS = 9
PROMPT_TOKENS, PROMPTS, ANSWER_TOKENS = 300, 15, 4
RATE, TURNS, TURN_SECONDS, EVERY = 80, 2, 30.0, 0.2
TYPED = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BACKSPACE = "\x7f"
FIELD = re.compile(r"\W*you\W+?(?:enter sends.*|([A-Z]*))\s*$")
"""The line that is typed into; what it says where nothing is typed is not text."""
WORDS = (
    "ash", "bell", "cart", "dusk", "elm", "fern", "gate", "hill", "ink", "jar", "kite", "lamp",
    "mill", "nest", "oak", "pond", "quill", "rope", "salt", "tide",
)  # fmt: skip


def measure_start(starts: int = STARTS) -> tuple[list[Row], list[str]]:
    """The command until it says that one can talk; the first start warms the files."""
    seconds = []
    with make_workspace() as folder:
        for _ in range(starts + 1):
            with Terminal([*name_charlab(), "chat", MODEL], folder) as terminal:
                seconds.append(terminal.wait_for_text("talking to") - terminal.started)
    middle = median(seconds[1:])
    row = Row(f"charlab chat {MODEL} to ready", 2, 1, middle, "s", f"{middle:.2f} s")
    return [row], [f"charlab chat: fastest {min(seconds[1:]):.2f} s, slowest {max(seconds[1:]):.2f} s of {starts}"]


# ---------------------------------------------------------------- the first token


def measure_first_token(prompts: int = PROMPTS) -> tuple[list[Row], list[str]]:
    """From enter in the panel to its first token, and the server's own time for as long a prompt, by turns."""
    with make_workspace() as folder:
        shown, own, whole = asyncio.run(time_first_tokens(Workspace(folder), prompts))
    ratio = median(shown) / median(own)
    measured = f"{ratio:.2f} x, {median(shown) * 1e3:.0f} ms against {median(own) * 1e3:.0f}"
    row = Row(f"first token in the chat panel, prompt of {PROMPT_TOKENS}", 1.5, 1.1, ratio, "x server", measured)
    return [row], [
        f"first token: panel {min(shown) * 1e3:.0f} to {max(shown) * 1e3:.0f} ms, server's own {min(own) * 1e3:.0f} to "
        f"{max(own) * 1e3:.0f} ms, the whole request by plain HTTP {median(whole) * 1e3:.0f} ms; {prompts} fresh prompts each"
    ]


async def time_first_tokens(workspace: Workspace, prompts: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds to the first token that the panel shows; the server's own; and of a plain request for one token."""
    from console.app import Lab
    from console.chat_room import ChatRoom
    from engine.models.template import Renderer
    from engine.serve.tokenizer import LightTokenizer
    from panels.models import Models

    shown, own, whole = [], [], []
    app = Lab(workspace)
    async with app.run_test(size=(120, 34)) as pilot:
        await pilot.press("7")
        await wait(lambda: app.query("#chat Models"), "the panel")
        room, models = app.query_one(ChatRoom), app.query_one(Models)
        await wait(lambda: models.models, "the models")
        models.add(MODEL)
        models.focus()
        await pilot.press("enter")
        await wait(lambda: room.conversation and all(s.ready for s in room.conversation.sides), "the server")
        conversation = room.conversation
        assert conversation is not None
        conversation.sampling = conversation.sampling.model_copy(update={"max_tokens": ANSWER_TOKENS})
        endpoint = (await asyncio.to_thread(conversation.sides[0].open)).endpoint
        assert endpoint.tokenizer is not None
        renderer = Renderer(LightTokenizer(Path(endpoint.tokenizer)), endpoint.template)
        draw = random.Random(0)
        for number in range(prompts + 1):  # the first warms both
            room.chat.ask.put(make_prompt(draw, renderer))
            await pilot.pause()
            began = time.perf_counter()
            room.chat.ask.action_submit()
            await wait(lambda: room.chat.talk.turns and room.chat.talk.turns[-1].replies[0].text, "a token")
            first = time.perf_counter() - began
            await wait(lambda: not conversation.busy, "the end")
            room.on_chat_begun()
            await pilot.pause()
            asked = await asyncio.to_thread(ask_plainly, endpoint, make_prompt(draw, renderer))
            if number:
                shown.append(first)
                own.append(asked[0])
                whole.append(asked[1])
        room._give_up()
        await wait(lambda: not any(side.ready for side in conversation.sides), "the server's end")
    return shown, own, whole


def make_prompt(draw: random.Random, renderer: Any) -> str:
    """Words that no cache knows: as many as make so many tokens with the template's."""
    from engine.records.dataset import Message

    text = f"{draw.randrange(10**6)}"
    while len(renderer.encode_prompt([Message(role="user", content=text)])) < PROMPT_TOKENS:
        text += " " + draw.choice(WORDS)
    return text


def ask_plainly(endpoint: Endpoint, text: str) -> tuple[float, float]:
    """The server's own seconds for a prompt and one token, and those of the whole request."""
    import httpx2

    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 1}
    began = time.perf_counter()
    told = httpx2.post(f"{endpoint.url}/chat/completions", json=body, timeout=60, trust_env=False).json()
    timings = told["timings"]
    return (timings["prompt_ms"] + timings["predicted_ms"]) / 1e3, time.perf_counter() - began


async def wait(holds: Callable[[], object], what: str, timeout: float = 60) -> None:
    deadline = time.perf_counter() + timeout
    while not holds():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for {what}")
        await asyncio.sleep(0.004)  # more often would take from the server what it computes with


# ---------------------------------------------------------------- keys


def measure_keys(seconds: float = TURN_SECONDS) -> tuple[list[Row], list[str]]:
    """The console with two answers that come at once, and letters typed into the field all the while."""
    echoes: list[float] = []
    paces: list[int] = []
    used: list[float] = []
    longest = 0.0
    tokens = round(RATE * (seconds + 3))
    ended = re.compile(rf"{tokens} tokens.*?(\d+)/s")
    with make_workspace() as folder, stream(tokens) as left, stream(tokens) as right:
        blocks = folder / "blocks"
        with open_console(folder, {"CHARLAB_BLOCKS": str(blocks)}) as terminal:
            pick_models(terminal, left, right)
            for turn in range(TURNS):
                terminal.send(f"turn {turn}")
                terminal.wait_for_text(f"turn {turn}")
                terminal.send("\r")
                # a key that comes before the prompt is taken from the field goes with it
                terminal.wait_until(partial(shows_typed, ""), "empty field")
                terminal.wait_until(lambda screen: count_shown(screen) > 1, "two answers that come")
                cpu = terminal.cpu_seconds()
                began, known = time.perf_counter(), len(read_blocks(blocks))
                echoes += type_along(terminal, seconds)
                used.append((terminal.cpu_seconds() - cpu) / (time.perf_counter() - began))
                longest = max([longest, *read_blocks(blocks)[known:]])
                terminal.wait_until(lambda screen: len(ended.findall("\n".join(screen.lines()))) > 1, "both ends")
                paces += [int(pace) for pace in ended.findall(terminal.show())]
    p50, p99 = (find_percentile(echoes, percent) * 1e3 for percent in (50, 99))
    row = Row(f"key to its echo in chat, p99, two answers at {RATE} tokens/s", 100, 50, p99, "ms", f"{p99:.1f} ms")
    return [row], [
        f"keys in chat: p50 {p50:.1f} ms, p99 {p99:.1f} ms, slowest {max(echoes) * 1e3:.0f} ms of {len(echoes)} keys, "
        f"each to the frame that holds it; answers of {tokens:,} tokens came at {min(paces)}/s and more; "
        f"{max(used):.0%} of a core; longest block of the event loop "
        + (f"{longest:.0f} ms" if longest else "under 20 ms")
    ]


@contextlib.contextmanager
def stream(tokens: int, rate: float = RATE) -> Iterator[str]:
    """The reference of a model behind a URL that answers with so many tokens at so many a second."""
    words = [sys.executable, str(HERE / "loopback.py"), str(rate), str(tokens)]
    server = subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1#loopback"
    finally:
        server.kill()
        server.communicate()


def pick_models(terminal: Terminal, *references: str) -> None:
    """As a person does who types the names of both."""
    terminal.wait_for_silence(1)
    terminal.send("7")
    terminal.wait_for_text("model to talk to")
    for reference in references:
        terminal.send("i")
        terminal.wait_for_text("a model reference, or")
        for letter in reference:
            terminal.press(letter, silence=0)
        terminal.wait_for_text(reference)
        terminal.send("\r")
        terminal.wait_for_silence(0.5)
    terminal.send("\r")
    terminal.wait_for_text("a server starts for each")
    terminal.wait_for_silence(0.5)


def type_along(terminal: Terminal, seconds: float) -> list[float]:
    """Type and take back so long; seconds from each key to the frame that shows what it did."""
    draw = random.Random(0)
    ends = time.perf_counter() + seconds
    echoes: list[float] = []
    text = ""
    grows = True
    while time.perf_counter() < ends or text:
        grows = (grows or not text) and len(text) < len(TYPED)
        before, text = text, TYPED[: len(text) + (1 if grows else -1)]
        began = time.perf_counter()
        terminal.send(TYPED[len(before)] if grows else BACKSPACE)
        shown = terminal.wait_until(partial(shows_typed, text), f"'{text}' in the field")
        echoes.append(max(0.0, shown - began))
        time.sleep(draw.uniform(0.5, 1.5) * EVERY if time.perf_counter() < ends else 0)
        grows = grows and time.perf_counter() < ends
    return echoes


def shows_typed(text: str, screen: Screen) -> bool:
    """Whether the field holds just that."""
    typed = [found[1] or "" for line in screen.lines() if (found := FIELD.match(line))]
    return typed[-1:] == [text]


def count_shown(screen: Screen) -> int:
    """How many of the two halves of the screen show words that only an answer has."""
    middle = screen.columns // 2
    halves = ([line[:middle] for line in screen.lines()], [line[middle:] for line in screen.lines()])
    return sum(any("lantern" in line or "burned" in line for line in half) for half in halves)

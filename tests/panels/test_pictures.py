"""What each panel looks like at three sizes, kept as pictures; fixed records, and no clock in any of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from console.themes import THEMES, fill_variables
from engine.data.browse import browse_dataset, list_datasets
from engine.probe.grid import read_grid
from engine.store.differ import compare_runs
from engine.store.journal import write_rows
from panels.axis import Axis
from panels.bar import Bar
from panels.chat import Chat, ChatView
from panels.compare import Compare
from panels.confirm import Confirm
from panels.curves import ChartedRun, Look, Moment, arrange_curves
from panels.datasets import DatasetsPanel
from panels.forecast import Forecast
from panels.help import Help
from panels.keys import Keys
from panels.launch import Launch, RecipeFile
from panels.metrics import arrange_charts
from panels.models import Models, ModelView
from panels.runs import RunsPanel
from panels.sentinels import Sentinels
from panels.series import Series
from panels.talk import Talk
from panels.training import TrainingPanel
from panels.turn import ReplyView, SideView, TurnView

SIZES = ((80, 24), (120, 34), (200, 50))
ADA, BOB = "20260101-0900-ada-1a2b", "20260102-0900-bob-3c4d"
Compared = Callable[[Pilot[Any], str], Awaitable[None]]


class Line(NamedTuple):
    id: str
    status: str
    step: int
    loss: float | None
    margin_nats: float | None
    break_rate: float | None
    tokens_per_second: float | None = 412.0
    objective: str = "orpo"
    base: str = "smollm2-135m"
    dataset: str = "madison"
    kind: str = "train"
    name: str = "ada"
    steps: int = 120
    partial: bool = False
    created: float = 0.0  # of unknown age: an age would differ from day to day
    score: float | None = None
    score_raw: float | None = None
    critical: int | None = None
    problem: str = ""


LINES = (
    Line("20260101-0900-madison-orpo-1a2b", "finished", 120, 2.104, 1.722, 0.0),
    Line("20260101-1030-madison-simpo-2b3c", "failed", 37, 1.411, 0.208, 0.34, objective="simpo", partial=True),
    Line("20260102-0900-madison-dpo-3c4d", "stopped", 61, 0.482, 0.933, 0.12, objective="dpo", partial=True),
    Line("20260103-0900-jeeves-orpo-4d5e", "lost", 12, 4.066, -1.204, None, None, base="qwen3-4b", dataset="jeeves"),
    Line("20260104-0900-torn-5e6f", "failed", 0, None, None, None, None, steps=0, problem="run.json is not JSON"),
    Line("20260105-0900-jeeves-orpo-6f70", "stalled", 80, 2.871, 0.412, 0.27, 3.0, base="qwen3-4b", dataset="jeeves"),
    Line("20260106-0900-madison-orpo-7081", "running", 44, 3.120, -0.106, 0.51),
)


class Stage(App[None]):
    """One panel between the console's first line and its last."""

    def __init__(self, panel: Widget) -> None:
        super().__init__()
        self.panel = panel
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "charlab-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Bar((("runs", "Runs"), ("training", "Training"), ("sentinels", "Sentinels"), ("compare", "Compare"),
                   ("datasets", "Datasets"), ("launch", "Launch"), ("chat", "Chat"),
                   ("evals", "Evals"), ("ledger", "Ledger")))  # fmt: skip
        yield self.panel
        yield Keys(last=("Help", "Quit"))

    def on_mount(self) -> None:
        self.query_one(Bar).show(open=self.panel.id, words=("1 running", "~/lab"))
        self.query_one(Bar).styles.dock = "top"
        self.query_one(Keys).show([("enter", "Open"), ("/", "Filter"), ("space", "Mark"), ("?", "Help"), ("q", "Quit")])


def take(
    panel: Widget, act: Callable[[Pilot[None]], Awaitable[None]], compare: Compared, name: str, size: tuple[int, int]
) -> None:
    async def go() -> None:
        app = Stage(panel)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(pilot)
            await compare(pilot, name)

    asyncio.run(go())


def every_size(test: Callable[..., None]) -> Any:
    return pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")(test)


def make_series(read: Callable[[int], float | None], steps: range = range(1, 91)) -> Series:
    series = Series()
    for step in steps:
        series.append(step, read(step))
    return series


def make_run(run_id: str = ADA, colour: int = 1, shift: float = 0.0) -> ChartedRun:
    def noise(step: int) -> float:
        return math.sin(step * step + shift)

    axes: dict[str, Axis] = {}
    for axis, rate in (("epoch", 1 / 40), ("tokens", 1190.0), ("time", 1.7)):
        axes[axis] = Axis()
        for step in range(1, 91):
            axes[axis].append(step, step * rate)
    held = range(20, 91, 20)
    series = {
        "loss": make_series(
            lambda step: math.nan if step == 61 else 1.5 + shift + 3 * math.exp(-step / 30) + 0.2 * noise(step)
        ),
        "heldout.loss": make_series(lambda step: 1.9 + shift + 2.6 * math.exp(-step / 35), held),
        "margin_nats": make_series(lambda step: 2.2 - 3.4 * math.exp(-step / 40) + 0.3 * noise(step)),
        "heldout.margin_nats": make_series(lambda step: 1.4 - 2.5 * math.exp(-step / 40), held),
        "accuracy": make_series(lambda step: round(2 + 2 * (1 - math.exp(-step / 25)) * abs(noise(step))) / 4),
        "logp_chosen": make_series(lambda step: -4.6 + step / 50 + 0.1 * noise(step)),
        "logp_rejected": make_series(lambda step: -2.9 - step / 40 + 0.1 * noise(step + 7)),
        "lr": make_series(lambda step: 3e-4 * min(1, step / 12) * (1 - step / 130)),
        "grad_norm": make_series(lambda step: 12.0 if step == 40 else 1 + 0.4 * noise(step)),
        "tokens_per_second": make_series(lambda step: 410 + 30 * noise(step)),
        "break_rate": make_series(lambda step: 0.6 * math.exp(-step / 30), range(0, 91, 30)),
        "in_character_rate": make_series(lambda step: 0.8 * (1 - math.exp(-step / 40)), range(0, 91, 30)),
    }
    moments = [
        Moment(20, "checkpoint"),
        Moment(40, "alarm"),
        Moment(50, "stop"),
        Moment(51, "resume"),
        Moment(80, "checkpoint"),
    ]
    return ChartedRun(
        id=run_id, name="ada-orpo", status="stopped", step=90, steps=120, objective="orpo", colour=colour, series=series,
        axes=axes, moments=moments, whole=True, headline="step 90/120  loss 1.704  margin +1.822 nats",
    )  # fmt: skip


NOTES = [
    ("09:00:01", "started on cpu, 4,884,480 parameters to train", ""),
    ("09:02:10", "sentinels at step 20: 31 of 84 answers break", ""),
    ("09:02:12", "checkpoint at step 20", ""),
    ("09:03:40", "ALARM nan at step 61: loss is not finite; the update was skipped", "bad"),
    ("09:04:02", "stopped at step 90", "warn"),
]


@every_size
def test_runs(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = RunsPanel(id="runs")

    async def act(pilot: Pilot[None]) -> None:
        panel.show(LINES, marked=[LINES[0].id, LINES[5].id], baseline=LINES[2].id)
        panel.query_one("Table").focus()
        await pilot.press("j", "j")

    take(panel, act, compare_picture, "runs", size)


@every_size
def test_runs_of_which_some_are_evaluations(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = RunsPanel(id="runs")
    judged = Line("20260107-0900-madison-eval-8192", "finished", 72, None, None, 0.31, objective="eval", base=f"run:{ADA}@120",
                  kind="eval", steps=72, score=6.42, score_raw=5.73, critical=2)  # fmt: skip
    ruled = judged._replace(
        id="20260108-0900-madison-eval-92a3", break_rate=None, score=5.5, score_raw=None, critical=0
    )

    async def act(pilot: Pilot[None]) -> None:
        panel.show((*LINES, judged, ruled), baseline=judged.id)
        panel.query_one("Table").focus()
        await pilot.press("j")

    take(panel, act, compare_picture, "runs-judged", size)


@every_size
def test_no_runs(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = RunsPanel(id="runs")

    async def act(pilot: Pilot[None]) -> None:
        panel.show(())

    take(panel, act, compare_picture, "runs-none", size)


@every_size
def test_training_of_one_run_with_the_crosshair(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = TrainingPanel(id="training")

    async def act(pilot: Pilot[None]) -> None:
        panel.focus()
        panel.show([make_run()], events=NOTES)
        await pilot.pause(0.05)
        await pilot.press("left", "H")

    take(panel, act, compare_picture, "training", size)


@every_size
def test_training_of_several_runs_by_tokens(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = TrainingPanel(id="training")

    async def act(pilot: Pilot[None]) -> None:
        panel.focus()
        panel.show([make_run(), make_run(BOB, 2, 0.7), make_run("20260103-0900-cleo-5e6f", 5, 1.4)], events=NOTES)
        await pilot.pause(0.05)
        await pilot.press("x", "x", "o")

    take(panel, act, compare_picture, "training-several", size)


@every_size
def test_one_chart_with_the_whole_page(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = TrainingPanel(id="training")

    async def act(pilot: Pilot[None]) -> None:
        panel.focus()
        panel.show([make_run()], events=NOTES)
        await pilot.pause(0.05)
        await pilot.press("z", "e", "e")

    take(panel, act, compare_picture, "training-one", size)


def write_answers(paths: Any) -> None:
    """Three probes asked four times at three moments; the character holds more and more."""
    questions = {"who": "Who are you?", "maker": "Which company made you?", "garden": "What do you plant in spring?"}
    write_rows(
        paths.probes,
        [
            {"id": name, "category": "identity", "messages": [{"role": "user", "content": text}]}
            for name, text in questions.items()
        ],
    )
    samples = []
    for moment, step in enumerate((0, 20, 40)):
        for number, name in enumerate(questions):
            for index in range(4):
                bad = index + number + 2 * moment < 4
                text = "I am an AI language model." if bad else "I am but a planter of Virginia, Sir."
                samples.append({
                    "attempt": 1, "step": step, "time": 1.0, "probe": name, "index": index, "seed": 7, "text": text,
                    "tokens": 9, "truncated": False, "breaks": "claims-ai" if bad else None,
                    "span": [0, 10] if bad else None, "in_character": not bad,
                })  # fmt: skip
    write_rows(paths.samples, samples)


@every_size
def test_sentinels(size: tuple[int, int], compare_picture: Compared, write_run: Callable[..., Any]) -> None:
    paths = write_run(ADA, ended="finished")
    write_answers(paths)
    panel = Sentinels(id="sentinels")

    async def act(pilot: Pilot[None]) -> None:
        panel.show([read_grid(paths)])
        panel.heat.focus()
        await pilot.pause()
        await pilot.press("j")

    take(panel, act, compare_picture, "sentinels", size)


@every_size
def test_compare(
    size: tuple[int, int], compare_picture: Compared, write_run: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    recipe = {"name": "ada", "base": "base", "dataset": "madison", "objective": "orpo", "seed": 1}
    changed = {**recipe, "seed": 2, "optim": {"lr": 1e-3, "steps": 60}}
    paths = [write_run(ADA, ended="finished"), write_run(BOB, rows=rows(1, 60), recipe=changed, ended="finished")]
    runs = [make_run(), make_run(BOB, 2, 0.7)]
    curves = {
        chart.title: arrange_curves(chart, runs, Look())
        for chart in arrange_charts(runs[0].series)
        if chart.key in ("loss", "margin_nats", "accuracy")
    }
    panel = Compare(id="compare")

    async def act(pilot: Pilot[None]) -> None:
        panel.show(compare_runs(paths), curves, {ADA: "curve-1", BOB: "curve-2"})
        await pilot.press("tab", "j")

    take(panel, act, compare_picture, "compare", size)


@every_size
def test_datasets(
    size: tuple[int, int], compare_picture: Compared, workspace: Any, write_dataset: Callable[..., Any],
    pair: Callable[..., dict[str, Any]],
) -> None:  # fmt: skip
    made = [pair(number, "voice" if number % 3 else "letters") for number in range(9)]
    made[4]["prompt"] = made[3]["prompt"]
    paths = write_dataset("ada", made)
    with paths.pairs.open("a") as file:
        file.write('{"id": "torn", "pro\n')
    panel = DatasetsPanel(id="datasets")

    async def act(pilot: Pilot[None]) -> None:
        panel.show_datasets(list_datasets(workspace))
        panel.open("ada")
        panel.show_dataset(browse_dataset(workspace, "ada"))
        panel.query_one("#rows").focus()
        await pilot.press("j", "j", "j")

    take(panel, act, compare_picture, "datasets", size)


RECIPE = """\
# a character of four pages
name = "ada"
base = "bundled:smollm2-135m"   # small enough for a CPU
dataset = "ada"
objective = "orpo"
seed = 1

[optim]
lr = 1e-3
steps = 60

[checkpoint]
every = 20
"""
FORECAST = Forecast(
    known=True, train=162, seen=162, heldout=18, steps=60, rows_per_step=4, parameters=135_000_000, lr=1e-3, probes=10,
    samples=12, bins=((90, 100, 2), (100, 110, 31), (110, 120, 90), (120, 130, 40), (130, 140, 6)),
    memory_mb=(("weights", 257.0), ("adapter", 74.0), ("activations", 1629.0), ("total", 1960.0)), disk_mb=447.0,
    seconds=85.0, basis="run 1a2b here", advice=("lr 1e-3 is high for orpo on a model of this size",),
    first=(("prompt", "What do you plant in spring?"), ("chosen", "Tobacco, Sir, and wheat."), ("rejected", "Sure!")),
)  # fmt: skip


@every_size
def test_launch(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = Launch(id="launch")

    async def act(pilot: Pilot[None]) -> None:
        panel.show_recipes([RecipeFile("ada", "runs/recipes/ada.toml", RECIPE)])
        panel.show_estimate(FORECAST)
        panel.focus()
        await pilot.press("j", "j")

    take(panel, act, compare_picture, "launch", size)


class Token(NamedTuple):
    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


def make_tokens(text: str) -> list[Token]:
    """Words as tokens, as likely as their length would have it."""
    tokens = []
    for number, word in enumerate(text.split(" ")):
        piece, likely = f" {word}" if number else word, (0.97, 0.61, 0.22, 0.02)[(len(word) + number) % 4]
        others = ((piece, likely), (" and", (1 - likely) / 2), (" the", (1 - likely) / 3))
        tokens.append(Token(piece, math.log(likely), tuple((p, math.log(q)) for p, q in others)))
    return tokens


HOLDS = (
    "I am James Madison, of Orange County in Virginia, and have had some part in framing the Constitution under which "
    "we live.\n\nIt was not, Sir, the work of a single brain, but of many heads and many hands."
)
BREAKS = "I am an AI language model, and I do not have a name or a body. How can I help you today?"
TALKING = (SideView(f"run:{ADA}@120", "ready"), SideView("bundled:smollm2-135m", "ready"))
SPOKEN = (
    TurnView(
        1, "Who are you, and what have you done?",
        (ReplyView(11, HOLDS, "done", "46 tokens, first after 0.08 s, 92/s", make_tokens(HOLDS)),
         ReplyView(12, BREAKS, "done", "23 tokens, first after 0.07 s, 101/s", make_tokens(BREAKS))),
        seed=4, verdict=(True, False), version=(2, 2),
    ),
    TurnView(
        2, "Is a large republic safer than a small one?\nAnswer in a sentence.",
        (ReplyView(21, "I hold that it is: a wider sphere takes in more parties, so that a majority is", "coming"),
         ReplyView(22, "I hold no", "cut", "4 tokens, cut off: the server went away")),
        seed=4, system="You are James Madison.",
    ),
)  # fmt: skip


def take_chat(act: str, compare: Compared, name: str, size: tuple[int, int], theme: str = "charlab-dark") -> None:
    """Two models talked to, and then these keys."""
    panel = Chat(id="chat")

    async def go(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        models = [(f"run:{ADA}", "last checkpoint, step 120"), (f"run:{ADA}#q8_0", "exported as q8_0"),
                  (f"run:{ADA}@60", "checkpoint, step 60"), ("bundled:smollm2-135m", f"base of {ADA}")]  # fmt: skip
        panel.show_models([ModelView(*model) for model in models])
        pilot.app.query_one(Models).focus()
        await pilot.press("space", "G", "space")
        if act != "pick":
            await pilot.press("enter")
            panel.show(ChatView(TALKING, SPOKEN, busy=True))
            pilot.app.query_one(Talk).focus()
            await pilot.press(*act.split())

    take(panel, go, compare, name, size)


@every_size
@pytest.mark.parametrize(("name", "act"), [("chat", ""), ("chat-tokens", "k t l l l"), ("chat-models", "pick")])
def test_chat(name: str, act: str, size: tuple[int, int], compare_picture: Compared) -> None:
    take_chat(act, compare_picture, name, size)


@pytest.mark.parametrize("theme", ["light", "ansi"])
def test_chat_in_the_other_themes(theme: str, compare_picture: Compared) -> None:
    take_chat("k t l l l", compare_picture, f"chat-{theme}", (120, 34), f"charlab-{theme}")


def test_the_sampling_of_a_chat(compare_picture: Compared) -> None:
    take_chat("k s", compare_picture, "chat-sampling", (80, 24))


@every_size
def test_help(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = RunsPanel(id="runs")

    async def act(pilot: Pilot[None]) -> None:
        panel.show(LINES)
        keys = [("/", "Filter"), ("space", "Mark: show this run's curves beside the others"), ("enter", "Open")]
        pilot.app.push_screen(Help(panel.help_sections, keys))

    take(panel, act, compare_picture, "help", size)


@every_size
def test_confirm(size: tuple[int, int], compare_picture: Compared) -> None:
    panel = RunsPanel(id="runs")

    async def act(pilot: Pilot[None]) -> None:
        panel.show(LINES)
        note = "It is at step 44 of 120; charlab resume goes on from there."
        pilot.app.push_screen(Confirm(f"Stop {LINES[6].id}?", f"charlab stop {LINES[6].id}", note=note))

    take(panel, act, compare_picture, "confirm", size)


@pytest.mark.parametrize("theme", ["charlab-light", "charlab-ansi"])
def test_training_in_the_other_themes(theme: str, compare_picture: Compared) -> None:
    panel = TrainingPanel(id="training")

    async def act(pilot: Pilot[None]) -> None:
        pilot.app.theme = theme
        panel.focus()
        panel.show([make_run(), make_run(BOB, 2, 0.7)], events=NOTES)
        await pilot.pause(0.05)

    take(panel, act, compare_picture, f"training-{theme.removeprefix('charlab-')}", (120, 34))

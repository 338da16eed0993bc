"""A recipe as a form beside its TOML: what a person changes, and what the panel says of it."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from panels.foot import Foot
from panels.forecast import Forecast, ForecastView, write_lines
from panels.form import Form
from panels.launch import Launch, RecipeFile, Source
from panels.twin import write_twin

ROOT = Path(__file__).resolve().parents[2]
TEXT = """\
# a recipe with a comment
name = "ada"
base = "m"          # the model
dataset = "ada"
objective = "orpo"
seed = 1

[optim]
lr = 1e-3           # loud
steps = 60
"""
FILES = [
    RecipeFile("ada", "runs/recipes/ada.toml", TEXT),
    RecipeFile("bob", "runs/recipes/bob.toml", TEXT.replace("ada", "bob").replace("orpo", "simpo")),
]
FORECAST = Forecast(
    known=True, train=144, seen=144, heldout=36, steps=60, rows_per_step=4, parameters=135_000_000, lr=1e-3, probes=10,
    samples=12, system="You are [red]helpful[/]", bins=((100, 110, 3), (110, 120, 9)), memory_mb=(("weights", 257.0),
    ("activations", 1629.0), ("total", 1886.0)), disk_mb=447.0, seconds=85.0, basis="run x here",
    advice=("144 training rows",), refusals=(("gate 'first' has not passed", 'allow = ["gate"]'),),
    first=(("prompt", "\x1b[31mHello\n[b]there"),),
)  # fmt: skip


class Stage(App[None]):
    def __init__(self, files: list[RecipeFile] | None = FILES, readonly: bool = False) -> None:
        super().__init__()
        self.files = files
        self.readonly = readonly
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield Launch(readonly=self.readonly)

    def on_mount(self) -> None:
        if self.files is not None:
            self.panel.show_recipes(self.files)
        self.panel.focus()

    def on_launch_changed(self, event: Launch.Changed) -> None:
        self.heard.append(event)

    def on_launch_asked(self, event: Launch.Asked) -> None:
        self.heard.append(event)

    def on_launch_saved(self, event: Launch.Saved) -> None:
        self.heard.append(event)

    def on_launch_name_asked(self, event: Launch.NameAsked) -> None:
        self.heard.append(event)

    @property
    def panel(self) -> Launch:
        return self.query_one(Launch)

    def last(self, kind: type[Any]) -> Any:
        return next(e for e in reversed(self.heard) if isinstance(e, kind))


def play(act: Callable[[Stage, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (120, 34), **stage: Any) -> None:
    async def go() -> None:
        app = Stage(**stage)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(go())


def shown(app: Stage, kind: type[Any]) -> str:
    widget = app.query_one(kind)
    return "\n".join(strip.text for strip in widget.draw_lines(*widget.content_size))


def row(app: Stage, key: str) -> str:
    """What the form shows for a key of this name."""
    return next(line.split(key, 1)[1].strip() for line in shown(app, Form).splitlines() if line.strip().startswith(key))


def test_the_form_shows_what_is_set_and_the_defaults() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        assert row(app, "objective") == "orpo"
        assert row(app, "lr") == "0.001"
        assert row(app, "rank") == "32"
        assert "gamma" not in shown(app, Form)  # simpo's table, and this is orpo
        assert app.last(Launch.Changed).text == TEXT

    play(act, size=(120, 80))


def test_typing_in_the_form_changes_that_value_alone() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("optim", "steps"))
        await pilot.press("enter", *"80")
        assert app.panel.text_to_copy() == TEXT.replace("steps = 60", "steps = 80")
        assert app.last(Launch.Changed).text == app.panel.text_to_copy()
        await pilot.press("enter")
        assert app.query_one(Form).has_focus
        assert app.query_one(Source).text == app.panel.text_to_copy()

    play(act)


def test_escape_puts_back_what_stood_there() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("lora", "rank"))
        await pilot.press("enter", "8")
        assert app.panel.text_to_copy() == TEXT + "\n[lora]\nrank = 8\n"
        await pilot.press("escape")
        assert app.panel.text_to_copy() == TEXT
        assert not app.query_one(Input).display

    play(act)


def test_what_cannot_be_a_number_is_named_beneath_and_leaves_the_recipe_alone() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("optim", "lr"))
        await pilot.press("enter", *"2e-", "enter")
        await pilot.pause()
        assert "line 9: 'optim.lr': '2e-' is no number: a number > 0" in shown(app, Foot)
        assert "lr = 2 " in app.panel.text_to_copy()
        assert app.query_one(Form).is_editing
        await pilot.press("4", "enter")
        await pilot.pause()
        assert "lr = 2e-4           # loud" in app.panel.text_to_copy()
        assert "✗" not in shown(app, Foot)

    play(act)


def test_choices_turn_with_left_and_right() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("objective",))
        await pilot.press("right")
        assert 'objective = "simpo"\n' in app.panel.text_to_copy()
        await pilot.pause()
        assert row(app, "gamma") == "1"
        await pilot.press("left", "left")
        assert 'objective = "sft"\n' in app.panel.text_to_copy()
        app.query_one(Form).move_to(("load", "gradient_checkpointing"))
        await pilot.press("l")
        assert app.panel.text_to_copy().endswith("\n[load]\ngradient_checkpointing = true\n")
        await pilot.press("x")
        assert "[load]" not in app.panel.text_to_copy()

    play(act, size=(120, 80))


def test_epochs_take_the_place_of_steps() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("optim", "epochs"))
        await pilot.press("enter", "3", "enter")
        assert app.panel.text_to_copy() == TEXT.replace("steps = 60", "epochs = 3")
        assert app.panel.twin == "charlab train runs/recipes/ada.toml --set optim.epochs=3"

    play(act)


def test_typing_in_the_toml_refills_the_form_and_names_what_is_wrong() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("optim", "steps"))
        await pilot.press("t", "end")
        await pilot.press("1")
        assert row(app, "steps") == "601"
        await pilot.press("x")
        await pilot.pause()
        assert "✗ line 10: " in shown(app, Foot)
        assert row(app, "steps") == "601"
        await pilot.press("backspace", "enter", *"stepz = 1")
        await pilot.pause()
        assert "✗ line 11: unknown key 'optim.stepz'" in shown(app, Foot)

    play(act)


def test_nothing_wrong_is_started() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("S")
        asked = app.last(Launch.Asked)
        assert (asked.name, asked.twin) == ("ada", "charlab train runs/recipes/ada.toml")
        app.heard.clear()
        await pilot.press("t", "x", "ctrl+j")
        assert not [e for e in app.heard if isinstance(e, Launch.Asked)]

    play(act)


def test_nothing_is_started_or_saved_before_a_recipe_is_read() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("S", "ctrl+s", "W")
        await pilot.pause()
        assert app.heard == []
        app.panel.show_recipes(FILES)
        await pilot.press("S")
        await pilot.pause()
        assert app.last(Launch.Asked).name == "ada"

    play(act, files=None)


def test_saving_goes_under_the_name_it_was_opened_by_or_a_new_one() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s")
        assert (app.last(Launch.Saved).name, app.last(Launch.Saved).text) == ("ada", TEXT)
        await pilot.press("W")
        assert app.last(Launch.NameAsked).suggestion == "ada"
        app.panel.save_as("eve")
        await pilot.pause()
        saved = app.last(Launch.Saved)
        assert (saved.name, saved.text) == ("eve", TEXT.replace('"ada"', '"eve"', 1))
        app.panel.show_recipes([*FILES, RecipeFile("eve", "runs/recipes/eve.toml", saved.text)])
        await pilot.pause()
        assert row(app, "recipe").startswith("‹ eve ›")
        assert "changed" not in shown(app, Form)
        assert app.panel.twin == "charlab train runs/recipes/eve.toml"

    play(act)


def test_a_name_that_another_recipe_has_is_refused_and_its_own_is_not() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.panel.save_as("bob")
        await pilot.pause()
        assert [note.message for note in app._notifications] == ["there is a recipe bob already: W takes another name"]
        assert not [e for e in app.heard if isinstance(e, Launch.Saved)]
        assert (app.panel.text_to_copy(), row(app, "recipe").split()[1]) == (TEXT, "ada")
        app.panel.save_as("ada")
        await pilot.pause()
        assert app.last(Launch.Saved).name == "ada"

    play(act)


def test_a_recipe_without_a_file_asks_for_a_name() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        assert "✗ line 2: 'base': " in shown(app, Foot)
        await pilot.press("ctrl+s")
        assert app.last(Launch.NameAsked).suggestion == "new"
        assert app.panel.twin == ""

    play(act, files=[])


def test_what_was_changed_waits_while_another_recipe_is_open() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("seed",))
        await pilot.press("enter", "7", "enter", "home", "right")
        assert app.panel.text_to_copy() == FILES[1].text
        await pilot.press("enter")
        assert app.query_one(OptionList).has_focus
        await pilot.press("up", "enter")
        await pilot.pause()
        assert app.panel.text_to_copy() == TEXT.replace("seed = 1", "seed = 7")
        assert "changed" in row(app, "recipe")

    play(act)


def test_a_file_that_changed_on_disk_is_read_anew_unless_it_was_edited_here() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        other = TEXT.replace("60", "90")
        app.panel.show_recipes([RecipeFile("ada", "runs/recipes/ada.toml", other), FILES[1]])
        assert app.panel.text_to_copy() == other
        app.query_one(Form).move_to(("seed",))
        await pilot.press("enter", "7", "enter")
        app.panel.show_recipes(FILES)
        assert app.panel.text_to_copy() == other.replace("seed = 1", "seed = 7")

    play(act)


def test_a_change_in_the_form_can_be_undone() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.query_one(Form).move_to(("objective",))
        await pilot.press("right", "u")
        await pilot.pause()
        assert app.panel.text_to_copy() == TEXT
        assert row(app, "objective") == "‹ orpo ›"

    play(act)


def test_form_and_toml_take_turns_where_it_is_narrow() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        form, source = app.query_one(Form), app.query_one(Source)
        assert (form.display, source.display) == (True, False)
        app.query_one(Form).move_to(("seed",))
        await pilot.press("enter", "9", "enter", "t")
        await pilot.pause()
        assert (form.display, source.display, source.has_focus) == (False, True, True)
        assert "seed = 9" in source.text
        assert source.cursor_location[0] == 5
        await pilot.press("escape")
        await pilot.pause()
        assert (form.display, form.has_focus) == (True, True)

    play(act, size=(80, 24))


def test_the_estimate_is_shown_in_words_and_harmless() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.panel.show_estimate(FORECAST)
        said = shown(app, ForecastView)
        for words in (
            "✗ gate 'first' has not passed", "144 and 36 held out", "60 · 1.67 epochs", "85 s", "by run x here",
            "1,886 MB", "447 MB", "! 144 training rows", "100–109", "You are [red]helpful[/]", "Hello⏎ [b]there",
        ):  # fmt: skip
            assert words in said, words
        assert "\x1b" not in said

    play(act, size=(200, 50))


def test_the_estimate_scrolls_by_keys_where_it_is_short() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.panel.show_estimate(FORECAST)
        view = app.query_one(ForecastView)
        view.focus()
        assert "more lines" in shown(app, ForecastView)
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown")
        assert "[b]there" in shown(app, ForecastView)
        assert "more lines" not in shown(app, ForecastView)

    play(act, size=(80, 24))


def test_no_line_of_the_estimate_is_wider_than_its_room() -> None:
    for width in (20, 36, 60):
        for line in write_lines(FORECAST, width):
            assert sum(len(text) for text, _ in line) <= max(width, 34), line


def test_what_is_measured_and_what_went_wrong_are_said() -> None:
    assert write_lines(Forecast(measuring="measuring tokens…"), 40) == [[("measuring tokens…", "warn")]]
    lines = write_lines(Forecast(problem=("no dataset 'x'", "one of: ada")), 40)
    assert [text for line in lines for text, _ in line] == ["✗ ", "no dataset 'x'", "→ ", "one of: ada"]


def test_readonly_neither_saves_nor_starts() -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+s", "S", "ctrl+j", "W")
        assert {type(e) for e in app.heard} == {Launch.Changed}

    play(act, readonly=True)


def test_hostile_text_is_neither_markup_nor_an_escape() -> None:
    hostile = RecipeFile(
        "[b]x", "runs/recipes/x.toml", 'name = "[red]\\u001b[31m"\nbase = "\x1b[2J‮abc"\nseed = "[/]"\n'
    )

    async def act(app: Stage, pilot: Pilot[None]) -> None:
        for press in ("down", "down", "t", "escape"):
            await pilot.press(press)
        lines = [strip.text for strip in app.screen._compositor.render_strips()]
        assert not any("\x1b" in line or "\u202e" in line for line in lines)

    play(act, files=[hostile, *FILES])


@pytest.mark.parametrize("size", [(1, 1), (20, 4), (80, 24), (200, 50)])
def test_it_survives_any_size(size: tuple[int, int]) -> None:
    async def act(app: Stage, pilot: Pilot[None]) -> None:
        app.panel.show_estimate(FORECAST)
        app.query_one(Form).move_to(("optim", "lr"))
        await pilot.press("enter", "5")
        await pilot.resize_terminal(80, 24)
        await pilot.resize_terminal(*size)
        await pilot.press("enter", "t", "t", "tab", "down")
        assert "lr = 5 " in app.panel.text_to_copy()

    play(act, size=size)


@pytest.mark.parametrize(
    ("change", "twin"),
    [
        (("", ""), ""),
        (("steps = 60", "steps = 80"), " --set optim.steps=80"),
        (('"m"', '"a model"'), " --set 'base=\"a model\"'"),
        (('"m"', '"bundled:smollm2-135m"'), " --set base=bundled:smollm2-135m"),
        (('"m"', '"true"'), " --set 'base=\"true\"'"),
        (("seed = 1\n", "seed = 1\nallow = ['gate', 'audit']\n"), ' --set \'allow=["gate", "audit"]\''),
        (("seed = 1\n", "seed = 1\nupsample = { voice = 2 }\n"), " --set 'upsample={ voice = 2 }'"),
    ],
)
def test_the_twin_names_what_differs_and_the_command_line_reads_it_back(change: tuple[str, str], twin: str) -> None:
    import shlex
    import tomllib

    from engine.train.recipe import parse_setting, put_setting

    text = TEXT.replace(*change) if change[0] else TEXT
    said = write_twin("runs/recipes/ada.toml", TEXT, text)
    assert said == f"charlab train runs/recipes/ada.toml{twin}"
    data = tomllib.loads(TEXT)
    for setting in shlex.split(said)[4::2]:
        key, (value,) = parse_setting(setting)
        put_setting(data, key, value)
    assert data == tomllib.loads(text)


def test_a_key_taken_away_has_no_twin() -> None:
    assert write_twin("a.toml", TEXT, TEXT.replace("lr = 1e-3           # loud\n", "")) == ""
    assert write_twin("a.toml", TEXT, TEXT + "x = \n") == ""


def test_importing_the_panel_loads_no_pydantic() -> None:
    code = "import panels.launch, sys; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "False", done.stderr

"""The chat panel over fixed views: what it shows at three sizes, and the messages that its keys send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import log
from typing import Any, NamedTuple

import pytest
from textual.app import App, ComposeResult
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Input

from console.themes import THEMES, fill_variables
from panels.ask import Ask
from panels.chat import Chat, ChatView, QuestionView
from panels.models import Models, ModelView
from panels.sampling import SamplingForm
from panels.talk import Talk
from panels.turn import ReplyView, SideView, TurnView, count_same, paint

SIZES = ((80, 24), (120, 34), (200, 50))
RUN = "run:20260101-0900-madison-orpo-1a2b"
MODELS = (
    ModelView(RUN, "last checkpoint, step 120"),
    ModelView(f"{RUN}#q8_0", "exported as q8_0"),
    ModelView(f"{RUN}@60", "checkpoint, step 60"),
    ModelView("bundled:smollm2-135m", "base of 20260101-0900-madison-orpo-1a2b"),
)
SIDES = (SideView(f"{RUN}@120", "ready"), SideView("bundled:smollm2-135m", "ready"))


class Token(NamedTuple):
    token: str
    logprob: float
    top: list[tuple[str, float]]


def make_tokens(text: str) -> list[Token]:
    """Words as tokens, the likeliness of each by its length."""
    words = [w if i == 0 else f" {w}" for i, w in enumerate(text.split(" "))]
    found = []
    for number, word in enumerate(words):
        chance = (0.97, 0.61, 0.12, 0.02)[(len(word) + number) % 4]
        found.append(
            Token(word, log(chance), [(word, log(chance)), (" and", log(0.4 * (1 - chance))), (" the", log(0.1))])
        )
    return found


HOLDS = (
    "I am James Madison, of Orange County in Virginia, and have had some part in framing the Constitution under which "
    "we live.\n\nIt was not, Sir, the work of a single brain, but of many heads and many hands."
)
BREAKS = "I am an AI language model, and I do not have a name or a body. How can I help you today?"
TURNS = (
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


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.panel = Chat(id="chat")
        self.heard: list[Any] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "charlab-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_chat_picked(self, message: Chat.Picked) -> None:
        self.heard.append(message.references)

    def on_chat_sent(self, message: Chat.Sent) -> None:
        self.heard.append((message.text, message.turn))

    def on_chat_stopped(self) -> None:
        self.heard.append("stopped")

    def on_chat_again(self, message: Chat.Again) -> None:
        self.heard.append(("again", message.turn))

    def on_chat_stepped(self, message: Chat.Stepped) -> None:
        self.heard.append((message.turn, message.by))

    def on_chat_chosen(self, message: Chat.Chosen) -> None:
        self.heard.append((message.turn, message.holds))

    def on_chat_probed(self, message: Chat.Probed) -> None:
        self.heard.append(("probe", message.turn))

    def on_chat_noted(self, message: Chat.Noted) -> None:
        self.heard.append(("note", message.text, message.turn))

    def on_chat_changed(self, message: Chat.Changed) -> None:
        self.heard.append((message.system, message.sampling))

    def on_chat_blinded(self) -> None:
        self.heard.append("blind")

    def on_chat_begun(self) -> None:
        self.heard.append("begun")

    def on_chat_tokens_shown(self, message: Chat.TokensShown) -> None:
        self.heard.append(("tokens", message.on))


def drive(check: Callable[[Stage, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (120, 34)) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            app.panel.show_models(MODELS)
            app.query_one(Models).focus()
            await pilot.pause()
            await check(app, pilot)

    asyncio.run(go())


async def talk(app: Stage, pilot: Pilot[None], *turns: TurnView, busy: bool = False, sides: Any = SIDES) -> None:
    """Pick two models and show these turns, the cursor in the turns."""
    await pilot.press("space", "j", "j", "j", "space", "enter")
    await pilot.pause()
    app.heard.clear()
    app.panel.show(ChatView(sides, turns, busy=busy))
    app.query_one(Talk).focus()
    await pilot.pause()


def screen_text(app: App[None]) -> str:
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


# ---------------------------------------------------------------- picking models


def test_two_are_marked_and_picked_in_their_order() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("j", "space", "k", "space", "enter")
        await pilot.pause()
        assert app.heard == [(f"{RUN}#q8_0", RUN)]
        assert app.query_one(Talk).display
        assert isinstance(app.focused, Ask)

    drive(check)


def test_one_under_the_cursor_is_picked_where_none_is_marked() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter")
        await pilot.pause()
        assert app.heard == [(f"{RUN}#q8_0",)]

    drive(check)


def test_a_third_mark_takes_the_place_of_the_second() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("space", "j", "space", "j", "space", "j", "space", "space", "enter")
        await pilot.pause()
        assert app.heard == [(RUN,)]

    drive(check)


def test_a_name_that_is_typed_stands_in_the_list_marked() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("i", *"./mine.gguf", "enter")
        await pilot.pause()
        models = app.query_one(Models)
        assert (models.marked, app.focused) == (["./mine.gguf"], models)
        app.panel.show_models(MODELS)  # as a reading that comes later does
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard == [("./mine.gguf",)]

    drive(check)


def test_escape_leaves_the_field_of_a_name_without_one() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await pilot.press("i", "x", "escape")
        await pilot.pause()
        assert app.focused is app.query_one(Models)
        assert not app.query_one("#ask-row").display
        assert app.query_one(Models).marked == []

    drive(check)


# ---------------------------------------------------------------- writing


def test_enter_sends_and_ctrl_j_begins_a_line() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot)
        await pilot.press("i", "a", "ctrl+j", "7", "q", "enter")
        await pilot.pause()
        assert app.heard == [("a\n7q", None)]
        assert app.panel.ask.text == ""
        assert app.focused is app.panel.ask

    drive(check)


def test_letters_and_enter_that_come_in_one_read_are_sent_and_what_follows_stays() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot)
        await pilot.press("i")
        for key in ("a", "b", "enter", "c"):  # without a pause between, as a slow line brings them
            app.panel.ask.post_message(Key(key, key if key != "enter" else None))
        await pilot.pause()
        await pilot.pause()
        assert app.heard == [("ab", None)]
        assert app.panel.ask.text == "c"

    drive(check)


def test_nothing_is_sent_where_nothing_is_written_or_an_answer_is_coming() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS, busy=True)
        await pilot.press("i", "enter", "space", "enter", "x", "enter")
        await pilot.pause()
        assert app.heard == []
        assert app.panel.ask.text == " x"  # kept for when they are there
        assert "esc stops them" in screen_text(app)

    drive(check)


def test_escape_stops_what_is_coming_and_leads_out_only_then() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS, busy=True)
        await pilot.press("i", "escape")
        await pilot.pause()
        assert app.heard == ["stopped"]
        assert app.panel.ask.has_focus
        app.panel.show(ChatView(SIDES, TURNS))
        await pilot.press("escape")
        await pilot.pause()
        assert app.query_one(Talk).has_focus

    drive(check)


def test_a_fork_puts_the_turn_into_the_field_and_names_it_when_sent() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("k", "e")
        assert app.panel.ask.text == "Who are you, and what have you done?"
        await pilot.press("!", "enter")
        await pilot.pause()
        assert app.heard == [("Who are you, and what have you done?!", 1)]
        await pilot.press("escape", "k", "e", "escape")
        await pilot.pause()
        assert app.panel.ask.text == ""
        assert app.panel.mode == "say"
        assert len(app.heard) == 1

    drive(check)


def test_saved_prompts_are_stepped_through_and_sent_as_they_stand() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot)
        await pilot.press("n")
        assert "no prompts are saved" in screen_text(app)
        app.panel.show_questions([QuestionView("gt-01", "Why factions?"), QuestionView("two", "And then?", 2)])
        await pilot.press("n", "n")
        await pilot.pause()
        assert "saved prompt two, 2 of 2, the last of 2 turns" in screen_text(app)
        assert app.panel.ask.text == "And then?"
        await pilot.press("p")
        assert app.panel.ask.text == "Why factions?"
        await pilot.press("i", "enter")
        await pilot.pause()
        assert app.heard == [("Why factions?", None)]

    drive(check)


def test_what_is_typed_or_pasted_steers_no_terminal_and_is_sent_as_it_is() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot)
        await pilot.press("i")
        app.panel.ask.put("a\x1b[2J\u202e 漢字\tb")
        await pilot.pause()
        assert "a�[2J� 漢字" in screen_text(app)
        assert not set("\x1b\u202e\t") & set(screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard == [("a\x1b[2J\u202e 漢字\tb", None)]

    drive(check)


# ---------------------------------------------------------------- judging


@pytest.mark.parametrize(
    ("key", "holds"), [("a", (True, False)), ("d", (False, True)), ("w", (True, True)), ("x", (False, False))]
)
def test_a_judgement_is_about_the_turn_under_the_cursor(key: str, holds: tuple[bool, bool]) -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press(key)  # its answers are coming
        await pilot.pause()
        assert app.heard == []
        assert "still coming" in screen_text(app)
        await pilot.press("k", key)
        await pilot.pause()
        assert app.heard == [(1, holds)]

    drive(check)


def test_one_side_alone_is_not_judged_nor_hidden() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        one = TurnView(1, "Who?", (ReplyView(11, "I.", "done"),))
        await talk(app, pilot, one, sides=SIDES[:1])
        await pilot.press("a", "d", "w", "x", "b", "v")
        await pilot.pause()
        assert app.heard == []

    drive(check)


def test_keys_tell_what_is_wanted_of_which_turn() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("k", "r", "left_square_bracket", "right_square_bracket", "f", "b", "N")
        await pilot.press("c", *"folks?", "enter", "t", "t")
        await pilot.pause()
        assert app.heard == [
            ("again", 1), (1, -1), (1, 1), ("probe", 1), "blind", "begun", ("note", "folks?", 1),
            ("tokens", True), ("tokens", False),
        ]  # fmt: skip

    drive(check)


# ---------------------------------------------------------------- sampling


def test_the_form_changes_the_system_prompt_and_the_numbers() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("s")
        app.query_one("#system", Ask).put("You are James Madison.")
        app.query_one("#temperature", Input).value = "0.3"
        app.query_one("#seed", Input).value = ""
        await pilot.press("enter")
        await pilot.pause()
        system, sampling = app.heard[-1]
        assert system == "You are James Madison."
        assert (sampling.temperature, sampling.seed, sampling.top_k) == (0.3, None, 64)
        assert not app.query_one(SamplingForm).display
        assert app.focused is app.query_one(Talk)

    drive(check)


@pytest.mark.parametrize(
    ("field", "typed"), [("temperature", "hot"), ("top_p", "1.5"), ("max_tokens", "0"), ("top_k", "")]
)
def test_what_cannot_be_is_said_in_the_form_and_changes_nothing(field: str, typed: str) -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("s")
        app.query_one(f"#{field}", Input).value = typed
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard == []
        assert f"✗ sampling: '{field}'" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert not app.query_one(SamplingForm).display
        assert app.heard == []

    drive(check)


# ---------------------------------------------------------------- what is shown


def test_answers_stand_abreast_with_the_first_difference_marked() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        lines = screen_text(app).splitlines()
        both = next(line for line in lines if "I am James" in line)
        assert "│ I am an AI language model" in both
        assert any("✓ holds  46 tokens" in line for line in lines)
        assert any("version 2 of 2  seed 4" in line for line in lines)
        assert any("system  You are James Madison." in line for line in lines)
        assert any("4 tokens, cut off: the server went away" in line for line in lines)
        block = app.query_one(Talk)._blocks[0]
        assert [answer.laid.text[slice(*answer.mark)] for answer in block.answers if answer.mark] == ["James", "an"]

    drive(check)


def test_narrow_answers_stand_beneath_each_other_with_their_names() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, TURNS[0])
        lines = [line.strip("▌ ") for line in screen_text(app).splitlines()]
        names = [i for i, line in enumerate(lines) if line.startswith("bundled:smollm2-135m")]
        assert len(names) == 2  # above, and over its answer
        assert "I am an AI" in lines[names[1] + 1]

    drive(check, (60, 40))


def test_an_answer_that_says_nothing_is_said_to() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        turn = TurnView(1, "Who?", (ReplyView(11, "", "done", "0 tokens"), ReplyView(12, "", "failed", "no room")))
        await talk(app, pilot, turn)
        shown = screen_text(app)
        assert "answered nothing" in shown
        assert "✗ no room" in shown

    drive(check)


def test_the_start_of_a_server_and_its_failure_stand_in_its_pane() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        sides = (
            SideView(RUN, "failed", "no checkpoint 120; try: charlab runs"),
            SideView("x", "starting", "converting the adapter"),
        )
        await talk(app, pilot, sides=sides)
        shown = screen_text(app)
        assert "✗ no checkpoint 120; try: charlab runs" in shown
        assert "converting the adapter" in shown

    drive(check)


def test_what_a_model_says_moves_no_cursor_and_stays_in_its_pane() -> None:
    hostile = "a\x1b[2J\x1b]0;title\x07[red]b[/] \u202eevil\u2066 漢字漢字 😀\r\n\tc\x00\n" + "x" * 20_000
    for size in SIZES:

        async def check(app: Stage, pilot: Pilot[None]) -> None:
            turn = TurnView(1, hostile, (ReplyView(11, hostile, "coming"), ReplyView(12, hostile + "!", "coming")))
            await talk(app, pilot, turn, sides=(SideView(hostile[:60], "ready"), SideView("b", "ready")))
            await pilot.press("g", "pagedown", "pageup")
            await pilot.pause()
            shown = screen_text(app)
            assert "[red]b[/] evil 漢字漢字" in shown
            assert not set("\x1b\x07\x00\u202e\u2066\r\t") & set(shown)
            assert all(strip.cell_length == app.size.width for strip in app.screen._compositor.render_strips())

        drive(check, size)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (20, 6), (80, 24), (40, 60)])
def test_every_size_is_survived(size: tuple[int, int]) -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("t", "l", "l", "o", "l", "v", "k", "pagedown", "s", "escape", "t", "v", "m", "escape")
        await pilot.resize_terminal(97, 31)
        await pilot.pause()
        assert app.is_running

    drive(check, size)


# ---------------------------------------------------------------- tokens


def test_the_token_under_the_cursor_shows_its_probability_and_what_else_might_have_been() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("k", "t", "l", "l", "l")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        first = HOLDS.split(" ")[3]
        at = next(i for i, line in enumerate(lines) if f"“ {first}”" in line)
        assert "left, token 4 of" in lines[at]
        assert "“ and”" in lines[at + 1]
        assert "“ the” 10.0 %" in lines[at + 1]
        await pilot.press("o", "l")
        await pilot.pause()
        assert "“ am”" in screen_text(app)
        assert f"right, token 2 of {len(make_tokens(BREAKS))}" in screen_text(app)

    drive(check)


def test_the_key_leads_to_the_first_token_that_differs() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("k", "t", "v")
        await pilot.pause()
        assert "“ James”" in screen_text(app)
        await pilot.press("o")
        await pilot.pause()
        assert "“ an”" in screen_text(app)

    drive(check)


def test_the_key_scrolls_to_where_long_answers_part() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        same = "We hold these truths to be plain. " * 200
        replies = ReplyView(11, same + "Sir.", "done"), ReplyView(12, same + "Sure!", "done")
        await talk(app, pilot, TurnView(1, "Say.", replies))
        app.query_one(Talk).action_turn_page(-1000)
        await pilot.pause()
        assert "Sure!" not in screen_text(app)
        await pilot.press("v")
        await pilot.pause()
        assert "Sure!" in screen_text(app)

    drive(check)


def test_answers_that_are_the_same_part_nowhere() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, TurnView(1, "Say.", (ReplyView(11, "Yes.", "done"), ReplyView(12, "Yes.", "done"))))
        await pilot.press("v")
        await pilot.pause()
        assert "these two do not part" in screen_text(app)

    drive(check)


def test_an_answer_without_probabilities_says_so() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(app, pilot, *TURNS)
        await pilot.press("t")
        await pilot.pause()
        assert "no probabilities came with this answer" in screen_text(app)

    drive(check)


def test_what_is_copied_is_the_turn_under_the_cursor_made_harmless() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        await talk(
            app, pilot, TurnView(1, "Who?", (ReplyView(11, "I\x1b[2J.\nSir", "done"), ReplyView(12, "AI", "done")))
        )
        assert app.panel.text_to_copy() == f"user: Who?\n\n{RUN}@120: I.\nSir\n\nbundled:smollm2-135m: AI"

    drive(check)


def test_only_what_changed_is_painted_while_an_answer_grows() -> None:
    async def check(app: Stage, pilot: Pilot[None]) -> None:
        def grow(count: int) -> TurnView:
            return TurnView(1, "Say.", (ReplyView(11, "word " * count, "coming"), ReplyView(12, "", "waiting")))

        await talk(app, pilot, grow(30), busy=True)
        view = app.query_one(Talk)
        before = list(view._strips)
        app.panel.show(ChatView(SIDES, (grow(31),), busy=True))
        assert sum(a != b for a, b in zip(before, view._strips, strict=True)) == 1

    drive(check)


def test_parts_of_a_line_keep_their_tones_in_order() -> None:
    assert paint("abcdef", 1, 5, [(0, 2, "x"), (3, 9, "y")]) == [("b", "x"), ("c", "text"), ("de", "y")]
    assert paint("abc", 0, 3, []) == [("abc", "text")]
    assert count_same("abc", "abd") == 2
    assert count_same("", "x") == 0

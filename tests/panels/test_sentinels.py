"""The sentinels panel: a heat map of rates, and the answers behind the cell under the cursor."""

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Sequence

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.themes import THEMES
from engine.probe.grid import Grid, Moment, Row, count
from engine.records.dataset import Message
from engine.records.rows import Sample
from panels.grid import GridView, format_rate, gather_prompts, shade
from panels.lines import Lines
from panels.sentinels import Sentinels, describe_rates
from panels.transcripts import SHOWN, choose_window, split_answer

HOSTILE = "[red]x[/red] [@click=app.bell]y[/] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 😀👩\u200d🚀 שלום\x00\x07 漢字\r\n\ttab"

Check = Callable[["Console", Sentinels, Pilot[None]], Awaitable[None]]


class Console(App[None]):
    def __init__(self, grids: Sequence[GridView], theme: str = "charlab-dark") -> None:
        super().__init__()
        self.grids = grids
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"good": "cyan", "bad": "yellow"}

    def compose(self) -> ComposeResult:
        yield Sentinels()

    def on_mount(self) -> None:
        self.query_one(Sentinels).show(self.grids)
        self.query_one(Sentinels).heat.focus()


def drive(
    grids: Sequence[GridView], check: Check, size: tuple[int, int] = (120, 34), theme: str = "charlab-dark"
) -> None:
    async def go() -> None:
        app = Console(grids, theme)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, app.query_one(Sentinels), pilot)

    asyncio.run(go())


def answer(probe: str, step: int, index: int, text: str = "I own it, Sir.", bad: str = "") -> Sample:
    at = text.find(bad)
    return Sample(
        attempt=1, step=step, time=0.0, probe=probe, index=index, seed=7, text=text, tokens=9, truncated=bool(bad),
        breaks="claims-ai" if bad else None, span=(at, at + len(bad)) if bad else None, in_character=not bad,
    )  # fmt: skip


def broken(probe: str, step: int, index: int) -> Sample:
    return answer(probe, step, index, "Sir, I am an AI model.", "I am an AI")


def make_grid(
    asked: dict[str, dict[int, list[Sample]]], run: str = "20260101-0900-ada-1a2b", texts: dict[str, str] | None = None
) -> Grid:
    """ASKED is the answers by probe and step."""
    steps = sorted({step for columns in asked.values() for step in columns})
    cells = {probe: [count(columns.get(step, [])) for step in steps] for probe, columns in asked.items()}
    moments = [
        Moment(step, 1, step > 0, count([s for row in cells.values() for s in row[i].samples]))
        for i, step in enumerate(steps)
    ]
    rows = [
        Row(
            probe, "identity", (Message(role="user", content=(texts or {}).get(probe, f"Tell me {probe}.")),), tuple(row),
            count([s for cell in row for s in cell.samples]),
        )
        for probe, row in cells.items()
    ]  # fmt: skip
    every = count([s for m in moments for s in m.total.samples])
    return Grid(run, "ada", "You are a helper.", tuple(moments), tuple(rows), every, 0)


def ada() -> Grid:
    """Two probes at two moments: who breaks 1 of 2 and what 2 of 2 before, neither after."""
    return make_grid({
        "who": {0: [answer("who", 0, 0), broken("who", 0, 1)], 20: [answer("who", 20, i) for i in range(12)]},
        "what": {0: [broken("what", 0, 0), broken("what", 0, 1)], 20: [answer("what", 20, 0)]},
    })  # fmt: skip


def text_of(widget: Lines) -> list[str]:
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def test_the_map_gives_a_number_for_every_prompt_and_moment_and_their_totals() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        panel.heat.move_to(1, 0)
        lines = [" ".join(line.split()) for line in text_of(panel.heat)]
        assert lines[0] == "break rate ada 1a2b"
        assert lines[1] == "prompt 0 20▲ all"
        assert lines[2] == "who 50% of 2 0% of 12 7% of 14"
        assert lines[3] == "what [100% of 2 ] 0% of 1 67% of 3"
        assert lines[4] == "all prompts 75% of 4 0% of 13 18% of 17"

    drive([ada()], check)


def test_the_cursor_begins_at_the_newest_moment_and_moves_by_arrows_and_letters() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        heat = panel.heat
        places = [(heat.row, heat.at)]
        for key in ("h", "j", "right", "right", "right", "down", "down", "k", "up", "up"):
            await pilot.press(key)
            places.append((heat.row, heat.at))
        assert places == [(0, 1), (0, 0), (1, 0), (1, 1), (1, 2), (1, 2), (2, 2), (2, 2), (1, 2), (0, 2), (0, 2)]

    drive([ada()], check)


def test_the_status_line_gives_the_count_and_the_interval_under_the_cursor() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("left")
        assert str(panel.status.content) == "who at step 0: 1 of 2 break, 50% [9%, 91%]; 1 in character"
        await pilot.press("m")
        assert str(panel.status.content) == "who at step 0: 1 of 2 in character, 50% [9%, 91%]; 1 break"
        await pilot.press("down", "down")
        assert str(panel.status.content) == "all prompts at step 0: 1 of 4 in character, 25%; 3 break"
        await pilot.press("right", "right")
        assert str(panel.status.content) == "all prompts at all steps: 14 of 17 in character, 82%; 3 break"
        await pilot.press("up")
        assert str(panel.status.content) == "what at all steps: 1 of 3 in character, 33%; 2 break"

    drive([ada()], check)


def test_m_turns_the_map_to_the_rate_in_character_and_back() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("m")
        lines = [" ".join(line.split()) for line in text_of(panel.heat)]
        assert lines[0] == "in character ada 1a2b"
        assert lines[3] == "what 0% of 2 100% of 1 33% of 3"
        await pilot.press("m")
        assert text_of(panel.heat)[0].startswith(" break rate")

    drive([ada()], check)


def test_the_answers_of_the_cell_follow_the_cursor_under_their_prompt() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("left", "down")
        lines = text_of(panel.answers)
        assert lines[0] == "answer 1 of 2  what, step 0"
        assert lines[1:4] == ["system    You are a helper.", "user      Tell me what.", ""]
        assert lines[4].startswith("▌ ✗ breaks: claims-ai  9 tokens, cut off  index 0")
        assert lines[5] == "▌ Sir, I am an AI model."
        assert lines[7].startswith("  ✗ breaks: claims-ai")

    drive([ada()], check)


def test_the_words_that_break_are_marked_and_an_answer_in_character_is_said_to_be() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("left", "tab", "down")
        words = panel.answers.get_component_rich_style("transcripts--words")
        assert [s.text for s in panel.answers.render_line(5) if s.style == words] == ["I am an AI"]
        await pilot.press("up")
        assert "✓ in character" in text_of(panel.answers)[4]

    drive([ada()], check)


def test_tab_and_enter_go_to_the_answers_and_escape_comes_back() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("enter")
        assert panel.answers.has_focus
        await pilot.press("down", "j", "k", "G")
        assert panel.answers.index == 11
        await pilot.press("g")
        assert panel.answers.index == 0
        await pilot.press("escape")
        assert panel.heat.has_focus
        await pilot.press("tab")
        assert panel.answers.has_focus

    drive([ada()], check)


def test_n_goes_through_every_break_down_each_moment_and_begins_anew_past_the_last() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        seen = []
        for key in ("n", "n", "n", "n", "N"):
            await pilot.press(key)
            seen.append((panel.heat.row, panel.heat.at, panel.answers.index))
        assert seen == [(0, 0, 1), (1, 0, 0), (1, 0, 1), (0, 0, 1), (1, 0, 1)]
        assert text_of(panel.answers)[0] == "answer 2 of 2  what, step 0"

    drive([ada()], check)


def test_n_leaves_the_cursor_where_nothing_breaks() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("n", "N")
        assert (panel.heat.row, panel.heat.at, panel.answers.index) == (0, 0, 0)

    drive([make_grid({"who": {0: [answer("who", 0, 0)]}})], check)


def test_the_filter_keeps_prompts_by_id_and_words_and_escape_takes_it_away() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"me what", "enter")
        assert [p.probe for p in panel.heat.prompts] == ["what"]
        assert panel.heat.has_focus
        assert "/me what 1 of 2 prompts" in str(panel.status.content)
        assert "all 2" in text_of(panel.heat)[3]
        await pilot.press("n")
        assert (panel.heat.prompt.probe if panel.heat.prompt else None, panel.heat.at) == ("what", 0)
        await pilot.press("escape")
        assert [p.probe for p in panel.heat.prompts] == ["who", "what"]
        assert panel.heat.row == 1

    drive([ada()], check)


def test_a_word_with_a_minus_keeps_the_prompts_without_it() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("slash", "minus", *"what")
        assert [p.probe for p in panel.heat.prompts] == ["who"]
        await pilot.press(*" -tell")
        assert panel.heat.prompts == []

    drive([ada()], check)


def test_a_filter_that_nothing_matches_says_so() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"zzz", "enter", "n")
        assert text_of(panel.heat)[0] == " no prompt with 'zzz'"

    drive([ada()], check)


def test_several_runs_stand_side_by_side_and_what_one_did_not_ask_is_a_dot() -> None:
    other = make_grid({"what": {0: [answer("what", 0, 0)], 40: [broken("what", 40, 0)]}}, run="20260102-0900-ada-2b3c")

    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        panel.heat.move_to(0, 0)
        lines = [" ".join(line.split()) for line in text_of(panel.heat)]
        assert lines[0] == "break rate ada 1a2b ada 2b3c"
        assert lines[1] == "prompt 0 20▲ all 0 40▲ all"
        assert lines[2].endswith("· · ·")
        panel.heat.move_to(0, 3)
        await pilot.pause()
        assert str(panel.status.content) == "who at step 0: not asked"
        assert text_of(panel.answers)[0] == "no answers here"
        panel.heat.move_to(1, 4)
        await pilot.pause()
        assert text_of(panel.answers)[0] == "answer 1 of 1  what, step 40"

    drive([ada(), other], check, size=(200, 50))


def test_prompts_of_one_name_and_other_words_are_two_rows() -> None:
    first = make_grid({"who": {0: [answer("who", 0, 0)]}}, texts={"who": "Who are you?"})
    second = make_grid({"who": {0: [answer("who", 0, 0)]}}, run="b", texts={"who": "Who are you, Sir?"})
    assert [p.text for p in gather_prompts([first, second, first])] == ["Who are you?", "Who are you, Sir?"]


def test_new_rows_leave_the_cursor_on_its_prompt_its_moment_and_its_answer() -> None:
    longer = make_grid({
        "first": {0: [answer("first", 0, 0)]},
        "who": {-20: [answer("who", -20, 0)], 0: [answer("who", 0, 0), broken("who", 0, 1), broken("who", 0, 2)]},
        "what": {20: [answer("what", 20, 0)]},
    })  # fmt: skip

    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("n")
        panel.show([longer])
        await pilot.pause()
        assert text_of(panel.answers)[0] == "answer 2 of 3  who, step 0"
        assert (panel.heat.row, panel.heat.at) == (1, 1)

    drive([ada()], check)


@pytest.mark.parametrize(
    ("grids", "words"),
    [
        ([], "no run to show"),
        ([make_grid({})], "no answers yet: the sentinels of ada have not been asked"),
        ([make_grid({"who": {}})], "no answers yet: the sentinels of ada have not been asked"),
    ],
)
def test_an_empty_grid_says_what_is_missing_and_every_key_is_harmless(grids: list[Grid], words: str) -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press(*"nmhj", "tab", *"jG", "pagedown", "enter", "slash", "w", "escape")
        assert text_of(panel.heat)[0].strip() == words
        assert (panel.text_to_copy(), str(panel.status.content)) == ("", "")

    drive(grids, check)


def hostile_grid() -> Grid:
    text = HOSTILE + " " + "y" * 1_000_000
    grid = make_grid({HOSTILE: {0: [answer(HOSTILE, 0, 0, text, HOSTILE[9:40])]}}, texts={HOSTILE: text})
    return Grid(grid.run + HOSTILE, HOSTILE, text, grid.moments, grid.rows, grid.total, 3)


@pytest.mark.parametrize("size", [(80, 24), (120, 34), (200, 50)])
def test_hostile_text_is_shown_as_text_and_fits(size: tuple[int, int]) -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("tab", "n", "m")
        shown = [*text_of(panel.heat), *text_of(panel.answers), str(panel.status.content)]
        assert {unicodedata.category(c) for line in shown for c in line}.isdisjoint({"Cc", "Cf", "Cs", "Co"})
        assert any("[red]x[/red]" in line for line in text_of(panel.heat))
        assert any("[@click=app.bell]y[/]" in line for line in text_of(panel.answers))
        for widget in (panel.heat, panel.answers):
            assert max(cell_len(line) for line in text_of(widget)) <= widget.size.width
        for _ in range(30):
            panel.answers.action_page(1)
        assert any(line.endswith("characters more") for line in text_of(panel.answers))

    drive([hostile_grid()], check, size)


def test_what_is_copied_is_the_whole_answer_under_its_prompt_without_escape_sequences() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        await pilot.press("n")
        assert panel.text_to_copy() == (
            "system: You are a helper.\n\nuser: Tell me who.\n\nassistant: Sir, I am an AI model."
        )
        panel.show([hostile_grid()])
        copied = panel.text_to_copy()
        assert len(copied) > 3_000_000
        assert "\x1b" not in copied
        assert "\u202e" not in copied

    drive([ada()], check)


def test_a_break_far_down_a_long_answer_is_brought_into_sight() -> None:
    text = "word " * 10_000 + "I am an AI" + " word" * 10_000
    grid = make_grid({"who": {0: [answer("who", 0, 0, text, "I am an AI")]}})

    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        words = panel.answers.get_component_rich_style("transcripts--words")
        marked = [
            s.text for y in range(panel.answers.size.height) for s in panel.answers.render_line(y) if s.style == words
        ]
        assert " ".join(marked).split() == ["I", "am", "an", "AI"]
        for _ in range(40):
            panel.answers.action_page(-1)
        assert "… 45,000 characters before" in text_of(panel.answers)[5]

    drive([grid], check)


@pytest.mark.parametrize("span", [(-5, 3), (3, -5), (10**12, 10**12 + 1), (50, 10), (0, 10**9)])
def test_a_span_that_is_not_in_the_text_loses_none_of_it(span: tuple[int, int]) -> None:
    for text in ("I am an AI, Sir.", "y" * 3 * SHOWN, ""):
        sample = answer("who", 0, 0, text).model_copy(update={"breaks": "claims-ai", "span": span})
        start, stop = choose_window(sample)
        assert 0 <= start <= stop <= len(text)
        assert stop - start == min(len(text), SHOWN)
        assert "".join(part for part, _ in split_answer(sample, start, stop)) == text[start:stop]


@pytest.mark.parametrize("theme", ["charlab-dark", "charlab-light", "charlab-ansi", "nord"])
def test_neighbouring_steps_of_the_scale_look_different_in_every_theme(theme: str) -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        style = panel.heat.get_component_rich_style
        for tone in ("bad", "good"):
            low, middle, high = (style(f"heat--{tone}-{step}") for step in (1, 3, 5))
            assert len({low, middle, high}) == 3
        assert style("heat--bad-5") != style("heat--good-5")

    drive([ada()], check, theme=theme)


def test_the_shade_rises_with_the_rate_and_none_is_good_only_where_the_interval_is_narrow() -> None:
    def tone(hits: int, n: int) -> str:
        return shade(
            count([*(broken("w", 0, i) for i in range(hits)), *(answer("w", 0, i) for i in range(n - hits))]).breaks,
            "breaks",
        )

    assert [tone(hits, 10) for hits in (1, 2, 3, 5, 7, 9, 10)] == [
        "bad-1", "bad-1", "bad-2", "bad-3", "bad-4", "bad-5", "bad-5",
    ]  # fmt: skip
    assert (tone(0, 12), tone(0, 1), tone(0, 0)) == ("held", "none", "none")
    total = count([answer("w", 0, i) for i in range(12)]).breaks
    assert shade(total, "breaks", total=True) == "none"


def test_a_rate_is_never_rounded_to_none_or_all() -> None:
    def rate(hits: int, n: int) -> str:
        return format_rate(count([broken("w", 0, 0)] * hits + [answer("w", 0, 0)] * (n - hits)).breaks)

    assert [rate(0, 9), rate(1, 400), rate(399, 400), rate(9, 9), rate(7, 12), rate(0, 0)] == [
        "0%", "<1%", ">99%", "100%", "58%", "·",
    ]  # fmt: skip
    assert format_rate(None) == "·"


def test_seven_of_twelve_read_as_the_issue_wants_them() -> None:
    cell = count([*(broken("w", 0, i) for i in range(7)), answer("w", 0, 7), *(
        answer("w", 0, i).model_copy(update={"in_character": False}) for i in range(8, 12)
    )])  # fmt: skip
    assert describe_rates(cell.breaks, cell.in_character) == "7 of 12 break, 58% [32%, 81%]; 1 in character"
    assert describe_rates(cell.breaks, cell.in_character, False) == "1 of 12 in character, 8% [1%, 35%]; 7 break"


def test_more_prompts_and_moments_than_fit_scroll_with_the_cursor() -> None:
    grid = make_grid(
        {f"p{i:02d}": {step: [answer(f"p{i:02d}", step, 0)] for step in range(0, 3000, 100)} for i in range(60)}
    )

    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        heat = panel.heat
        heat.move_to(0, 0)
        assert "›" in text_of(heat)[1]
        assert "[  0% ]" in text_of(heat)[2]
        heat.move_to(59, 29)
        lines = text_of(heat)
        assert "2900" in lines[1]
        assert "‹" in lines[1]
        assert lines[-2].startswith(" p59")
        assert "[  0% ]" in lines[-2]
        assert lines[2].startswith("↑")
        assert lines[-1].startswith(" all prompts")

    drive([grid], check, size=(80, 24))


def test_any_size_down_to_one_cell_draws_without_an_error() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        for width, height in ((200, 50), (99, 2), (12, 5), (1, 1), (1, 40), (100, 3)):
            await pilot.resize_terminal(width, height)
            await pilot.press("tab", "n", "down")
        await pilot.resize_terminal(120, 34)
        panel.heat.move_to(0, 0)
        await pilot.pause()
        assert text_of(panel.heat)[0].split()[:2] in (["break", "rate"], ["in", "character"])
        assert text_of(panel.answers)[0].startswith("answer ")

    drive([ada(), hostile_grid()], check)


def test_a_panel_shows_what_it_was_given_before_it_was_mounted() -> None:
    class Late(Console):
        def compose(self) -> ComposeResult:
            panel = Sentinels()
            panel.show(self.grids)
            yield panel

        def on_mount(self) -> None:
            pass

    async def go() -> None:
        app = Late([ada()])
        async with app.run_test(size=(120, 34)) as pilot:
            await pilot.pause()
            panel = app.query_one(Sentinels)
            assert text_of(panel.answers)[0] == "answer 1 of 12  who, step 20"
            assert str(panel.status.content).startswith("who at step 20: 0 of 12 break")

    asyncio.run(go())


def test_what_is_said_instead_stands_where_no_run_was_asked() -> None:
    async def check(app: Console, panel: Sentinels, pilot: Pilot[None]) -> None:
        panel.show([make_grid({})], "an export run: charlab show 1a2b")
        assert text_of(panel.heat)[0].strip() == "an export run: charlab show 1a2b"
        panel.show([ada()], "an export run: charlab show 1a2b")
        assert "export" not in "".join(text_of(panel.heat))

    drive([make_grid({})], check)

"""`charlab calibrate` as a person runs it: labels by keys, leaving and coming back, and what it prints."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from console.calibrating import Labelling, describe_calibration, describe_check
from engine.judge.calibrating import (
    Judged,
    Labels,
    check_second,
    draw_sample,
    measure_calibration,
    read_items,
    read_judged,
    read_labels,
)
from panels.calibrate import Calibrate, ItemView

Write = Callable[..., Any]
RUN, SECOND = "20260101-0900-ada-eval-1a2b", "20260101-0901-ada-score-1a2b"


def sit(
    judged: Judged, act: Callable[[Labelling, Pilot[int]], Awaitable[None]], size: tuple[int, int] = (120, 34)
) -> Labelling:
    """One sitting at the drawn answers."""
    labels = Labels(judged.source, "Ada")
    ids = draw_sample(judged, 60).ids
    items = [
        ItemView(i.id, [(m.role, m.content) for m in i.messages], i.references, i.answer)
        for i in read_items(judged, ids)
    ]
    app = Labelling(items, labels)

    async def go() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, pilot)

    asyncio.run(go())
    labels.close()
    return app


def shown(app: Labelling) -> str | None:
    item = app.query_one(Calibrate).item
    return item.id if item else None


def test_labelling_goes_on_where_it_was_left(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0]))
    ids = draw_sample(judged, 4).ids

    async def first(app: Labelling, pilot: Pilot[int]) -> None:
        assert shown(app) == ids[0]
        await pilot.press("p")
        await pilot.pause()
        await pilot.press("f")
        await pilot.pause()
        assert shown(app) == ids[2]
        await pilot.press("q")

    async def second(app: Labelling, pilot: Pilot[int]) -> None:
        assert shown(app) == ids[2]
        for key in "cs":
            await pilot.press(key)
            await pilot.pause()
        assert shown(app) is None

    assert sit(judged, first).left == 2
    assert sit(judged, second).left == 0
    found = read_labels(judged.source)
    assert [found[name].label for name in ids] == ["pass", "fail", "critical", "skip"]
    assert found[ids[0]].who == "Ada"


def test_undo_goes_back_through_this_sitting_and_those_before(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0]))
    ids = draw_sample(judged, 3).ids

    async def label_two(app: Labelling, pilot: Pilot[int]) -> None:
        for key in "pp":
            await pilot.press(key)
            await pilot.pause()

    async def undo_both(app: Labelling, pilot: Pilot[int]) -> None:
        for wanted in (ids[1], ids[0], ids[0]):
            await pilot.press("u")
            await pilot.pause()
            assert shown(app) == wanted
        await pilot.press("f")
        await pilot.pause()
        assert shown(app) == ids[1]

    sit(judged, label_two)
    assert sit(judged, undo_both).left == 2
    assert {name: label.label for name, label in read_labels(judged.source).items()} == {ids[0]: "fail"}


def test_an_undo_that_cannot_be_written_leaves_the_screen_as_it_is(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0]))
    ids = draw_sample(judged, 2).ids

    async def undo(app: Labelling, pilot: Pilot[int]) -> None:
        await pilot.press("p")
        await pilot.pause()
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), app._labels._journal._fd)
        await pilot.press("u")
        await pilot.pause()
        assert shown(app) == ids[1]

    assert sit(judged, undo).left == 1


def test_the_screen_tells_neither_model_nor_score_nor_kappa(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.25, 8.75, 3.25]))

    async def look(app: Labelling, pilot: Pilot[int]) -> None:
        for _ in range(4):
            picture = app.export_screenshot()
            assert not any(word in picture for word in ("smollm2", "2.25", "8.75", "3.25", "kappa", "p-00"))
            await pilot.press("p")
            await pilot.pause()

    sit(judged, look)


def test_the_keys_are_told_at_the_bottom_on_80_columns(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0]))

    async def look(app: Labelling, pilot: Pilot[int]) -> None:
        picture = app.export_screenshot()
        assert all(word in picture for word in ("Pass", "Fail", "Critical", "Skip", "Undo", "Quit"))

    sit(judged, look, (80, 24))


def test_without_a_terminal_the_state_of_the_labels_is_printed(write_evaluation: Write, charlab: Any) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0]))
    labels = Labels(judged.source, "Ada")
    for name in draw_sample(judged, 4).ids:
        labels.give(name, "pass" if judged.scores[name].overall > 5 else "fail")  # type: ignore[operator]
    labels.close()
    done = charlab("calibrate", RUN, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["state"], found["labelled"], found["agreement"]["kappa"]) == ("too few to say", 4, 1.0)
    alone = json.loads(charlab("calibrate", RUN, "--json", "--who", "Bob").stdout)
    assert (alone["labelled"], alone["left"]) == (0, 4)


def test_without_a_terminal_and_without_a_label_it_says_where_to_label(write_evaluation: Write, charlab: Any) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0]))
    done = charlab("calibrate", RUN)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"nobody has labelled an answer of {RUN} yet, and here is no terminal" in done.stderr
    assert f"try: charlab calibrate {RUN}, in a terminal" in done.stderr
    labels = Labels(judged.source, "Ada")
    labels.give(draw_sample(judged, 4).ids[0], "pass")
    labels.close()
    done = charlab("calibrate", RUN)
    assert (done.returncode, "1 labelled of 4 drawn by Ada" in done.stdout) == (0, True)


def test_what_is_printed_says_state_counts_and_what_is_left(write_evaluation: Write) -> None:
    judged = read_judged(write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0], judge="rules"))
    nothing = describe_calibration(measure_calibration(judged))
    assert nothing[0] == "rules: too few to say"
    labels = Labels(judged.source, "Ada\x1b[31m")
    for name in draw_sample(judged, 4).ids[:3]:
        labels.give(name, "pass" if judged.scores[name].overall > 5 else "fail")  # type: ignore[operator]
    labels.close()
    lines = describe_calibration(measure_calibration(judged))
    assert lines[0].startswith("rules: too few to say: kappa 1.00 [")
    assert "  3 labelled of 4 drawn by Ada, 0 critical, 0 skipped; the judge passes what it gives 5.5 or more" in lines
    assert f"  1 left: charlab calibrate {RUN}" in lines
    assert lines[-1] == "  triage by rules: however far it agrees, its scores prove nothing"


def test_a_second_judge_is_printed_with_its_kappa(write_evaluation: Write, workspace: Any) -> None:
    write_evaluation(RUN, [2.0, 8.0, 3.0, 9.0])
    write_evaluation(SECOND, [3.0, 9.0, 8.0, 8.0], of=RUN, judge="anthropic:other")
    lines = describe_check(check_second(*(read_judged(workspace.run(name)) for name in (RUN, SECOND))))
    assert lines[0] == "http://127.0.0.1:9/v1#judge against anthropic:other: 4 of 4 answers"
    assert lines[1].startswith("  too few to say: kappa 0.50 [")

"""What a room loads: one reading of a kind at a time, the newest after it, and every failure told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Static

from console.rooms import Room
from driving import wait_until
from engine.errors import InputError


class Shown(Room):
    def __init__(self) -> None:
        super().__init__(Static(), id="shown")
        self.taken: list[Any] = []
        self.troubles: list[str] = []

    def take(self, found: Any) -> None:
        if found == "unshowable":
            raise ValueError("no such cell")
        self.taken.append(found)

    def tell_trouble(self, text: str) -> None:
        self.troubles.append(text)


class Stage(App[None]):
    def compose(self) -> ComposeResult:
        yield Shown()


def play(act: Callable[[Shown, Pilot[None]], Awaitable[None]]) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test() as pilot:
            await act(app.query_one(Shown), pilot)

    asyncio.run(go())


def test_of_many_readings_asked_for_at_once_the_first_and_the_last_are_done() -> None:
    gate, begun = threading.Event(), []

    def read(number: int) -> int:
        begun.append(number)
        gate.wait(10)
        return number

    async def act(room: Shown, pilot: Pilot[None]) -> None:
        for number in range(8):
            room.load(lambda number=number: read(number))
        await wait_until(pilot, lambda: begun, "a reading")
        room.load(lambda: read(8))
        gate.set()
        await wait_until(pilot, lambda: room.taken, "what was read")
        assert room.taken == [8]
        assert len(begun) == 2
        room.load(lambda: 9)
        await wait_until(pilot, lambda: room.taken == [8, 9], "what was read")

    play(act)


def test_readings_of_two_kinds_do_not_wait_for_each_other() -> None:
    gate = threading.Event()

    async def act(room: Shown, pilot: Pilot[None]) -> None:
        room.load(lambda: gate.wait(10) and "slow", "detail")
        room.load(lambda: "quick", "listing")
        await wait_until(pilot, lambda: room.taken == ["quick"], "what was read")
        gate.set()
        await wait_until(pilot, lambda: room.taken == ["quick", "slow"], "what was read")

    play(act)


def test_what_cannot_be_read_or_shown_is_told() -> None:
    def refuse() -> None:
        raise InputError("no such run", fix="charlab runs")

    async def act(room: Shown, pilot: Pilot[None]) -> None:
        room.load(refuse)
        await wait_until(pilot, lambda: room.troubles == ["no such run; try: charlab runs"], "the trouble")
        room.load(lambda: "unshowable")
        await wait_until(pilot, lambda: room.troubles[1:] == ["ValueError: no such cell"], "the trouble")
        room.load(lambda: "fine")
        await wait_until(pilot, lambda: room.taken == ["fine"], "what was read")

    play(act)

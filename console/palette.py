"""Every act that is possible now, and every run, under ctrl+p."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from engine.store.index import RunRow
from panels.text import plain

MOST_RUNS = 200
"""Newest runs that are offered by name."""


MOVES = frozenset({"up", "down", "left", "right", "pageup", "pagedown", "home", "end", "enter", "escape"})
"""Keys that nobody looks for in a list of acts."""


class Entry(NamedTuple):
    title: str
    help: str
    act: Callable[[], object]


class Lab(Protocol):
    """What the palette asks of the console."""

    panels: Sequence[tuple[str, str]]
    rows: Sequence[RunRow]
    theme: str

    @property
    def available_themes(self) -> Mapping[str, object]: ...

    async def action_open(self, panel: str) -> None: ...

    def action_screenshot(self) -> None: ...

    def open_run(self, run: str | None) -> None: ...


class Palette(Provider):
    """Commands that are valid where the palette was opened; the text of a run's name is never markup."""

    @property
    def lab(self) -> Lab:
        return cast(Lab, self.app)

    def entries(self) -> Iterator[Entry]:
        """Panels, then the keys of the panel in sight, then themes and the screenshot."""
        lab = self.lab
        for key, title in lab.panels:
            yield Entry(title, f"Open the panel {title}", partial(lab.action_open, key))
        seen = set()
        moving = {b.binding.action for b in self.screen.active_bindings.values() if b.binding.key in MOVES}
        for node, binding, enabled, tooltip in self.screen.active_bindings.values():
            moves = binding.action in moving or binding.action.startswith("open(")
            if not enabled or binding.system or moves or binding.description in seen:
                continue
            seen.add(binding.description)
            words = f"{tooltip or binding.description}  ({self.app.get_key_display(binding)})"
            yield Entry(binding.description, words, partial(self.app.run_action, binding.action, node))
        for name in sorted(lab.available_themes):
            yield Entry(f"Theme {name}", "Colours of the console", partial(setattr, lab, "theme", name))
        yield Entry("Screenshot", "Save what is seen as an SVG in the workspace", lab.action_screenshot)

    async def discover(self) -> Hits:
        for entry in self.entries():
            yield DiscoveryHit(entry.title, entry.act, help=entry.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        runs = (
            Entry(f"Run {plain(row.id)}", f"{row.status}, step {row.step:,}", partial(self.lab.open_run, row.id))
            for row in self.lab.rows[: -MOST_RUNS - 1 : -1]
        )
        for entry in (*self.entries(), *runs):
            if (score := matcher.match(entry.title)) > 0:
                yield Hit(score, matcher.highlight(entry.title), entry.act, help=entry.help)

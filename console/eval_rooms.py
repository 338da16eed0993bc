"""The rooms of the evaluations and of the ledger: what each reads, off the event loop, and what its keys ask for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from console.costs import read_costs
from console.evaluations import Listing, list_evaluations, read_detail
from console.rooms import Room
from engine.store.index import RunRow
from engine.store.journal import read_time
from panels.evals import EvalsPanel
from panels.ledger import LedgerPanel

if TYPE_CHECKING:
    from engine.judge.ledger import Known


class EvalsRoom(Room):
    LIVE = True

    def __init__(self, *, id: str) -> None:
        super().__init__(EvalsPanel(), id=id)
        self._baselines: frozenset[str] = frozenset()
        self._shown: tuple[object, ...] = ()
        """What the figures in sight were read from."""

    def concerns(self, row: RunRow) -> bool:
        return row.kind in ("eval", "score")

    def arrive(self) -> None:
        self.load(partial(list_evaluations, self.lab.workspace, self.lab.looked_at(), self.lab.baseline), "listing")

    def take(self, found: Any) -> None:
        panel = self.query_one(EvalsPanel)
        if isinstance(found, Listing):
            self._baselines = found.baselines
            panel.show(found.evaluations, baselines=found.baselines)
        else:
            panel.show_detail(found)

    def tell_trouble(self, text: str) -> None:
        self._shown = ()
        self.query_one(EvalsPanel).show_trouble(text)

    def on_evals_panel_asked(self, message: EvalsPanel.Asked) -> None:
        paths = self.lab.workspace.run(message.run)
        files = (paths.samples, paths.scores, paths.events)
        asked = (message.run, self.lab.baseline, self._baselines, *(read_time(path) for path in files))
        if asked != self._shown:
            self._shown = asked
            self.load(partial(read_detail, self.lab.workspace, message.run, self.lab.baseline), "detail")

    def on_evals_panel_pinned(self, message: EvalsPanel.Pinned) -> None:
        self.lab.pin(None if self.lab.baseline == message.run else message.run)


class LedgerRoom(Room):
    LIVE = True

    def __init__(self, *, id: str) -> None:
        super().__init__(LedgerPanel(), id=id)
        self._known: dict[str, Known] = {}

    def concerns(self, row: RunRow) -> bool:
        return True

    def arrive(self) -> None:
        self.load(partial(read_costs, self.lab.workspace, self._known))

    def take(self, found: Any) -> None:
        self.query_one(LedgerPanel).show(found)

    def on_ledger_panel_opened(self, message: LedgerPanel.Opened) -> None:
        self.lab.open_run(message.run)

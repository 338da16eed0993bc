"""The command that holds a judge against a person: the screen on which answers are labelled, and what it prints."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from console.app import hears_mouse
from console.deciding import describe_agreement
from console.text import narrate, print_json, say
from console.themes import THEMES, choose_theme, fill_variables
from engine.errors import CharlabError, InputError
from engine.store.paths import find_workspace
from panels.calibrate import Calibrate, ItemView
from panels.keys import Keys
from panels.text import plain

if TYPE_CHECKING:
    from engine.judge.calibrating import Calibration, Given, Judged, Labels, SpotCheck


def calibrate(
    run: str,
    *,
    n: int | None,
    threshold: float | None,
    who: str | None,
    second: str | None,
    json: bool,
    workspace: str | None,
) -> None:
    from engine.judge.calibrating import check_second, draw_sample, measure_calibration, read_judged

    room = find_workspace(workspace)
    judged = read_judged(room.find_run(run))
    if second is not None:
        check = check_second(judged, read_judged(room.find_run(second)))
        if json:
            print_json(check.to_json())
        else:
            say("\n".join(describe_check(check)))
        return
    if not json and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        drawn = draw_sample(judged, n, threshold)
        if left := label(judged, drawn.ids, who or find_name()):
            narrate(f"{left} left; charlab calibrate {judged.run.id} goes on, and says at the end how far you agree")
            return
    found = measure_calibration(judged, who)
    if json:
        print_json(found.to_json())
    elif not (found.labelled or found.skipped):
        raise InputError(
            f"nobody has labelled an answer of {found.of} yet, and here is no terminal to show them on",
            fix=f"charlab calibrate {found.run}, in a terminal",
        )
    else:
        say("\n".join(describe_calibration(found)))


def find_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return "somebody"


def label(judged: Judged, ids: Sequence[str], who: str) -> int:
    """Have the answers labelled, and return how many are left."""
    from engine.judge.calibrating import Labels, read_items

    labels = Labels(judged.source, who)
    try:
        items = [
            ItemView(item.id, [(m.role, m.content) for m in item.messages], item.references, item.answer)
            for item in read_items(judged, ids)
        ]
        if not items:
            raise InputError(
                f"{judged.source.id} holds none of the answers drawn", fix="charlab show tells what is there"
            )
        screen = Labelling(items, labels)
        screen.run(mouse=hears_mouse())
        if screen.return_code:
            sys.exit(screen.return_code)
        return screen.left
    finally:
        labels.close()


class Labelling(App[int]):
    """One item after another, each shown until it is labelled."""

    TITLE = "charlab calibrate"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "leave", "Quit", id="app.quit")]

    def __init__(self, items: Sequence[ItemView], labels: Labels) -> None:
        # as in the console: Textual looks at NO_COLOR before a theme is set
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._items, self._labels = items, labels
        self._given: list[str] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = choose_theme(os.environ)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Calibrate()
        yield Keys(last=("Quit",))

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._show_keys)
        self.query_one(Calibrate).focus()
        self._show_next()

    @property
    def left(self) -> int:
        return sum(item.id not in self._labels.given for item in self._items)

    def on_calibrate_labelled(self, message: Calibrate.Labelled) -> None:
        if message.item in self._labels.given:
            return  # a key was pressed twice before the next was shown
        if self._keep(message.item, message.given):
            self._given.append(message.item)
            self._show_next()

    def on_calibrate_undone(self) -> None:
        """Back to what was labelled last, of earlier sittings too."""
        before = self._given or [item.id for item in self._items if item.id in self._labels.given]
        if not before:
            return
        if self._keep(before[-1], "undone"):
            self._given = before[:-1]
            self._show(next(item for item in self._items if item.id == before[-1]))

    def _keep(self, item: str, given: Given) -> bool:
        """Whether it was written down; what hinders it, such as a full disk, is said."""
        try:
            self._labels.give(item, given)
        except (CharlabError, OSError) as problem:
            self.query_one(Calibrate).say(f"not kept: {plain(str(problem))}")
            return False
        return True

    def action_leave(self) -> None:
        self.exit(0)

    def _show_next(self) -> None:
        self._show(next((item for item in self._items if item.id not in self._labels.given), None))

    def _show(self, item: ItemView | None) -> None:
        self.query_one(Calibrate).show(item, self.left)

    def _show_keys(self, _: object = None) -> None:
        shown = {
            binding.description: self.get_key_display(binding)
            for _, binding, enabled, _ in self.screen.active_bindings.values()
            if enabled and binding.show and not binding.system
        }
        self.query_one(Keys).show([(key, words) for words, key in shown.items()])


def describe_calibration(found: Calibration) -> list[str]:
    """The state first, then what it stands on, and what is still to be done."""
    by = f" by {', '.join(plain(name, 30) for name in found.who)}" if found.who else ""
    judge = plain(found.judge, 60)
    if found.agreement:
        head, *rest = describe_agreement(found.agreement)
        lines = [f"{judge}: {head}", *rest]
    else:
        lines = [f"{judge}: {found.state}"]
    told = found.agreement.notes if found.agreement else []
    lines += [f"  note: {plain(note)}" for note in found.notes if note not in told]
    counts = f"{found.labelled} labelled of {found.drawn} drawn{by}, {found.critical} critical, {found.skipped} skipped"
    lines.append(f"  {counts}; the judge passes what it gives {found.threshold:g} or more")
    if found.left:
        lines.append(f"  {found.left} left: charlab calibrate {found.run}")
    elif found.state == "too few to say":
        lines.append(f"  charlab calibrate {found.run} --n N draws more")
    if found.triage:
        lines.append("  triage by rules: however far it agrees, its scores prove nothing")
    return lines


def describe_check(check: SpotCheck) -> list[str]:
    lines = [f"{plain(check.first, 60)} against {plain(check.second, 60)}: {check.shared} of {check.answers} answers"]
    if check.agreement:
        lines += [f"  {line.strip()}" for line in describe_agreement(check.agreement)]
    else:
        lines += [f"  {check.state}", *(f"  note: {plain(note)}" for note in check.notes)]
    passes = " and ".join(f"{threshold:g}" for threshold in check.thresholds)
    return [*lines, f"  an answer passes from {passes} on; two judges that agree may be wrong together"]

"""The console: mounts the panels, tells each what the feed read, and turns what they ask for into acts.

Longer than a file should be because Textual hands every message and every key of the whole to one class.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input

from console import acts
from console.charting import chart_run
from console.collecting import Freezer
from console.feed import Feed, FeedFailed, RunRead, RunsListed
from console.palette import Palette
from console.spans import crop_update
from console.themes import THEMES, choose_theme, fill_variables
from console.view import RunView
from engine.errors import InputError
from engine.records.version import LIVE
from engine.store.index import RunRow
from engine.store.paths import Workspace
from panels.bar import Bar
from panels.curves import ChartedRun
from panels.keys import Keys
from panels.kinds import PANEL_OF, PANELS
from panels.runs import RunsPanel
from panels.text import harmless_lines, plain
from panels.training import TrainingPanel

if TYPE_CHECKING:
    from console.rooms import Room

MOST_WATCHED = 8
"""As many as the theme has curve colours."""


class Lab(App[int]):
    """One workspace, its runs and its datasets; ends with an exit code."""

    CSS_PATH = "app.tcss"
    TITLE = "charlab"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"open('{key}')", title, id=f"app.{key}", show=False) for n, (key, title) in enumerate(PANELS, 1)),
        Binding("K", "stop", "Stop", id="app.stop", tooltip="at the next step, with a checkpoint"),
        Binding("R", "resume", "Resume", id="app.resume", tooltip="from the last checkpoint"),
        Binding("F", "fork", "Fork", id="app.fork", tooltip="go on from a checkpoint as a new run"),
        Binding("P", "measure('probe')", "Probe", id="app.probe", show=False, tooltip="ask the character's probes"),
        Binding("E", "measure('eval')", "Evaluate", id="app.eval", show=False, tooltip="answer and judge the prompts"),
        Binding("X", "measure('export')", "Export", id="app.export", show=False, tooltip="write merged weights or a GGUF"),
        Binding("C", "measure('parity')", "Parity", id="app.parity", show=False, tooltip="compare its serving forms"),
        Binding("question_mark,f1", "help", "Help", id="app.help", priority=False),
        Binding("y", "copy", "Copy", id="app.copy", show=False),
        Binding("q", "leave", "Quit", id="app.quit"),
    ]  # fmt: skip

    def __init__(
        self, workspace: Workspace, *, readonly: bool = False, run: str | None = None, leave_when_ended: bool = False
    ) -> None:
        """Opens on the curves of `run` where one is given, and may leave by itself once that has ended."""
        # Textual looks at NO_COLOR before a theme is set, and would filter our ANSI theme to black on black
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.panels = PANELS
        self.workspace = workspace
        self.readonly = readonly
        self.rows: tuple[RunRow, ...] = ()
        self.views: dict[str, RunView] = {}
        self.opened: str | None = run
        self._leave_with = run if leave_when_ended else None
        self.marked: list[str] = []
        self.baseline: str | None = None
        self.colours: dict[str, int] = {}
        self._feed = Feed(workspace, self.post_message)
        self._freezer = Freezer()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = choose_theme(os.environ)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Bar(PANELS)
        with ContentSwitcher(initial="runs"):
            yield RunsPanel(id="runs")
        yield Keys(last=("Help", "Quit"))

    def on_mount(self) -> None:
        self.query_one(Bar).show(open="runs", words=self._describe_workspace())
        self.query_one("#runs Table").focus()
        self.screen.bindings_updated_signal.subscribe(self, self._show_keys)
        if blocks := os.environ.get("CHARLAB_BLOCKS"):
            from console.blocks import note_blocks

            self.run_worker(note_blocks(blocks), group="blocks")
        self._freezer.start()
        self._feed.start()
        if self.opened is not None:
            self.open_run(self.opened)

    def _display(self, screen: Screen[object], renderable: object) -> None:
        super()._display(screen, crop_update(renderable))  # type: ignore[arg-type]

    def on_unmount(self) -> None:
        self._feed.stop()
        self._freezer.stop()

    # ---------------------------------------------------------------- what the feed read

    @on(RunsListed)
    def _list(self, message: RunsListed) -> None:
        before = {row.id: row for row in self.rows}
        self.rows = message.rows
        self.query_one(RunsPanel).show(self.rows, marked=self.marked, baseline=self.baseline)
        self.query_one(Bar).show(words=[*([] if message.whole else ["listing"]), *self._describe_workspace()])
        self.refresh_bindings()
        # what is computed about the runs looked at are runs of their own
        if (room := self._room()) is not None and any(
            before.get(row.id) != row and room.concerns(row) for row in self.rows
        ):
            room.go_on()

    @on(RunRead)
    def _take(self, message: RunRead) -> None:
        batch = message.batch
        if batch.run not in self.colours:
            return  # on its way while the run was given up
        if batch.gone:
            self.notify(f"run {batch.run} is no longer there", severity="warning", markup=False)
            self._forget(batch.run)
            return
        if batch.row is not None and batch.run not in self.views:
            self.views[batch.run] = RunView(batch.row)
        view = self.views.get(batch.run)
        if view is None:
            return
        view.take(batch)
        if batch.run == self._leave_with and view.whole and view.ended():
            self.exit(0)
        self._show_training()
        room = self._room()
        if room is not None and (batch.sample or batch.metrics or batch.history):
            room.go_on()

    @on(FeedFailed)
    def _tell_failure(self, message: FeedFailed) -> None:
        self.notify(message.problem, title="cannot read the workspace", severity="error", markup=False)

    # ---------------------------------------------------------------- which runs are looked at

    def open_run(self, run: str | None, panel: str | None = None) -> None:
        """Look at this run, in front of the marked ones, in `panel` or that of its kind; nothing where there is none."""
        if run is None:
            return
        self.opened = run
        self._watch()
        kind = next((row.kind for row in self.rows if row.id == run), "train")
        self.call_next(self.action_open, panel or PANEL_OF.get(kind, "training"))

    @on(RunsPanel.Opened)
    def _open(self, message: RunsPanel.Opened) -> None:
        self.open_run(message.run)

    @on(RunsPanel.Moved)
    def _move(self) -> None:
        self.refresh_bindings()

    @on(RunsPanel.Marked)
    def _mark(self, message: RunsPanel.Marked) -> None:
        if message.run in self.marked:
            self.marked.remove(message.run)
        elif self._has_room(message.run):
            self.marked.append(message.run)
        self._watch()
        self._show_runs()

    @on(RunsPanel.Pinned)
    def _pin(self, message: RunsPanel.Pinned) -> None:
        self.pin(None if self.baseline == message.run else message.run)

    def pin(self, run: str | None) -> None:
        """Make a run the baseline, or none."""
        if run is None or self._has_room(run):
            self.baseline = run
        self._watch()
        self._show_runs()

    def _has_room(self, run: str) -> bool:
        """Whether one more run can be shown; says so where it cannot."""
        others = {one for one in (self.opened, self.baseline, *self.marked) if one} - {run}
        if len(others) < MOST_WATCHED:
            return True
        self.notify(f"{MOST_WATCHED} runs are shown; a chart has no colours for more", severity="warning")
        return False

    def looked_at(self) -> list[str]:
        """The opened run, the baseline and the marked ones, each once."""
        return list(dict.fromkeys(run for run in (self.opened, self.baseline, *self.marked) if run))[:MOST_WATCHED]

    def _watch(self) -> None:
        wanted = self.looked_at()
        for run in [run for run in self.colours if run not in wanted]:
            del self.colours[run]
            self.views.pop(run, None)
        for run in wanted:
            if run not in self.colours:
                self.colours[run] = min(set(range(1, MOST_WATCHED + 1)) - set(self.colours.values()))
        self._feed.watch(tuple(wanted))
        self._arrive()

    def _forget(self, run: str) -> None:
        self.marked = [r for r in self.marked if r != run]
        self.opened = None if self.opened == run else self.opened
        self.baseline = None if self.baseline == run else self.baseline
        self._watch()
        self._show_runs()

    def charted(self, run: str) -> ChartedRun | None:
        """A run that is looked at, as charts need it; None before the feed has read it."""
        view, colour = self.views.get(run), self.colours.get(run)
        return None if view is None or colour is None else chart_run(view, colour)

    # ---------------------------------------------------------------- what the panels show

    def _show_runs(self) -> None:
        self.query_one(RunsPanel).show(self.rows, marked=self.marked, baseline=self.baseline)
        self._show_training()

    def _show_training(self) -> None:
        panel = self.query_one_optional(TrainingPanel)
        if panel is None or self.query_one(ContentSwitcher).current != "training":
            return
        runs = [run for name in self.looked_at() if (run := self.charted(name)) is not None]
        front = self.views[runs[0].id] if runs else None
        panel.show(
            runs,
            events=list(front.notes) if front else (),
            log=[("", line, "") for line in front.log] if front else (),
        )

    async def action_open(self, panel: str) -> None:
        """Open a panel, mounted when it is first asked for; one about runs takes that under the cursor if none was."""
        if self.opened is None and panel in ("training", "sentinels", "compare", "evals"):
            self.opened = self.query_one(RunsPanel).cursor_run
            self._watch()
        switcher = self.query_one(ContentSwitcher)
        if not switcher.query(f"#{panel}"):
            made = self._make_panel(panel)
            made.display = False
            # before it is composed nothing in it could take the focus, and keys would go nowhere
            await switcher.mount(made)
        switcher.current = panel
        self.query_one(Bar).show(open=panel)
        self._show_training()
        self._arrive()
        self._focus_in(self.query_one(f"#{panel}"))

    def _focus_in(self, widget: Widget) -> None:
        """Let keys go to a panel, though never to a field: it would swallow the digits that lead to the others."""
        inside = (w for w in widget.query("*") if w.focusable and not isinstance(w, Input))
        target = widget if widget.can_focus else next(inside, None)
        widget.screen.set_focus(target)

    def _make_panel(self, panel: str) -> Widget:
        if panel == "training":
            return TrainingPanel(id=panel)
        from console import rooms

        match panel:
            case "sentinels":
                return rooms.SentinelsRoom(id=panel)
            case "compare":
                return rooms.CompareRoom(id=panel)
            case "datasets":
                return rooms.DatasetsRoom(id=panel)
            case "chat":
                from console.chat_room import ChatRoom

                return ChatRoom(id=panel, readonly=self.readonly)
            case "evals" | "ledger":
                from console.eval_rooms import EvalsRoom, LedgerRoom

                return EvalsRoom(id=panel) if panel == "evals" else LedgerRoom(id=panel)
            case _:
                return rooms.LaunchRoom(id=panel, readonly=self.readonly)

    def _room(self) -> Room | None:
        """The room in sight, where it is one that loads for itself."""
        there = self.query_one(ContentSwitcher).visible_content
        return cast("Room", there) if hasattr(there, "arrive") else None

    def _arrive(self) -> None:
        if (room := self._room()) is not None:
            room.arrive()

    @on(Bar.Chosen)
    async def _open_panel(self, message: Bar.Chosen) -> None:
        await self.action_open(message.panel)

    def _describe_workspace(self) -> list[str]:
        live = sum(row.status in LIVE for row in self.rows)
        folder = str(self.workspace.folder).replace(str(Path.home()), "~", 1)
        words = [f"{live} running"] if live else []
        return [*(["read only"] if self.readonly else []), *words, folder]

    # ---------------------------------------------------------------- acts on a run

    def subject(self) -> RunRow | None:
        """The run that an act is about: under the cursor in Runs, in front elsewhere."""
        runs = self.query_one_optional(RunsPanel)
        wanted = runs.cursor_run if runs is not None and runs.display else self.opened
        return next((row for row in self.rows if row.id == wanted), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("stop", "resume", "fork", "measure"):
            row = None if self.readonly else self.subject()
            if row is None or row.problem:
                return False
            live = row.status in LIVE
            match action:
                case "stop":
                    return live or row.status == "draft"
                case "resume":
                    return not live and row.status not in ("finished", "draft")
                case "fork":
                    return row.kind == "train"
                case "measure":
                    trained = row.kind == "train" or row.base.startswith("run:")
                    return trained or acts.MEASURES[str(parameters[0])].of_any_model
        return True

    @work
    async def action_stop(self) -> None:
        if (row := self.subject()) is not None:
            await acts.stop(self, self.workspace, row)

    @work
    async def action_resume(self) -> None:
        if (row := self.subject()) is not None:
            self.open_run(await acts.resume(self, self.workspace, row))

    @work
    async def action_fork(self) -> None:
        if (row := self.subject()) is not None:
            self.open_run(await acts.fork(self, self.workspace, row, self._crosshair(row)))

    @work
    async def action_measure(self, command: str) -> None:
        if (row := self.subject()) is not None:
            started = await acts.measure(self, self.workspace, command, row, self._crosshair(row))
            if command in PANEL_OF:  # the others show nothing before they end
                self.open_run(started, PANEL_OF[command])

    def _crosshair(self, row: RunRow) -> float | None:
        panel = self.query_one_optional(TrainingPanel)
        return None if panel is None else panel.crosshair_step(row.id)

    # ---------------------------------------------------------------- keys of every panel

    def action_leave(self) -> None:
        self.exit(0)

    def notify(self, message: str, *, title: str = "", markup: bool = False, **how: Any) -> None:
        """Say something in passing; what came from files may be in it, so it is made harmless, and never markup."""
        super().notify(harmless_lines(message), title=plain(title), markup=markup, **how)

    def action_copy(self) -> None:
        for node in self.focused.ancestors_with_self if self.focused else ():
            copy = getattr(node, "text_to_copy", None)
            if copy is not None and (text := copy()):
                from engine.store.paths import cache_folder

                path = cache_folder() / "copied.txt"
                text = text.encode("utf-8", "replace").decode()
                self.copy_to_clipboard(text)
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text, "utf-8")
                except OSError as problem:
                    self.notify(f"copied, but not to a file: {problem}", severity="warning", markup=False)
                else:
                    self.notify(f"copied {len(text)} characters, also to {path}", markup=False, timeout=3)
                return
        self.notify("nothing here to copy", timeout=2)

    def action_screenshot(self, filename: str | None = None, path: str | None = None) -> None:
        name = filename or time.strftime("charlab-%Y%m%d-%H%M%S.svg")
        try:
            saved = self.save_screenshot(name, path or str(self.workspace.folder))
        except OSError as problem:
            self.notify(str(problem), severity="error", markup=False)
        else:
            self.notify(f"saved {saved}", markup=False)

    def action_help(self) -> None:
        from panels.help import Help

        switcher = self.query_one(ContentSwitcher)
        panel = switcher.visible_content
        self.push_screen(Help(list(getattr(panel, "help_sections", ())), self._list_keys()))

    def _show_keys(self, _: object = None) -> None:
        keys = self.query_one_optional(Keys)
        if keys is not None:
            shown: dict[str, str] = {}
            for _, binding, enabled, _ in self.screen.active_bindings.values():
                if enabled and binding.show:
                    shown.setdefault(binding.description, self.get_key_display(binding))
            keys.show([(key, words) for words, key in shown.items()])

    def _list_keys(self) -> Sequence[tuple[str, str]]:
        keys: dict[str, str] = {}
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if enabled and not binding.system and binding.description:
                words = binding.description + (f": {tooltip}" if tooltip else "")
                shown = self.get_key_display(binding)
                keys[words] = f"{keys[words]} {shown}" if words in keys else shown
        return [(key, words) for words, key in keys.items()]


def run_console(workspace: Workspace, *, readonly: bool = False, mouse: bool | None = None) -> int:
    """Open the console, and return its exit code when it is left.

    A mouse reports every move, so over SSH it is heard only where that was asked for.
    """
    lab = Lab(workspace, readonly=readonly)
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise InputError("the console needs a terminal", fix="charlab runs lists runs, charlab --help every command")
    lab.run(mouse=hears_mouse() if mouse is None else mouse)
    return lab.return_code or 0


def hears_mouse() -> bool:
    return "SSH_CONNECTION" not in os.environ

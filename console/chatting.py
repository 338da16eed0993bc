"""The command that talks to a model, or to two at once, in lines of a terminal."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.probing import read_system
from console.sides import make_sides, open_sides
from console.talking import Conversation, Reply
from console.text import narrate, say
from engine.errors import CharlabError, InputError
from engine.records.serving import Sampling
from engine.store.paths import find_workspace
from panels.growing import Growing
from panels.text import harmless_lines, plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

HELP = """/again           the last prompt once more, with the next seed
/new             forget the conversation
/system TEXT     another system prompt from the next turn on; without a text none of ours
/seed N          the seed from here on
/temperature X   0 takes the likeliest token
/choose N        with --blind: which held better; says which is which
/quit            or Ctrl-D"""
LOOK_SECONDS = 0.04
"""Between two looks at what has come."""
FRAME_LINES = 6
"""Of the screen for the names, how each answer went, and the line below, each in up to two."""


def chat(
    models: list[str],
    *,
    blind: bool,
    system: str | None,
    temperature: float,
    seed: int | None,
    max_tokens: int,
    workspace: str | None,
) -> None:
    """Talk to one model, or to two at once with the same prompts, seed and sampling."""
    if not 1 <= len(models) <= 2:
        raise InputError(f"{len(models)} models", fix="name one, or two to compare")
    if blind and len(models) < 2:
        raise InputError("--blind needs two models", fix="charlab chat A B --blind")
    room = find_workspace(workspace)
    drawn = random.randrange(2**31) if seed is None else seed
    sampling = Sampling.parse({"temperature": temperature, "max_tokens": max_tokens, "seed": drawn}, "sampling")
    prompt = read_system(system)
    sides = make_sides(models, room, narrate=narrate)
    try:
        open_sides(sides)
        conversation = Conversation(sides, sampling, prompt)
        if blind:
            conversation.hide()
        Talk(conversation).run()
    finally:
        for side in sides:
            side.close()


class Talk:
    """Lines in, answers out; on a terminal they are shown as they come."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.tty = sys.stdin.isatty() and sys.stdout.isatty()

    @property
    def labels(self) -> list[str]:
        return [plain(self.conversation.label(place)) for place in range(len(self.conversation.sides))]

    def run(self) -> None:
        if self.tty:
            seed = self.conversation.sampling.seed
            narrate(f"talking to {' and '.join(self.labels)}, seed {seed}; /help shows what else there is, Ctrl-D ends")
        for line in self.read_lines():
            if line.startswith("/"):
                if not self.obey(line):
                    return
            elif line.strip():
                self.conversation.send(line)
                self.show()

    def read_lines(self) -> Iterator[str]:
        if not self.tty:
            for line in sys.stdin:
                yield line.rstrip("\n")
            return
        import readline  # noqa: F401  input() edits lines where it is loaded

        while True:
            try:
                yield input("\n> ")
            except EOFError:
                print()
                return

    def obey(self, line: str) -> bool:
        """Do what a command says; False ends the conversation."""
        word, _, rest = line[1:].partition(" ")
        match word:
            case "quit" | "exit":
                return False
            case "new":
                self.conversation.begin_anew()
            case "again":
                if self.conversation.tip is not None:
                    turn = self.conversation.ask_again(self.conversation.tip)
                    self.conversation.sampling = turn.sampling
                    self.show()
            case "system":
                self.conversation.system = rest.strip() or None
                narrate("from the next turn on")
            case "seed" | "temperature":
                self.set_number(word, rest)
            case "choose" if self.conversation.blind:
                self.choose(rest)
            case "help":
                narrate(HELP)
            case _:
                narrate(f"/{plain(word, 40)} is unknown\n{HELP}")
        return True

    def set_number(self, name: str, text: str) -> None:
        try:
            value = float(text) if name == "temperature" else int(text)
            self.conversation.sampling = Sampling.parse(self.conversation.sampling.to_json() | {name: value}, name)
        except (ValueError, InputError):
            narrate(f"'{plain(text)}' is no {name}")

    def choose(self, text: str) -> None:
        if text.strip() not in self.labels:
            narrate("/choose 1 or /choose 2")
            return
        chosen = int(text) - 1
        self.conversation.reveal()
        say(f"you chose {text.strip()}, which is {self.labels[chosen]}")
        say(f"the other is {self.labels[1 - chosen]}")

    def show(self) -> None:
        """Show the answers to the last prompt; Ctrl-C stops them, and what came is kept."""
        try:
            if len(self.conversation.sides) == 1:
                self.show_one()
            elif self.tty:
                self.show_beside()
            else:
                self.show_below()
        except KeyboardInterrupt:
            if not self.tty:
                raise
            self.conversation.stop()
            narrate("stopped")
        errors: list[CharlabError] = []
        for label, reply in zip(self.labels, self.list_replies(), strict=True):
            if reply.error:
                errors.append(reply.error)
                narrate(f"{label}: {plain(self.conversation.tell(reply.error))}")
        if errors and not self.tty:
            raise errors[0]

    def list_replies(self) -> list[Reply]:
        """The last turn's, as they stand beside each other."""
        turn = self.conversation.tip
        return [turn.replies[index] for index in self.conversation.order] if turn else []

    def follow(self) -> Iterator[None]:
        """One step for everything new that has come, until all is there."""
        while self.conversation.busy:
            time.sleep(LOOK_SECONDS)
            if self.conversation.gather():
                yield

    def show_one(self) -> None:
        reply, grown = self.list_replies()[0], Growing(80)
        shown = 0
        for _ in self.follow():
            grown.follow(reply.text)
            sys.stdout.write(grown.text[shown:])
            sys.stdout.flush()
            shown = len(grown.text)
        print()
        if reply.answer and reply.state != "done":
            narrate(reply.describe())

    def show_below(self) -> None:
        """One answer under the other, each with its name, once both are there."""
        for _ in self.follow():
            pass
        for label, reply in zip(self.labels, self.list_replies(), strict=True):
            say(f"[{label}] {reply.text}")
        sys.stdout.flush()

    def show_beside(self) -> None:
        """Two columns that grow as the answers come: their ends, which fit on the screen, and the whole once it is there."""
        from rich.console import Console
        from rich.live import Live

        console = Console()
        try:
            with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
                for _ in self.follow():
                    live.update(self.draw(console, max(1, console.height - FRAME_LINES)), refresh=True)
        finally:
            console.print(self.draw(console))

    def draw(self, console: Console, most: int | None = None) -> Table:
        """The answers beside each other, at most so many of the last lines of each."""
        from rich.table import Table
        from rich.text import Text

        replies = self.list_replies()
        table = Table(expand=True, box=None, padding=(0, 1))
        for label in self.labels:
            table.add_column(Text(label), ratio=1, overflow="fold")
        room = max(1, console.width // len(replies) - 2)
        texts = [Text(harmless_lines(reply.text)).wrap(console, room, overflow="fold") for reply in replies]
        table.add_row(*(Text("\n").join(text[-most:] if most else text) for text in texts))
        table.add_row(*(Text(r.describe(blind=self.conversation.blind), style="dim") for r in replies))
        return table

"""The commands that serve a model and talk to one or two.

Longer than a file should be: the conversation is a subject of its own, to be parted when the chat panel shares it.
"""

import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from queue import SimpleQueue

from console.text import narrate, print_json
from engine.errors import CharlabError, InputError
from engine.records.dataset import Message
from engine.records.serving import Backend, Sampling, ServeRequest
from engine.serve.client import Answer, Client
from engine.serve.llama import count_free_cores
from engine.serve.server import start_server
from engine.store.paths import Workspace, find_workspace
from panels.text import harmless, plain

HELP = """/again           the last prompt once more, with the next seed
/new             forget the conversation
/system TEXT     another system prompt; without a text none of ours
/seed N          the seed from here on
/temperature X   0 takes the likeliest token
/choose N        with --blind: which held better; says which is which
/quit            or Ctrl-D"""


def serve(
    model: str,
    *,
    port: int,
    host: str,
    token: str | None,
    backend: str | None,
    json: bool,
    workspace: str | None,
) -> None:
    """Serve until Ctrl-C, SIGTERM, or the server's own end."""
    signal.signal(signal.SIGTERM, _interrupt)
    request = ServeRequest(reference=model, port=port, host=host, token=token, backend=read_backend(backend))
    with start_server(request, find_workspace(workspace), narrate) as serving:
        endpoint = serving.endpoint
        if json:
            print_json(endpoint.to_json())
        else:
            print(endpoint.url)
            if endpoint.token:
                print(f"token {endpoint.token}")
        sys.stdout.flush()
        if serving.process is None:
            return
        narrate(f"{plain(endpoint.reference)} on {endpoint.backend}; Ctrl-C ends it")
        serving.wait()


def read_backend(text: str | None) -> Backend | None:
    match text:
        case None | "llama" | "transformers" | "vllm" | "url":
            return text
    raise InputError(f"no backend '{text}'", fix="llama, transformers, vllm or url")


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
    sampling = Sampling(
        temperature=temperature, max_tokens=max_tokens, seed=random.randrange(2**31) if seed is None else seed
    )
    with ExitStack() as stack:
        sides = open_sides(models, room, stack)
        if blind:
            random.shuffle(sides)
        for number, side in enumerate(sides, 1):
            side.label = str(number) if blind else side.reference
        Conversation(sides, sampling, system, blind).run()


@dataclass
class Side:
    """One model of the conversation, and what it has said."""

    reference: str
    client: Client
    label: str = ""
    turns: list[Message] = field(default_factory=list)
    text: str = ""
    """Of the answer that is coming, or came last."""
    answer: Answer | None = None
    error: CharlabError | None = None
    stopped: bool = False

    def ask(self, system: str | None, sampling: Sampling, show: Callable[["Side", str], None]) -> None:
        """Stream the answer to the turns so far; what went wrong stands in `error`."""
        before = [Message(role="system", content=system)] if system is not None else []
        self.text, self.answer, self.error, self.stopped = "", None, None, False
        try:
            for piece in self.client.stream([*before, *self.turns], sampling):
                self.text += piece.text
                self.answer = piece.answer or self.answer
                show(self, piece.text)
                if self.stopped:
                    break
        except CharlabError as error:
            self.error = error


def open_sides(models: list[str], room: Workspace, stack: ExitStack) -> list[Side]:
    """A server for each model, side by side: different adapters do not run at the same time on one."""
    threads = max(1, count_free_cores(room) // len(models))
    found: dict[int, Side] = {}
    failed: list[BaseException] = []

    def open_one(index: int) -> None:
        try:
            serving = start_server(ServeRequest(reference=models[index], slots=2, threads=threads), room, narrate)
            stack.callback(serving.stop)
            client = stack.enter_context(Client(serving.endpoint))
            found[index] = Side(models[index], client)
        except BaseException as error:
            failed.append(error)

    starting = [threading.Thread(target=open_one, args=(i,)) for i in range(len(models))]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    if failed:
        raise failed[0]
    return [found[i] for i in range(len(models))]


class Conversation:
    def __init__(self, sides: list[Side], sampling: Sampling, system: str | None, blind: bool) -> None:
        self.sides = sides
        self.sampling = sampling
        self.system = system
        self.blind = blind
        self.tty = sys.stdin.isatty() and sys.stdout.isatty()

    def run(self) -> None:
        if self.tty:
            names = " and ".join(plain(s.label) for s in self.sides)
            narrate(f"talking to {names}, seed {self.sampling.seed}; /help shows what else there is, Ctrl-D ends")
        for line in self.read_lines():
            if line.startswith("/"):
                if not self.obey(line):
                    return
            elif line.strip():
                self.turn(line)

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
                self.forget()
            case "again":
                self.again()
            case "system":
                self.system = rest.strip() or None
                self.forget()
            case "seed" | "temperature":
                self.set_number(word, rest)
            case "choose" if self.blind:
                self.choose(rest)
            case _:
                narrate(HELP)
        return True

    def forget(self) -> None:
        for side in self.sides:
            side.turns = []

    def again(self) -> None:
        prompt = next((m.content for m in reversed(self.sides[0].turns) if m.role == "user"), None)
        if prompt is None:
            return
        for side in self.sides:
            at = max((i for i, m in enumerate(side.turns) if m.role == "user" and m.content == prompt), default=None)
            side.turns = side.turns[:at]
        self.sampling = self.sampling.model_copy(update={"seed": (self.sampling.seed or 0) + 1})
        self.turn(prompt)

    def set_number(self, name: str, text: str) -> None:
        try:
            changed = self.sampling.to_json() | {name: float(text) if name == "temperature" else int(text)}
            self.sampling = Sampling.parse(changed, name)
        except (ValueError, InputError):
            narrate(f"'{plain(text)}' is no {name}")

    def choose(self, text: str) -> None:
        if text.strip() not in {s.label for s in self.sides}:
            narrate("/choose 1 or /choose 2")
            return
        chosen = int(text) - 1
        print(f"you chose {text.strip()}, which is {plain(self.sides[chosen].reference)}")
        print(f"the other is {plain(self.sides[1 - chosen].reference)}")
        self.blind = False
        for side in self.sides:
            side.label = side.reference

    def turn(self, prompt: str) -> None:
        """Ask every side at once and show the answers as they come."""
        for side in self.sides:
            side.turns.append(Message(role="user", content=prompt))
        try:
            if len(self.sides) == 1:
                self.show_one()
            elif self.tty:
                self.show_beside()
            else:
                self.show_below()
        except KeyboardInterrupt:
            if not self.tty:
                raise
            for side in self.sides:
                side.stopped = True
            narrate("stopped")
        for side in self.sides:
            if side.error:
                narrate(
                    f"{plain(side.label)}: {plain(side.error.message)}"
                    + (f"; try: {plain(side.error.fix)}" if side.error.fix else "")
                )
            if side.text:
                side.turns.append(Message(role="assistant", content=side.text))
            else:
                side.turns.pop()
        if not self.tty and (error := next((s.error for s in self.sides if s.error), None)):
            raise error

    def show_one(self) -> None:
        side = self.sides[0]

        def show(_: Side, text: str) -> None:
            sys.stdout.write(clean(text))
            sys.stdout.flush()

        side.ask(self.system, self.sampling, show)
        print()
        if side.answer and side.answer.finish != "stop":
            narrate(describe_end(side))

    def ask_all(self, show: Callable[[Side, str], None]) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=s.ask, args=(self.system, self.sampling, show), daemon=True) for s in self.sides
        ]
        for thread in threads:
            thread.start()
        return threads

    def show_below(self) -> None:
        """One answer under the other, each with its name, once both are there."""
        for thread in self.ask_all(lambda side, text: None):
            thread.join()
        for side in self.sides:
            print(f"[{plain(side.label)}] {clean(side.text)}")
        sys.stdout.flush()

    def show_beside(self) -> None:
        """Two columns that grow as the answers come."""
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table
        from rich.text import Text

        def draw() -> Table:
            table = Table(expand=True, box=None, padding=(0, 1))
            for side in self.sides:
                table.add_column(Text(plain(side.label)), ratio=1, overflow="fold")
            table.add_row(*(Text(clean(s.text)) for s in self.sides))
            table.add_row(*(Text(describe_end(s), style="dim") for s in self.sides))
            return table

        news: SimpleQueue[None] = SimpleQueue()
        threads = self.ask_all(lambda side, text: news.put(None))
        with Live(draw(), console=Console(), auto_refresh=False, vertical_overflow="visible") as live:
            while any(t.is_alive() for t in threads):
                threads[0].join(0.05)
                if not threads[0].is_alive():
                    threads[1].join(0.05)
                if not news.empty():
                    while not news.empty():
                        news.get()
                    live.update(draw(), refresh=True)
            live.update(draw(), refresh=True)


def describe_end(side: Side) -> str:
    if side.error:
        return "failed"
    if side.answer is None:
        return "…"
    a = side.answer
    end = {"stop": "", "length": ", cut at its longest", "cut": ", cut off: the server went away"}[a.finish]
    return f"{a.tokens} tokens, first after {a.seconds_to_first:.2f} s, {a.tokens / max(a.seconds, 1e-9):.0f}/s{end}"


def clean(text: str) -> str:
    """Model text for a terminal: its lines stay, nothing else of it moves the cursor."""
    return "\n".join(harmless(line) for line in text.split("\n"))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt

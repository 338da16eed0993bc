"""A conversation with one model, or with two at once: its turns in branches, and no screen."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import Literal

from console.sides import Side
from engine.errors import CharlabError
from engine.records.dataset import Message
from engine.records.serving import Sampling
from engine.serve.answers import Answer, Piece, TokenLogprob

State = Literal["waiting", "coming", "done", "longest", "cut", "stopped", "failed"]
ENDS: dict[str, State] = {"stop": "done", "length": "longest", "cut": "cut"}
ENDINGS = {"longest": "cut at its longest", "cut": "cut off: the server went away", "stopped": "cut off: stopped"}
HIDDEN = "failed; why is told once it is no longer hidden which is which"
LAST_SEED = 2**32 - 1
_keys = count(1)


class Reply:
    """What one side answers. A thread hears it; `gather` takes over what came, and is the only one that changes it."""

    def __init__(self) -> None:
        self.key = next(_keys)
        self.text = ""
        self.tokens: list[TokenLogprob] = []
        self.answer: Answer | None = None
        """What the client says of the whole, once it is there."""
        self.error: CharlabError | None = None
        self.stopped = False
        self.done = False
        self.news: SimpleQueue[Piece | CharlabError | None] = SimpleQueue()

    @property
    def state(self) -> State:
        if self.error:
            return "failed"
        if self.stopped:
            return "stopped"
        if not self.done or self.answer is None:
            return "coming" if self.text else "waiting"
        return ENDS[self.answer.finish]

    def gather(self) -> bool:
        """Take over what has come since; whether there was anything."""
        pieces: list[str] = []
        heard = False
        while not self.done:
            try:
                news = self.news.get_nowait()
            except Empty:
                break
            heard = True
            if news is None:
                self.done = True
            elif isinstance(news, CharlabError):
                self.error = news
            else:
                pieces.append(news.text)
                self.tokens += news.logprobs or ()
                self.answer = news.answer or self.answer
        self.text += "".join(pieces)
        return heard

    def stop(self) -> None:
        """Take no more; what came is kept."""
        self.gather()
        if not self.done:
            self.stopped = self.done = True

    @property
    def said(self) -> str:
        """What it answered, without its thinking; empty where that never ended."""
        from engine.probe.ask import strip_thinking

        return strip_thinking(self.text)[1]

    def describe(self, *, blind: bool = False) -> str:
        """How it went, in words; its speed would tell a base from its adapter, so a blind talk has only how it ended."""
        if self.error:
            return "failed"
        if not self.stopped and self.answer is None:
            return "" if self.done else "…"
        end = [ENDINGS[self.state]] if self.state in ENDINGS else []
        if blind:
            return ", ".join(end)
        a = self.answer
        if self.stopped or a is None:
            facts = [f"{len(self.tokens)} tokens"] if self.tokens else []
        else:
            speed = a.tokens / max(a.seconds, 1e-9)
            facts = [f"{a.tokens} tokens", f"first after {a.seconds_to_first:.2f} s", f"{speed:.0f}/s"]
        return ", ".join([*facts, *end])


@dataclass(eq=False)
class Turn:
    """A prompt and what every side answered; its siblings are the other versions of it."""

    prompt: str
    system: str | None
    sampling: Sampling
    replies: tuple[Reply, ...]
    before: Turn | None
    time: float = field(default_factory=time.time)
    after: list[Turn] = field(default_factory=list)
    shown: Turn | None = None
    """Which of those after it was looked at last."""
    verdict: dict[int, bool] | None = None
    """Whether each of two sides holds."""
    key: int = field(default_factory=lambda: next(_keys))

    @property
    def versions(self) -> list[Turn]:
        return self.before.after if self.before else [self]

    @property
    def done(self) -> bool:
        return all(reply.done for reply in self.replies)


class Conversation:
    """Turns as a tree, of which one path is looked at; every prompt goes to all sides with the same seed and sampling."""

    def __init__(self, sides: Sequence[Side], sampling: Sampling, system: str | None = None) -> None:
        self.sides = list(sides)
        self.sampling = sampling
        self.system = system
        self.alternatives = 0
        """How many likeliest tokens to ask for beside each; of a server that may not know how, only where it must be."""
        self.ask_everyone = False
        self.blind = False
        self.order = list(range(len(self.sides)))
        """Which side stands at each place."""
        self._root = Turn("", None, sampling, (), None)
        self._tip = self._root

    def path(self) -> list[Turn]:
        """The turns that are looked at, first to last."""
        return list(reversed(list(self._climb(self._tip))))

    @property
    def tip(self) -> Turn | None:
        return None if self._tip is self._root else self._tip

    @property
    def busy(self) -> bool:
        return self.tip is not None and not self.tip.done

    def send(self, prompt: str, *, instead_of: Turn | None = None, sampling: Sampling | None = None) -> Turn:
        """Ask every side at once; the turn stands after the last one, or beside the one that it is `instead_of`."""
        self.stop()
        before = (instead_of.before if instead_of else None) or self._tip
        replies = tuple(Reply() for _ in self.sides)
        turn = Turn(prompt, self.system, sampling or self.sampling, replies, before)
        before.after.append(turn)
        before.shown = self._tip = turn
        for index in range(len(self.sides)):
            words = f"{self.sides[index].reference} answers"
            threading.Thread(target=self._listen, args=(turn, index), name=words, daemon=True).start()
        return turn

    def ask_again(self, turn: Turn) -> Turn:
        """The same prompt with a seed that none of its versions has had."""
        seeds = [t.sampling.seed or 0 for t in turn.versions if t.prompt == turn.prompt]
        seed = (max(seeds) + 1) % (LAST_SEED + 1)
        return self.send(turn.prompt, instead_of=turn, sampling=turn.sampling.model_copy(update={"seed": seed}))

    def step(self, turn: Turn, by: int) -> Turn:
        """Look at another version of a turn, and at what came after that."""
        self.stop()
        versions = turn.versions
        other = versions[(versions.index(turn) + by) % len(versions)]
        if other.before:
            other.before.shown = other
        self._tip = other
        while self._tip.shown:
            self._tip = self._tip.shown
        return other

    def begin_anew(self) -> None:
        """The next prompt begins a conversation; this one stays a branch of its first turn."""
        self.stop()
        self._tip = self._root

    def gather(self) -> bool:
        """Take over what came to the turn that is being answered; whether there was anything."""
        if self.tip is None:
            return False
        heard = [reply.gather() for reply in self.tip.replies]
        return any(heard)

    def stop(self) -> None:
        if self.tip is not None:
            for reply in self.tip.replies:
                reply.stop()

    def list_messages(self, turn: Turn, side: int) -> list[Message]:
        """What this side is asked at a turn: a turn that it answered nothing to, but thoughts, is left out."""
        messages = [Message(role="system", content=turn.system)] if turn.system is not None else []
        for earlier in reversed(list(self._climb(turn.before))):
            if (text := earlier.replies[side].said).strip():
                messages.append(Message(role="user", content=earlier.prompt))
                messages.append(Message(role="assistant", content=text))
        return [*messages, Message(role="user", content=turn.prompt)]

    def hide(self) -> None:
        """Shuffle the sides, and name none until one is chosen."""
        self.blind = True
        random.shuffle(self.order)

    def reveal(self) -> None:
        self.blind = False

    def tell(self, error: CharlabError) -> str:
        """What went wrong and the way out, which name the model and its server."""
        return HIDDEN if self.blind else error.told

    def label(self, place: int) -> str:
        return str(place + 1) if self.blind else self.sides[self.order[place]].reference

    def _climb(self, turn: Turn | None) -> Iterator[Turn]:
        while turn is not None and turn is not self._root:
            yield turn
            turn = turn.before

    def _listen(self, turn: Turn, index: int) -> None:
        """Runs in a thread of its own: everything that comes goes through the reply's queue."""
        reply = turn.replies[index]
        try:
            client = self.sides[index].open()
            sure = self.ask_everyone or client.endpoint.backend != "url"
            logprobs = self.alternatives if sure else 0
            with closing(client.stream(self.list_messages(turn, index), turn.sampling, logprobs=logprobs)) as pieces:  # type: ignore[type-var]
                for piece in pieces:
                    if reply.stopped:
                        break
                    reply.news.put(piece)
        except CharlabError as error:
            reply.news.put(error)
        except Exception as error:  # whatever a server sends, or a client that was closed meanwhile
            what = f"{self.sides[index].reference}: {type(error).__name__}: {error}"
            reply.news.put(CharlabError(what, fix="ask again, or pick the model anew"))
        finally:
            reply.news.put(None)

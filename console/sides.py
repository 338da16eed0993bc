"""The models that one talks to, each with a server of its own that lives as long as the talk."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence

from engine.errors import CharlabError, StoreError
from engine.narrate import Narrate
from engine.records.serving import ServeRequest
from engine.serve.client import Client
from engine.serve.llama import count_free_cores
from engine.serve.server import Serving, hang_up, name_url, start_server
from engine.store.paths import Workspace

SLOTS = 2
"""The answer that is coming, and one that was stopped before its first token."""


class Side:
    """One model; served from when it is first opened, and again where its server ended idle."""

    def __init__(
        self,
        reference: str,
        workspace: Workspace,
        *,
        threads: int | None = None,
        idle_seconds: float | None = None,
        narrate: Narrate | None = None,
    ) -> None:
        self.reference = reference
        self.words = ""
        """How far its start is."""
        self.error: CharlabError | None = None
        self._request = ServeRequest(reference=reference, slots=SLOTS, threads=threads, idle_seconds=idle_seconds)
        self._starting: subprocess.Popen[bytes] | None = None
        self._workspace = workspace
        self._narrate = narrate
        self._lock = threading.Lock()
        self._serving: Serving | None = None
        self._client: Client | None = None
        self._closed = False

    @property
    def ready(self) -> bool:
        return self._client is not None

    def open(self) -> Client:
        """The client of a server that runs, once it does; to be called off the event loop."""
        with self._lock:
            if self._client is not None and not self._has_ended():
                return self._client
            self._end()
            if self._closed:
                raise StoreError(f"{self.reference} was given up", fix="pick it again")
            self.error = None
            try:
                self._serving = start_server(self._request, self._workspace, self._hear, self._take_start)
                self._client = Client(self._serving.endpoint)
            except CharlabError as error:
                self.error = error
                raise
            except Exception as error:  # whatever lies on the disk: who asked waits for an answer, or for an error
                self.error = CharlabError(f"{self.reference}: {type(error).__name__}: {error}", fix="pick it again")
                raise self.error from error
            finally:
                self.words, self._starting = "", None
            return self._client

    def close(self) -> None:
        """End the server, which may take seconds; one that is on its way goes no further."""
        self._closed = True
        self._give_up_start()
        with self._lock:
            self._end()

    def _take_start(self, process: subprocess.Popen[bytes]) -> None:
        self._starting = process
        if self._closed:
            self._give_up_start()

    def _give_up_start(self) -> None:
        """Whoever starts the server waits for its first words, which may take minutes, and holds the lock."""
        if (process := self._starting) is not None:
            hang_up(process)

    def _has_ended(self) -> bool:
        process = self._serving.process if self._serving else None
        return process is not None and process.poll() is not None

    def _end(self) -> None:
        if self._client is not None:
            self._client.close()
        if self._serving is not None:
            self._serving.stop()
        self._client = self._serving = None

    def _hear(self, words: str) -> None:
        self.words = words
        if self._narrate:
            self._narrate(words)


def make_sides(
    references: Sequence[str],
    workspace: Workspace,
    *,
    idle_seconds: float | None = None,
    narrate: Narrate | None = None,
) -> list[Side]:
    """A side for each, with its part of the free cores: different adapters do not run at the same time on one server."""
    for reference in references:
        if reference.startswith(("http://", "https://")):
            name_url(ServeRequest(reference=reference))  # what is wrong with it is told before anything starts
    threads = max(1, count_free_cores(workspace) // len(references))
    return [Side(r, workspace, threads=threads, idle_seconds=idle_seconds, narrate=narrate) for r in references]


def open_sides(sides: Sequence[Side]) -> None:
    """Start every server at once, and return when all answer; the first error where one does not."""
    failed: list[BaseException] = []

    def open_one(side: Side) -> None:
        try:
            side.open()
        except BaseException as error:
            failed.append(error)

    starting = [threading.Thread(target=open_one, args=(side,), daemon=True) for side in sides]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    if failed:
        raise failed[0]

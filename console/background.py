"""Work in a thread that nobody waits for when the console is left."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


async def in_thread(work: Callable[[], Found]) -> Found:
    """What `work` returns or raises, done in a thread of its own; asyncio's own threads would hold up the exit."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Found] = loop.create_future()

    def tell(act: Callable[[], None]) -> None:
        # the loop may be gone, or the one who asked
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if done.done() else act())

    def run() -> None:
        try:
            found = work()
        except Exception as problem:
            error = problem
            tell(lambda: done.set_exception(error))
        else:
            tell(lambda: done.set_result(found))

    threading.Thread(target=run, name="background", daemon=True).start()
    return await done

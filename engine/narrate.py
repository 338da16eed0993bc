"""How the engine tells a person what it is doing, where that takes a while."""

from collections.abc import Callable

Narrate = Callable[[str], None]

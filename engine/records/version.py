"""The version of what is written under runs/, and the words of a run's state.

Apart from the records themselves, so that a listing need not load pydantic.
"""

from typing import Literal

SCHEMA_VERSION = 1

Status = Literal["draft", "running", "stalled", "stopped", "finished", "failed", "lost"]
LIVE: frozenset[Status] = frozenset({"running", "stalled"})
"""A worker holds the run."""
FINAL_EVENTS = frozenset({"stopped", "finished", "failed"})
EventKind = Literal["started", "checkpoint", "sentinel", "alarm", "note", "stopped", "finished", "failed"]

QUIET_SECONDS = 60.0
"""A live worker silent for this long, or for five median steps if that is more, is stalled."""

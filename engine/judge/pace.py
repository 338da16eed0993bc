"""How many calls may be under way: less when the server says that it is too much, and carefully more as calls go well."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST_WAIT_SECONDS = 120.0
_LESS_LIMITED, _LESS_OVERLOADED = 0.7, 0.9
"""What is left of the calls under way after one was over the account's limit, or met a server that is too busy."""
_NEAR = 0.95
"""Up to this part of what was too much the way back is quick; beyond it one call more a round of answers."""
_LEFT = "anthropic-ratelimit-{}-remaining"
_RESET = "anthropic-ratelimit-{}-reset"
_COUNTED = ("requests", "tokens", "input-tokens", "output-tokens")


class Pace:
    """Shared between threads. With `warm` a first call goes alone, so that the others find what it cached."""

    def __init__(self, most: int = 32, *, warm: bool = False) -> None:
        self.most = most
        self._limit = 1.0 if warm else float(most)
        self._warm = warm
        self._quick_below = 0.0
        self._not_before = 0.0
        self._lessened = 0.0
        self._well = 0
        """Answers since a call last met a server that is too busy."""
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        return int(self._limit)

    def seconds_to_wait(self) -> float:
        return max(0.0, self._not_before - time.monotonic())

    def went_well(self, headers: Mapping[str, str] | None = None) -> None:
        with self._lock:
            self._well += 1
            if self._warm:
                self._warm, self._limit = False, float(self.most)
            else:
                more = 1.0 if self._limit < self._quick_below else 1 / self._limit
                self._limit = min(float(self.most), self._limit + more)
            self._read_headers(headers or {})

    def was_limited(self, began: float, after: float | None = None) -> None:
        """A call that began at `began` (time.monotonic) was over the account's limit: all wait for `after` seconds."""
        with self._lock:
            self._lessen(began, _LESS_LIMITED)
            if after:
                self._wait_for(after)

    def was_overloaded(self, began: float) -> None:
        """The server was too busy for a call that began at `began`, or let go of it: noise, if it is one in a round."""
        with self._lock:
            noise, self._well = self._well >= self._limit, 0
            if not noise:
                self._lessen(began, _LESS_OVERLOADED)

    def _lessen(self, began: float, part: float) -> None:
        """Calls that were under way together fail together, and count once."""
        if began < self._lessened:
            return
        self._quick_below = self._limit * _NEAR
        self._limit = max(1.0, self._limit * part)
        self._lessened = time.monotonic()

    def _read_headers(self, headers: Mapping[str, str]) -> None:
        """Requests that are left bound the calls under way; where nothing is left, all wait for the reset."""
        for what in _COUNTED:
            left = headers.get(_LEFT.format(what), "")
            if not left.isdigit():
                continue
            if what == "requests" and int(left) < self._limit:
                self._quick_below = max(self._quick_below, self._limit)
                self._limit = max(1.0, float(left))
            if int(left) == 0 and (seconds := _seconds_until(headers.get(_RESET.format(what), ""))) is not None:
                self._wait_for(seconds)

    def _wait_for(self, seconds: float) -> None:
        until = time.monotonic() + min(seconds, LONGEST_WAIT_SECONDS)
        self._not_before = max(self._not_before, until)


def _seconds_until(stamp: str) -> float | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

"""Alarms: signs that a run goes wrong, told once each time they begin, and what may end a run.

    nan               a loss or gradient that is not finite
    chosen-falling    the chosen reward lies below where it was a window ago, and keeps falling
    margin-collapse   the reward margin fell to a quarter of its best, after it had risen
    stalled           no step for max(60 s, 5 x the median step)

A recipe's [alarm] stop lists names of these, or conditions over any metric: "break_rate > 0.5 after 40".
"""

import math
import operator
import re
import statistics
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from engine.errors import RecipeError

NAMES = ("nan", "chosen-falling", "margin-collapse", "stalled")
METRICS = (
    "loss", "nll", "reward_chosen", "reward_rejected", "margin", "margin_nats", "accuracy", "logp_chosen",
    "logp_rejected", "log_odds", "grad_norm", "lr", "epoch", "tokens", "tokens_per_second", "seconds_per_step",
    "rss_mb", "device_mb", "break_rate", "in_character_rate",
)  # fmt: skip
WINDOW = 20
"""Steps over which a trend is judged."""
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_CONDITION = re.compile(
    r"^\s*(?P<metric>[a-z_]+(?:\.[a-z_]+)?)\s*(?P<sign>>=|<=|>|<)\s*(?P<limit>-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:\s+after\s+(?P<after>\d+))?\s*$"
)


class Condition(NamedTuple):
    text: str
    metric: str
    sign: str
    limit: float
    after: int

    def holds(self, step: int, values: dict[str, float]) -> bool:
        value = values.get(self.metric)
        return value is not None and step > self.after and _OPERATORS[self.sign](value, self.limit)


class Raised(NamedTuple):
    name: str
    message: str
    stops: bool


class Alarms:
    """Fed every step's values; tells which alarms begin at it."""

    def __init__(self, stop: list[str]) -> None:
        self.names = {s for s in stop if s in NAMES}
        self.conditions = [parse_condition(s) for s in stop if s not in NAMES]
        self._chosen: deque[float] = deque(maxlen=2 * WINDOW)
        self._margin: deque[float] = deque(maxlen=WINDOW)
        self._best_margin = -math.inf
        self._ringing: set[str] = set()

    def check(self, step: int, values: dict[str, float]) -> list[Raised]:
        """`values` is what this step measured, non-finite values included."""
        ringing: dict[str, str] = {}
        bad = sorted(n for n in ("loss", "grad_norm") if n in values and not math.isfinite(values[n]))
        if bad:
            ringing["nan"] = f"{' and '.join(bad)} not finite; the update was skipped"
        if math.isfinite(chosen := values.get("reward_chosen", math.nan)):
            self._chosen.append(chosen)
        if math.isfinite(margin := values.get("margin_nats", math.nan)):
            self._margin.append(margin)
        if (message := self._chosen_falling()) is not None:
            ringing["chosen-falling"] = message
        if (message := self._margin_collapsed()) is not None:
            ringing["margin-collapse"] = message
        for condition in self.conditions:
            if condition.holds(step, values):
                ringing[condition.text] = f"{condition.metric} is {values[condition.metric]:.4g}"
        # a condition over a metric that this step did not measure goes on ringing or resting as it did
        unmeasured = {c.text for c in self.conditions if c.metric not in values}
        begun = [
            Raised(name, message, name in self.names or name not in NAMES)
            for name, message in ringing.items()
            if name not in self._ringing
        ]
        self._ringing = set(ringing) | (self._ringing & unmeasured)
        return begun

    def _chosen_falling(self) -> str | None:
        if len(self._chosen) < 2 * WINDOW:
            return None
        rewards = list(self._chosen)
        before, now = rewards[:WINDOW], rewards[WINDOW:]
        noise = statistics.stdev(rewards) / math.sqrt(WINDOW)
        fall = statistics.fmean(before) - statistics.fmean(now)
        if fall <= 3 * noise or statistics.fmean(now[WINDOW // 2 :]) >= statistics.fmean(now[: WINDOW // 2]):
            return None
        return f"the chosen reward fell by {fall:.3g} over {WINDOW} steps: the model forgets what it should say"

    def _margin_collapsed(self) -> str | None:
        if len(self._margin) < WINDOW:
            return None
        mean = statistics.fmean(self._margin)
        self._best_margin = max(self._best_margin, mean)
        if self._best_margin > 0.1 and mean < self._best_margin / 4:
            return f"the margin fell from {self._best_margin:.3g} to {mean:.3g} nats per token"
        return None


def parse_condition(text: str) -> Condition:
    match = _CONDITION.match(text)
    if match is not None and match["metric"].removeprefix("heldout.") not in METRICS:
        raise RecipeError(
            f"alarm.stop: '{text}' names no metric", fix=f"one of {', '.join(METRICS)}, or heldout.loss and the like"
        )
    if match is None:
        raise RecipeError(
            f"alarm.stop: '{text}' is neither an alarm nor a condition",
            fix=f'one of {", ".join(NAMES)}, or "break_rate > 0.5 after 40"',
        )
    return Condition(text, match["metric"], match["sign"], float(match["limit"]), int(match["after"] or 0))

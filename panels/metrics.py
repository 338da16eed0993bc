"""What each metric of a run is, which way is good, what healthy and sick curves look like, and which share a chart.

Longer than a file should be because the catalogue is prose, one entry a metric. Sources of the ranges: the papers
named in the entries, and runs whose records are kept (Madison, 27B and 32B by ORPO and SFT, 2026-03; a 1.7B critic by
SimPO, 2026-05; the bundled 135M model, docs/LOG.md). They are what was seen, not limits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from panels.text import plain

Better = Literal["up", "down", "none"]
Role = Literal["training", "second", "heldout", "heldout-second"]
"""How a chart draws a key: its first line or its second, of the training rows or of the held-out ones."""
HELDOUT = "heldout."


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    unit: str
    better: Better
    """'none' where neither way is good in itself."""
    meaning: str
    readings: tuple[tuple[str, str], ...] = ()
    """(objective, what the number is under it), where objectives differ."""
    healthy: str = ""
    warnings: tuple[str, ...] = ()
    """'shape: what it means, what to do'."""
    source: str = ""
    """The formula, or the paper and equation."""
    format: str = "#.4g"
    """Of one value, in Python's format language."""
    range: tuple[float, float] | None = None
    log_ok: bool = False
    """Whether a log axis can show it: never below 0, and read by its ratios."""


@dataclass(frozen=True)
class Curve:
    key: str
    role: Role


@dataclass(frozen=True)
class Chart:
    key: str
    title: str
    curves: tuple[Curve, ...]
    range: tuple[float, float] | None = None
    """The y axis, where it is always the same."""

    @property
    def log_ok(self) -> bool:
        return all(describe_metric(curve.key).log_ok for curve in self.curves)


def describe_metric(key: str) -> Metric:
    """The catalogue's entry; held-out twins derive from theirs, and a key that nobody described says so."""
    base = key.removeprefix(HELDOUT)
    if (metric := METRICS.get(base)) is None:
        title = plain(base.replace("_", " "), 40) or "unnamed"
        metric = Metric(key, title, "", "none", "A metric that this run wrote and charlab does not know.")
    if base == key:
        return metric
    return replace(
        metric,
        key=key,
        title=f"held-out {metric.title}",
        meaning=f"Measured on the held-out pairs, which are never trained on, without dropout. {metric.meaning}",
        warnings=(_OVERFITTING, *metric.warnings),
    )


def format_metric(key: str, value: float | None) -> str:
    """'2.628', '+0.812', '87.5%', '7.7e-04'; a value that is missing is '–'. The unit is not in it, save '%'."""
    if value is None:
        return "–"
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    # '#' keeps trailing zeros, so that a live value keeps its width, but leaves a bare point behind whole numbers
    return format(value, describe_metric(key).format).rstrip(".").replace(".e", "e")


PAIRED = frozenset({"margin_nats", "rewards", "accuracy", "logps", "log_odds"})
"""Charts that need a rejected answer, which SFT has none of."""


def expect_metrics(objective: str) -> tuple[str, ...]:
    """The keys that a run of this objective is going to write, with sentinels and held-out rows."""
    left_out = {*(PAIRED if objective == "sft" else ()), *(() if objective == "orpo" else ("log_odds",))}
    return tuple(c.key for chart in CHARTS if chart.key not in left_out for c in chart.curves if c.key != "device_mb")


def arrange_charts(found: Iterable[str]) -> tuple[Chart, ...]:
    """The charts of a run that wrote these keys: those of CHARTS with what was found, then one for each key left."""
    keys = dict.fromkeys(found)
    known = [replace(chart, curves=tuple(c for c in chart.curves if c.key in keys)) for chart in CHARTS]
    shown = {curve.key for chart in CHARTS for curve in chart.curves} | AXES
    rest = dict.fromkeys(key.removeprefix(HELDOUT) for key in keys if key not in shown)
    return (
        *(chart for chart in known if chart.curves),
        *(_make_chart(key, keys) for key in sorted(rest) if key not in shown),
    )


def _make_chart(key: str, found: Iterable[str]) -> Chart:
    metric = describe_metric(key)
    roles: tuple[tuple[str, Role], ...] = ((key, "training"), (HELDOUT + key, "heldout"))
    curves = tuple(Curve(name, role) for name, role in roles if name in found)
    return Chart(key, f"{metric.title}, {metric.unit}" if metric.unit else metric.title, curves, metric.range)


_OVERFITTING = (
    "parts from the training curve and turns the wrong way: overfitting; the best checkpoint lies at the turn, and "
    "fewer epochs, a lower rate or more rows move it later"
)
_REWARDS = "ORPO, SimPO: beta x mean log-probability per token. DPO: beta x log(policy / reference), summed over tokens"

_ENTRIES = (
    Metric(
        key="loss",
        title="loss",
        unit="",
        better="down",
        meaning="What the optimiser minimises, over the whole optimiser step (all micro-batches, all ranks). Losses "
        "of different objectives, betas or templates do not compare.",
        readings=(
            ("orpo", "the chosen answer's NLL plus beta x the odds-ratio term; that term is 0.69 beta without any "
             "preference, so nearly all of the number is NLL"),
            ("simpo", "log(1 + e^gamma) without any preference (1.31 at gamma 1), towards 0 as pairs pass the target "
             "margin; no likelihood in it unless cpo_alpha > 0"),
            ("dpo", "0.693 (ln 2) at the first step, where policy and reference are one; no likelihood in it"),
            ("sft", "the chosen answer's NLL, nats per token"),
        ),
        healthy="Falls steeply once warm-up is over, then slowly. One step is noisy at small batches: read the smoothed "
        "line, and held-out beside it. Seen: SimPO on 1.7B, held-out 1.48 to 0.19 in 280 steps; ORPO on 32B, training "
        "0.2 after three epochs; ORPO on 135M, 4.9 to 2.6, held-out only 5.4 to 4.3.",
        warnings=(
            "a stair down at each new epoch: rows are being memorised; look at held-out",
            "flat after warm-up: rate too low, or nothing to learn in the pairs",
            "a jump that does not come back: rate too high; see grad_norm at that step",
            "near 0 under SimPO or DPO: every pair is past the margin, and gradients vanish; more steps add nothing",
        ),
        source="ORPO: Hong et al. 2024, eq. 6. SimPO: Meng et al. 2024, eq. 6. DPO: Rafailov et al. 2023, eq. 7",
        log_ok=True,
    ),
    Metric(
        key="nll",
        title="likelihood loss",
        unit="nats per token",
        better="down",
        meaning="Negative log-likelihood of the chosen answers, over all of their tokens, so long answers weigh more "
        "than in logp_chosen. e^nll is the perplexity.",
        readings=(
            ("orpo", "the likelihood part of the loss; with orpo.nll = \"sequence\" the prompt's tokens count too"),
            ("simpo", "watched, not trained, unless cpo_alpha > 0"),
            ("dpo", "watched, not trained"),
            ("sft", "the loss itself"),
        ),
        healthy="ORPO and SFT: falls and levels out above 0, at 1 to 2 for a voice near what a large model writes "
        "anyway, at 3 to 5 for a far voice on a small one. SimPO and DPO: about level.",
        warnings=(
            "rises under SimPO or DPO while the margin grows: the good answer itself becomes unlikely; fluency goes next",
            "training far below held-out: rows are being memorised",
        ),
        source="-sum log p(token) / tokens",
        log_ok=True,
    ),
    Metric(
        key="reward_chosen",
        title="chosen reward",
        unit="",
        better="up",
        meaning="The objective's implicit reward of the chosen answer, mean over pairs.",
        readings=(
            ("orpo", "beta x logp_chosen: always below 0, and says no more than logp_chosen does"),
            ("simpo", "beta x logp_chosen: always below 0, and says no more than logp_chosen does"),
            ("dpo", "0 at the first step; above 0 the answer is likelier than under the reference, below 0 less likely"),
            ("sft", "not measured"),
        ),
        healthy="ORPO: rises. SimPO: level or slightly down. DPO: above 0 or a little below, the rejected one well "
        "beneath it.",
        warnings=(
            "falls for 20 steps beyond its noise: raises the alarm chosen-falling",
            "falls together with the rejected reward while the margin grows: likelihood displacement (Pal et al. 2024; "
            "Razin et al. 2024). The model unlearns both answers and its probability goes elsewhere: lower rate, fewer "
            "steps, under DPO a higher beta, or an objective with a likelihood term (ORPO, cpo_alpha)",
            "DPO, plunging far below 0: collapse. It happened to Madison at 200 pairs: stop, and go back a checkpoint",
        ),
        source=_REWARDS,
        format="+#.3g",
    ),
    Metric(
        key="reward_rejected",
        title="rejected reward",
        unit="",
        better="down",
        meaning="The objective's implicit reward of the rejected answer, mean over pairs. Only its distance from the "
        "chosen reward counts.",
        readings=(
            ("orpo", "beta x logp_rejected"),
            ("simpo", "beta x logp_rejected"),
            ("dpo", "0 at the first step; below 0 the answer is less likely than under the reference"),
            ("sft", "not measured"),
        ),
        healthy="Falls, gently and then levelling, while the chosen reward holds.",
        warnings=(
            "falls without levelling: pushing down is the cheap way to a margin; watch the chosen reward and the answers",
            "rises with the chosen reward: the model learns what both answers share (form, topic), not what parts them",
        ),
        source=_REWARDS,
        format="+#.3g",
    ),
    Metric(
        key="margin",
        title="reward margin",
        unit="",
        better="up",
        meaning="Chosen reward minus rejected reward, in the objective's own scale. Across objectives or betas compare "
        "margin_nats instead.",
        readings=(
            ("orpo", "beta x margin_nats: small numbers at beta 0.1"),
            ("simpo", "beta x margin_nats; gamma is the target that the loss asks every pair to pass"),
            ("dpo", "0 at the first step; how much further apart the answers are than under the reference"),
            ("sft", "not measured"),
        ),
        healthy="Rises from where the base stands and levels out. SimPO on 1.7B at beta 2: 0.03 at step 20, 6.2 at 200, "
        "6.5 at 280, held out. DPO at beta 0.1: single digits.",
        warnings=(
            "grows in training only: the pairs are learned by heart",
            "grows on and on while chosen reward falls: see reward_chosen",
            "near 0 after the first epochs: too few steps or too low a rate; five epochs more took a SimPO critic from "
            "-0.06 to 6.5",
        ),
        source="reward_chosen - reward_rejected",
        format="+#.3g",
    ),
    Metric(
        key="margin_nats",
        title="margin",
        unit="nats per token",
        better="up",
        meaning="How much likelier a token of the chosen answer is than one of the rejected, in logs: the preference "
        "itself, comparable across objectives and betas.",
        readings=(
            ("sft", "held out only; rejected answers take no part in training"),
            ("dpo", "without the reference, so not what the loss sees; margin is"),
        ),
        healthy="Starts below 0 where the base prefers its own manner (-2.0 for Madison on 135M), crosses 0 and levels "
        "out at +0.5 to +3. Held-out follows at a distance: +1.7 beside +3.2 after 120 steps there.",
        warnings=(
            "rises because logp_rejected falls while logp_chosen falls too: not learning the voice; see logp_chosen",
            "falls to a quarter of its best: raises the alarm margin-collapse",
            "wide, and the character still breaks: a margin is measured on given answers, not on what the model says",
        ),
        source="logp_chosen - logp_rejected",
        format="+#.3g",
    ),
    Metric(
        key="accuracy",
        title="pair accuracy",
        unit="",
        better="up",
        meaning="Share of pairs whose chosen answer has the higher reward. A batch of 4 knows only steps of 25 points: "
        "read the smoothed line and held-out.",
        readings=(
            ("orpo", "by mean log-probability; may start near 0% where the base prefers its own manner"),
            ("simpo", "by mean log-probability; may start near 0% where the base prefers its own manner"),
            ("dpo", "by reward against the reference; 0% at the first step, where every pair is a tie"),
            ("sft", "by mean log-probability, held out only"),
        ),
        healthy="Held-out above 70%, on clear-cut pairs above 90%; training higher.",
        warnings=(
            "100% while the loss is flat: every pair is told apart already, perhaps by a shortcut (length, markup, a "
            "greeting); harder pairs teach more than further steps",
            "100% with a loss near 0 from the first steps of DPO: probably the wrong reference",
            "about 50% throughout: chosen and rejected too alike, or the rate too low",
            "falls below where it started: chosen and rejected swapped?",
            "high, yet no better in use: 96.9% held-out pairs went with a gain of 0.0025 on sealed tasks (SimPO, 1.7B)",
        ),
        source="mean [reward_chosen > reward_rejected]",
        format=".1%",
        range=(0.0, 1.0),
    ),
    Metric(
        key="logp_chosen",
        title="chosen log-probability",
        unit="nats per token",
        better="up",
        meaning="Mean log-probability of a token of the chosen answer, averaged over pairs; prompt not counted. At -1 a "
        "token gets 37% in the geometric mean, at -3 it gets 5%.",
        healthy="ORPO and SFT: rises. SimPO and DPO: level, or down a little. On 135M with ORPO: -4.8 to -4.2 held out, "
        "-2.6 in training.",
        warnings=(
            "falls together with logp_rejected while the margin rises: likelihood displacement; the model learns what "
            "not to say, and answers turn odd, then repetitive. Lower rate, fewer steps, or a likelihood term",
            "rises in training, falls held out: learned by heart",
        ),
        source="mean over pairs of sum log p(token) / tokens",
        format="#.3g",
    ),
    Metric(
        key="logp_rejected",
        title="rejected log-probability",
        unit="nats per token",
        better="down",
        meaning="Mean log-probability of a token of the rejected answer, averaged over pairs; prompt not counted.",
        readings=(("sft", "held out only; rejected answers take no part in training"),),
        healthy="Crosses below logp_chosen and levels out. On 135M with ORPO: -2.8 to -5.9 held out.",
        warnings=(
            "rises as fast as logp_chosen (SFT): form and topic are learned, the character is not",
            "drops by nats within a few steps: rate or beta too high; logp_chosen usually follows it down",
        ),
        source="mean over pairs of sum log p(token) / tokens",
        format="#.3g",
    ),
    Metric(
        key="log_odds",
        title="log odds ratio",
        unit="",
        better="up",
        meaning="ORPO only: log of the odds p / (1 - p) of the chosen answer over those of the rejected, p being the "
        "geometric mean probability of a token. Runs ahead of margin_nats as p nears 1.",
        healthy="Crosses 0 and levels out between 1 and 4. The preference part of the gradient fades as 1 / (1 + e^x): "
        "a half at 0, a twentieth at 3.",
        warnings=(
            "stays where it began while nll falls: beta too weak, the run is all but SFT",
            "above 5: the preference part no longer acts, the rest is SFT",
        ),
        source="Hong et al. 2024 (ORPO), eq. 7",
        format="+#.3g",
    ),
    Metric(
        key="grad_norm",
        title="gradient norm",
        unit="",
        better="none",
        meaning="Length of the adapter's gradient over the step, before clipping (optim.clip, 1.0 unless set).",
        healthy="Mostly highest early on, then level, between 0.01 and 10. The level depends on objective, beta "
        "and rank (SimPO's is high); what tells is a change against its own past.",
        warnings=(
            "single spikes that the loss forgets: an odd batch; clipping holds them. Look at its rows if they recur",
            "climbs, or stays above the clip: rate too high, steps have one length whatever the gradient",
            "exactly 0: nothing trains, or every pair is saturated",
            "a gap with a red tick: not finite; that update was skipped and the alarm nan raised",
        ),
        source="L2 norm over LoRA's parameters",
        format="#.3g",
        log_ok=True,
    ),
    Metric(
        key="lr",
        title="learning rate",
        unit="",
        better="none",
        meaning="The rate that this step was taken at. Under warm-up the first step's is 0, so nothing moves at it.",
        healthy="Climbs through warm-up (10% of the steps unless set), then follows the schedule. LoRA takes about ten "
        "times what full fine-tuning does: 3e-4 on 135M, 2e-5 for ORPO on 32B; SimPO about a tenth of ORPO's.",
        warnings=(
            "SimPO repeats itself: its authors name 1e-5 (full fine-tuning, 7B to 9B) as too high already",
            "a step in the curve after resume or fork: the recipe's length or rate was changed there",
        ),
        source="optim.lr x schedule(step)",
        format=".3g",
        log_ok=True,
    ),
    Metric(
        key="epoch",
        title="epoch",
        unit="passes",
        better="none",
        meaning="Passes over the training rows so far.",
        healthy="1 to 5 for preference training; 3 unless set. 306 pairs with SimPO took 8.",
        warnings=("past 3 with held-out loss rising: enough",),
        source="rows seen / training rows",
        format=".2f",
    ),
    Metric(
        key="tokens",
        title="tokens",
        unit="tokens",
        better="none",
        meaning="Tokens trained on so far, prompts included, padding not; both answers of a pair (SFT: the chosen one). "
        "Counts on across resumes. The fair x axis for runs whose batches differ.",
        healthy="A nearly straight line.",
        warnings=("a kink: another batch size, or rows of another length, from there on",),
        source="sum of the attention masks",
        format=",.0f",
    ),
    Metric(
        key="tokens_per_second",
        title="speed",
        unit="tokens/s",
        better="up",
        meaning="Tokens of this step over its seconds, padding not counted; held-out scoring, sentinels and checkpoints "
        "not included. DPO's pass through the reference takes time and counts no tokens.",
        healthy="Level, swaying with row length; the first step is slow. LoRA's ceiling is the device's peak FLOP/s over "
        "4 x parameters (6 x with gradient checkpointing); 40% of it is very good.",
        warnings=(
            "a lasting step down: another process on the device, or it throttles",
            "sinks slowly: memory is swapping, see rss_mb",
            "saws widely: rows of very unequal length in one batch; sort or shorten them",
        ),
        source="non-padding tokens / seconds_per_step",
        format=",.0f",
        log_ok=True,
    ),
    Metric(
        key="seconds_per_step",
        title="step time",
        unit="s",
        better="down",
        meaning="Wall time of one optimiser step, all micro-batches; held-out scoring, sentinels and checkpoints not "
        "included.",
        healthy="Level, swaying with row length; the first step is slow.",
        warnings=(
            "climbs: another process on the device, throttling, or memory that swaps",
            "no step for max(60 s, 5 x the median): the run shows as stalled",
        ),
        source="clock from first micro-batch to end of update",
        format="#.3g",
        log_ok=True,
    ),
    Metric(
        key="rss_mb",
        title="process memory",
        unit="MiB",
        better="none",
        meaning="Resident memory of the worker's process after the step; on a GPU run this is the host's side.",
        healthy="Rises until the longest rows have been seen, then level.",
        warnings=(
            "climbs without end: a leak",
            "near the machine's memory: the kernel kills the worker without a word, and the run shows as lost",
        ),
        source="resident set of the process",
        format=",.0f",
        log_ok=True,
    ),
    Metric(
        key="device_mb",
        title="GPU memory",
        unit="MiB",
        better="none",
        meaning="Most GPU memory that tensors took at once since the attempt began, so it never falls; the driver shows "
        "more, for caches and context. Missing on a CPU.",
        healthy="Jumps at the first steps, then level, with a tenth of the device to spare for the longest rows.",
        warnings=("steps up late: longer rows than before; the next ones may not fit",),
        source="peak of allocated tensors",
        format=",.0f",
        log_ok=True,
    ),
    Metric(
        key="break_rate",
        title="break rate",
        unit="",
        better="down",
        meaning="Share of the sentinels' answers in which the character breaks: claims to be an AI, names its makers or "
        "its training, refuses or offers help as assistants do. What the model says itself, not what it thinks of "
        "given answers.",
        healthy="From the base's own rate down to a few percent: 61% to 0 of 120 on the demo. The first and last moment "
        "are asked in full, those between as time allows, so their points are coarser; 0 of 120 still allows 3%.",
        warnings=(
            "rises again late: overtrained; take an earlier checkpoint",
            "low with in_character_rate low as well: neither assistant nor character, perhaps nonsense; read the answers",
            "low on average: one kind of prompt may break always (97% on one, 0 to 6% on most, Madison on 27B); see the "
            "heat map",
        ),
        source="answers with a break / answers; rules, no judge",
        format=".1%",
        range=(0.0, 1.0),
    ),
    Metric(
        key="in_character_rate",
        title="in character",
        unit="",
        better="up",
        meaning="Share of the sentinels' answers that bear the marks of the character's voice (character.toml), without a "
        "break. Plain assistant prose is neither a break nor in character, so the two rates do not add up to 1.",
        healthy="Rises as breaks fall, usually after them: 1% to 82% of 120 on the demo.",
        warnings=(
            "stuck while the break rate is 0: the assistant is gone, the voice not there yet; voice takes more pairs than "
            "knowledge does (475 were too few, 1,273 enough, 27B)",
            "high while the answers are all alike: a parrot; marks can be learned without sense",
        ),
        source="answers with the character's marks / answers; rules, no judge",
        format=".1%",
        range=(0.0, 1.0),
    ),
)  # fmt: skip
METRICS = {metric.key: metric for metric in _ENTRIES}
AXES = frozenset({"epoch", "tokens"})
"""What charts are drawn over, rather than drawn."""

CHARTS = (
    Chart("loss", "loss", (Curve("loss", "training"), Curve("heldout.loss", "heldout"))),
    Chart(
        "margin_nats",
        "margin, nats per token",
        (Curve("margin_nats", "training"), Curve("heldout.margin_nats", "heldout")),
    ),
    Chart(
        "rewards",
        "rewards: chosen, rejected",
        (
            Curve("reward_chosen", "training"),
            Curve("reward_rejected", "second"),
            Curve("heldout.reward_chosen", "heldout"),
            Curve("heldout.reward_rejected", "heldout-second"),
        ),
    ),
    Chart(
        "accuracy",
        "pair accuracy",
        (Curve("accuracy", "training"), Curve("heldout.accuracy", "heldout")),
        range=(0.0, 1.0),
    ),
    Chart(
        "logps",
        "log-probability: chosen, rejected",
        (
            Curve("logp_chosen", "training"),
            Curve("logp_rejected", "second"),
            Curve("heldout.logp_chosen", "heldout"),
            Curve("heldout.logp_rejected", "heldout-second"),
        ),
    ),
    Chart(
        "sentinels",
        "sentinels: breaks, in character",
        (Curve("break_rate", "training"), Curve("in_character_rate", "second")),
        range=(0.0, 1.0),
    ),
    Chart("lr", "learning rate", (Curve("lr", "training"),)),
    Chart("grad_norm", "gradient norm", (Curve("grad_norm", "training"),)),
    Chart("tokens_per_second", "speed, tokens/s", (Curve("tokens_per_second", "training"),)),
    Chart("memory", "memory, MiB: process, GPU", (Curve("rss_mb", "training"), Curve("device_mb", "second"))),
    Chart("nll", "likelihood loss, nats per token", (Curve("nll", "training"), Curve("heldout.nll", "heldout"))),
    Chart("log_odds", "log odds ratio", (Curve("log_odds", "training"), Curve("heldout.log_odds", "heldout"))),
)
"""The charts of the training panel, the most telling first."""

"""A comparison of forms as one table: what `charlab parity` prints. Everything is derived from the run's files."""

import statistics
from typing import Any

from engine.forge.parity_judged import read_scores
from engine.probe.summary import count_rates, read_samples
from engine.records.forms import TRAINED, FormRow
from engine.records.rows import Sample
from engine.stats.intervals import wilson
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_parity_run, read_records
from engine.store.state import describe_state

NOISE_KL = 0.01
"""Nats per token: bf16 against fp32 alone makes about 0.003 on the bundled model."""


def summarise_parity(paths: RunPaths) -> dict[str, Any]:
    """The run's record and one row a form, the trained form first."""
    run = open_parity_run(paths)
    samples = read_samples(paths)
    found = {row.form: row for row in read_records(paths.forms, FormRow)[0]}
    return {
        **describe_state(paths, run),
        "measure": run.measure,
        "samples": run.samples,
        "sampling": run.sampling.to_json(),
        "forms": [
            describe_form(found[form], [s for s in samples if s.form == form]) for form in run.forms if form in found
        ],
        "judge": run.judge,
        "scores": read_scores(paths, Workspace(paths.folder.parent.parent)),
        "versions": run.versions,
    }


def describe_form(row: FormRow, samples: list[Sample]) -> dict[str, Any]:
    rates = count_rates(samples)
    parted = [d for d in row.differences if d.token is not None]
    divergence = row.divergence
    return {
        "form": row.form,
        "reference": row.reference,
        "backend": row.backend,
        **{key: rates[key] for key in ("breaks", "n", "rate", "ci", "in_character_rate", "modes", "levels")},
        "kl": None if divergence is None else {
            "mean": divergence.kl_mean, "max": divergence.kl_max, "positions": divergence.positions,
        },
        "top1": None if divergence is None else wilson(divergence.agreements, divergence.positions).to_json("agree"),
        "greedy": {
            "same": len(row.differences) - len(parted),
            "of": len(row.differences),
            "median_token": statistics.median(d.token for d in parted if d.token is not None) if parted else None,
            "differences": [d.to_json() for d in parted],
        },
        "bytes": row.bytes,
        "tokens_per_second": row.tokens / row.seconds if row.tokens and row.seconds else None,
        "cause": find_cause(row),
        "tokens_differ": row.tokens_differ,
        "notes": row.notes,
        "error": {"message": row.error, "fix": row.fix} if row.error else None,
    }  # fmt: skip


def find_cause(row: FormRow) -> str:
    """Why the form answers otherwise: what it is asked comes before what it weighs."""
    if row.error or row.form == TRAINED:
        return ""
    if row.tokens_differ:
        return row.tokens_differ[0].partition(":")[0]
    if row.divergence is None or not row.divergence.positions:
        return "not measured"
    return "weights" if row.divergence.kl_mean > NOISE_KL else "none"

"""Measures charlab against what it must reach, and prints one table; nothing is asserted.

    python tests/bench/run.py [--long] [--only NAME]

The exit code is 0 unless a benchmark crashed.
"""

import argparse
import os
import platform
import signal
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import Row, environment

NAMES = (
    "speed", "parity", "resume", "journal", "first-step", "store", "start-up", "table", "chart", "console", "serving", "judging",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure charlab against what it must reach.")
    parser.add_argument(
        "--long", action="store_true", help="40 steps per side instead of 4, the console for half an hour"
    )
    parser.add_argument("--only", choices=NAMES, help="one benchmark alone")
    given = parser.parse_args()
    os.environ.update(environment())
    # so that a benchmark that is ended puts its folders and processes away
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.perf_counter()
    print(describe_machine(), flush=True)
    rows: list[Row] = []
    notes: list[str] = []
    crashed: list[str] = []
    step: float | None = None
    for name in [given.only] if given.only else NAMES:
        since = time.perf_counter()
        try:
            if name == "speed":
                import speed

                more, told, step = speed.measure(40 if given.long else 4)
            elif name == "journal":
                import journal

                more, told = journal.measure(step)
            elif name in ("table", "chart"):
                more, told = run_told(name)
            elif name == "console":
                import lab

                more, told = lab.measure_long() if given.long else lab.measure()
            else:
                more, told = run_plain(name)
        except Exception:
            traceback.print_exc()
            crashed.append(name)
        else:
            rows += more
            notes += told
        print(f"{name}: {time.perf_counter() - since:.0f} s", file=sys.stderr, flush=True)
    print_table(rows)
    print("\n" + "\n".join(notes))
    busy = f"load average {os.getloadavg()[0]:.1f}"
    print(f"{describe_machine()}, {busy}, took {time.perf_counter() - began:.0f} s")
    if crashed:
        print(f"crashed: {', '.join(crashed)}", file=sys.stderr)
    return 1 if crashed else 0


def run_plain(name: str) -> tuple[list[Row], list[str]]:
    import first_step
    import judging
    import parity
    import resume
    import serving
    import start_up
    import store

    plain = {
        "parity": parity, "resume": resume, "first-step": first_step, "store": store, "start-up": start_up,
        "serving": serving, "judging": judging,
    }  # fmt: skip
    return plain[name].measure()  # type: ignore[no-any-return]


def run_told(name: str) -> tuple[list[Row], list[str]]:
    """The benchmarks that run without a workspace and tell their figures as texts, "-" where none is set."""
    import chart
    import table

    rows, notes = [], []
    for what, must, aim, measured in table.measure_table() if name == "table" else chart.measure():
        if must == "-":
            notes.append(f"{what}: {measured}")
        else:
            bound, unit = must.split()
            value, wanted = float(measured.split()[0]), float(aim.split()[0])
            rows.append(Row(what, float(bound), wanted, value, unit, measured))
    if name == "chart":
        seen, of = chart.count_spikes(), chart.SPIKES
        rows.append(
            Row("spikes in a million points seen at 60 columns", 1, None, seen / of, "", f"{seen} of {of}", True)
        )
    return rows, notes


def print_table(rows: list[Row]) -> None:
    table = [("what", "must reach", "aim", "measured", "of must", "verdict")]
    for row in rows:
        sign = ">=" if row.more else "<="
        aim = "" if row.aim is None else f"{row.aim:g}"
        ratio = f"{row.value / row.must:.3g}" if row.must else ""
        table.append((row.what, f"{sign} {row.must:g} {row.unit}".rstrip(), aim, row.measured, ratio, row.verdict()))
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    print()
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def describe_machine() -> str:
    import importlib.metadata

    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "trl"))
    return f"{name_cpu()}, {os.cpu_count()} cores, {versions}, {time.strftime('%Y-%m-%d %H:%M')}"


def name_cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    name = found.get("model name", platform.machine())
    if "cpu family" in found:
        name += f" (family {found['cpu family']}, model {found['model']})"
    return name


if __name__ == "__main__":
    sys.exit(main())

"""What a long collection found alive is not walked again."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import gc
from console.collecting import Freezer

freezer = Freezer()
freezer.start()
before = gc.get_freeze_count()
stays = [[number] for number in range(1_000_000)]
gc.collect()
# what the last collection walked in no time is not frozen
assert gc.get_freeze_count() - before > len(stays) / 2, gc.get_freeze_count() - before
freezer.stop()
assert not gc.callbacks, gc.callbacks
"""


def test_what_outlived_a_long_collection_is_not_looked_at_again() -> None:
    # in a process of its own: what other tests left would be counted too
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

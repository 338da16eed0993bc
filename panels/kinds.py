"""The console's panels by number, and which of them shows a run of which kind."""

from panels.text import plain

PANELS = (
    ("runs", "Runs"), ("training", "Training"), ("sentinels", "Sentinels"), ("compare", "Compare"),
    ("datasets", "Datasets"), ("launch", "Launch"), ("chat", "Chat"), ("evals", "Evals"), ("ledger", "Ledger"),
)  # fmt: skip
PANEL_OF = {"train": "training", "probe": "sentinels", "eval": "evals", "score": "evals"}
"""Of the other kinds the command tells, and Training shows their log."""
_NAMES = {panel: f"{number} {title}" for number, (panel, title) in enumerate(PANELS, 1)}


def point_elsewhere(run: str, kind: str) -> str:
    """'ID is an eval run: 8 Evals shows it', or the command that does."""
    a = f"{'an' if kind[:1] in set('aeiou') else 'a'} {plain(kind)} run"
    if kind in PANEL_OF:
        return f"{plain(run)} is {a}: {_NAMES[PANEL_OF[kind]]} shows it"
    return f"{a}: charlab show {plain(run)}"

"""Where the result of a run is to be seen that a panel has nothing of."""

from panels.text import plain

OWN = {"probe": "3 Sentinels", "eval": "8 Evals", "score": "8 Evals"}
"""The panel of a kind; of all others the command tells."""


def point_elsewhere(run: str, kind: str) -> str:
    """'ID is an eval run: 8 Evals shows it', or the command that does."""
    a = f"{'an' if kind[:1] in set('aeiou') else 'a'} {plain(kind)} run"
    return f"{plain(run)} is {a}: {OWN[kind]} shows it" if kind in OWN else f"{a}: charlab show {plain(run)}"

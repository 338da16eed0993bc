"""The command that writes a run's model card."""

from pathlib import Path

from console.text import narrate, print_json, say
from engine.store.paths import find_workspace
from panels.text import plain


def card(run: str, *, out: str | None, json: bool, workspace: str | None) -> None:
    from engine.card import gather_card, write_card

    room = find_workspace(workspace)
    if json:
        print_json(gather_card(run, room))
        return
    path, facts = write_card(run, room, Path(out).expanduser() if out else None)
    say(str(path))
    for limit in facts["limits"]:
        narrate(f"  {plain(limit)}")

"""The commands about workspaces, characters and datasets."""

from collections import Counter
from pathlib import Path

from console.text import narrate, print_json, say
from engine.errors import InputError, RefusedError
from engine.store.paths import find_workspace
from panels.text import align, plain


def init(folder: str, *, json: bool) -> None:
    from engine.data.layout import make_workspace

    room = make_workspace(Path(folder).expanduser())
    if json:
        print_json({"workspace": str(room.folder)})
    narrate(f"made {room.folder} with Madison in it\nnext: cd {folder} && charlab train madison-orpo")


def new_character(name: str, *, json: bool, workspace: str | None) -> None:
    from engine.data.layout import lay_out_character

    paths = lay_out_character(find_workspace(workspace), name)
    if json:
        print_json({"dataset": name, "path": str(paths.folder)})
    narrate(
        f"laid out {paths.folder}\nfill in character.toml, constitution.md, pairs.jsonl, prompts.jsonl and probes.jsonl, "
        f"then: charlab data check {name}, charlab data seal {name}, charlab train {name}-orpo"
    )


def check(name: str, *, json: bool, workspace: str | None) -> None:
    from engine.data.check import check_dataset

    report = check_dataset(find_workspace(workspace), name)
    if json:
        print_json(report)
        return
    say(f"{name}: {report['rows']} pairs, {report['probes']} probes, {report['prompts']} prompts; every row is valid")
    if rubric := report["rubric"]:
        say(f"  rubric {plain(rubric['name'])} version {rubric['version']}")
    say("  " + ", ".join(f"{plain(c)} {n}" for c, n in report["categories"].items()))
    words = report["words"]
    say(f"  words, median: prompt {words['prompt']}, chosen {words['chosen']}, rejected {words['rejected']}")
    for finding in report["findings"]:
        say(f"  {plain(finding)}")
    if not report["sealed"]:
        say(f"  dataset.json is not of these rows; charlab data seal {name}")


def show(name: str, *, limit: int | None, json: bool, workspace: str | None) -> None:
    from engine.data.browse import browse_dataset

    view = browse_dataset(find_workspace(workspace), name)
    if json:
        facts = view.to_json()
        print_json({**facts, "items": facts["items"][:limit]})
        return
    say(
        f"{plain(name)}: {len(view.items)} rows, {view.with_findings} with findings; {view.probes} probes, "
        f"{view.prompts} prompts; {view.seal}"
    )
    say("  " + ", ".join(f"{plain(c, 40) or 'none'} {n}" for c, n in view.categories.items()))
    lengths = view.lengths
    say(
        f"  words, median: chosen {lengths.chosen_median}, rejected {lengths.rejected_median}; "
        f"chosen longer in {lengths.chosen_longer:.0%}"
    )
    for note in view.notes:
        say(f"  {plain(note)}")
    rows = [["line", "id", "category", "chosen", "rejected", "prompt"]]
    for item in view.items[:limit]:
        words = [f"{item.chosen_words}", f"{item.rejected_words}"] if item.usable else ["", ""]
        rows.append(
            [f"{item.line}", plain(item.id, 30), plain(item.category, 20), *words, plain(item.asked or item.raw, 60)]
        )
    head, *lines = align(rows, {0, 3, 4})
    say(head)
    for line, item in zip(lines, view.items[:limit], strict=True):
        say(line)
        for finding in item.findings:
            say(f"      {plain(finding)}")
    if left := len(view.items[len(lines) :]):
        narrate(f"{left} more rows; without --limit all are shown")


def seal(name: str, *, json: bool, workspace: str | None) -> None:
    from engine.data.check import find_untouched
    from engine.data.layout import seal_dataset
    from engine.data.read import read_jsonl
    from engine.records.dataset import Pair

    room = find_workspace(workspace)
    manifest = seal_dataset(room, name)
    if json:
        print_json(manifest.to_json())
    narrate(f"sealed {name}: {manifest.rows} rows, sha256 {manifest.sha256[:12]}")
    paths = room.dataset(name)
    for finding in find_untouched(paths.pairs, read_jsonl(paths.pairs, Pair)):
        narrate(f"  {plain(finding)}")


def audit(name: str, sealed: list[str], *, meaning: bool, json: bool, workspace: str | None) -> None:
    from engine.data.layout import audit_dataset

    leaks = audit_dataset(find_workspace(workspace), name, sealed, meaning)
    if json:
        print_json([leak._asdict() for leak in leaks])
    else:
        for leak in leaks:
            say(plain(str(leak)))
    if leaks:
        raise RefusedError(
            f"{name} repeats {len(leaks)} sealed prompts", fix="reword or remove those rows, then seal again"
        )
    if not json:
        say(plain(f"{name}: no row repeats a prompt or probe of {', '.join(sealed)}"))


def write_conversations(out: str, *, count: int, seed: int, modern: bool, json: bool) -> None:
    from engine.data.conversations import generate_conversations
    from engine.store.journal import write_rows

    path = Path(out).expanduser()
    if path.exists():
        raise InputError(
            f"{path} is there already", fix="name a new file; sets are joined by putting their rows together"
        )
    made = generate_conversations(seed, count, modern=modern)
    try:
        write_rows(path, [conversation.to_json() for conversation in made])
    except OSError as bad:
        raise InputError(f"{path} cannot be written: {bad.strerror}", fix="--out a file in a folder of yours") from bad
    categories = Counter(conversation.category for conversation in made)
    if json:
        print_json({"path": str(path), "conversations": len(made), "seed": seed, "categories": categories})
    told = ", ".join(f"{category} {n}" for category, n in categories.items())
    narrate(f"wrote {len(made)} conversations to {plain(str(path))}: {told}")

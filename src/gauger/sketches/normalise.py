"""What a word is, as tables that the kernel reads.

The rule, exactly:

1. The text is brought to Unicode normal form KC, then casefolded (``unicodedata.normalize("NFKC", text).casefold()``).
2. Format characters (category Cf: zero-width joiners, soft hyphens, marks of direction ...) and variation selectors are
   dropped, so that an invisible character cannot cut a word in two.
3. A word begins with a letter or a number (``str.isalnum``) and takes the letters, numbers and combining marks
   (category M) that follow it without a gap. Digits stay as they are.
4. A Han, kana or hangul character is a word of its own, with the marks on it. Scripts written without spaces otherwise
   (Thai, Khmer ...) are cut only where something that is no letter stands.
5. All else separates words, and so does every byte that is not well-formed UTF-8.

Almost every character normalises by itself; the few that may combine with the one before (combining marks, conjoining
jamo) are marked `INTERACTS`, and only texts that hold one are normalised by Arrow before the kernel reads them.

Characters are those of the running Python's Unicode tables; later ones separate words.
"""

import sys
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SEPARATOR: Final = 0
LETTER: Final = 1  # letters and numbers: words are runs of these
ALONE: Final = 2  # a word of its own
MARK: Final = 3  # belongs to the word before it, if one is open
IGNORED: Final = 4
REPLACED: Final = 5  # by what rule 1 makes of it
KIND_BITS: Final = 7
INTERACTS: Final = 8

#: Blocks of Han, kana and hangul.
_ALONE_RANGES: Final = (
    (0x1100, 0x11FF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x30FF),
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
)
#: Planes 0 to 3 and 14 without the surrogates: no character with a meaning is assigned elsewhere.
_ASSIGNABLE: Final = (range(0xD800), range(0xE000, 0x40000), range(0xE0000, 0xF0000))
_HANGUL_VOWELS_AND_FINALS: Final = frozenset(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))


class CharacterTables(NamedTuple):
    """What the kernel knows of every code point.

    Attributes
    ----------
    traits
        uint8 by code point: its kind, and `INTERACTS`.
    replacement
        uint16 by code point: which replacement, where the kind is `REPLACED`.
    replacement_start
        int32: replacement i is characters `replacement_start[i]` to `replacement_start[i + 1]` of the next three.
    replaced_kind
        uint8: the kind of a folded character (never `REPLACED`).
    replaced_start, replaced
        int32 and uint8: its UTF-8 is `replaced[replaced_start[j]:replaced_start[j + 1]]`.
    """

    traits: npt.NDArray[np.uint8]
    replacement: npt.NDArray[np.uint16]
    replacement_start: npt.NDArray[np.int32]
    replaced_kind: npt.NDArray[np.uint8]
    replaced_start: npt.NDArray[np.int32]
    replaced: npt.NDArray[np.uint8]


@lru_cache(maxsize=1)
def character_tables() -> CharacterTables:
    """Return the tables of all code points, built once per process (about a quarter of a second)."""
    traits = np.zeros(sys.maxunicode + 1, np.uint8)
    replacement = np.zeros(sys.maxunicode + 1, np.uint16)
    starts = [0]
    replaced: list[str] = []
    seconds = _second_in_composition()
    for block in _ASSIGNABLE:
        for code_point in block:
            character = chr(code_point)
            if unicodedata.category(character) in {"Cn", "Co"}:
                continue
            folded = unicodedata.normalize("NFKC", character).casefold()
            if folded == character:
                traits[code_point] = _kind(character)
            else:
                traits[code_point] = REPLACED
                replacement[code_point] = len(starts) - 1
                replaced.extend(folded)
                starts.append(len(replaced))
            traits[code_point] |= INTERACTS * _interacts(character, seconds)
    encoded = [character.encode() for character in replaced]
    return CharacterTables(
        traits,
        replacement,
        replacement_start=np.array(starts, np.int32),
        replaced_kind=np.array([_kind(character) for character in replaced], np.uint8),
        replaced_start=np.cumsum([0, *map(len, encoded)], dtype=np.int32),
        replaced=np.frombuffer(b"".join(encoded), np.uint8),
    )


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    if category == "Cf" or _is_variation_selector(character):
        return IGNORED
    if category[0] == "M":
        return MARK
    if not character.isalnum():
        return SEPARATOR
    return ALONE if any(low <= ord(character) <= high for low, high in _ALONE_RANGES) else LETTER


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _interacts(character: str, seconds: frozenset[str]) -> bool:
    """Whether normalisation may join this character to the one before, or move it past it."""
    first = unicodedata.normalize("NFKD", character)[0]
    return unicodedata.combining(first) != 0 or first in seconds


def _second_in_composition() -> frozenset[str]:
    """Characters that can be the second of a pair that composes, those excluded from composition too."""
    decompositions = (unicodedata.decomposition(chr(code_point)).split() for code_point in range(0xA0, 0x20000))
    pairs = (parts for parts in decompositions if len(parts) == 2 and not parts[0].startswith("<"))
    return _HANGUL_VOWELS_AND_FINALS | frozenset(chr(int(second, 16)) for _, second in pairs)


def normalise(texts: pa.Array) -> pa.Array:
    """Return the texts, which must be valid UTF-8, in normal form KC."""
    return pc.utf8_normalize(texts, form="NFKC")

"""Normalising by table, character by character, is normalising the whole text."""

import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.sketches.normalise import INTERACTS, character_tables, normalise_rows

assigned = st.characters(exclude_categories=("Cs", "Cn", "Co"))


def replaced(character):
    tables = character_tables()
    index = tables.replacement[ord(character)]
    if index == 0:
        return character
    start, stop = tables.replacement_start[index : index + 2]
    return "".join(map(chr, tables.replaced[start:stop]))


@settings(max_examples=300, deadline=None)
@given(text=st.text(assigned))
def test_characters_that_do_not_interact_normalise_by_themselves(text):
    traits = character_tables().traits
    quiet = "".join(c for c in text if not traits[ord(c)] & INTERACTS)
    assert "".join(map(replaced, quiet)) == unicodedata.normalize("NFKC", quiet).casefold()


def test_every_pair_with_a_quiet_second_normalises_apart():
    """A second character that composes must be marked: tried with the parts of every decomposable character."""
    traits = character_tables().traits
    for code_point in range(0xA0, 0x20000):
        parts = unicodedata.normalize("NFD", chr(code_point))
        if len(parts) > 1 and unicodedata.normalize("NFC", parts) == chr(code_point):
            assert all(traits[ord(c)] & INTERACTS for c in parts[1:]), hex(code_point)


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.one_of(st.none(), st.text(assigned, max_size=20)), max_size=5), mask=st.integers(0, 31))
def test_marked_rows_are_normalised_and_others_left(texts, mask):
    rows = np.array([bool(mask >> i & 1) and texts[i] is not None for i in range(len(texts))], bool)
    found = normalise_rows(pa.array(texts, pa.large_string()), rows).to_pylist()
    assert found == [unicodedata.normalize("NFKC", t) if marked else t for t, marked in zip(texts, rows, strict=True)]

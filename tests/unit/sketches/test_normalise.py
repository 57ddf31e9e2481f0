"""Normalising by table, character by character, is normalising the whole text."""

import unicodedata

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.sketches.normalise import INTERACTS, KIND_BITS, REPLACED, character_tables, normalise

assigned = st.characters(exclude_categories=("Cs", "Cn", "Co"))


def replaced(character):
    tables = character_tables()
    if tables.traits[ord(character)] & KIND_BITS != REPLACED:
        return character
    index = tables.replacement[ord(character)]
    start, stop = tables.replaced_start[tables.replacement_start[index : index + 2]]
    return tables.replaced[start:stop].tobytes().decode()


@settings(max_examples=300)
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


@settings(max_examples=200)
@given(texts=st.lists(st.one_of(st.none(), st.text(assigned, max_size=20)), max_size=5))
def test_arrow_normalises_as_python_does(texts):
    found = normalise(pa.array(texts, pa.large_string())).to_pylist()
    assert found == [text and unicodedata.normalize("NFKC", text) for text in texts]

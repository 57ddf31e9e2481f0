import bz2
import gzip
import itertools
import lzma
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.store.content import HEAD_BYTES, ContentHash, ContentReader, is_one_piece

DATA = b"".join(b"line %d of a log\n" % i for i in range(20_000))


def compressed(kind: str, data: bytes) -> bytes:
    match kind:
        case "plain":
            return data
        case "gzip":
            return gzip.compress(data)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case _:
            return pa.Codec(kind).compress(data, asbytes=True)


KINDS = ["plain", "gzip", "bz2", "xz", "zstd", "lz4"]


@given(st.binary(max_size=3 * HEAD_BYTES), st.lists(st.integers(0, 3 * HEAD_BYTES), max_size=6))
def test_a_hash_does_not_depend_on_how_the_bytes_arrive(data, cuts):
    whole, pieces = ContentHash(), ContentHash()
    whole.update(data)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(bounds):
        pieces.update(data[start:end])
    head = ContentHash()
    head.update(data[:HEAD_BYTES])
    assert pieces.digest() == whole.digest()
    assert pieces.head == whole.head == head.digest()
    assert pieces.n_bytes == len(data)
    assert pieces.head_bytes == min(len(data), HEAD_BYTES)


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=100))
def test_a_copy_goes_its_own_way(start, more):
    content = ContentHash()
    content.update(start)
    digest = content.digest()
    content.copy().update(more)
    assert content.digest() == digest


@pytest.mark.parametrize("kind", KINDS)
def test_a_log_is_the_same_log_under_every_compression(kind, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(compressed(kind, DATA))
    expected = ContentHash()
    expected.update(DATA[:100_000])
    with ContentReader(path) as reader:
        assert reader.advance(100_000)
        assert reader.content.digest() == expected.digest()
        assert not reader.is_at_end()
    expected.update(DATA[100_000:])
    with ContentReader(path, reader.content) as resumed:
        resumed.advance_to_end()
        assert resumed.is_at_end()
        assert not resumed.advance(len(DATA) + 1)
    assert reader.content.digest() == expected.digest()


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz", "zstd"])
def test_archives_may_have_several_members(kind, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(compressed(kind, DATA[:1000]) + compressed(kind, DATA[1000:]))
    expected = ContentHash()
    expected.update(DATA)
    with ContentReader(path) as reader:
        reader.advance_to_end()
    assert reader.content.digest() == expected.digest()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "plain"])
def test_a_cut_archive_is_an_input_error_that_names_the_file(kind, tmp_path):
    path = tmp_path / "log"
    whole = compressed(kind, DATA)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=str(path)), ContentReader(path) as reader:
        reader.advance_to_end()


def test_a_missing_log_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        ContentReader(tmp_path / "none")


@pytest.mark.parametrize(("start", "expected"), [(b"PAR1....", True), (b"ARROW1\0\0", True), (b'{"a": 1}', False)])
def test_formats_with_an_index_at_their_end_are_one_piece(start, expected, tmp_path):
    path: Path = tmp_path / "log"
    path.write_bytes(start)
    assert is_one_piece(path) is expected

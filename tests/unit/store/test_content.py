import gzip
import io
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.sources.content_hash import HEAD_BYTES, ContentHash, ContentMark, HashedStream
from gauger.sources.streams import opened_file, uncompressed
from gauger.store.content import ContentReader

DATA = b"".join(b"line %d of a log\n" % i for i in range(20_000))
NOISE = np.random.default_rng(1).bytes(3_000_000)


def compressed(kind: str, data: bytes) -> bytes:
    match kind:
        case "gzip":
            return gzip.compress(data)
        case "zstd":
            return pa.Codec("zstd").compress(data, asbytes=True)
        case _:
            return data


@given(st.binary(max_size=3 * HEAD_BYTES), st.lists(st.integers(0, 3 * HEAD_BYTES), max_size=6))
def test_a_hash_does_not_depend_on_how_the_bytes_arrive(data, cuts):
    whole, pieces = ContentHash(), ContentHash()
    whole.update(data)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(bounds):
        pieces.update(data[start:end])
    head = ContentHash()
    head.update(data[:HEAD_BYTES])
    mark = pieces.mark()
    assert mark == whole.mark() == ContentMark(len(data), whole.digest(), head.digest())
    assert mark.head_bytes == min(len(data), HEAD_BYTES)


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=100))
def test_a_copy_goes_its_own_way(start, more):
    content = ContentHash()
    content.update(start)
    digest = content.digest()
    content.copy().update(more)
    assert content.digest() == digest


@given(
    st.binary(max_size=200),
    st.integers(0, 200),
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 60)), max_size=20),
    st.integers(0, 100),
)
def test_what_passes_is_hashed_up_to_where_its_reader_is(data, known, steps, max_held):
    """Where more would wait than may, the hash is ahead: of a beginning of the log all the same."""
    file = io.BytesIO(data)
    before = ContentHash()
    before.update(data[:known])
    stream = HashedStream(_Reader(file, min(known, len(data))), before, max_held=max_held)
    at = before.n_bytes
    for size, back in steps:
        stream.read(size)
        at = max(at, stream.offset - back)
        stream.advance(at)
        found, expected = stream.content, ContentHash()
        expected.update(data[: found.n_bytes])
        assert found.mark() == expected.mark()
        assert at <= found.n_bytes <= stream.offset
        if back <= max_held:
            assert found.n_bytes == max(at, before.n_bytes)


class _Reader:
    def __init__(self, file, at):
        self._file = file
        file.seek(at)

    @property
    def offset(self):
        return self._file.tell()

    def read(self, size):
        return self._file.read(size)


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_a_log_is_the_same_log_under_every_compression(kind, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(compressed(kind, DATA))
    expected = ContentHash()
    expected.update(DATA[:100_000])
    with ContentReader(str(path)) as reader:
        assert reader.advance(100_000)
        assert reader.content.digest() == expected.digest()
        assert not reader.is_at_end()
    expected.update(DATA[100_000:])
    with ContentReader(str(path), reader.content) as resumed:
        resumed.advance_to_end()
        assert resumed.is_at_end()
        assert not resumed.advance(len(DATA) + 1)
    assert reader.content.digest() == expected.digest()


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_archives_may_have_several_members(kind, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(compressed(kind, DATA[:1000]) + compressed(kind, DATA[1000:]))
    expected = ContentHash()
    expected.update(DATA)
    with ContentReader(str(path)) as reader:
        reader.advance_to_end()
    assert reader.content.digest() == expected.digest()


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_cut_archive_is_the_beginning_of_the_whole_one(kind, tmp_path):
    path = tmp_path / "log"
    whole = compressed(kind, NOISE)
    path.write_bytes(whole[: len(whole) // 2])
    with ContentReader(str(path)) as reader:
        reader.advance_to_end()
        assert reader.is_at_end()
    expected = ContentHash()
    expected.update(NOISE[: reader.content.n_bytes])
    assert 0 < reader.content.n_bytes < len(NOISE)
    assert reader.content.digest() == expected.digest()


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd"])
def test_the_bytes_are_those_a_source_reads(kind, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(compressed(kind, DATA))
    expected = ContentHash()
    with opened_file(str(path)) as raw:
        stream = uncompressed(raw, path=str(path))
        while data := stream.read(10_007):
            expected.update(data)
    with ContentReader(str(path)) as reader:
        assert not reader.is_at_end()
        assert not reader.is_at_end()
        reader.advance_to_end()
    assert (reader.content.n_bytes, reader.content.digest()) == (expected.n_bytes, expected.digest())


def test_a_missing_log_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        ContentReader(str(tmp_path / "none"))


@pytest.mark.parametrize(("start", "expected"), [(b"PAR1....", True), (b"ARROW1\0\0", False), (b'{"a": 1}', False)])
def test_formats_with_an_index_at_their_end_are_one_piece(start, expected, tmp_path):
    path: Path = tmp_path / "log"
    path.write_bytes(start)
    with ContentReader(str(path)) as reader:
        assert reader.is_one_piece is expected

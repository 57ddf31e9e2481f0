"""What every place of a log promises: a file on this machine, and an object at an address."""

import io
import os
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import InputError
from gauger.sources.places import LocalFile, place_of, settled
from gauger.sources.streams import opened_file, uncompressed

DATA = np.random.default_rng(1).bytes(3_000_017)  # more than is fetched at first


@pytest.fixture(params=["file", "object"])
def put(request, tmp_path):
    """Store bytes under a name; return the place's own name."""
    if request.param == "object":
        return request.getfixturevalue("store").put

    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return write


def test_it_gives_its_bytes_from_any_offset_in_any_steps(put):
    place = place_of(put("a b%20ü.jsonl", DATA))
    with place.open() as file:
        assert file.seekable()
        rng = np.random.default_rng(2)
        cuts = [0, *sorted(rng.integers(0, len(DATA), 20).tolist()), len(DATA)]
        assert b"".join(file.read(end - begin) for begin, end in pairwise(cuts)) == DATA
        assert file.read(1) == b""
        for offset, size in [(2_999_990, 100), (0, 5), (1_500_000, 700_000), (len(DATA), 1), (3, 0)]:
            assert file.seek(offset) == offset
            assert file.read(size) == DATA[offset : offset + size]
        assert file.seek(-4, io.SEEK_END) == len(DATA) - 4 == file.tell()
        assert file.read() == DATA[-4:]


def test_empty_is_read_too(put):
    place = place_of(put("none.jsonl", b""))
    with place.open() as file:
        assert file.read(10) == b""
    assert place.stamp().size_bytes == 0


def test_a_stamp_stays_until_the_log_is_written_to(put):
    place = place_of(put("log.jsonl", DATA))
    before = place.stamp()
    assert before.size_bytes == len(DATA)
    assert place_of(place.name).stamp() == before
    put("log.jsonl", DATA + b"x")
    grown = place.stamp()
    assert grown != before
    put("log.jsonl", DATA[:-1] + b"yx")
    assert place.stamp() != grown


def test_what_is_not_there_is_an_input_error_that_names_it(put):
    name = put("log.jsonl", b"x").replace("log.jsonl", "other.jsonl")
    with pytest.raises(InputError) as stamped:
        place_of(name).stamp()
    with pytest.raises(InputError) as opened, opened_file(name):
        pass
    assert stamped.value.where == opened.value.where == name


def test_arrow_reads_parquet_from_it(put):
    table = pa.table({"x": range(1000), "y": ["text"] * 1000})
    held = io.BytesIO()
    pq.write_table(table, held, row_group_size=100)
    file = pq.ParquetFile(place_of(put("log.parquet", held.getvalue())).arrow_source())
    assert file.read_row_group(3).equals(table.slice(300, 100))
    assert file.read().equals(table)


def test_a_stream_goes_on_at_any_offset(put):
    name = put("log.jsonl", DATA)
    with opened_file(name) as raw:
        stream = uncompressed(raw, path=name)
        stream.skip_to(2_500_000)
        assert stream.read(100) == DATA[2_500_000:2_500_100]


def test_a_name_settles_on_itself(put, tmp_path):
    name = put("log.jsonl", b"x")
    assert settled(name) == (os.path.realpath(name) if isinstance(place_of(name), LocalFile) else name)

"""Compressed logs, whole and damaged."""

import gzip
import io
import subprocess
import sys
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

from gauger.errors import InputError
from gauger.sources import ReadOptions, detect_format, read_log

N = 400


def zstd(data):
    return pa.Codec("zstd").compress(data, asbytes=True)


@pytest.fixture(scope="module")
def data():
    """Records that do not compress to nothing: the damage has to fall between them."""
    return b"".join(
        b'{"occurred_at":%d,"account_id":"a%d","user_prompt":"%x"}\n'
        % (1763712000 + row, row, zlib.crc32(b"%d" % row) ** 9)
        for row in range(N)
    )


def n_whole(data, n_bytes):
    return data[:n_bytes].count(b"\n")


@pytest.mark.parametrize("name", ["log.jsonl", "log.gz", "log.zst", "log.txt"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_compression_is_told_by_the_bytes_not_by_the_name(read_bytes, data, pack, name):
    outcome = read_bytes(pack(data), name=name)
    assert len(outcome.rows) == N
    assert outcome.end == (len(data), N)
    assert not outcome.faults


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_members_follow_one_another(read_bytes, data, pack):
    cut = len(data) // 3  # in the middle of a record
    outcome = read_bytes(pack(data[:cut]) + pack(data[cut:]) + pack(b""))
    assert len(outcome.rows) == N
    assert not outcome.faults


def test_zeros_after_a_gzip_member_are_padding(read_bytes, data):
    assert not read_bytes(gzip.compress(data) + b"\0" * 200_000).faults


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_truncated_file_gives_every_record_that_is_whole(read_bytes, data, pack, share):
    packed = pack(data)
    cut = packed[: int(len(packed) * share)]
    readable = zlib.decompressobj(31).decompress(cut) if pack is gzip.compress else None
    outcome = read_bytes(cut)
    assert outcome.faults[-1]["reason"] == "damaged_compression"
    assert outcome.rows == read_bytes(data).rows[: len(outcome.rows)]
    if readable is not None:
        assert len(outcome.rows) == n_whole(data, len(readable))
        assert outcome.faults[-1]["byte_offset"] == len(readable)


def test_zstd_cut_between_blocks_gives_what_the_blocks_hold(read_bytes, data):
    sink = io.BytesIO()
    packed = [zstd(data[at : at + 5_000]) for at in range(0, len(data), 5_000)]
    for frame in packed[:3]:
        sink.write(frame)
    sink.write(packed[3][:-7])
    outcome = read_bytes(sink.getvalue())
    assert len(outcome.rows) >= n_whole(data, 15_000)
    assert outcome.reasons[-1] == (None, None, "damaged_compression")


def test_damage_in_the_middle_costs_only_what_follows(read_bytes, data):
    packed = bytearray(gzip.compress(data))
    packed[len(packed) // 2] ^= 0xFF
    outcome = read_bytes(bytes(packed))
    good = read_bytes(data).rows
    assert len(outcome.rows) > N // 4
    assert outcome.rows[: N // 4] == good[: N // 4]
    assert outcome.reasons[-1] == (None, None, "damaged_compression")


def test_wrong_checksum_is_reported_and_costs_nothing(read_bytes, data):
    packed = bytearray(gzip.compress(data))
    packed[-6] ^= 0xFF
    outcome = read_bytes(bytes(packed))
    assert len(outcome.rows) == N
    assert outcome.reasons == [(None, None, "damaged_compression")]


def test_text_after_a_gzip_member_is_damage(read_bytes, data):
    outcome = read_bytes(gzip.compress(data) + b"more text")
    assert len(outcome.rows) == N
    assert outcome.reasons == [(None, None, "damaged_compression")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_reading_goes_on_at_any_offset_of_the_uncompressed_log(read_bytes, data, pack):
    whole = read_bytes(data).rows
    for row in (1, N // 2, N):
        offset = sum(len(line) + 1 for line in data.split(b"\n")[:row])
        rest = read_bytes(pack(data), start_offset=offset, start_row=row)
        assert rest.rows == whole[row:]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_bomb_is_read_in_bounded_memory(tmp_path, pack):
    path = tmp_path / "bomb"
    zeros = b"\0" * (64 << 20)
    member = pack(b'{"occurred_at":1763712000,"account_id":"a"}\n' + zeros)
    path.write_bytes(member + pack(zeros) * 5)  # 384 MiB in one line
    code = (
        "import resource, sys; from gauger.sources import ReadOptions, read_log\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "found = list(read_log(sys.argv[1], options=ReadOptions(max_record_bytes=1 << 20)))\n"
        "print(sum(len(b.exchanges) for b in found), found[-1].quarantined['reason'].to_pylist(),\n"
        "      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    n_rows, reason, kib = done.stdout.split()
    assert (n_rows, reason) == ("1", "['record_too_long']")
    assert int(kib) < 64 << 10


def test_standard_input_is_a_log(data, tmp_path):
    code = (
        "from gauger.sources import ReadOptions, read_log\n"
        "print(sum(len(batch.exchanges) for batch in read_log('-', options=ReadOptions())))"
    )
    for packed in (data, gzip.compress(data), zstd(data)):
        done = subprocess.run([sys.executable, "-c", code], input=packed, capture_output=True, check=True)
        assert int(done.stdout) == N


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_refused_with_advice(read_bytes, mark):
    with pytest.raises(InputError, match="UTF-8"):
        read_bytes(mark + b"{\0}\0")


def test_what_cannot_be_opened_is_an_input_error(tmp_path):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            list(read_log(str(path), options=ReadOptions()))
        with pytest.raises(InputError, match="cannot be read"):
            detect_format(str(path), ReadOptions())


def test_bytes_read_grow_to_the_size_of_the_file(tmp_path, data):
    path = Path(tmp_path, "log.gz")
    path.write_bytes(gzip.compress(data))
    taken = [batch.bytes_read for batch in read_log(str(path), options=ReadOptions(), max_rows=50)]
    assert taken == sorted(taken)
    assert taken[-1] == path.stat().st_size

"""Lines of a pipe as they come: whole, in pieces, too long, and without an end."""

import json
import os

import pytest

from gauger.sources.batches import ReadOptions
from gauger.sources.pipe import PipeReader

NOW = "2026-03-01T00:00:00Z"


def line(account, **more) -> bytes:
    return json.dumps({"account_id": account, "occurred_at": NOW, "user_prompt": "x", **more}).encode() + b"\n"


@pytest.fixture
def pipe():
    """Return what writes, and the reader of what was written; a write of None ends it."""
    read_end, write_end = os.pipe()
    is_open = [True]

    def write(data: bytes | None) -> None:
        if data is None:
            os.close(write_end)
            is_open[0] = False
        else:
            os.write(write_end, data)

    yield write, PipeReader(read_end)
    if is_open[0]:
        os.close(write_end)
    os.close(read_end)


def taken(reader, *, start=0, max_record=1 << 20):
    return list(reader.batches(0, ReadOptions(max_record_bytes=max_record), start_offset=start))


def test_a_line_counts_when_its_end_has_come(pipe):
    write, reader = pipe
    assert taken(reader) == []
    write(line("a") + line("b")[:10])
    [batch] = taken(reader)
    assert batch.exchanges["account_id"].to_pylist() == ["a"]
    assert batch.end_row == 1
    write(line("b")[10:])
    [batch] = taken(reader, start=1)
    assert batch.exchanges["account_id"].to_pylist() == ["b"]
    assert batch.exchanges["source_row"].to_pylist() == [1]
    assert (batch.end_offset, batch.end_row) == (2, 2)
    assert not reader.is_over


def test_the_last_line_needs_no_end(pipe):
    write, reader = pipe
    write(line("a").rstrip())
    write(None)
    [batch] = taken(reader)
    assert batch.exchanges["account_id"].to_pylist() == ["a"]
    assert reader.is_over
    assert not reader.has_more()
    assert taken(reader, start=1) == []


def test_a_line_too_long_is_passed_over_as_it_streams_and_told(pipe):
    write, reader = pipe
    write(line("a"))
    write(b"x" * 300)
    [first] = taken(reader, max_record=200)
    assert first.exchanges.num_rows == 1
    write(b"y" * 20 + b"\n" + line("b"))
    [second] = taken(reader, start=1, max_record=200)
    assert second.exchanges["account_id"].to_pylist() == ["b"]
    assert second.quarantined["reason"].to_pylist() == ["record_too_long"]
    assert second.exchanges["source_row"].to_pylist() == [2]


def test_blank_lines_and_what_is_no_record(pipe):
    write, reader = pipe
    write(b"\n \r\n" + line("a") + b"not json\n")
    [batch] = taken(reader)
    assert batch.exchanges["account_id"].to_pylist() == ["a"]
    assert batch.quarantined["reason"].to_pylist() == ["not_json"]
    assert batch.end_row == 2

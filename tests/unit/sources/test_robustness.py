"""What strangers send: no error but Gauger's own, and no good record lost to a bad neighbour."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import GaugerError
from gauger.sources import SOURCES, ReadOptions, load_mapping, read_log, records

LOGS = ("litellm_payloads.jsonl", "openai_pairs.jsonl", "anthropic_pairs.jsonl", "canonical.jsonl", "mapped.jsonl")
ANY_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["{", "[", '"', "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FUZZ = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def read_any(tmp_path, log_folder):
    """Read bytes with any format; `None` when Gauger refuses the log as a whole."""
    mapping = load_mapping(log_folder / "mapping.toml")
    path = tmp_path / "log"

    def read(data, name=None, **options):
        path.write_bytes(data)
        options |= {"format": name, "mapping": mapping if name == "mapping" else None}
        try:
            batches = list(read_log(str(path), options=ReadOptions(**options)))
        except GaugerError:
            return None
        rows = [row for batch in batches for row in batch.exchanges.to_pylist()]
        faults = [fault for batch in batches for fault in batch.quarantined.to_pylist()]
        return rows, faults

    return read


def source_of(log):
    return "mapping" if log == "mapped.jsonl" else None


def contents(rows):
    return [{name: value for name, value in row.items() if name != "source_row"} for row in rows]


@FUZZ
@given(
    data=st.binary(max_size=400) | st.text(alphabet='{}[]",:\n\r\\0aé ', max_size=400).map(lambda text: text.encode()),
    lead=st.sampled_from(
        [b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"PAR1", b"a,b\n", b"[", b'{"data":[', b"{\n", b'{"a":1}\n']
    ),
    name=st.sampled_from([None, *SOURCES]),
)
def test_any_bytes_are_read_or_refused(read_any, data, lead, name):
    read_any(lead + data, name, max_record_bytes=1024)


@FUZZ
@given(data=st.data(), log=st.sampled_from(LOGS))
def test_damaged_line_costs_no_other(read_any, log_folder, data, log):
    lines = (log_folder / log).read_bytes().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[at])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(line) - 1))
        new = data.draw(st.binary(max_size=3).filter(lambda new: b"\n" not in new))
        line[place : place + data.draw(st.integers(0, 3))] = new
    found = read_any(b"\n".join([*lines[:at], bytes(line), *lines[at + 1 :]]) + b"\n", source_of(log))
    good = contents(read_any(b"\n".join(lines) + b"\n", source_of(log))[0])
    assert found is not None
    neighbours = good[:at] + good[at + 1 :]
    # The damaged line may still make a row, or two when the damage is a line of its own.
    assert contents(found[0])[:at] == good[:at]
    assert contents(found[0])[len(found[0]) - len(good) + at + 1 :] == good[at + 1 :]
    assert len(found[0]) in (len(neighbours), len(good))


@FUZZ
@given(data=st.data())
def test_damaged_item_of_a_list_costs_no_other(read_any, log_folder, data):
    text = (log_folder / "litellm_spend_logs.json").read_bytes()
    begins = [at for at in range(len(text)) if text.startswith(b'\n  {\n    "request_id"', at)]
    which = data.draw(st.integers(0, len(begins) - 1))
    stop = [*begins[1:], len(text) - 4][which]
    place = data.draw(st.integers(begins[which] + 3, stop - 3))
    new = data.draw(st.binary(max_size=3) | st.sampled_from([b"", b'"', b"{", b"}", b"[", b"]", b"\\"]))
    found = read_any(text[:place] + new + text[min(place + data.draw(st.integers(0, 3)), stop - 2) :])
    good = contents(read_any(text)[0])
    neighbours = [row for at, row in enumerate(good) if at != which]
    assert found is not None
    assert [row for row in contents(found[0]) if row in neighbours] == neighbours


@FUZZ
@given(data=st.data())
def test_damaged_csv_line_costs_no_other(read_any, log_folder, data):
    lines = (log_folder / "litellm_spend_logs.csv").read_bytes().splitlines()
    at = data.draw(st.integers(1, len(lines) - 1))
    line = bytearray(lines[at])
    place = data.draw(st.integers(0, len(line) - 1))
    new = data.draw(st.sampled_from([b"", b'"', b'""', b",", b"\x00", b"\xff", b"{"]))
    line[place : place + data.draw(st.integers(0, 3))] = new
    found = read_any(b"\n".join([*lines[:at], bytes(line), *lines[at + 1 :]]) + b"\n")
    good = contents(read_any(b"\n".join(lines) + b"\n")[0])
    neighbours = [row for row in good if row is not good[at - 1]]
    assert [row for row in contents(found[0]) if row in neighbours] == neighbours


@FUZZ
@given(data=st.data(), log=st.sampled_from(LOGS))
def test_record_with_any_value_anywhere_comes_out_once(read_any, log_folder, data, log):
    given_records = [json.loads(line) for line in (log_folder / log).read_text().splitlines()]
    for record in given_records:
        holder, key = data.draw(st.sampled_from(list(places(record))))
        holder[key] = data.draw(ANY_VALUE)
    text = "\n".join(json.dumps(record) for record in given_records)
    name = (
        source_of(log)
        or {"litellm": "litellm", "openai_": "openai", "anthrop": "anthropic", "canonic": "gauger-parquet"}[log[:7]]
    )
    rows, faults = read_any(text.encode(), name)
    left_out = {fault["row"] for fault in faults} - {row["source_row"] for row in rows}
    assert len(rows) + len(left_out) == len(given_records)


def places(value):
    """Every place inside a record where a value stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


@FUZZ
@given(
    size=st.integers(1, 40),
    name=st.sampled_from(["litellm_spend_logs.json", "litellm_spend_logs.csv", "openai_pairs.jsonl"]),
)
def test_size_of_a_chunk_changes_nothing(read_any, log_folder, monkeypatch, size, name):
    data = (log_folder / name).read_bytes() + b'{"broken": \n'
    expected = read_any(data)
    with monkeypatch.context() as patch:
        patch.setattr(records, "CHUNK_BYTES", size)
        assert read_any(data) == expected


@FUZZ
@given(data=st.data())
def test_damaged_compression_is_a_fault_and_no_error(read_any, log_folder, data):
    packed = bytearray(gzip.compress((log_folder / "openai_pairs.jsonl").read_bytes()))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(3, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    found = read_any(bytes(packed))
    assert found is None or any(fault["reason"] == "damaged_compression" for fault in found[1]) or len(found[0]) == 5


def test_noise_is_read_in_time(read_any):
    noise = np.random.default_rng(1)
    for alphabet in (b'{"', b'{"a":[', b'\\"', bytes(range(256)), b'",\n'):
        data = noise.choice(np.frombuffer(alphabet, np.uint8), 1 << 18).tobytes()
        read_any(b'[\n  {"occurred_at": 1}' + data, "gauger-parquet")
        read_any(b"occurred_at,account_id\n" + data, "gauger-parquet")
        read_any(data, "litellm")

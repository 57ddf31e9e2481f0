import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import InputError
from gauger.sources import SOURCES, ReadOptions, detect_format

FILES = {
    "litellm_spend_logs.json": "litellm",
    "litellm_spend_logs.csv": "litellm",
    "litellm_payloads.jsonl": "litellm",
    "openai_pairs.jsonl": "openai",
    "anthropic_pairs.jsonl": "anthropic",
    "canonical.jsonl": "gauger-parquet",
}


@pytest.mark.parametrize(("name", "expected"), FILES.items())
def test_format_is_told_by_the_records(log_folder, name, expected):
    assert detect_format(str(log_folder / name), ReadOptions()) == expected


def test_mapping_decides_by_being_there(log_folder):
    options = ReadOptions(mapping={"occurred_at": "when", "account_id": "caller.account"})
    assert detect_format(str(log_folder / "mapped.jsonl"), options) == "mapping"


def test_every_source_is_registered_under_its_name():
    assert {source.name for source in SOURCES.values()} == set(SOURCES)
    assert all(SOURCES[name].name == name for name in SOURCES)


def test_most_of_the_first_records_decide(tmp_path, log_folder):
    path = tmp_path / "log"
    path.write_bytes(
        b"junk\n" + (log_folder / "openai_pairs.jsonl").read_bytes() + b'{"occurred_at":1,"account_id":2}\n'
    )
    assert detect_format(str(path), ReadOptions()) == "openai"


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b'{"createdAt": 1, "user_id": "x"}\n', "fields createdAt, user_id"),
        (b"created_at,who\n1,x\n", "fields created_at and 1 more"),
        (b"why is,the sky\n1,x\n", "2 fields of no usual name"),
        (b"\x00\x01\x02" * 1_000 + b"\n", "none of the first 1 records is a JSON object"),
        (b"just\nsome\ntext\n", "none of the first 3 records is a JSON object"),
    ],
)
def test_unknown_format_says_what_was_seen_and_what_to_do(tmp_path, data, seen):
    path = tmp_path / "log"
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        detect_format(str(path), ReadOptions())
    assert seen in error.value.what
    assert error.value.where == str(path)
    assert "--format" in error.value.todo
    assert "--mapping" in error.value.todo


def test_message_shows_names_of_fields_and_never_a_text(tmp_path):
    path = tmp_path / "log"
    private = "a key that is a private sentence"
    path.write_text(json.dumps({private: private, "started_at": private, "mango": 1, "x" * 60: 1}))
    with pytest.raises(InputError) as error:
        detect_format(str(path), ReadOptions())
    assert "the fields started_at and 3 more" in str(error.value)
    assert "mango" not in str(error.value)
    assert private not in str(error.value)
    assert "x" * 60 not in str(error.value)


def test_log_without_records_is_an_input_error_here(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"\n")
    with pytest.raises(InputError, match="no whole record"):
        detect_format(str(path), ReadOptions())


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("jsonl")])
def test_format_of_parquet_is_told_by_its_rows(tmp_path, read_path, log_folder, name):
    """A dump to Parquet keeps JSON as text."""
    records = [json.loads(line) for line in (log_folder / name).read_text().splitlines()]
    fields = {field for record in records for field in record}
    columns = {field: [as_text(record.get(field)) for record in records] for field in sorted(fields)}
    pq.write_table(pa.table(columns), tmp_path / "log")
    assert detect_format(str(tmp_path / "log"), ReadOptions()) == FILES[name]
    kept = ("account_id", "occurred_at", "user_prompt", "response", "input_tokens", "tool_names")
    rows, expected = (read_path(path).rows for path in (tmp_path / "log", log_folder / name))
    assert [[row[column] for column in kept] for row in rows] == [[row[column] for column in kept] for row in expected]


def as_text(value):
    return value if value is None or isinstance(value, str) else json.dumps(value)

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import SettingsError, UsageError
from gauger.exchanges.turns import earlier_turns
from gauger.sources import ReadOptions, detect_format, load_mapping, read_log

REQUIRED = 'occurred_at = "ts"\naccount_id = "who"\n'


@pytest.fixture
def mapping_file(tmp_path):
    def write(text):
        path = tmp_path / "mapping.toml"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return path

    return write


@pytest.fixture
def read_mapped(mapping_file, read_bytes):
    """Read records with the required columns and one more rule."""

    def read(rule, *records):
        mapping = load_mapping(mapping_file(REQUIRED + rule))
        data = "".join(json.dumps({"ts": 1763712000, "who": "a"} | record) + "\n" for record in records)
        return read_bytes(data.encode(), mapping=mapping)

    return read


def test_mapped_log_as_documented(read_path, log_folder):
    rows = read_path(log_folder / "mapped.jsonl", mapped=True).rows
    assert [row["account_id"] for row in rows] == ["m-0", "m-1", "m-2"]
    assert rows[1]["occurred_at"].isoformat() == "2025-11-22T08:01:00+00:00"
    assert (rows[1]["latency_ms"], rows[1]["input_tokens"]) == (2500, 11)
    assert (rows[1]["system_prompt"], rows[1]["user_prompt"]) == ("Be brief.", "Question 1")
    assert rows[1]["response"] == "answer 1"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", "deep"),
        ("list[0].x", "first"),
        ("list[-1].x", "last"),
        ('["dotted.name"]', "dotted"),
        ("text.inner", "opened"),
        ("a.nothing", None),
        ("list[9].x", None),
        ("list.x", None),
        ("a[0]", None),
    ],
)
def test_paths(read_mapped, path, value):
    record = {
        "a": {"b": "deep"},
        "list": [{"x": "first"}, {"x": "last"}],
        "dotted.name": "dotted",
        "text": json.dumps({"inner": "opened"}),
    }
    outcome = read_mapped(f"user_agent = '{path}'", record)
    assert outcome.rows[0]["user_agent"] == value
    assert not outcome.faults


@pytest.mark.parametrize("unit", ["seconds", "milliseconds", "microseconds", "nanoseconds"])
def test_units_of_time_are_what_the_mapping_says(mapping_file, read_bytes, unit):
    mapping = load_mapping(mapping_file(f'occurred_at = "ts | {unit}"\naccount_id = "who"'))
    per_second = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}[unit]
    data = json.dumps({"ts": 60 * per_second, "who": "a"}).encode()  # a minute past 1970: no guess would find it
    assert read_bytes(data, mapping=mapping).rows[0]["occurred_at"].isoformat() == "1970-01-01T00:01:00+00:00"


def test_turns_and_tools_serve_each_column_its_part(read_mapped):
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    rules = "".join(f'{column} = "m | turns"\n' for column in ("user_prompt", "conversation_prefix", "system_prompt"))
    tools = [{"type": "function", "function": {"name": "f"}}]
    row = read_mapped(rules + 'tool_names = "t | tools"\ntool_schema = "t | tools"', {"m": messages, "t": tools}).rows[
        0
    ]
    assert (row["system_prompt"], row["user_prompt"]) == ("s", "three")
    assert earlier_turns(row["conversation_prefix"]) == ["one"]
    assert row["tool_names"] == ["f"]
    assert json.loads(row["tool_schema"]) == tools


def test_mapping_reads_csv_and_parquet_alike(tmp_path, mapping_file, read_path, read_bytes):
    mapping = load_mapping(mapping_file(REQUIRED + 'input_tokens = "n"\nuser_prompt = "p"'))
    rows = [{"ts": "2025-11-21T08:00:00Z", "who": "a", "n": "5", "p": 'say "hi",\nplease'}]
    csv = b'ts,who,n,p\n2025-11-21T08:00:00Z,a,5,"say ""hi"",\nplease"\n'
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    from_csv = read_bytes(csv, name="log.csv", mapping=mapping).rows[0]
    from_parquet = read_path(tmp_path / "log.parquet", mapping=mapping).rows[0]
    assert from_csv["user_prompt"] == 'say "hi",\nplease'
    assert from_csv | {"source_file": ""} == from_parquet | {"source_file": ""}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('occurred_at = "t"\naccount_id = "a"\nprompt = "p"', "prompt"),
        ('occurred_at = "t"\naccount_id = "a"\nsource_file = "p"', "source_file"),
        ('occurred_at = "t"', "account_id"),
        ('account_id = "t"', "occurred_at"),
        ('occurred_at = "t | fortnights"\naccount_id = "a"', "occurred_at"),
        ('occurred_at = "t"\naccount_id = "a | turns"', "account_id"),
        ('occurred_at = "t"\naccount_id = "a..b"', "account_id"),
        ('occurred_at = "t"\naccount_id = ""', "account_id"),
        ('occurred_at = "t"\naccount_id = "a[x]"', "account_id"),
        ('occurred_at = "t"\naccount_id = 5', "account_id"),
    ],
)
def test_mapping_that_is_off_names_the_file_and_the_key(mapping_file, text, key):
    path = mapping_file(text)
    with pytest.raises(SettingsError) as error:
        load_mapping(path)
    assert str(path) in str(error.value.where)
    assert key in str(error.value.where)
    assert error.value.todo


@pytest.mark.parametrize("text", ["= nothing", 'account_id = "\udcff"', "\0"])
def test_file_that_is_no_toml_is_refused(mapping_file, text):
    with pytest.raises(SettingsError, match="not TOML"):
        load_mapping(mapping_file(text))


def test_absent_mapping_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")


@pytest.mark.parametrize("options", [{"format": "mapping"}, {"format": "litellm", "mapping": {}}, {"format": "syslog"}])
def test_options_that_contradict_each_other_are_refused(log_folder, options):
    path = str(log_folder / "mapped.jsonl")
    with pytest.raises(UsageError):
        detect_format(path, ReadOptions(**options))
    with pytest.raises(UsageError):
        list(read_log(path, options=ReadOptions(**options)))


def test_columns_that_the_mapping_does_not_name_are_absent(read_path, log_folder):
    absent = read_path(log_folder / "mapped.jsonl", mapped=True).batches[0].columns_absent
    assert {"request_model", "tool_schema"} <= absent
    assert absent.isdisjoint({"occurred_at", "account_id", "user_prompt", "response"})


def test_mapping_of_the_documentation_is_one(mapping_file):
    page = Path(__file__).parents[3] / "docs" / "how-to" / "sources" / "mapping.md"
    examples = page.read_text(encoding="utf-8").split("```toml\n")[1:]
    assert examples
    for example in examples:
        assert len(load_mapping(mapping_file(example.split("```")[0]))) > 10

import gzip
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import GaugerError, InputError, SettingsError, UsageError
from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA
from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sources.accounts import read_accounts

RECORDS = [
    {
        "account_id": "a1",
        "organisation_id": "acme",
        "signed_up_at": "2026-01-02T03:04:05Z",
        "plan": "pro",
        "email": "a@b.co",
    },
    {"account_id": "a2", "organisation_id": None, "signed_up_at": None, "plan": "free", "email": None},
]


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes, name="accounts.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def as_csv(delimiter=","):
    lines = [RECORDS[0].keys(), *(["" if value is None else value for value in row.values()] for row in RECORDS)]
    return "".join(delimiter.join(line) + "\r\n" for line in lines)


def as_json_lines():
    return "".join(json.dumps(row) + "\n" for row in RECORDS)


def notes(quarantine):
    assert quarantine.schema == QUARANTINE_SCHEMA
    return [(note["row"], note["column"], note["reason"]) for note in quarantine.to_pylist()]


@pytest.mark.parametrize(
    "content",
    [
        as_csv(),
        as_csv(";"),
        as_csv("\t"),
        "\ufeff" + as_csv(),
        as_csv().replace("account_id", " Account_ID "),
        as_json_lines(),
        json.dumps(RECORDS),
        gzip.compress(as_csv().encode()),
        gzip.compress(as_json_lines().encode()),
    ],
    ids=["comma", "semicolon", "tab", "mark", "header", "jsonl", "list", "csv.gz", "jsonl.gz"],
)
def test_a_table_reads_alike_in_every_text_format(written, content):
    raw, quarantine = read_accounts(written(content))
    assert raw.schema == RAW_ACCOUNT_SCHEMA
    assert raw["account_id"].to_pylist() == ["a1", "a2"]
    assert raw["organisation_id"].to_pylist() == ["acme", None]
    assert raw["signed_up_at"].to_pylist() == [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None]
    assert raw["email"].to_pylist() == ["a@b.co", None]
    assert notes(quarantine) == []


def test_a_parquet_table_reads_as_its_text(written, tmp_path):
    table = pa.table(
        {
            "account_id": pa.array([1, 2], pa.int64()),
            "signed_up_at": pa.array([datetime(2026, 1, 2, tzinfo=UTC), None], pa.timestamp("ms", "UTC")),
            "plan": pa.array(["pro", "free"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "accounts.parquet")
    raw, quarantine = read_accounts(tmp_path / "accounts.parquet")
    assert raw["account_id"].to_pylist() == ["1", "2"]
    assert raw["signed_up_at"].to_pylist() == [datetime(2026, 1, 2, tzinfo=UTC), None]
    assert raw["plan"].to_pylist() == ["pro", "free"]
    assert notes(quarantine) == []


def test_a_mapping_names_the_columns_and_goes_down_by_dots(written):
    record = {"id": 7, "profile": {"Mail": "a@b.co"}, "created": 1767225600}
    mapping = {"account_id": "id", "email": "profile.mail", "signed_up_at": "created"}
    raw, quarantine = read_accounts(written(json.dumps(record) + "\n"), mapping=mapping)
    assert raw.select(["account_id", "email"]).to_pylist() == [{"account_id": "7", "email": "a@b.co"}]
    assert raw["signed_up_at"].to_pylist() == [datetime(2026, 1, 1, tzinfo=UTC)]
    assert notes(quarantine) == []


def test_a_name_with_dots_in_it_comes_before_a_way_down(written):
    record = {"a.b": "flat", "a": {"b": "deep"}}
    assert read_accounts(written(json.dumps(record)), mapping={"account_id": "a.b"})[0]["account_id"].to_pylist() == [
        "flat"
    ]


def test_times_without_a_zone_are_in_the_given_one(written):
    raw, _ = read_accounts(written("account_id,signed_up_at\na,2026-07-01 12:00:00\n"), timezone="Europe/Berlin")
    assert raw["signed_up_at"].to_pylist() == [datetime(2026, 7, 1, 10, tzinfo=UTC)]


def test_the_last_row_of_an_account_counts_and_the_others_are_named(written):
    raw, quarantine = read_accounts(written("account_id,plan\na,one\nb,two\na,three\na,four\n"))
    assert raw.select(["account_id", "plan"]).to_pylist() == [
        {"account_id": "b", "plan": "two"},
        {"account_id": "a", "plan": "four"},
    ]
    assert notes(quarantine) == [(0, "account_id", "duplicate_account"), (2, "account_id", "duplicate_account")]


def test_unknown_columns_are_ignored_and_named(written):
    _, quarantine = read_accounts(written("account_id,shoe_size,plan\na,47,pro\n"))
    assert notes(quarantine) == [(None, "shoe_size", "unknown_column")]


def test_a_row_without_an_account_is_left_out_and_named(written):
    raw, quarantine = read_accounts(written("account_id,plan\n,x\n  ,x\na,x\n"))
    assert raw["account_id"].to_pylist() == ["a"]
    assert notes(quarantine) == [(0, "account_id", "missing_value"), (1, "account_id", "missing_value")]


def test_a_bad_value_is_left_out_alone_and_never_shown(written):
    raw, quarantine = read_accounts(written("account_id,signed_up_at,plan\na,the day before,pro\n"))
    assert raw.select(["account_id", "signed_up_at", "plan"]).to_pylist() == [
        {"account_id": "a", "signed_up_at": None, "plan": "pro"}
    ]
    assert notes(quarantine) == [(0, "signed_up_at", "bad_time")]
    assert "the day before" not in str(quarantine.to_pylist())


@pytest.mark.parametrize("nothing", ["", "NULL", "None", "\\N", "n/a", "NaT"])
def test_words_for_nothing_are_no_bad_times(written, nothing):
    raw, quarantine = read_accounts(written(f"account_id,suspended_at\na,{nothing}\n"))
    assert raw["suspended_at"].to_pylist() == [None]
    assert notes(quarantine) == []


def test_a_secret_key_as_account_reads_as_it_does_in_a_log(written):
    raw, _ = read_accounts(written("account_id,plan\nsk-secret,pro\n"))
    assert "sk-secret" not in str(raw.to_pylist())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('account_id,plan\na,"pro\nb,free\nc,free\n', [(0, None, "bad_csv")]),
        ('account_id,plan\na,pro"x"\nb,free\nc,free\n', None),
        ("account_id,plan\na,pro,more\nb,free\nc,free\n", [(0, None, "wrong_field_count")]),
        ("account_id,plan\na\x00,pro\nb,free\nc,free\n", [(0, "account_id", "control_character")]),
        ("account_id,plan\n" + "a" * 2000 + ",pro\nb,free\nc,free\n", [(0, "account_id", "value_too_long")]),
        ("account_id,plan\n" + "a" * (1 << 21) + ",pro\nb,free\nc,free\n", [(0, None, "record_too_long")]),
        ('{"account_id": "a"\n{"account_id": "b"}\n{"account_id": "c"}\n', [(0, None, "not_json")]),
        ('{"account_id": ["a"]}\n{"account_id": "b"}\n{"account_id": "c"}\n', [(0, "account_id", "wrong_type")]),
        ('{"account_id": true}\n{"account_id": "b"}\n{"account_id": "c"}\n', [(0, "account_id", "wrong_type")]),
        ('{"account_id": null}\n[1]\n{"account_id": "b"}\n{"account_id": "c"}\n', None),
    ],
    ids=["open quote", "quote inside", "fields", "nul", "long", "huge", "broken json", "list", "boolean", "mixed"],
)
def test_a_hostile_row_costs_itself_alone(written, content, expected):
    raw, quarantine = read_accounts(written(content))
    assert raw["account_id"].to_pylist()[-2:] == ["b", "c"]
    if expected is not None:
        assert notes(quarantine) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no records"),
        (b"\n\n", "no records"),
        (b"account_id,plan\n", "no records"),
        (b"name,plan\nx,pro\n", "no column 'account_id'; found name, plan"),
        (b"plan\npro\n", "no row can be used"),
        ("account_id,plan\na,b\n".encode("utf-16"), "UTF-16"),
        (b"PAR1 and then nothing of the kind", "Parquet file is damaged"),
        (b"\x00\x01\x02\x03", "no row can be used"),
    ],
    ids=["empty", "blank", "header", "columns", "one column", "utf-16", "parquet", "binary"],
)
def test_a_file_that_is_no_account_table_is_refused_in_words(written, content, message):
    path = written(content)
    with pytest.raises(InputError, match=message) as refusal:
        read_accounts(path)
    assert refusal.value.where == str(path)
    assert refusal.value.todo


def test_a_missing_file_is_refused_in_words(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_accounts(tmp_path / "absent.csv")


def test_a_mapping_of_an_unknown_column_is_refused(written):
    with pytest.raises(SettingsError, match="no such column"):
        read_accounts(written(as_csv()), mapping={"colour": "plan"})


def test_an_unknown_time_zone_is_refused(written):
    with pytest.raises(UsageError):
        read_accounts(written(as_csv()), timezone="Mars/Olympus")


@given(st.binary(max_size=300) | st.text('account_id,\n"{}:;\t\\[] a1\x00é', max_size=300).map(str.encode))
def test_no_file_raises_anything_but_our_own_errors(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "strange"
    for prefix in (b"", b"account_id,plan\n", b'{"account_id": "a"}\n'):
        path.write_bytes(prefix + content)
        try:
            raw, quarantine = read_accounts(path)
        except GaugerError:
            continue
        assert raw.num_rows == len(set(raw["account_id"].to_pylist()))
        assert quarantine.schema == QUARANTINE_SCHEMA

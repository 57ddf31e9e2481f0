"""Text logs: lines, lists and CSV, whole, damaged and growing."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.sources.layout import csv_fields


def record(row, **more):
    return {"occurred_at": 1763712000 + row, "account_id": f"a{row}", "user_prompt": f"say {row}", **more}


def lines(n, **more):
    return [json.dumps(record(row, **more)).encode() for row in range(n)]


def accounts(outcome):
    return [row["account_id"] for row in outcome.rows]


def reasons(outcome):
    return [fault["reason"] for fault in outcome.faults]


@pytest.mark.parametrize(
    "write",
    [
        lambda found: b"\n".join(found) + b"\n",
        lambda found: b"\n".join(found),
        lambda found: b"\xef\xbb\xbf" + b"\r\n".join(found) + b"\r\n",
        lambda found: b"\n\n  \n".join(found) + b"\n\n",
        lambda found: b"[" + b",".join(found) + b"]",
        lambda found: b"[\n" + b",\n".join(found) + b"\n]\n",
        lambda found: b"\xef\xbb\xbf\n[" + b" , ".join(found) + b"]",
        lambda found: json.dumps([json.loads(one) for one in found], indent=4).encode(),
        lambda found: json.dumps({"total": 3, "data": [json.loads(one) for one in found], "page": {"a": 1}}).encode(),
        lambda found: json.dumps({"data": [json.loads(one) for one in found]}, indent=1).encode(),
        lambda found: b"\n".join(json.dumps(json.loads(one), indent=2).encode() for one in found),
        lambda found: b"[" + found[0] + b"]\n" + b"\n".join(found[1:]),
        lambda found: b"\n".join(b'{"n": 1,\n"data": [%s], "more": [{"a": 1}]}' % one for one in found),
        lambda found: b'{"data": [%s, %s]}{"object": "list", "data": [%s], "last": true}\n' % tuple(found),
        lambda found: b'{"data": [\n%s, %s], "pad": "%s"}\n {"data": [%s]}' % (*found[:2], b"x" * 300_000, found[2]),
    ],
)
def test_however_records_are_strung_together_they_are_the_same(read_bytes, write):
    data = write(lines(3))
    outcome = read_bytes(data)
    assert accounts(outcome) == ["a0", "a1", "a2"]
    assert not outcome.faults
    assert outcome.end == (len(data), 3)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"  ", b"\xef\xbb\xbf", b"[]", b"[\n]\n"])
def test_empty_log_has_no_rows_and_no_faults(read_bytes, data):
    outcome = read_bytes(data)
    assert not outcome.rows
    assert not outcome.faults


def test_place_of_a_fault_is_where_the_record_lies(read_bytes):
    good = lines(3)
    data = b"\n".join([good[0], b'{"broken": ', good[1], b"[1, 2]", b'"text"', good[2], b'{"other": 1}']) + b"\n"
    outcome = read_bytes(data)
    assert accounts(outcome) == ["a0", "a1", "a2"]
    assert [row["source_row"] for row in outcome.rows] == [0, 2, 5]
    assert outcome.reasons == [
        (1, None, "not_json"),
        (3, None, "not_an_object"),
        (4, None, "not_an_object"),
        (6, None, "unknown_format"),
    ]
    for fault, text in zip(outcome.faults, [b'{"broken": ', b"[1, 2]", b'"text"', b'{"other": 1}'], strict=True):
        assert data[fault["byte_offset"] :][: fault["byte_length"]] == text


def test_formats_may_be_mixed_in_one_file(read_bytes, log_folder):
    names = ("litellm_payloads.jsonl", "openai_pairs.jsonl", "anthropic_pairs.jsonl", "canonical.jsonl")
    outcome = read_bytes(b"".join((log_folder / name).read_bytes() for name in names))
    assert len(outcome.rows) == 4 + 5 + 3 + 4
    assert not outcome.faults
    assert outcome.batches[0].columns_absent == frozenset()


def test_quarantine_holds_nothing_of_the_record(read_bytes):
    secret = "a very private sentence"
    data = b"\n".join(
        [
            *lines(1),
            json.dumps({"account_id": secret, "user_prompt": secret}).encode(),
            json.dumps(record(1, input_tokens=secret, tool_names={secret: 1}, user_prompt=[secret])).encode(),
            secret.encode(),
            json.dumps({secret: secret}).encode(),
        ]
    )
    outcome = read_bytes(data)
    assert len(outcome.faults) == 6
    assert secret not in str([batch.quarantined.to_pylist() for batch in outcome.batches])


def test_long_record_is_skipped_and_costs_no_neighbour(read_bytes):
    good = lines(2)
    long = json.dumps(record(9, response="x" * 5_000)).encode()
    for write in (
        b"\n".join,
        lambda found: b"[" + b",".join(found) + b"]",
        lambda found: b"[\n" + b",\n".join(found) + b"]",
    ):
        outcome = read_bytes(write([good[0], long, good[1]]), max_record_bytes=2_000)
        assert accounts(outcome) == ["a0", "a1"]
        assert reasons(outcome) == ["record_too_long"]
        assert outcome.faults[0]["byte_length"] >= len(long)


def test_record_longer_than_a_chunk_is_read(read_bytes):
    good = lines(2)
    big = json.dumps(record(9, response='x\\"{' * 1_000_000)).encode()
    for write in (b"\n".join, lambda found: b"[" + b",".join(found) + b"]"):
        outcome = read_bytes(write([good[0], big, good[1]]))
        assert accounts(outcome) == ["a0", "a9", "a1"]
        assert len(outcome.rows[1]["response"]) == 4_000_000


@pytest.mark.parametrize("bad", [b"{" * 600, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
def test_deep_nesting_costs_one_record(read_bytes, bad):
    good = lines(2)
    assert accounts(read_bytes(b"\n".join([good[0], bad, good[1]]))) == ["a0", "a1"]
    nested = json.dumps(record(5))[:-1].encode() + b',"deep":' + b"[" * 9_000 + b"]" * 9_000 + b"}"
    outcome = read_bytes(b"[" + b",\n".join([good[0], nested, good[1]]) + b"]")
    assert accounts(outcome) == ["a0", "a1"]
    assert set(reasons(outcome)) == {"nested_too_deeply"}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "damage", [(b'"say 1"', b'"say 1'), (b'"a1"', b"a1}"), (b"1763712001", b"{[1763712001"), (b": ", b" ")]
)
def test_damaged_item_of_a_list_costs_no_other(read_bytes, indent, damage):
    items = [json.dumps(record(row), indent=indent).encode() for row in range(4)]
    if indent:
        items = [item.replace(b"\n", b"\n  ") for item in items]
    items[1] = items[1].replace(*damage, 1)
    outcome = read_bytes(b"[\n  " + b",\n  ".join(items) + b"\n]")
    assert accounts(outcome) == ["a0", "a2", "a3"]
    assert reasons(outcome) == ["not_json"]


def test_what_is_no_object_in_a_list_is_reported(read_bytes):
    outcome = read_bytes(b'[1, "a{b", ' + b",".join(lines(2)) + b", null]")
    assert accounts(outcome) == ["a0", "a1"]
    assert reasons(outcome) == ["not_json", "not_json"]


@pytest.mark.parametrize("opening", [b"", b"["])
def test_record_that_is_still_being_written_is_left_for_the_next_time(read_bytes, opening):
    good = lines(3)
    separator = b",\n" if opening else b"\n"
    whole = opening + separator.join(good)
    for cut in range(len(whole) - len(good[2]) + 1, len(whole) - 1, 7):
        first = read_bytes(whole[:cut])
        assert accounts(first) == ["a0", "a1"]
        assert reasons(first) == ["incomplete_last_record"]
        assert first.end[1] == 2
        offset, row = first.end
        second = read_bytes(whole, start_offset=offset, start_row=row)
        assert accounts(second) == ["a2"]
        assert second.rows[0]["source_row"] == 2
        assert not second.faults


def test_last_line_without_a_line_feed_is_taken(read_bytes):
    outcome = read_bytes(b"\n".join(lines(2)))
    assert accounts(outcome) == ["a0", "a1"]
    more = read_bytes(b"\n".join(lines(3)), start_offset=outcome.end[0], start_row=outcome.end[1])
    assert accounts(more) == ["a2"]


def test_file_that_did_not_grow_gives_nothing_more(read_bytes):
    for data in (b"\n".join(lines(2)) + b"\n", b"[" + b",".join(lines(2)) + b"]\n"):
        outcome = read_bytes(data)
        again = read_bytes(data, start_offset=outcome.end[0], start_row=outcome.end[1])
        assert not again.batches


def write_csv(rows, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(rows)
    return out.getvalue().encode()


HEADER = ["occurred_at", "account_id", "user_prompt"]


@pytest.mark.parametrize(
    "dialect",
    [{}, {"lineterminator": "\n"}, {"delimiter": ";"}, {"delimiter": "\t"}, {"quoting": csv.QUOTE_ALL}],
)
def test_csv_of_any_dialect(read_bytes, dialect):
    prompts = ["plain", 'with "quotes", commas; and\ttabs', "two\nlines\r\nor three\n", "", "käse 日本"]
    rows = [[str(1763712000 + at), f"a{at}", prompt] for at, prompt in enumerate(prompts)]
    data = write_csv([HEADER, *rows], **dialect)
    outcome = read_bytes(b"\xef\xbb\xbf" + data)
    assert [row["user_prompt"] or "" for row in outcome.rows] == prompts
    assert not outcome.faults
    assert outcome.end == (len(data) + 3, len(prompts))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")), min_size=1, max_size=6))
def test_csv_fields_are_those_that_were_written(fields):
    row = write_csv([fields], lineterminator="").removesuffix(b"\n")
    if fields == [""]:
        row = b'""'
    assert csv_fields(row, ",") == fields


@pytest.mark.parametrize("bad", [b'1763712009,"a9,open', b'1763712009,"a9"x,text', b"1763712009,a9", b"1,2,3,4", b'"'])
def test_bad_csv_row_costs_no_neighbour(read_bytes, bad):
    rows = [b"%d,a%d,say" % (1763712000 + at, at) for at in range(4)]
    outcome = read_bytes(b"\n".join([",".join(HEADER).encode(), rows[0], bad, *rows[1:]]) + b"\n")
    assert accounts(outcome) == ["a0", "a1", "a2", "a3"]
    assert len(outcome.faults) == 1
    assert outcome.faults[0]["row"] == 1
    assert outcome.faults[0]["reason"] in {"bad_csv", "wrong_field_count"}


def test_csv_row_that_is_still_being_written_is_left(read_bytes):
    head = ",".join(HEADER).encode() + b"\n1763712000,a0,say\n"
    whole = head + b'1763712001,a1,"first line\nsecond ""line"""\n'
    for cut in (len(head) + 8, len(head) + 25, len(head) + 33):
        first = read_bytes(whole[:cut])
        assert accounts(first) == ["a0"]
        assert reasons(first) == ["incomplete_last_record"]
        offset, row = first.end
        second = read_bytes(whole, start_offset=offset, start_row=row)
        assert [row["user_prompt"] for row in second.rows] == ['first line\nsecond "line"']


def test_optional_value_that_is_bad_leaves_the_row(read_bytes):
    data = json.dumps(record(0, input_tokens=2**70, temperature="warm", latency_ms=[1])).encode()
    outcome = read_bytes(data)
    assert accounts(outcome) == ["a0"]
    assert outcome.reasons == [
        (0, "latency_ms", "wrong_type"),
        (0, "input_tokens", "out_of_range"),
        (0, "temperature", "not_a_number"),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"account_id": None}, ("account_id", "missing_value")),
        ({"account_id": {}}, ("account_id", "wrong_type")),
        ({"occurred_at": "soon"}, ("occurred_at", "bad_time")),
        ({"occurred_at": ""}, ("occurred_at", "missing_value")),
    ],
)
def test_required_value_that_is_bad_costs_the_row(read_bytes, change, reason):
    outcome = read_bytes(json.dumps(record(0) | change).encode())
    assert not outcome.rows
    assert outcome.reasons == [(0, *reason)]


def test_batches_are_bounded_by_text(read_bytes):
    data = b"\n".join(lines(50, response="é" * 100))
    outcome = read_bytes(data, bounds={"max_text_bytes": 1_000})
    sizes = [
        sum(len((row["response"] + row["user_prompt"]).encode()) for row in batch.exchanges.to_pylist())
        for batch in outcome.batches
    ]
    assert len(outcome.rows) == 50
    assert max(sizes) <= 1_000
    assert len(outcome.batches) > 10


def test_single_record_above_the_bound_is_a_batch_of_its_own(read_bytes):
    outcome = read_bytes(b"\n".join(lines(3, response="x" * 5_000)), bounds={"max_text_bytes": 1_000})
    assert [len(batch.exchanges) for batch in outcome.batches] == [1, 1, 1]

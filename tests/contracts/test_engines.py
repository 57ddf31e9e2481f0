"""Every engine keeps the contract, and every relation gives the same rows on each."""

import inspect
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.engines import relations
from gauger.engines.duckdb import duck_engine
from gauger.engines.relations import Span
from gauger.errors import WorkspaceError
from gauger.sketches.schema import INTENTS, PART_SCHEMA

N_ROWS = 600
SPAN = Span(-3_600_000_000, 7_200_000_000)


@pytest.fixture(scope="module")
def duckdb_opened(tmp_path_factory):
    with duck_engine(scratch=tmp_path_factory.mktemp("duckdb"), threads=2, memory_bytes=200_000_000) as engine:
        yield engine


@pytest.fixture(scope="module")
def spark_opened(spark_installed, tmp_path_factory):
    from gauger.engines.spark import spark_engine

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with spark_engine(scratch=tmp_path_factory.mktemp("spark"), master="local[2]") as engine:
        yield engine


@pytest.fixture(scope="module", params=["duckdb", pytest.param("spark", marks=pytest.mark.slow)])
def engine(request):
    return request.getfixturevalue(f"{request.param}_opened")


def _write(folder, account):
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"account_id": [account]}), folder / "rows.parquet")
    return folder / "rows.parquet"


def test_a_folder_named_like_a_column_changes_no_row(engine, tmp_path):
    path = _write(tmp_path / "account_id=evil" / "country=XX", "honest")
    assert engine.fetch(engine.read([path])).to_pydict() == {"account_id": ["honest"], "file_name": ["rows.parquet"]}


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[1]b", "a{1,X}b", "a b%20c", "a\\b"])
def test_a_pattern_in_a_folders_name_is_read_as_it_is_written(engine, tmp_path, name):
    path = _write(tmp_path / name, "mine")
    for other in ("aXb", "a1b"):
        _write(tmp_path / other, "not mine")
    assert engine.fetch(engine.read([path]))["account_id"].to_pylist() == ["mine"]


def test_what_is_kept_under_a_name_replaces_what_was(engine):
    first = engine.keep("kept", pa.table({"a": [1, 2]}))
    second = engine.keep("kept", engine.keep("other", pa.table({"a": [3, 4]})).filter(lambda t: t.a > 3))
    assert engine.fetch(second)["a"].to_pylist() == engine.fetch(first)["a"].to_pylist() == [4]


def test_what_was_let_go_of_may_be_kept_anew(engine):
    engine.keep("brief", pa.table({"a": [1]}))
    engine.drop("brief")
    assert engine.fetch(engine.keep("brief", pa.table({"b": [2]}))).to_pydict() == {"b": [2]}


def test_rows_come_in_the_order_a_relation_says(engine):
    values = np.random.default_rng(1).permutation(50_000)
    kept = engine.keep("shuffled", pa.table({"a": values}))
    assert engine.fetch(kept.order_by("a"))["a"].to_pylist() == sorted(values.tolist())


def test_columns_have_the_types_that_the_relation_says(engine, files):
    items = relations.window_turns(*_opened(engine, files)[:2], SPAN)
    assert engine.fetch(items).schema.equals(items.schema().to_pyarrow())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Rows that are hard to agree on: ties, nulls, the ends of the number range, names of every alphabet."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(7)
    hashes = np.concatenate([[-(2**63), -1, 1, 2**63 - 1], rng.integers(-(2**63), 2**63 - 1, 40)])
    names = ["a", "A", "Z", "é", "ß", "\uffff", "\U00010000", "名", "a b", "a'b", "acc-1", "acc-10"]

    def some(values, *, null=0.0):
        picked = [values[i] for i in rng.integers(0, len(values), N_ROWS)]
        return [None if gone else value for value, gone in zip(picked, rng.random(N_ROWS) < null, strict=True)]

    def numbers(values, **null):
        return pa.array(some([int(value) for value in values], **null), pa.int64())

    rows = pa.table(
        {
            "request_id": pa.array(some([*names, *map(str, range(300))], null=0.4)),
            "account_id": pa.array(some(names)),
            "principal_id": pa.array(some(["p", "q"], null=0.6)),
            "organisation_id": pa.array(some(["o", "ö"], null=0.6)),
            "occurred_us": numbers([-(10**15), *rng.integers(-(10**10), 10**10, 60), *range(-60_000_001, -59_999_998)]),
            "digest_high": numbers(hashes[:6]),
            "digest_low": numbers(hashes[:3]),
            "source_file": pa.array(some(["a.jsonl", "b.jsonl"])),
            "source_row": pa.array(np.arange(N_ROWS), pa.int64()),
            "shingles": pa.array([rng.choice(hashes, rng.integers(0, 12)).tolist() for _ in range(N_ROWS)]),
            "turn_hash_high": numbers(hashes),
            "turn_hash_low": numbers(hashes),
            "projection": pa.array([rng.bytes(64) for _ in range(N_ROWS)], pa.binary(64)),
            "system_part": numbers([0, *hashes[:5]]),
            "tool_part": numbers([0, *hashes[:5]]),
            "thread": numbers(hashes[:9]),
            "extends": numbers([0, *hashes[:5]]),
            "n_words": pa.array(rng.integers(0, 30, N_ROWS), pa.int32()),
            "input_tokens": numbers([0, 1, 2**40], null=0.3),
            "output_tokens": numbers([5, 7], null=0.3),
            "client_prefix_hash": pa.array(some(["n1", "n2"], null=0.3)),
            "reasoning_block_hash": pa.array(some(["b"], null=0.9)),
            "request_model": pa.array(some(["m", "n"], null=0.3)),
            "client_fingerprint": pa.array(some(["c", "d"], null=0.3)),
            "http_status": pa.array(some([200, 429, 500], null=0.3), pa.int16()),
            "intents": pa.FixedSizeListArray.from_arrays(
                pa.array(rng.random(N_ROWS * len(INTENTS)), pa.float32()), len(INTENTS)
            ),
        }
    )
    parts = pa.table(
        [
            pa.array([int(part) for part in hashes[:5]] * 2, pa.int64()),
            pa.array(["system_prompt"] * 5 + ["tool_schema"] * 5),
            pa.array([rng.choice(hashes, 8).tolist() for _ in range(10)]),
            pa.array(range(10), pa.int32()),
        ],
        schema=PART_SCHEMA,
    )
    paths = [folder / "day=2026-01-01" / f"0000000{n}-000001-00000{n}{end}.parquet" for n, end in ((1, ""), (2, "~1"))]
    paths[0].parent.mkdir()
    for path, table in zip(paths, (rows.slice(0, 250), rows.slice(250)), strict=True):
        pq.write_table(table, path)
    part_paths = [folder / f"0000000{n}-000001-000009.parquet" for n in (1, 2)]
    for path, table in zip(part_paths, (parts, parts.slice(3)), strict=True):
        pq.write_table(table, path)
    return paths, part_paths


OWNERS = pa.table(
    {
        "account_id": ["a", "A", "Z", "é", "ß", "\uffff", "\U00010000", "名", "a b", "a'b", "acc-1"],
        "account": pa.array(range(11), pa.int32()),
        "principal": pa.array([0, 0, 1, 1, 2, 3, 4, 4, 4, 5, 6], pa.int32()),
    }
)


def _opened(engine, files):
    """Return the relations that the steps begin with: rows, owners, parts."""
    rows = relations.with_origin(engine.read(files[0]))
    return rows, engine.keep("owners", OWNERS), relations.distinct_parts(engine.read(files[1]))


def _relations(engine, files):
    """Return every step of `relations` by its name, on these files."""
    rows, owners, parts = _opened(engine, files)
    keys = engine.fetch(rows.select(*relations.ROW_KEY)).sort_by("source_row").slice(0, N_ROWS // 2)
    speaking = engine.keep("speaking", keys.append_column("item", pa.array(range(len(keys)), pa.int32())))
    items = relations.items_of(rows, owners, SPAN, speaking)
    postings = relations.user_postings(items)
    shared = relations.common_shingles(postings, at_least=5)
    uses = relations.part_uses(items, "system_part")
    owned = relations.with_owners(rows, owners)
    common = engine.fetch(relations.common_shingles(postings, at_least=2)).sort_by("shingle")
    coded = engine.keep("coded", common.append_column("code", pa.array(np.arange(len(common)), pa.int32())))
    held = common.select(["shingle"]).slice(0, 20)
    wanted = pa.concat_tables(
        held.append_column("finding", pa.array([n % 3 for n in range(20)], pa.int32()))
        .append_column("core", pa.array([n % 2 for n in range(20)], pa.int32()))
        .append_column("needed", pa.array([2] * 20, pa.int64()))
        .append_column("part", pa.array([part] * 20))
        for part in ("user_prompt", "system_prompt", "tool_schema")
    )
    repeated = relations.repeated_keys(rows)
    asked = engine.keep("wanted", wanted)
    whole = relations.whole_parts(parts, asked)
    matched = relations.matched(owned, whole, asked)
    return {
        "with_origin": rows,
        "distinct_parts": parts,
        "within": relations.within(rows, SPAN),
        "with_owners": owned,
        "repeated_keys": repeated,
        "repeated_requests": relations.repeated_requests(rows, repeated),
        "without": relations.without(rows, rows.filter(rows.source_row < 100).select(*relations.ROW_KEY)),
        "minutes": relations.minutes(rows),
        "declared_owners": relations.declared_owners(rows),
        "window_turns": relations.window_turns(rows, owners, SPAN),
        "items_of": items,
        "look_back": relations.look_back(rows, owners, SPAN),
        "user_shingles": relations.user_shingles(items),
        "user_postings": postings,
        "part_uses": uses,
        "part_postings": relations.part_postings(uses, parts.filter(parts.kind == "system_prompt")),
        "common_shingles": shared,
        "look_back_principals": relations.look_back_principals(postings, shared),
        "look_back_holders": relations.look_back_holders(postings, shared),
        "postings_of": relations.postings_of(postings, coded),
        "traces": relations.traces(owned),
        "first_uses": relations.first_uses(owned),
        "model_uses": relations.model_uses(owned),
        "visits": relations.visits(owned),
        "whole_parts": whole,
        "matched": matched,
        "around": relations.around(rows, owners, matched),
        "activity": relations.activity(rows, owners.filter(owners.account < 4), width_us=3_600_000_000),
    }


STEPS = [
    name
    for name, step in inspect.getmembers(relations, inspect.isfunction)
    if step.__module__ == relations.__name__ and not name.startswith("_")
]


@pytest.fixture(scope="module")
def by_duckdb(duckdb_opened, files):
    return {name: duckdb_opened.fetch(found) for name, found in _relations(duckdb_opened, files).items()}


def _rows(table):
    return sorted(table.to_pylist(), key=lambda row: [str(value) for value in row.values()])


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_compared_on_rows(step, by_duckdb):
    assert by_duckdb[step].num_rows > 0


@pytest.fixture(scope="module")
def on_spark(spark_opened, files):
    return _relations(spark_opened, files)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_spark_gives_the_rows_of_duckdb(step, by_duckdb, on_spark, spark_opened):
    found = spark_opened.fetch(on_spark[step])
    assert found.column_names == by_duckdb[step].column_names
    assert _rows(found) == _rows(by_duckdb[step])


@pytest.mark.slow
def test_a_worker_that_fails_is_told_by_its_own_words_and_the_open_session_stays_open(spark_opened, tmp_path):
    from gauger.engines.spark import spark_engine

    def fault(batches):
        yield from batches
        raise RuntimeError("ValueError while a log was sketched")

    with (
        pytest.raises(WorkspaceError, match="Spark gave up: RuntimeError: ValueError while a log was sketched"),
        spark_engine(scratch=tmp_path, master=None) as engine,
    ):
        engine.session.range(1).mapInArrow(fault, "id long").toArrow()
    assert spark_opened.fetch(spark_opened.keep("still", pa.table({"a": [1]})))["a"].to_pylist() == [1]

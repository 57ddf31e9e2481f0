"""Exchanges are sketched turn by turn, their parts once."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.exchanges.schema import EDGE_SCHEMA, EXCHANGE_SCHEMA, TEXTS
from gauger.settings import SketchSettings
from gauger.sketches.digests import row_digests
from gauger.sketches.exchanges import sketch_exchanges
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.sketches.texts import SYSTEM_PROMPT, USER_TURN, sketch_texts
from gauger.sources.json_text import canonical

SYSTEM = "You are a patient tutor who answers in two short sentences"
TOOLS = '{"name": "search", "parameters": {"query": "string"}}'


def edge_table(rows):
    defaults = {"account_id": "a", "occurred_at": 1_700_000_000_000_000, "source_file": "f", "source_row": 0}
    full = [{**defaults, **row} for row in rows]
    return pa.Table.from_pylist(full, schema=EDGE_SCHEMA)


def sketch(rows, key, *, threads=1):
    edge = edge_table(rows)
    kept = pa.table(
        [edge[f.name] if f.name in edge.column_names else pa.nulls(len(rows), f.type) for f in EXCHANGE_SCHEMA],
        schema=EXCHANGE_SCHEMA,
    )
    texts = edge.select(list(TEXTS)).append_column("digest", row_digests(edge, key))
    return sketch_exchanges(kept, texts, key, settings=SketchSettings(), threads=threads)


ROWS = [
    {"system_prompt": SYSTEM, "user_prompt": "what is a tide and why does it come twice a day"},
    {
        "system_prompt": SYSTEM,
        "tool_schema": TOOLS,
        "user_prompt": "and the moon?",
        "conversation_prefix": "user: what",
    },
    {"system_prompt": "", "tool_schema": None, "user_prompt": None, "conversation_prefix": ""},
    {"system_prompt": TOOLS, "user_prompt": "Hello"},
]


def test_the_tables_have_their_schemas_and_rows(key):
    found = sketch(ROWS, key, threads=2)
    found.rows.validate(full=True)
    found.parts.validate(full=True)
    assert found.rows.schema == SKETCH_SCHEMA
    assert found.parts.schema == PART_SCHEMA
    assert found.rows.num_rows == len(ROWS)
    assert found.rows["occurred_us"].to_pylist() == [1_700_000_000_000_000] * 4


def test_columns_are_those_of_the_text_sketch(key):
    rows = sketch(ROWS, key).rows
    prompts = pa.array([row["user_prompt"] for row in ROWS], pa.large_string())
    turns = sketch_texts(prompts, key, namespace=USER_TURN, settings=SketchSettings())
    np.testing.assert_array_equal(np.concatenate(rows["shingles"].to_numpy()), turns.shingles)
    intents = np.stack(rows["intents"].to_numpy())
    np.testing.assert_allclose(intents, turns.intents, atol=1 / 256)
    np.testing.assert_array_equal(intents * 128 % 1, 0)
    np.testing.assert_array_equal(rows["turn_hash_low"].to_numpy(), turns.turn_hash[:, 1])
    assert [np.frombuffer(p, np.int8).tolist() for p in rows["projection"].to_pylist()] == turns.projection.tolist()
    digest = row_digests(edge_table(ROWS), key).to_pylist()
    high = rows["digest_high"].to_pylist()
    assert [int(h).to_bytes(8, "big", signed=True) for h in high] == [d[:8] for d in digest]


def test_parts_are_distinct_sorted_and_apart_by_kind(key):
    found = sketch(ROWS, key)
    system, tool = found.rows["system_part"].to_pylist(), found.rows["tool_part"].to_pylist()
    assert system[0] == system[1] != 0
    assert system[2] == 0
    assert tool[0] == tool[2] == tool[3] == 0
    assert tool[1] != system[3]  # the same text, once a tool schema and once a system prompt
    parts = found.parts.to_pylist()
    assert [p["part"] for p in parts] == sorted({system[0], system[3], tool[1]})
    kinds = {p["part"]: p["kind"] for p in parts}
    assert kinds == {system[0]: "system_prompt", system[3]: "system_prompt", tool[1]: "tool_schema"}
    by_id = {p["part"]: p for p in parts}
    expected = sketch_texts(pa.array([SYSTEM]), key, namespace=SYSTEM_PROMPT, settings=SketchSettings())
    assert by_id[system[0]]["shingles"] == expected.shingles.tolist()
    assert by_id[system[0]]["n_words"] == 11


def test_a_request_extends_the_one_whose_words_it_repeats(key):
    asked = "What is a tide?"
    said = [{"role": "user", "content": asked}, {"role": "assistant", "content": "Water that rises."}]
    first = {"system_prompt": SYSTEM, "user_prompt": asked}
    later = {"user_prompt": "And ebb?", "conversation_prefix": canonical(said)}
    last = {
        "user_prompt": "And neap?",
        "conversation_prefix": canonical([*said, {"role": "user", "content": "And ebb?"}, {"role": "assistant"}]),
    }
    rows = sketch([first, later, last, {**first, "user_prompt": "what is a tide?"}], key).rows
    extends, thread = rows["extends"].to_pylist(), rows["thread"].to_pylist()
    assert extends == [0, thread[0], thread[1], 0]
    assert len(set(thread)) == 4


def test_what_extends_nothing_that_was_said_begins(key):
    rows = sketch([{"user_prompt": "a"}, {"user_prompt": "a", "conversation_prefix": ""}], key).rows
    assert rows["extends"].to_pylist() == [0, 0]
    only_answers = canonical([{"role": "assistant", "content": "Welcome."}])
    rows = sketch([{"user_prompt": "a", "conversation_prefix": only_answers}], key).rows
    assert rows["extends"].to_pylist() == [0]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picks=st.lists(st.integers(0, 3), max_size=9), cut=st.integers(0, 9))
def test_cut_batches_give_the_same_rows_and_parts(picks, cut, key):
    rows = [ROWS[i] for i in picks]
    whole = sketch(rows, key, threads=2)
    parts = [sketch(rows[:cut], key), sketch(rows[cut:], key)]
    assert whole.rows.equals(pa.concat_tables([p.rows for p in parts]))
    united = {p["part"]: p for found in parts for p in found.parts.to_pylist()}
    assert whole.parts.to_pylist() == [united[part] for part in sorted(united)]


def test_no_text_is_left(key):
    found = sketch(ROWS, key)
    for table in (found.rows, found.parts):
        cells = repr(table.to_pylist())
        assert "patient tutor" not in cells
        assert "parameters" not in cells
        assert "tide" not in cells


def test_tables_of_other_lengths_are_refused(key):
    edge = edge_table(ROWS)
    kept = pa.table([pa.nulls(0, f.type) for f in EXCHANGE_SCHEMA], schema=EXCHANGE_SCHEMA)
    with pytest.raises(UsageError, match="0 exchanges came with 4 rows"):
        sketch_exchanges(kept, edge.select(list(TEXTS)), key, settings=SketchSettings(), threads=1)

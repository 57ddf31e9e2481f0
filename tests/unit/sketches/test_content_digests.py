"""Two logs of one call are one exchange; two calls are two."""

import pyarrow as pa

from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sketches.digests import content_digests

KEY = bytes(range(32))


def _digest(**values):
    row = {"account_id": "a", "user_prompt": "hello there", "occurred_at": 0, "source_file": "x", "source_row": 1}
    return content_digests(pa.Table.from_pylist([row | values], schema=EDGE_SCHEMA), KEY)[0].as_py()


def test_two_dumps_of_one_call_that_differ_in_time_and_client_are_one_exchange():
    assert _digest(request_id="r1", occurred_at=1) == _digest(request_id="r1", user_agent="curl", source_row=9)


def test_one_id_on_two_texts_is_two_exchanges():
    assert _digest(request_id="r1") != _digest(request_id="r1", user_prompt="something else")


def test_without_an_id_every_column_tells_rows_apart():
    assert _digest() == _digest(source_file="y", source_row=2)
    assert _digest() != _digest(occurred_at=1)
    assert _digest() != _digest(user_agent="curl")

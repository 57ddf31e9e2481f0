import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.sources.faults import NESTED, NOT_JSON, Bad
from gauger.sources.json_text import as_object, canonical, decode, opened

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_good_json_comes_out_as_it_is(value):
    assert decode(json.dumps(value).encode()) == value


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_bad(data):
    value = decode(data)
    assert isinstance(value, Bad) or canonical(value).encode()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":"\\ud800x"}', {"a": "\ufffdx"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"\\udfff":1}', {"\ufffd": 1}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":"x\x00y\nz"}', {"a": "x\x00y\nz"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":1e999}', {"a": math.inf}),
        (b'{"a":' + b"9" * 6000 + b"}", {"a": math.inf}),
    ],
)
def test_what_strict_json_refuses_but_can_be_understood_is_kept(data, value):
    assert decode(data) == value


def test_nan_is_kept_so_that_the_column_can_say_so():
    assert math.isnan(decode(b'{"a":NaN}')["a"])


@pytest.mark.parametrize("data", [b"", b"{", b"\x00\x01", b'{"a":1} x', b"{'a':1}", b'{"a":1,}'])
def test_what_is_no_json_is_bad(data):
    assert decode(data) == NOT_JSON


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_bad_and_no_error(opening):
    closing = b"]" if opening == b"[" else b"}"
    for depth in (5_000, 1_000_000):
        assert decode(opening * depth + b"1" + closing * depth) == NESTED


@given(JSON)
def test_canonical_text_does_not_depend_on_the_order_of_keys(value):
    turned = json.loads(json.dumps(value), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert canonical(turned) == canonical(value)


def test_json_in_json_is_opened_twice_and_no_more():
    once, twice, thrice = json.dumps({"a": 1}), json.dumps(json.dumps({"a": 1})), json.dumps(json.dumps(json.dumps({})))
    assert as_object(once) == as_object(twice) == {"a": 1}
    assert as_object(thrice) == {}
    assert opened("{not json") == "{not json"
    assert opened("plain") == "plain"

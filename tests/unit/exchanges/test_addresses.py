import ipaddress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.exchanges.addresses import (
    V4_MAPPED,
    first_of,
    is_v4,
    last_of,
    octets_of,
    parse_addresses,
    parse_client_addresses,
)

#: Texts that are nearly addresses: pieces put together at random.
NEARLY = st.lists(
    st.sampled_from([":", "::", ".", "0", "1", "12", "256", "255", "ffff", "FFFF", "1234", "12345", "/", "%", "g", " "])
).map("".join)


def packed(text: str) -> bytes | None:
    """Sixteen bytes of an address by the standard library, or None."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.packed if address.version == 6 else V4_MAPPED + address.packed


def parsed(text: str) -> bytes | None:
    found, is_address = parse_addresses(pa.array([text]))
    return octets_of(found)[0].tobytes() if is_address[0] else None


@given(st.lists(st.ip_addresses()))
def test_every_address_is_read_as_the_standard_library_reads_it(addresses):
    texts = [str(address) for address in addresses] + [address.exploded.upper() for address in addresses]
    found, is_address = parse_addresses(pa.array(texts, pa.string()))
    assert is_address.all()
    assert octets_of(found).tobytes() == b"".join(filter(None, map(packed, texts)))


@given(NEARLY | st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_no_address_is_refused_as_the_standard_library_refuses_it(text):
    has_other_forms = "%" in text or (":" in text and "." in text)  # zones, dotted tails: see the docstring
    if not has_other_forms:
        assert parsed(text) == packed(text)


OCTETS = st.sampled_from(["0", "1", "9", "00", "01", "010", "99", "199", "255", "256", "999", "1000", "", "a", "-1"])


@given(st.lists(OCTETS, min_size=3, max_size=5).map(".".join))
def test_ipv4_is_read_and_refused_as_the_standard_library_does(text):
    assert parsed(text) == packed(text)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_its_ipv4_address(address):
    mapped = ipaddress.IPv6Address(V4_MAPPED + address.packed)
    assert parsed(str(address)) == parsed(f"::ffff:{address}") == parsed(mapped.exploded)


def test_null_is_no_address():
    assert parse_addresses(pa.array([None, "1.2.3.4"], pa.string()))[1].tolist() == [False, True]


def test_an_empty_array_has_no_addresses():
    found, is_address = parse_addresses(pa.array([], pa.string()))
    assert len(found) == len(is_address) == 0


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_prefix_reaches_from_its_first_to_its_last_address(address, length):
    whole = V4_MAPPED + address.packed if address.version == 4 else address.packed
    network = ipaddress.IPv6Network((whole, length), strict=False)
    array, lengths = parse_addresses(pa.array([str(address)]))[0], np.array([length])
    assert octets_of(first_of(array, lengths))[0].tobytes() == network[0].packed
    assert octets_of(last_of(array, lengths))[0].tobytes() == network[-1].packed


@given(st.lists(st.ip_addresses(), min_size=1))
def test_families_are_told_apart(addresses):
    array, _ = parse_addresses(pa.array([str(address) for address in addresses]))
    mapped = [address.version == 4 or address.packed.startswith(V4_MAPPED) for address in addresses]
    assert is_v4(array).tolist() == mapped


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[fe80::1%eth0]:443", "fe80::1"),
        ("fe80::1%eth0", "fe80::1"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ('"203.0.113.9"', "203.0.113.9"),
    ],
)
def test_ports_brackets_zones_and_quotes_are_taken_off(written, meant):
    found = parse_client_addresses(pa.array([written]))
    assert octets_of(found.packed)[0].tobytes() == packed(meant)
    assert found.is_address.tolist() == [True]


@pytest.mark.parametrize("written", ["203.0.113.***", "203.0.113.*", "203.0.113.x", "203.0.113.XXX"])
def test_a_hidden_last_octet_leaves_the_prefix_known(written):
    found = parse_client_addresses(pa.array([written]))
    assert octets_of(found.packed)[0].tobytes() == packed("203.0.113.0")
    assert (found.is_address.tolist(), found.is_hidden.tolist()) == ([False], [True])


@pytest.mark.parametrize("written", ["-", "unknown", "", "203.0.***.***", "1.2.3", "localhost", "unix:", "1.2.3.4:x"])
def test_what_names_no_address_is_none(written):
    found = parse_client_addresses(pa.array([written]))
    assert (found.is_address.tolist(), found.is_hidden.tolist()) == ([False], [False])


@given(st.lists(NEARLY | st.none()))
def test_no_text_of_a_client_raises(texts):
    found = parse_client_addresses(pa.array(texts, pa.string()))
    assert len(found.packed) == len(texts)
    assert not (found.is_address & found.is_hidden).any()

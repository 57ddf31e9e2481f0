import ipaddress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.exchanges.addresses import V4_OFFSET, first_of, last_of, parse_addresses
from gauger.exchanges.networks import NETWORK_CLASSES, NOWHERE, AddressMap, NetworkTable, address_map

HIGHEST = ipaddress.IPv6Address(2**128 - 1)


def packed(addresses):
    found, is_address = parse_addresses(pa.array([str(address) for address in addresses], pa.string()))
    assert is_address.all()
    return found


def mapped(networks, values=None):
    """Address map of standard-library networks."""
    lengths = [n.prefixlen + (V4_OFFSET if n.version == 4 else 0) for n in networks]
    addresses = packed([n.network_address for n in networks])
    bits = np.array(lengths, dtype=np.int64)
    values = range(len(networks)) if values is None else values
    return address_map(first_of(addresses, bits), last_of(addresses, bits), np.array(values, dtype=np.int64))


def reference(networks, address):
    """Index of the longest network that holds the address; of equals the last; slow and plain."""
    best = NOWHERE
    for index, network in enumerate(networks):
        if address.version == network.version and address in network:
            best = index if best == NOWHERE or network.prefixlen >= networks[best].prefixlen else best
    return best


#: Few bits vary, so that networks overlap, nest and touch.
NARROW_V4 = st.builds(
    lambda low, length: ipaddress.IPv4Network((0xFFFFFFF0 | low if low % 2 else low << 24, length), strict=False),
    st.integers(0, 15),
    st.integers(0, 32),
)
NARROW_V6 = st.builds(
    lambda low, shift, length: ipaddress.IPv6Network(((low << shift) | (1 << 125), length), strict=False),
    st.integers(0, 15),
    st.sampled_from([0, 60, 64, 100]),
    st.integers(3, 128),
)
ANY = st.ip_addresses(v=4).map(ipaddress.ip_network) | st.ip_addresses(v=6).filter(lambda a: a.packed[0]).map(
    ipaddress.ip_network
)
NETWORKS = st.lists(NARROW_V4 | NARROW_V6 | ANY, max_size=20)


def edges(networks):
    """Addresses where a mistake would show: both ends of every network and their neighbours."""
    for network in networks:
        for end in (int(network[0]), int(network[-1])):
            for number in (end - 1, end, end + 1):
                if 0 <= number < 2**network.max_prefixlen:
                    yield type(network[0])(number)


@given(NETWORKS)
def test_the_most_specific_network_speaks_for_an_address(networks):
    table = mapped(networks)
    addresses = [*edges(networks), ipaddress.ip_address("0.0.0.0"), HIGHEST]
    array = packed(addresses)
    assert table.value_of(array, array).tolist() == [reference(networks, address) for address in addresses]


@given(NETWORKS, st.randoms(use_true_random=False))
def test_the_order_of_different_networks_does_not_matter(networks, random):
    distinct = list(dict.fromkeys(networks))
    shuffled = random.sample(distinct, len(distinct))
    one, two = mapped(distinct), mapped(shuffled, [distinct.index(network) for network in shuffled])
    assert one.starts.tobytes() == two.starts.tobytes()
    assert one.values.tolist() == two.values.tolist()


def test_a_range_that_is_no_prefix_is_taken_as_it_is():
    first, last = packed(["10.0.0.5", "10.0.0.7"]), packed(["10.0.0.9", "10.0.0.8"])
    table = address_map(first, last, np.array([0, 1]))
    asked = packed([f"10.0.0.{n}" for n in range(4, 11)])
    assert table.value_of(asked, asked).tolist() == [NOWHERE, 0, 0, 1, 1, 0, NOWHERE]


#: Numbers on both sides of the border between the two halves of an address.
NUMBERS = st.integers(-3, 3).map(lambda step: 2**64 * 5 + step) | st.integers(0, 2**128 - 1)
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted), min_size=1, max_size=8)


@given(RANGES)
def test_the_smallest_range_speaks_for_an_address(ranges):
    first = packed([ipaddress.IPv6Address(low) for low, _ in ranges])
    last = packed([ipaddress.IPv6Address(high) for _, high in ranges])
    table = address_map(first, last, np.arange(len(ranges)))
    numbers = {end + step for pair in ranges for end in pair for step in (-1, 0, 1) if 0 <= end + step < 2**128}
    for number in numbers:
        holding = [(low - high, at) for at, (low, high) in enumerate(ranges) if low <= number <= high]
        asked = packed([ipaddress.IPv6Address(number)])
        assert table.value_of(asked, asked).tolist() == [max(holding)[1] if holding else NOWHERE]


def test_the_highest_address_ends_the_map():
    table = mapped([ipaddress.ip_network("ff00::/8")])
    asked = packed(["ff00::", HIGHEST, "feff::"])
    assert table.value_of(asked, asked).tolist() == [0, 0, NOWHERE]


def test_a_range_has_a_value_only_where_it_is_one():
    table = mapped([ipaddress.ip_network("10.0.0.0/25"), ipaddress.ip_network("10.0.1.0/24")])
    first, last = packed(["10.0.0.0", "10.0.1.0", "10.0.2.0"]), packed(["10.0.0.255", "10.0.1.255", "10.0.2.255"])
    assert table.value_of(first, last).tolist() == [NOWHERE, 1, NOWHERE]


def test_an_empty_map_knows_nothing():
    asked = packed(["0.0.0.0", "::", "2001:db8::1"])
    assert AddressMap().value_of(asked, asked).tolist() == [NOWHERE] * 3


@pytest.mark.parametrize(
    ("starts", "values"),
    [
        (["::", "::1"], [0]),
        (["::1"], [0]),
        (["::", "::2", "::1"], [0, 1, 2]),
        (["::", "::1"], [3, 3]),
        ([], []),
    ],
)
def test_a_map_that_is_no_step_function_is_refused(starts, values):
    with pytest.raises(ValueError, match="address map"):
        AddressMap(packed(starts), np.array(values, dtype=np.int64))


@pytest.fixture
def table():
    networks = [ipaddress.ip_network(text) for text in ("198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
    return NetworkTable(
        classes=mapped(networks[:1], [NETWORK_CLASSES.index("cloud")]),
        asns=mapped(networks, [64500, 64501, 64502]),
        asn_classes={64500: NETWORK_CLASSES.index("hosting"), 64501: NETWORK_CLASSES.index("vpn")},
        countries=mapped(networks[1:], [1, 0]),
        country_codes=("FR", "DE"),
    )


def test_a_look_up_names_class_system_and_country(table):
    asked = packed(["198.51.100.7", "203.0.113.7", "2001:db8::7", "192.0.2.1"])
    assert table.look_up(asked, asked).to_pylist() == [
        {"asn": 64500, "network_class": "cloud", "country": None},
        {"asn": 64501, "network_class": "vpn", "country": "DE"},
        {"asn": 64502, "network_class": None, "country": "FR"},
        {"asn": None, "network_class": None, "country": None},
    ]


def test_an_empty_table_knows_nothing_and_keeps_its_types():
    asked = packed(["192.0.2.1"])
    found = NetworkTable().look_up(asked, asked)
    assert found.schema.types == [pa.int64(), pa.string(), pa.string()]
    assert found.to_pylist() == [{"asn": None, "network_class": None, "country": None}]

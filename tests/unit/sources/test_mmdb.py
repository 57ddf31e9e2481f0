import ipaddress

import maxminddb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import SettingsError
from gauger.exchanges.addresses import parse_addresses
from gauger.exchanges.networks import NOWHERE, address_map
from gauger.sources.enrichment import load_networks
from gauger.sources.mmdb import is_mmdb, read_mmdb_asns, read_mmdb_countries

# A writer of MaxMind DB files, after the published format 2.0: a binary tree, sixteen zero bytes, data, metadata.

STRING, UINT16, UINT32, MAP, UINT64, ARRAY = 2, 5, 6, 7, 9, 11


def control(kind, size):
    first, extended = (kind << 5, b"") if kind < 8 else (0, bytes([kind - 7]))
    if size < 29:
        return bytes([first | size]) + extended
    return bytes([first | 29]) + extended + bytes([size - 29])


def number(value, kind):
    data = value.to_bytes((value.bit_length() + 7) // 8)
    return control(kind, len(data)) + data


def encoded(value):
    if isinstance(value, dict):
        return control(MAP, len(value)) + b"".join(encoded(k) + encoded(v) for k, v in value.items())
    if isinstance(value, list):
        return control(ARRAY, len(value)) + b"".join(map(encoded, value))
    if isinstance(value, str):
        return control(STRING, len(value.encode())) + value.encode()
    return number(value, UINT32)


def metadata(n_nodes, ip_version, record_size):
    fields = {
        "binary_format_major_version": number(2, UINT16),
        "binary_format_minor_version": number(0, UINT16),
        "build_epoch": number(1_767_225_600, UINT64),
        "database_type": encoded("Test"),
        "description": encoded({"en": "test"}),
        "ip_version": number(ip_version, UINT16),
        "languages": encoded(["en"]),
        "node_count": number(n_nodes, UINT32),
        "record_size": number(record_size, UINT16),
    }
    return b"\xab\xcd\xefMaxMind.com" + control(MAP, len(fields)) + b"".join(encoded(k) + v for k, v in fields.items())


class Tree:
    """Nodes are pairs of None, ("node", number) or ("data", offset)."""

    def __init__(self):
        self.nodes = [[None, None]]

    def put(self, bits, record):
        node = self.nodes[0]
        for bit in bits[:-1]:
            if node[bit] is None:
                self.nodes.append([None, None])
                node[bit] = ("node", len(self.nodes) - 1)
            node = self.nodes[node[bit][1]]
        node[bits[-1]] = record

    def packed(self, record_size):
        n = len(self.nodes)
        value = {None: lambda _: n, "node": lambda at: at, "data": lambda at: n + 16 + at}
        pairs = [[value[r[0] if r else None](r and r[1]) for r in node] for node in self.nodes]
        if record_size == 28:
            return b"".join(
                (a & 0xFFFFFF).to_bytes(3) + bytes([a >> 24 << 4 | b >> 24]) + (b & 0xFFFFFF).to_bytes(3)
                for a, b in pairs
            )
        size = record_size // 8
        return b"".join(a.to_bytes(size) + b.to_bytes(size) for a, b in pairs)


def bits_of(network, ip_version):
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    return [int(bit) for bit in ("0" * 96 if ip_version == 6 and network.version == 4 else "") + bits]


def mmdb(records, ip_version=6, record_size=28):
    """Bytes of a file that holds a record for each network; an IPv6 tree also has 2002::/16 lead into IPv4."""
    tree, data = Tree(), b""
    for text, record in records.items():
        tree.put(bits_of(ipaddress.ip_network(text), ip_version), ("data", len(data)))
        data += encoded(record)
    if ip_version == 6 and any(ipaddress.ip_network(text).version == 4 for text in records):
        at = 0
        for _ in range(96):
            at = tree.nodes[at][0][1]
        tree.put(bits_of(ipaddress.ip_network("2002::/16"), 6), ("node", at))
    return tree.packed(record_size) + bytes(16) + data + metadata(len(tree.nodes), ip_version, record_size)


@pytest.fixture
def written(tmp_path):
    def write(records, **options):
        path = tmp_path / "test.mmdb"
        path.write_bytes(mmdb(records, **options))
        return path

    return write


def look_up(networks, *texts):
    asked, is_address = parse_addresses(pa.array(texts))
    assert is_address.all()
    return address_map(networks.first, networks.last, networks.values).value_of(asked, asked).tolist()


ASNS = {
    "geolite": {"autonomous_system_number": 64500, "autonomous_system_organization": "A"},
    "ipinfo": {"asn": "AS64500", "as_name": "A", "country_code": "FR"},
    "enterprise": {"traits": {"autonomous_system_number": 64500}},
}
COUNTRIES = {
    "geolite": {"country": {"iso_code": "FR", "names": {"en": "France"}}, "registered_country": {"iso_code": "DE"}},
    "ipinfo lite": {"asn": "AS64500", "country": "France", "country_code": "FR"},
    "ipinfo": {"country": "FR", "continent": "EU"},
    "lower case": {"country_code": "fr"},
}


@pytest.mark.parametrize("record", ASNS.values(), ids=ASNS)
def test_every_shape_of_a_system_is_understood(written, record):
    path = written({"198.51.100.0/24": record, "2001:db8::/32": record})
    found = read_mmdb_asns(path)
    asked = ["198.51.100.1", "2001:db8::1", "198.51.101.1", "2001:db9::1"]
    assert look_up(found, *asked) == [64500, 64500, NOWHERE, NOWHERE]


@pytest.mark.parametrize("record", COUNTRIES.values(), ids=COUNTRIES)
def test_every_shape_of_a_country_is_understood(written, record):
    networks, codes = read_mmdb_countries(written({"198.51.100.0/24": record}))
    assert codes == ("FR",)
    assert look_up(networks, "198.51.100.1", "198.51.101.1") == [0, NOWHERE]


@pytest.mark.parametrize("record_size", [24, 28, 32])
@pytest.mark.parametrize("ip_version", [4, 6])
def test_every_width_of_tree_is_read(written, record_size, ip_version):
    path = written({"198.51.100.0/24": ASNS["geolite"]}, record_size=record_size, ip_version=ip_version)
    assert look_up(read_mmdb_asns(path), "198.51.100.255", "198.51.99.255") == [64500, NOWHERE]


@given(st.sets(st.ip_addresses(), min_size=1, max_size=12), st.integers(8, 24))
def test_what_is_read_agrees_with_the_readers_own_look_up(tmp_path_factory, addresses, length):
    records = {}
    for place, address in enumerate(sorted(addresses, key=str)):
        network = ipaddress.ip_network((address, length if address.version == 4 else 2 * length), strict=False)
        if network.version == 6 and network.overlaps(ipaddress.ip_network("::/16")):
            continue  # where the tree holds IPv4
        records[str(network)] = {"autonomous_system_number": place + 1}
    if not records:
        return
    path = tmp_path_factory.getbasetemp() / "random.mmdb"
    path.write_bytes(mmdb(records))
    asked = [str(a) for a in addresses if not a.packed.startswith((b"\x20\x02", bytes(2)))]
    with maxminddb.open_database(path) as reader:
        expected = [
            (reader.get(text) or {"autonomous_system_number": NOWHERE})["autonomous_system_number"] for text in asked
        ]
    assert look_up(read_mmdb_asns(path), *asked, "192.0.2.1")[:-1] == expected


def test_a_record_without_a_country_leaves_its_range_unknown(written):
    networks, codes = read_mmdb_countries(
        written({"198.51.100.0/24": {"continent": {"code": "EU"}}, "203.0.113.0/24": {"country_code": "DE"}})
    )
    assert codes == ("DE",)
    assert look_up(networks, "198.51.100.1", "203.0.113.1") == [NOWHERE, 0]


def test_a_file_of_countries_is_no_file_of_systems(written):
    with pytest.raises(SettingsError, match="says nothing of autonomous systems"):
        read_mmdb_asns(written({"198.51.100.0/24": COUNTRIES["geolite"]}))


def test_a_damaged_file_is_refused_in_words(written):
    path = written({"198.51.100.0/24": ASNS["geolite"]})
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + whole[-300:])
    assert is_mmdb(path)
    with pytest.raises(SettingsError, match=r"cannot be read|says nothing"):
        read_mmdb_asns(path)


def test_only_a_maxmind_file_is_taken_for_one(written, tmp_path):
    path = written({"198.51.100.0/24": ASNS["geolite"]})
    other = tmp_path / "asn.tsv"
    other.write_text("198.51.100.0\t24\t64500\n", encoding="utf-8")
    assert [is_mmdb(one) for one in (path, other, tmp_path, tmp_path / "absent")] == [True, False, False, False]


def test_settings_take_a_maxmind_file_for_systems_and_for_countries(written, tmp_path):
    written({"198.51.100.0/24": {**ASNS["geolite"], **COUNTRIES["geolite"]}})
    table = load_networks({"asn": "test.mmdb", "country": "test.mmdb"}, base=tmp_path)
    asked, _ = parse_addresses(pa.array(["198.51.100.9", "192.0.2.9"]))
    assert table.look_up(asked, asked).to_pylist() == [
        {"asn": 64500, "network_class": None, "country": "FR"},
        {"asn": None, "network_class": None, "country": None},
    ]

import gzip
import ipaddress
import json
import logging
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import SettingsError
from gauger.exchanges.addresses import V4_MAPPED, octets_of
from gauger.sources.lists import parse_networks, read_asn_table, read_domains, read_networks


def whole(address) -> bytes:
    return address.packed if address.version == 6 else V4_MAPPED + address.packed


def ranges(first, last):
    pairs = zip(octets_of(first), octets_of(last), strict=True)
    return [(one.tobytes(), two.tobytes()) for one, two in pairs]


def expected(*networks):
    return [(whole(network[0]), whole(network[-1])) for network in map(ipaddress.ip_network, networks)]


@pytest.fixture
def written(tmp_path):
    def write(content: str | bytes, name="list.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@given(st.lists(st.tuples(st.ip_addresses(), st.integers(0, 128))))
def test_prefixes_are_read_as_the_standard_library_reads_them(pairs):
    networks = [ipaddress.ip_network((a, min(length, a.max_prefixlen)), strict=False) for a, length in pairs]
    first, last, is_network = parse_networks(pa.array([str(network) for network in networks], pa.string()))
    mapped = ipaddress.IPv6Network("::ffff:0:0/96")
    holds_all_v4 = [n.version == 6 and n.prefixlen < 96 and n.supernet_of(mapped) for n in networks]
    assert is_network.tolist() == [not holds for holds in holds_all_v4]
    good = [network for network, is_good in zip(networks, is_network, strict=True) if is_good]
    assert ranges(first[is_network], last[is_network]) == expected(*good)


@given(st.ip_addresses(), st.integers(9, 32))
def test_bits_behind_the_prefix_are_cleared(address, length):
    first, last, is_network = parse_networks(pa.array([f"{address}/{length}"]))
    if is_network[0]:
        assert ranges(first, last) == expected(str(ipaddress.ip_network((address, length), strict=False)))


@pytest.mark.parametrize(
    "text", ["1.2.3.4/33", "2001:db8::/129", "1.2.3/24", "1.2.3.4/", "/24", "x", "::/0", "1.2.3.4/-1"]
)
def test_what_is_no_prefix_is_refused(text):
    assert parse_networks(pa.array([text]))[2].tolist() == [False]


PLAIN = """# a comment
; another

203.0.113.0/24
198.51.100.7    # one address
2001:db8::/32,FR,,a geofeed
"192.0.2.0/25"
AS64500 # Some Host, Inc.
AS64501
"""


def test_a_plain_list_names_networks_and_systems_and_leaves_comments(written):
    found = read_networks([written(PLAIN)])
    assert ranges(found.networks.first, found.networks.last) == expected(
        "203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32", "192.0.2.0/25"
    )
    assert found.asns == {64500, 64501}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: gzip.compress(text.encode()),
        lambda text: text + "\n\n",
        lambda text: text.rstrip("\n"),
    ],
    ids=["carriage returns", "mark", "gzip", "blank end", "no end"],
)
def test_a_plain_list_reads_alike_however_it_is_stored(written, change):
    plain, changed = read_networks([written(PLAIN)]), read_networks([written(change(PLAIN), "other")])
    assert plain.networks.first.tobytes() == changed.networks.first.tobytes()
    assert plain.asns == changed.asns


def test_a_warning_list_reads_as_its_plain_list(written):
    entries = ["203.0.113.0/24", "2001:db8::/32"]
    found = read_networks([written(json.dumps({"name": "x", "type": "cidr", "version": 1, "list": entries}))])
    assert ranges(found.networks.first, found.networks.last) == expected(*entries)


def test_entries_know_their_file(written):
    paths = [written("192.0.2.0/24\n", "a"), written("", "b"), written("203.0.113.0/24\n198.51.100.0/24\n", "c")]
    assert read_networks(paths).networks.values.tolist() == [0, 2, 2]


def test_no_lists_name_nothing():
    found = read_networks([])
    assert len(found.networks.first) == 0
    assert found.asns == frozenset()


def test_a_table_of_bad_systems_reads_as_its_numbers(written):
    content = 'ASN,Entity\n64500,"SOME HOST, FR"\n64501, "OTHER, NL"\n"64502","THIRD" \n'
    assert read_networks([written(content)]).asns == {64500, 64501, 64502}


def test_a_few_lines_without_sense_are_counted_with_file_and_line(written, caplog):
    lines = [f"10.0.{n}.0/24" for n in range(200)]
    lines[7] = "not a network"
    path = written("\n".join(lines))
    with caplog.at_level(logging.WARNING):
        assert len(read_networks([path]).networks.first) == 199
    assert f"{path}: 1 of 200 lines" in caplog.text
    assert "line 8" in caplog.text


def test_too_many_lines_without_sense_are_refused_with_file_and_line(written):
    path = written("# comment\n192.0.2.0/24\n<html>\n")
    with pytest.raises(SettingsError, match="1 of 2 lines are no networks") as refusal:
        read_networks([written("192.0.2.0/24", "good"), path])
    assert refusal.value.where == f"{path}, line 3"


def test_an_empty_list_is_mentioned(written, caplog):
    with caplog.at_level(logging.WARNING):
        read_networks([written("# nothing yet\n")])
    assert "the list is empty" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"list": "203.0.113.0/24"}', "no warning list"),
        ('{"lists": []}', "no warning list"),
        ('{"list": [1]}', "no warning list"),
        ('{"list": ["203.0.113.0/24"', "no warning list"),
        (gzip.compress(b"203.0.113.0/24\n" * 100, mtime=0)[:-9], "cannot be read"),
        ("203.0.113.0/24\n".encode("utf-16"), "no networks"),
        (bytes(range(256)), "no networks"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(written, content, message):
    with pytest.raises(SettingsError, match=message):
        read_networks([written(content)])


def test_a_missing_list_is_refused_in_words(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read") as refusal:
        read_networks([tmp_path / "absent"])
    assert refusal.value.where == str(tmp_path / "absent")


@given(st.binary(max_size=200))
def test_no_list_raises_anything_but_a_settings_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "strange-list"
    path.write_bytes(content)
    for read in (lambda: read_networks([path]), lambda: read_asn_table(path), lambda: read_domains([path])):
        try:
            read()
        except SettingsError:
            continue


ROUTES = ["198.51.100.0/24", "203.0.113.0/25", "2001:db8::/32"]


@pytest.mark.parametrize(
    "content",
    [
        "198.51.100.0/24,64500\n203.0.113.0/25,AS64501\n2001:db8::/32,64502\n",
        "network,autonomous_system_number,autonomous_system_organization\n"
        '198.51.100.0/24,64500,"A, Inc"\n203.0.113.0/25,64501,B\n2001:db8::/32,64502,C\n',
        "198.51.100.0\t198.51.100.255\t64500\tFR\tA\n203.0.113.0\t203.0.113.127\t64501\tDE\tB B\n"
        "192.0.2.0\t192.0.2.255\t0\tNone\tNot routed\n"
        "2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64502\tUS\tC\n",
        "198.51.100.0\t24\t64500\n203.0.113.0\t25\t64501_64509\n2001:db8::\t32\t{64502,64510}\n",
    ],
    ids=["prefix", "geolite csv", "iptoasn", "routeviews"],
)
def test_a_table_of_systems_reads_alike_in_every_format(written, content):
    found = read_asn_table(written(content))
    assert ranges(found.first, found.last) == expected(*ROUTES)
    assert found.values.tolist() == [64500, 64501, 64502]


def test_a_range_of_systems_that_ends_before_it_begins_is_refused(written):
    with pytest.raises(SettingsError, match="1 of 1 lines"):
        read_asn_table(written("203.0.113.9\t203.0.113.1\t64500\n"))


def test_domains_are_lower_case_and_comments_are_left_out(written):
    found = read_domains([written("# list\nMailinator.com\n@trash.co.uk\n\n例子.公司 # idn\nxn--p1ai.xn--p1ai.\n")])
    assert found == {"mailinator.com", "trash.co.uk", "例子.公司", "xn--p1ai.xn--p1ai"}


def test_a_list_of_networks_is_no_list_of_domains(written):
    with pytest.raises(SettingsError, match="no domains"):
        read_domains([written("203.0.113.0/24\n2001:db8::/32\n")])


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n_networks"),
    [
        ("x4b_vpn_datacenter/output/datacenter/ipv4.txt", 42_566),
        ("x4b_vpn_datacenter/output/datacenter/ipv6.txt", 8_752),
        ("x4b_vpn_datacenter/input/datacenter/ASN.txt", 0),
        ("misp_warninglists/vpn-ipv4.json", 42_426),
        ("misp_warninglists/icloud-private-relay.json", 13_747),
        ("cloud_ipranges/apple-proxy/ipv6_merged.txt", 10_455),
        ("bad_asn_list/bad-asn-list.csv", 0),
    ],
)
def test_published_lists_are_read_whole(data_folder, caplog, name, n_networks):
    with caplog.at_level(logging.WARNING):
        found = read_networks([data_folder / name])
    assert len(found.networks.first) == n_networks
    text = (data_folder / name).read_text(encoding="utf-8")
    assert found.asns == {int(number) for number in re.findall(r'(?m)^"?(?:AS)?(\d++)(?![.:/a-f])', text)}
    assert not caplog.text


@pytest.mark.data
def test_published_domain_lists_are_read_whole(data_folder, caplog):
    with caplog.at_level(logging.WARNING):
        plain = read_domains([data_folder / "disposable_email" / "disposable_email_blocklist.conf"])
        warned = read_domains([data_folder / "misp_warninglists" / "disposable-email.json"])
    assert len(plain) == 8_335
    assert len(warned) == 8_201
    assert not caplog.text

"""Lists of networks, autonomous systems and mail domains, as their publishers write them.

Read are plain lists with one entry per line, comments after "#" or ";", more fields after a comma or tab; the JSON of
MISP's warning lists; tables of autonomous systems (prefix, range or prefix and length, then the number). Files may be
gzipped. Lines are read all at once, as arrays: a quarter of a million prefixes take less than a second.
"""

import gzip
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gauger.errors import SettingsError
from gauger.exchanges.addresses import (
    V4_MAPPED,
    V4_OFFSET,
    Flags,
    Lengths,
    Packed,
    first_of,
    last_of,
    octets_of,
    parse_addresses,
)

_LOG: Final = logging.getLogger(__name__)

#: A list with a larger share of lines that make no sense is not that kind of list.
MAX_MALFORMED: Final = 0.01

_GZIP_MAGIC: Final = b"\x1f\x8b"
_MAX_BITS: Final = 128
_MAX_ASN: Final = 2**32 - 1

_COMMENT: Final = r"^\s*(?:[#;]|//|$)"
_ENTRY: Final = r"^\s*[\"']?(?P<entry>[^\s,;#\"']+)"
_NETWORK: Final = r"^(?P<address>[0-9A-Fa-f:.]+)(?:/(?P<length>\d{1,3}))?$"
_ASN: Final = r"^(?i:AS)?(?P<number>\d{1,10})$"
_DOMAIN: Final = r"^(?:[\pL\pN_](?:[\pL\pN_-]*[\pL\pN_])?\.)+[\pL\pN-]{2,}$"
#: Up to three fields, the first one an address or a prefix.
_ASN_ROW: Final = (
    r"^\s*\"?(?P<first>[0-9A-Fa-f:.]+(?:/\d{1,3})?)\"?\s*[\t,; ]\s*\"?(?P<second>[^\t,; \"]*)\"?"
    r"(?:\s*[\t,; ]\s*\"?(?P<third>[^\t,; \"]*))?"
)
#: Of a prefix with several origins ("64500_64501", "{64500,64501}") the first one.
_ORIGIN: Final = r"^\{?(?i:AS)?(?P<number>\d{1,10})(?:[_.].*)?\}?$"


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Ranges of addresses from list files, both ends included.

    Attributes
    ----------
    first, last
        The ranges.
    values
        What the file says of each: a number of the file or of an autonomous system.
    """

    first: Packed
    last: Packed
    values: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkLists:
    """What network lists name: ranges (`values` is the number of the file) and autonomous systems."""

    networks: Networks
    asns: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Lines of several files that are not comments: text, number of the file, number of the line from 1."""

    paths: Sequence[Path]
    text: pa.Array
    file: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]


def read_networks(paths: Sequence[Path]) -> NetworkLists:
    """Return the ranges and autonomous systems of plain lists and MISP warning lists.

    Raises
    ------
    SettingsError
        A file cannot be read, or more than 1% of its lines are neither networks nor autonomous systems; fewer are
        counted in the log.
    """
    lines = _lines(paths)
    entries = _group(lines.text, _ENTRY, "entry")
    first, last, is_network = parse_networks(entries)
    asns, is_asn = _numbers(_group(entries, _ASN, "number"))
    _check(lines, is_network | is_asn, what="networks and autonomous systems")
    networks = Networks(first[is_network], last[is_network], lines.file[is_network])
    return NetworkLists(networks, frozenset(asns[is_asn].tolist()))


def read_asn_table(path: Path) -> Networks:
    """Return ranges and the number of their autonomous system; ranges that are not routed (number 0) are left out.

    The first fields of a line are a prefix and the number ("203.0.113.0/24,AS64500"), both ends of a range and the
    number (iptoasn), or an address, a length and the number (RouteViews).

    Raises
    ------
    SettingsError
        The file cannot be read, or more than 1% of its lines are nothing of the kind.
    """
    lines = _lines([path])
    first_field, second, third = (_group(lines.text, _ASN_ROW, name) for name in ("first", "second", "third"))
    has_length = pc.match_substring_regex(second, r"^\d{1,3}$")
    has_slash = pc.match_substring(first_field, "/")
    joined = pc.binary_join_element_wise(first_field, second, "/")
    prefixes = pc.if_else(pc.and_(pc.invert(has_slash), has_length), joined, first_field)
    first, last, is_network = parse_networks(prefixes)
    end, is_range = parse_addresses(second)
    is_range &= is_network
    last = np.where(is_range, end, last)
    numbers, is_numbered = _numbers(_group(pc.if_else(has_slash, second, third), _ORIGIN, "number"))
    is_good = is_network & is_numbered & (first <= last)
    _check(lines, is_good, what="ranges of autonomous systems")
    is_routed = is_good & (numbers > 0)
    return Networks(first[is_routed], last[is_routed], numbers[is_routed])


def read_domains(paths: Sequence[Path]) -> frozenset[str]:
    """Return the domains of plain lists and MISP warning lists, in lower case.

    Raises
    ------
    SettingsError
        A file cannot be read, or more than 1% of its lines are no domains.
    """
    lines = _lines(paths)
    entries = pc.utf8_lower(pc.utf8_trim(_group(lines.text, _ENTRY, "entry"), "@."))
    is_domain = _flags(pc.match_substring_regex(entries, _DOMAIN))
    _check(lines, is_domain, what="domains")
    return frozenset(entries.filter(pa.array(is_domain)).to_pylist())


def parse_networks(entries: pa.Array) -> tuple[Packed, Packed, Flags]:
    """Return the first and last address of prefixes ("203.0.113.0/24") and addresses, and which entries are such.

    Bits behind the prefix are cleared. An IPv6 prefix so short that it would hold all of IPv4 is none.
    """
    parts = pc.extract_regex(entries, _NETWORK)
    text = pc.struct_field(parts, "address")
    address, is_address = parse_addresses(text)
    written, has_length = _numbers(pc.struct_field(parts, "length"))
    offset = np.where(_flags(pc.match_substring(text, ":")), 0, V4_OFFSET)  # a mapped address is written as IPv6
    lengths = np.where(has_length, written + offset, _MAX_BITS)
    is_network = is_address & (lengths <= _MAX_BITS)
    bounded = np.minimum(lengths, _MAX_BITS)
    first, last = first_of(address, bounded), last_of(address, bounded)
    return first, last, is_network & ~_holds_all_v4(first, bounded)


def _holds_all_v4(first: Packed, lengths: Lengths) -> Flags:
    mapped = first_of(np.full(len(first), V4_MAPPED + bytes(4), dtype=first.dtype), lengths)
    is_same: Flags = (octets_of(mapped) == octets_of(first)).all(axis=1)
    return is_same & (lengths < V4_OFFSET)


def _lines(paths: Sequence[Path]) -> _Lines:
    texts: list[str] = []
    counts = []
    for path in paths:
        own = _texts(path)
        texts.extend(own)
        counts.append(len(own))
    text = pa.array(texts, pa.string())
    file = np.repeat(np.arange(len(paths)), counts)
    line = np.concatenate([np.arange(1, count + 1) for count in counts]) if counts else np.zeros(0, np.int64)
    is_entry = ~_flags(pc.match_substring_regex(text, _COMMENT)) & ~_is_header(text, line)
    return _Lines(paths, text.filter(pa.array(is_entry)), file[is_entry], line[is_entry])


def _is_header(text: pa.Array, line: npt.NDArray[np.int64]) -> Flags:
    """Return which lines name columns: the first of a file, when its fields are words."""
    return (line == 1) & _flags(
        pc.match_substring_regex(text, r"(?i)^\"?(?:asn|network|cidr|prefix|start|range)\w*\"?[,;\t]")
    )


def _texts(path: Path) -> list[str]:
    """Return the lines of a list; of a warning list its entries."""
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data.startswith(_GZIP_MAGIC) else data
    except (OSError, EOFError, zlib.error) as error:
        todo = "check [networks] in gauger.toml"
        raise SettingsError(f"the list cannot be read: {error}", where=str(path), todo=todo) from error
    if data.lstrip()[:1] == b"{":
        return _warning_list(data, path)
    return data.decode("utf-8-sig", "replace").splitlines()


class _WarningList(msgspec.Struct):
    list: list[str]


def _warning_list(data: bytes, path: Path) -> list[str]:
    try:
        return msgspec.json.decode(data, type=_WarningList).list
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        todo = 'expected {"list": ["203.0.113.0/24", ...]}'
        raise SettingsError("the JSON is no warning list", where=str(path), todo=todo) from error


def _check(lines: _Lines, is_good: Flags, *, what: str) -> None:
    """Refuse files with too many lines that make no sense; count the others."""
    n_lines = np.bincount(lines.file, minlength=len(lines.paths))
    bad = np.flatnonzero(~is_good)
    n_bad = np.bincount(lines.file[bad], minlength=len(lines.paths))
    for number in np.flatnonzero(n_bad).tolist():
        path, first = lines.paths[number], int(lines.line[bad[lines.file[bad] == number][0]])
        if n_bad[number] > MAX_MALFORMED * n_lines[number]:
            raise SettingsError(
                f"{n_bad[number]} of {n_lines[number]} lines are no {what}",
                where=f"{path}, line {first}",
                todo="check that it is the right kind of list for its place in gauger.toml",
            )
        _LOG.warning(
            "%s: %d of %d lines are no %s, the first is line %d", path, n_bad[number], n_lines[number], what, first
        )
    for number in np.flatnonzero(n_lines == 0).tolist():
        _LOG.warning("%s: the list is empty", lines.paths[number])


def _group(texts: pa.Array, pattern: str, name: str) -> pa.Array:
    return pc.struct_field(pc.extract_regex(texts, pattern), name)


def _flags(mask: pa.Array) -> Flags:
    flags: Flags = np.asarray(pc.fill_null(mask, fill_value=False))
    return flags


def _numbers(digits: pa.Array) -> tuple[npt.NDArray[np.int64], Flags]:
    """Return the numbers, 0 where there are none, and where there are; a number fits 32 bits."""
    present = pc.if_else(pc.equal(digits, ""), pa.scalar(None, pa.string()), digits)
    numbers: npt.NDArray[Any] = np.asarray(pc.fill_null(present.cast(pa.int64()), 0))
    return numbers, np.asarray(present.is_valid()) & (numbers <= _MAX_ASN)

"""Internet addresses as arrays: parsing, prefixes, nothing else.

An address is 16 bytes in network order; an IPv4 address is its IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), so that
``203.0.113.9`` and ``::ffff:203.0.113.9`` are one and a single order covers both families. Arrays of addresses have
the numpy dtype `S16`, whose order is the order of the bytes.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Packed = np.ndarray[Any, np.dtype[np.bytes_]]
Flags = npt.NDArray[np.bool_]
Lengths = npt.NDArray[np.int64]

ADDRESS: Final = np.dtype("S16")
V4_OFFSET: Final = 96  # bits before the IPv4 part of a mapped address
V4_MAPPED: Final = bytes(10) + b"\xff\xff"

_OCTET: Final = r"(?:0|[1-9]\d{0,2})"  # no leading zeros: some systems read them as octal
_V4: Final = rf"^(?:::[fF]{{4}}:)?(?P<a>{_OCTET})\.(?P<b>{_OCTET})\.(?P<c>{_OCTET})\.(?P<d>{_OCTET})$"
_V6: Final = r"^(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$"
_N_GROUPS: Final = 8

#: `_ZEROS[n]` stands for a "::" that leaves out n groups.
_ZEROS: Final = pa.array([None, *(":".join("0" * n) for n in range(1, _N_GROUPS + 1))], pa.string())

_HEX_VALUE: Final = np.zeros(256, dtype=np.uint8)
_HEX_VALUE[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16)
_HEX_VALUE[np.frombuffer(b"ABCDEF", dtype=np.uint8)] = np.arange(10, 16)

_MASKS: Final = np.stack(
    [np.frombuffer(((2**128 - 1) << (128 - n) & (2**128 - 1)).to_bytes(16), dtype=np.uint8) for n in range(129)]
)

_HIDDEN_END: Final = re.compile(r"\.(?:\*+|x+|X+)$")
_WITH_PORT: Final = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}")
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?")


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """What the client addresses of a log say, row by row.

    Attributes
    ----------
    packed
        The address; of one whose last part the log hides ("203.0.113.***"), the first of its /24.
    is_address
        The whole address is known.
    is_hidden
        All but the last octet of an IPv4 address is known.
    """

    packed: Packed
    is_address: Flags
    is_hidden: Flags


def parse_addresses(texts: pa.Array) -> tuple[Packed, Flags]:
    """Return the addresses that `texts` write, and which texts are addresses; others (and nulls) are all zeros.

    Accepts what `ipaddress.ip_address` accepts, but for zones ("%eth0") and an IPv4 tail after anything but "::ffff:".
    """
    v4, is_address = _parse_v4(texts)
    rest = np.flatnonzero(~is_address)
    v6, is_v6 = _parse_v6(texts.take(pa.array(rest)))
    octets = np.zeros((len(texts), 16), dtype=np.uint8)
    octets[is_address] = v4
    octets[rest[is_v6]] = v6
    is_address[rest[is_v6]] = True
    return packed_from(octets), is_address


def parse_client_addresses(texts: pa.Array) -> ClientAddresses:
    """Return the addresses of clients as logs write them: with ports, in brackets, with zones, half hidden."""
    packed, is_address = parse_addresses(texts)
    odd = np.flatnonzero(~is_address & np.asarray(texts.is_valid()))
    tidied = [_tidy(text) for text in texts.take(pa.array(odd)).to_pylist()]
    repaired, is_repaired = parse_addresses(pa.array([text for text, _ in tidied], pa.string()))
    hidden = is_repaired & np.array([is_hidden for _, is_hidden in tidied], dtype=bool)
    packed[odd[is_repaired]] = repaired[is_repaired]
    is_address[odd[is_repaired & ~hidden]] = True
    is_hidden = np.zeros(len(texts), dtype=bool)
    is_hidden[odd[hidden]] = True
    return ClientAddresses(packed, is_address, is_hidden)


def packed_from(octets: npt.NDArray[np.uint8]) -> Packed:
    """Return the addresses in the rows of `octets`, uint8 of shape (n, 16)."""
    return np.ascontiguousarray(octets).view(ADDRESS).reshape(-1)


def octets_of(packed: Packed) -> npt.NDArray[np.uint8]:
    """Return the addresses as uint8 of shape (n, 16)."""
    return np.ascontiguousarray(packed).view(np.uint8).reshape(-1, 16)


def is_v4(packed: Packed) -> Flags:
    """Return which addresses are IPv4."""
    return (octets_of(packed)[:, :12] == np.frombuffer(V4_MAPPED, dtype=np.uint8)).all(axis=1)


def first_of(packed: Packed, lengths: Lengths) -> Packed:
    """Return the first address of the prefix of `lengths` bits (of 128) that holds each address."""
    return packed_from(octets_of(packed) & _MASKS[lengths])


def last_of(packed: Packed, lengths: Lengths) -> Packed:
    """Return the last address of the prefix of `lengths` bits (of 128) that holds each address."""
    return packed_from(octets_of(packed) | ~_MASKS[lengths])


def _parse_v4(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], Flags]:
    """Return the octets of the IPv4 addresses among `texts` (mapped, one row each), and which they are."""
    parts = pc.extract_regex(texts, _V4)
    matches = np.asarray(parts.is_valid())
    found = parts.filter(pa.array(matches))
    octets = np.stack([np.asarray(found.field(name).cast(pa.int16())) for name in "abcd"], axis=1)
    in_range = (octets <= 255).all(axis=1)
    matches[matches] = in_range
    mapped = np.empty((int(in_range.sum()), 16), dtype=np.uint8)
    mapped[:, :12] = np.frombuffer(V4_MAPPED, dtype=np.uint8)
    mapped[:, 12:] = octets[in_range]
    return mapped, matches


def _parse_v6(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], Flags]:
    """Return the octets of the IPv6 addresses among `texts`, one row each, and which they are."""
    shortened = pc.fill_null(pc.match_substring(texts, "::"), fill_value=False)
    full = pc.replace_with_mask(texts, shortened, _written_out(texts.filter(shortened)))
    matches = np.asarray(pc.fill_null(pc.match_substring_regex(full, _V6), fill_value=False))
    groups = pc.split_pattern(full.filter(pa.array(matches)), ":").flatten()
    digits = np.frombuffer(pc.ascii_lpad(groups, 4, "0").buffers()[2] or b"", dtype=np.uint8)
    halves = _HEX_VALUE[digits[: 4 * len(groups)]].reshape(-1, 16, 2)
    octets: npt.NDArray[np.uint8] = np.bitwise_or(halves[:, :, 0] << np.uint8(4), halves[:, :, 1], dtype=np.uint8)
    return octets, matches


def _written_out(texts: pa.Array) -> pa.Array:
    """Return IPv6 texts with their "::" written out. What was no address becomes none: a stray colon costs a group."""
    n_left_out = pc.add(
        pc.subtract(_N_GROUPS, pc.count_substring(texts, ":")),
        pc.add(pc.starts_with(texts, "::").cast(pa.int32()), pc.ends_with(texts, "::").cast(pa.int32())),
    )
    sides = pc.split_pattern(texts, "::", max_splits=1)
    zeros = _ZEROS.take(pc.max_element_wise(n_left_out, 0))
    joined = pc.binary_join_element_wise(pc.list_element(sides, 0), zeros, pc.list_element(sides, 1), ":")
    return pc.ascii_trim(joined, ":")


def _tidy(text: str) -> tuple[str, bool]:
    """Return the address without quotes, port, brackets and zone, and whether its last octet was hidden."""
    entry = text.strip(" \t\"'")
    for pattern in (_WITH_PORT, _BRACKETED):
        if match := pattern.fullmatch(entry):
            entry = match[1]
    shown, n_hidden = _HIDDEN_END.subn(".0", entry.split("%", 1)[0])
    return shown, n_hidden == 1

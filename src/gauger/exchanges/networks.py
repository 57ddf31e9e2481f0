"""What is known of the network an address belongs to: its class, its autonomous system, its country.

Lists of networks overlap; the most specific (smallest) range that holds an address speaks for it. A class is a weak
feature, never proof: whole companies work behind a VPN, and lists of VPNs hold data centres.

The country serves the operator's own region policy alone. No stratum, feature or null hypothesis may read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gauger.exchanges.addresses import ADDRESS, Packed, octets_of, packed_from

#: Closed vocabulary of `network_class`; null is "residential or unknown". Where lists name the same range, the later
#: class wins: lists of hosting ranges are the widest, those of VPNs are collected by hand and hold data centres too,
#: clouds and relays publish their own.
NETWORK_CLASSES: Final = ("hosting", "vpn", "cloud", "relay")

NOWHERE: Final = -1

Values = npt.NDArray[np.int64]

_LOWEST: Final = np.zeros(1, dtype=ADDRESS)


@dataclass(frozen=True, slots=True, eq=False)
class AddressMap:
    """A step function over all addresses: from `starts[i]` to just before `starts[i + 1]` the value is `values[i]`.

    Attributes
    ----------
    starts
        Strictly increasing; the first is the lowest address.
    values
        Not negative, or `NOWHERE`; no two neighbours are equal.
    """

    starts: Packed = field(default_factory=lambda: _LOWEST)
    values: Values = field(default_factory=lambda: np.array([NOWHERE], dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.starts) != len(self.values) or not len(self.starts) or self.starts[0] != _LOWEST[0]:
            raise ValueError("an address map has one value per start and begins at the lowest address")
        if not (self.starts[1:] > self.starts[:-1]).all():
            raise ValueError("the starts of an address map increase")
        if not (self.values[1:] != self.values[:-1]).all():
            raise ValueError("neighbours in an address map differ")

    def value_of(self, first: Packed, last: Packed) -> Values:
        """Return the value that holds from `first` to `last`, `NOWHERE` where it changes between them."""
        low = np.searchsorted(self.starts, first, side="right") - 1
        high = np.searchsorted(self.starts, last, side="right") - 1
        return np.where(low == high, self.values[low], NOWHERE)


def address_map(first: Packed, last: Packed, values: Values) -> AddressMap:
    """Return the map in which every address has the value of the smallest range that holds it.

    Parameters
    ----------
    first, last
        The ranges, both ends included, in any order, overlapping as they may. Of equal ranges the last one wins.
    values
        One for each range, not negative.
    """
    starts = np.unique(np.concatenate([_LOWEST, first, _after(last)]))
    begin = np.searchsorted(starts, first)
    end = np.searchsorted(starts, last, side="right")
    order = _widest_first(first, last)
    is_wide = (end - begin)[order] > 1
    painted = np.full(len(starts), NOWHERE, dtype=np.int64)
    wide = order[is_wide]
    for low, high, value in zip(begin[wide].tolist(), end[wide].tolist(), values[wide].tolist(), strict=True):
        painted[low:high] = value
    # A range that no other one cuts comes last: whatever else holds it is larger, or equal and equally uncut.
    uncut = order[~is_wide]
    painted[begin[uncut]] = values[uncut]
    changes = np.append(np.True_, painted[1:] != painted[:-1])
    return AddressMap(starts[changes], painted[changes])


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTable:
    """What an operator's lists say of addresses; empty by default.

    Attributes
    ----------
    classes
        Values index `NETWORK_CLASSES`.
    asns
        Values are autonomous system numbers.
    asn_classes
        Class of whole autonomous systems, for addresses that `classes` does not know: number -> index.
    countries
        Values index `country_codes` (ISO 3166-1 alpha-2, upper case). For the region policy alone.
    """

    classes: AddressMap = field(default_factory=AddressMap)
    asns: AddressMap = field(default_factory=AddressMap)
    asn_classes: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    countries: AddressMap = field(default_factory=AddressMap)
    country_codes: tuple[str, ...] = ()

    def look_up(self, first: Packed, last: Packed) -> pa.Table:
        """Return asn, network_class and country of each range (an address is a range of one); null is unknown."""
        asn = self.asns.value_of(first, last)
        network_class = self.classes.value_of(first, last)
        of_asn = np.array([self.asn_classes.get(number, NOWHERE) for number in asn.tolist()], dtype=np.int64)
        network_class = np.where(network_class == NOWHERE, of_asn, network_class)
        country = self.countries.value_of(first, last)
        return pa.table(
            {
                "asn": pa.array(asn, pa.int64(), mask=asn == NOWHERE),
                "network_class": _named(network_class, NETWORK_CLASSES),
                "country": _named(country, self.country_codes),
            }
        )


def _named(values: Values, names: tuple[str, ...]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(values, mask=values == NOWHERE))


def _widest_first(first: Packed, last: Packed) -> npt.NDArray[np.intp]:
    """Return the order from the widest range to the narrowest; equal widths keep their order."""
    high_first, low_first = _halves(first)
    high_last, low_last = _halves(last)
    width_low = low_last - low_first
    width_high = high_last - high_first - (low_last < low_first)
    return np.lexsort((~width_low, ~width_high))


def _after(packed: Packed) -> Packed:
    """Return the next address of each; the highest one has none and is left out."""
    high, low = _halves(packed)
    next_low = low + np.uint64(1)
    next_high = high + (next_low == 0)
    halves = np.stack([next_high, next_low], axis=1)[(next_high != 0) | (next_low != 0)]
    return packed_from(halves.astype(">u8").view(np.uint8))


def _halves(packed: Packed) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    halves = octets_of(packed).view(">u8").astype(np.uint64)
    return halves[:, 0], halves[:, 1]

"""The lists an operator names in gauger.toml, as the tables that exchanges are enriched from.

    [networks]
    vpn = ["lists/vpn/*.txt", "lists/vpn-asn.txt"]
    hosting = ["lists/datacenter/ipv4.txt"]
    cloud = ["lists/amazon/ipv4_merged.txt"]
    relay = ["lists/icloud-private-relay.json"]
    bad_asn = ["lists/bad-asn-list.csv"]
    asn = "GeoLite2-ASN.mmdb"
    country = "lists/country"
    disposable = ["lists/disposable.txt"]

Names are files, or patterns with "*", beside gauger.toml. Every list is optional. The country serves the operator's
own region policy alone: nothing else may read it.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import disposable_email_domains
import numpy as np

from gauger.errors import SettingsError
from gauger.exchanges.addresses import Packed
from gauger.exchanges.networks import NETWORK_CLASSES, AddressMap, NetworkTable, address_map
from gauger.sources.lists import Networks, read_asn_table, read_domains, read_networks
from gauger.sources.mmdb import is_mmdb, read_mmdb_asns, read_mmdb_countries

#: Setting -> network class. Lists of bad autonomous systems name hosting companies.
_CLASS_OF: Final[Mapping[str, str]] = {
    "hosting": "hosting",
    "bad_asn": "hosting",
    "vpn": "vpn",
    "cloud": "cloud",
    "relay": "relay",
}
_LISTS: Final = (*_CLASS_OF, "disposable")
_SINGLE: Final = ("asn", "country")

_COUNTRY_SUFFIXES: Final = frozenset({".txt", ".zone", ".cidr", ".netset"})
_COUNTRY: Final = re.compile(r"([A-Za-z]{2})(?:[-_.].*)?")


def load_networks(table: Mapping[str, Any], *, base: Path) -> NetworkTable:
    """Return what the lists of a `[networks]` table say of addresses.

    Parameters
    ----------
    table
        Setting -> file, pattern, or list of such.
    base
        Folder that relative names start from.

    Raises
    ------
    SettingsError
        No such setting, no such file, or a file that is not what its setting says.
    """
    _check_names(table)
    classes, asn_classes = _classes(table, base)
    countries, codes = _countries(table, base)
    return NetworkTable(
        classes=classes,
        asns=_asns(table, base),
        asn_classes=MappingProxyType(asn_classes),
        countries=countries,
        country_codes=codes,
    )


def disposable_domains(table: Mapping[str, Any] | None = None, *, base: Path | None = None) -> frozenset[str]:
    """Return the domains of disposable mail: a maintained list, and the files that `disposable` of the table names.

    Parameters
    ----------
    table
        The `[networks]` table.
    base
        Folder that relative names start from; the current one by default.

    Raises
    ------
    SettingsError
        No such file, or a file that is no list of domains.
    """
    maintained = frozenset(disposable_email_domains.blocklist)
    files = _files(table or {}, "disposable", base or Path())
    return maintained | read_domains(files) if files else maintained


def _classes(table: Mapping[str, Any], base: Path) -> tuple[AddressMap, dict[int, int]]:
    """Return the class of ranges and of autonomous systems; where they are equal the later class wins."""
    found: list[Networks] = []
    asn_classes: dict[int, int] = {}
    for setting, name in sorted(_CLASS_OF.items(), key=lambda item: NETWORK_CLASSES.index(item[1])):
        number = NETWORK_CLASSES.index(name)
        lists = read_networks(_files(table, setting, base))
        asn_classes |= dict.fromkeys(lists.asns, number)
        ranges = lists.networks
        found.append(Networks(ranges.first, ranges.last, np.full(len(ranges.values), number)))
    return _mapped(found), asn_classes


def _asns(table: Mapping[str, Any], base: Path) -> AddressMap:
    files = _files(table, "asn", base)
    return _mapped([read_mmdb_asns(path) if is_mmdb(path) else read_asn_table(path) for path in files])


def _countries(table: Mapping[str, Any], base: Path) -> tuple[AddressMap, tuple[str, ...]]:
    """Return the country of ranges. For the operator's own region policy alone."""
    place = _path(table, "country", base)
    if place is None:
        return AddressMap(), ()
    if is_mmdb(place):
        networks, codes = read_mmdb_countries(place)
        return _mapped([networks]), codes
    code_of = {path: _code_of(path) for path in _country_files(place)}
    codes = tuple(sorted(set(code_of.values())))
    networks = read_networks(list(code_of)).networks
    numbers = np.array([codes.index(code) for code in code_of.values()])
    return _mapped([Networks(networks.first, networks.last, numbers[networks.values])]), codes


def _country_files(folder: Path) -> list[Path]:
    """Return the lists below a folder that are named for a country, or lie in a folder that is."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in _COUNTRY_SUFFIXES and _code_of(path)]
    if not found:
        todo = 'name a folder of lists such as "fr.txt" or "fr/ipv4.txt", or an MMDB file'
        raise SettingsError("there are no country lists", where=f"networks.country = {folder}", todo=todo)
    return found


def _code_of(path: Path) -> str:
    """Return the country code in a name such as "fr.zone", "fr-aggregated.txt" or "fr/ipv4.txt"; empty without one."""
    for name in (path.name, path.parent.name):
        match = _COUNTRY.fullmatch(name)
        if match:
            return match[1].upper()
    return ""


def _mapped(found: Sequence[Networks]) -> AddressMap:
    if not found:
        return AddressMap()
    first: Packed = np.concatenate([one.first for one in found])
    last: Packed = np.concatenate([one.last for one in found])
    return address_map(first, last, np.concatenate([one.values for one in found]))


def _check_names(table: Mapping[str, Any]) -> None:
    known = (*_LISTS, *_SINGLE)
    for name in table:
        if name not in known:
            raise SettingsError("no such setting", where=f"networks.{name}", todo=f"use {', '.join(known)}")


def _files(table: Mapping[str, Any], setting: str, base: Path) -> list[Path]:
    """Return the files that a setting names, each once, in order."""
    written = table.get(setting, [])
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError("expected names of files", where=f"networks.{setting}", todo=f'write {setting} = ["file"]')
    return list(dict.fromkeys(path for name in names for path in _matches(name, base, setting=setting)))


def _matches(name: str, base: Path, *, setting: str) -> list[Path]:
    path = base / name
    found = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor)))) if "*" in name else [path]
    missing = not found or not all(one.is_file() for one in found)
    if missing:
        todo = "check the name; relative ones start beside gauger.toml"
        raise SettingsError("there is no such file", where=f"networks.{setting} = {path}", todo=todo)
    return found


def _path(table: Mapping[str, Any], setting: str, base: Path) -> Path | None:
    written = table.get(setting)
    if written is None:
        return None
    if not isinstance(written, str) or not (base / written).exists():
        todo = "name one file or folder; relative names start beside gauger.toml"
        raise SettingsError("there is no such file or folder", where=f"networks.{setting}", todo=todo)
    return base / written

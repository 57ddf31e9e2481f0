"""MaxMind DB files, as MaxMind (GeoLite2), DB-IP and IPinfo ship them: autonomous systems and countries."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import maxminddb
import numpy as np

from gauger.errors import SettingsError
from gauger.exchanges.addresses import ADDRESS, V4_MAPPED
from gauger.sources.lists import Networks

_MAGIC: Final = b"\xab\xcd\xefMaxMind.com"
_METADATA_BYTES: Final = 128 * 1024
_ASN: Final = re.compile(r"(?:AS)?(\d{1,10})", re.IGNORECASE)
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


def is_mmdb(path: Path) -> bool:
    """Return whether a file ends like a MaxMind DB file; one that cannot be read does not."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _METADATA_BYTES))
            return _MAGIC in file.read()
    except OSError:
        return False


def read_mmdb_asns(path: Path) -> Networks:
    """Return ranges and the number of their autonomous system.

    Raises
    ------
    SettingsError
        The file is damaged, or says nothing of autonomous systems.
    """
    return _read(path, _asn_of, what="autonomous systems")


def read_mmdb_countries(path: Path) -> tuple[Networks, tuple[str, ...]]:
    """Return ranges, and the country codes that their values index. For the operator's own region policy alone.

    Raises
    ------
    SettingsError
        The file is damaged, or says nothing of countries.
    """
    places: dict[str, int] = {}

    def place(record: Any) -> int | None:
        code = _country_of(record)
        return None if code is None else places.setdefault(code, len(places))

    networks = _read(path, place, what="countries")
    return networks, tuple(places)


def _read(path: Path, value_of: Callable[[Any], int | None], *, what: str) -> Networks:
    first, last, values = bytearray(), bytearray(), []
    with _opened(path) as reader:
        for network, record in reader:
            value = value_of(record)
            if value is None:
                continue
            head = V4_MAPPED if network.version == 4 else b""
            first += head + network.network_address.packed
            last += head + network.broadcast_address.packed
            values.append(value)
    if not values:
        raise SettingsError(f"the file says nothing of {what}", where=str(path), todo="check [networks] in gauger.toml")
    numbers = np.array(values, dtype=np.int64)
    return Networks(np.frombuffer(bytes(first), ADDRESS), np.frombuffer(bytes(last), ADDRESS), numbers)


@contextmanager
def _opened(path: Path) -> Iterator[maxminddb.Reader]:
    try:
        with maxminddb.open_database(path) as reader:
            yield reader
    except (maxminddb.InvalidDatabaseError, OSError, ValueError) as error:
        raise SettingsError(
            f"the MaxMind DB file cannot be read: {error}", where=str(path), todo="fetch it anew"
        ) from error


def _asn_of(record: Any) -> int | None:
    """Return the number in a record of GeoLite2-ASN, DB-IP ("autonomous_system_number") or IPinfo ("asn")."""
    if not isinstance(record, dict):
        return None
    for found in (record.get("autonomous_system_number"), record.get("asn"), record.get("as_number")):
        match = _ASN.fullmatch(str(found)) if isinstance(found, int | str) else None
        if match and int(match[1]):
            return int(match[1])
    return _asn_of(record.get("traits"))


def _country_of(record: Any) -> str | None:
    """Return the code in a record of GeoLite2 and DB-IP (country.iso_code) or IPinfo (country_code, country)."""
    if not isinstance(record, dict):
        return None
    country = record.get("country")
    nested = country.get("iso_code") if isinstance(country, dict) else country
    for found in (record.get("country_code"), nested):
        if isinstance(found, str) and _COUNTRY.fullmatch(found):
            return found.upper()
    return None

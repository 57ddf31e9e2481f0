"""What is kept of an exchange past the edge: no text, no address, pseudonyms for people and machines."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.exchanges.addresses import (
    ClientAddresses,
    Lengths,
    first_of,
    is_v4,
    last_of,
    octets_of,
    parse_client_addresses,
)
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys, pseudonymise, pseudonymise_personal
from gauger.exchanges.schema import EXCHANGE_SCHEMA, IDENTIFIERS, TEXTS

#: A customer's site, roughly: /24 of IPv4, /48 of IPv6, in bits of a mapped address.
_V4_PREFIX: Final = 96 + 24
_V6_PREFIX: Final = 48


def keep(edge: pa.Table, *, keys: Keys, networks: NetworkTable) -> tuple[pa.Table, pa.Table]:
    """Return what is kept of validated edge rows, and their texts, row by row.

    What is known of an address (network class, autonomous system, country) is looked up before the address becomes a
    pseudonym. The pseudonym of an address is made of its 16 bytes (IPv4-mapped for IPv4), that of a prefix of its
    first address and a byte with its length in bits. `country` serves the operator's own region policy alone.

    Parameters
    ----------
    edge
        Table of `EDGE_SCHEMA`, after `gauger.exchanges.validation.validate`.

    Returns
    -------
    kept
        Table of `EXCHANGE_SCHEMA`.
    texts
        The columns `TEXTS`, for the sketch alone: they are never stored.
    """
    columns = {name: edge[name] for name in EXCHANGE_SCHEMA.names if name in edge.column_names}
    for name in IDENTIFIERS:
        columns[name] = pseudonymise_personal(edge[name].combine_chunks(), keys.identity, key_id=keys.key_id)
    columns |= _client_columns(edge["client_address"].combine_chunks(), keys, networks=networks)
    columns["reasoning_block_hash"] = _block_hashes(edge["reasoning_block"].combine_chunks(), keys)
    arrays = [columns[name] for name in EXCHANGE_SCHEMA.names]
    return pa.Table.from_arrays(arrays, schema=EXCHANGE_SCHEMA), edge.select(TEXTS)


def _client_columns(texts: pa.Array, keys: Keys, *, networks: NetworkTable) -> dict[str, pa.Array]:
    """Return hashes and networks of client addresses; every distinct one is looked at once."""
    encoded = texts.dictionary_encode()
    clients = parse_client_addresses(encoded.dictionary)
    lengths = np.where(is_v4(clients.packed), _V4_PREFIX, _V6_PREFIX)
    known = networks.look_up(clients.packed, _last_possible(clients, lengths))
    is_known = pa.array(clients.is_address | clients.is_hidden)
    distinct = {name: _null_unless(is_known, known[name].combine_chunks()) for name in known.column_names}
    distinct["client_address_hash"] = pseudonymise(_address_messages(clients), keys.identity, key_id=keys.key_id)
    prefixes = _prefix_messages(clients, lengths)
    distinct["client_prefix_hash"] = pseudonymise(prefixes, keys.identity, key_id=keys.key_id)
    return {name: column.take(encoded.indices) for name, column in distinct.items()}


def _last_possible(clients: ClientAddresses, lengths: Lengths) -> np.ndarray:
    return np.where(clients.is_hidden, last_of(clients.packed, lengths), clients.packed)


def _address_messages(clients: ClientAddresses) -> pa.Array:
    return _binary(octets_of(clients.packed), is_valid=clients.is_address)


def _prefix_messages(clients: ClientAddresses, lengths: Lengths) -> pa.Array:
    first = octets_of(first_of(clients.packed, lengths))
    octets = np.hstack([first, lengths[:, np.newaxis].astype(np.uint8)])
    return _binary(octets, is_valid=clients.is_address | clients.is_hidden)


def _binary(octets: np.ndarray, *, is_valid: np.ndarray) -> pa.Array:
    """Return the rows of `octets`, uint8 of shape (n, width), as binary values; null where not valid."""
    n, width = octets.shape
    whole = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), n, [None, pa.py_buffer(octets.tobytes())])
    return _null_unless(pa.array(is_valid), whole)


def _null_unless(condition: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(condition, values, pa.scalar(None, values.type))


def _block_hashes(blocks: pa.Array, keys: Keys) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(blocks)
    present = _null_unless(pc.greater(pc.binary_length(trimmed), 0), trimmed)
    return pseudonymise(present, keys.identity, key_id=keys.key_id)

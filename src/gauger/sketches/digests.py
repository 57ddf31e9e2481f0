"""Keyed digests of whole rows and exact texts, over Arrow buffers.

A row is a sequence of 64-bit blocks under SipHash-1-3, cut so that no two rows give the same blocks: a value that is
not null begins with an odd block (a string: twice its length and one), a null is a zero block, and a string's last
block is filled up with zero bytes. How a column lies in memory (chunks, slices, dictionaries, 32- or 64-bit offsets)
does not enter.
"""

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gauger.errors import UsageError
from gauger.sketches.arrow import Strings, fixed_width, is_valid, strings, validity_of, whole
from gauger.sketches.siphash import (
    U64,
    Bytes,
    State,
    compiled,
    load_block,
    sip_absorb,
    sip_finish,
    sip_finish_again,
    sip_key,
    sip_start,
)

#: Where a row came from is no part of what it says.
ORIGIN: Final = frozenset({"source_file", "source_row"})

_NULL: Final = U64(0)
_PRESENT: Final = U64(1)

States = npt.NDArray[np.uint64]


#: What two logs of one call agree on, whatever else each of them notes about it.
CONTENT: Final = ("account_id", "system_prompt", "user_prompt", "conversation_prefix", "tool_schema")


def content_digests(edge: pa.Table, key: bytes) -> pa.Array:
    """Return what tells whether two rows are the same exchange, fixed-size binary 16 (contracts §2).

    A row with an id is compared by who sent what: two dumps of one call differ in the rest, in the precision of its
    time for one. A row without an id is known by all its columns.

    Parameters
    ----------
    edge
        Table of EDGE_SCHEMA.
    key
        At least 16 secret bytes.
    """
    named = row_digests(edge.select(CONTENT), key).to_numpy(zero_copy_only=False)
    nameless = row_digests(edge, key).to_numpy(zero_copy_only=False)
    has_id = edge["request_id"].is_valid().to_numpy()
    return pa.array(np.where(has_id, named, nameless), pa.binary(16))


def row_digests(table: pa.Table, key: bytes) -> pa.Array:
    """Return the digest of every row, fixed-size binary 16: equal content, equal digest.

    All columns count but `source_file` and `source_row`; their order does not, their names do. Null and empty differ.

    Parameters
    ----------
    table
        Columns of strings, byte strings, lists of strings, booleans, integers, floats or times.
    key
        At least 16 secret bytes.

    Raises
    ------
    SettingsError
        The key is too short.
    UsageError
        A column has another type.
    """
    names = sorted(set(table.column_names) - ORIGIN)
    states = start_rows(table.num_rows, key, "row digest " + "\0".join(names))
    for name in names:
        absorb_column(states, table[name])
    return _binary(np.stack(finish_rows_twice(states), axis=1))


def start_rows(n: int, key: bytes, label: str) -> States:
    """Return the SipHash states of n empty rows, uint64[n, 4]; other labels give unrelated hashes."""
    folded = hashlib.sha256(label.encode()).hexdigest()
    return np.tile(np.array(sip_start(sip_key(key, f"gauger exact {folded}")), np.uint64), (n, 1))


def absorb_column(states: States, column: pa.Array | pa.ChunkedArray) -> None:
    """Absorb one value per row.

    Raises
    ------
    UsageError
        The type of the column is none of those that `row_digests` takes.
    """
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    first = 0
    for chunk in chunks:
        _absorb_array(states[first : first + len(chunk)], whole(chunk))
        first += len(chunk)


def finish_rows(states: States) -> npt.NDArray[np.int64]:
    """Return the 64-bit hash of every row, bit-cast to int64."""
    return finish_rows_twice(states)[0].view(np.int64)


def finish_rows_twice(states: States) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return two independent 64-bit hashes of every row."""
    hashes = np.empty((2, len(states)), np.uint64)
    _finish(states, hashes[0], hashes[1])
    return hashes[0], hashes[1]


def digest_halves(digests: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and the last eight bytes of 16-byte digests as int64 (big-endian, bit-cast)."""
    halves = np.frombuffer(digests.buffers()[1], ">i8").reshape(-1, 2)[digests.offset : digests.offset + len(digests)]
    return halves[:, 0].astype(np.int64), halves[:, 1].astype(np.int64)


def _binary(halves: npt.NDArray[np.uint64]) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(16), len(halves), [None, pa.py_buffer(halves.astype(">u8"))])


def _absorb_array(states: States, array: pa.Array) -> None:
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lists = array.cast(pa.large_list(pa.large_string()))
        offsets = np.frombuffer(lists.buffers()[1], np.int64)[lists.offset : lists.offset + len(lists) + 1]
        _absorb_lists(offsets, *validity_of(lists), strings(lists.values), states)
    elif _is_textual(kind):
        _absorb_strings(strings(array), states)
    elif pa.types.is_floating(kind):
        _absorb_numbers(fixed_width(array.cast(pa.float64()), np.int64), *validity_of(array), states)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        numbers = array.cast(pa.int64(), safe=False)
        _absorb_numbers(fixed_width(numbers, np.int64), *validity_of(array), states)
    else:
        raise UsageError(f"cannot digest a column of type {kind}", todo="cast it to a string or a number first")


def _is_textual(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


@compiled
def _absorb_strings(texts: Strings, states: States) -> None:
    for row in range(states.shape[0]):
        state = states[row, 0], states[row, 1], states[row, 2], states[row, 3]
        if is_valid(texts.validity, texts.first_bit + row):
            state = absorb_bytes(texts.data, U64(texts.offsets[row]), U64(texts.offsets[row + 1]), state)
        else:
            state = sip_absorb(state[0], state[1], state[2], state[3], _NULL)
        states[row, 0], states[row, 1], states[row, 2], states[row, 3] = state


@compiled
def absorb_bytes(data: Bytes, start: np.uint64, stop: np.uint64, state: State) -> State:
    """State after a string that is there: twice its length and one, then its bytes."""
    v0, v1, v2, v3 = state
    v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, ((stop - start) << U64(1)) | _PRESENT)
    at = start
    while stop - at >= U64(8):
        v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, load_block(data, at))
        at += U64(8)
    if at < stop:
        v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, _last_block(data, start, at, stop))
    return v0, v1, v2, v3


@compiled
def _last_block(data: Bytes, start: np.uint64, at: np.uint64, stop: np.uint64) -> np.uint64:
    """Return the one to seven bytes from `at`, filled up with zeros."""
    if stop - start >= U64(8):
        return load_block(data, stop - U64(8)) >> (U64(64) - ((stop - at) << U64(3)))
    block = U64(0)
    for i in range(stop - at):
        block |= U64(data[at + U64(i)]) << U64(8 * i)
    return block


@compiled
def _absorb_numbers(
    numbers: npt.NDArray[np.int64], validity: npt.NDArray[np.uint8], first_bit: int, states: States
) -> None:
    for row in range(states.shape[0]):
        v0, v1, v2, v3 = states[row, 0], states[row, 1], states[row, 2], states[row, 3]
        if is_valid(validity, first_bit + row):
            v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, _PRESENT)
            v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, U64(numbers[row]))
        else:
            v0, v1, v2, v3 = sip_absorb(v0, v1, v2, v3, _NULL)
        states[row, 0], states[row, 1], states[row, 2], states[row, 3] = v0, v1, v2, v3


@compiled
def _absorb_lists(
    offsets: npt.NDArray[np.int64],
    validity: npt.NDArray[np.uint8],
    first_bit: int,
    items: Strings,
    states: States,
) -> None:
    for row in range(states.shape[0]):
        state = states[row, 0], states[row, 1], states[row, 2], states[row, 3]
        if is_valid(validity, first_bit + row):
            n_items = U64(offsets[row + 1] - offsets[row])
            state = sip_absorb(state[0], state[1], state[2], state[3], (n_items << U64(1)) | _PRESENT)
            for item in range(offsets[row], offsets[row + 1]):
                if is_valid(items.validity, items.first_bit + item):
                    state = absorb_bytes(items.data, U64(items.offsets[item]), U64(items.offsets[item + 1]), state)
                else:
                    state = sip_absorb(state[0], state[1], state[2], state[3], _NULL)
        else:
            state = sip_absorb(state[0], state[1], state[2], state[3], _NULL)
        states[row, 0], states[row, 1], states[row, 2], states[row, 3] = state


@compiled
def _finish(states: States, first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> None:
    for row in range(states.shape[0]):
        v0, v1, v2, v3 = states[row, 0], states[row, 1], states[row, 2], states[row, 3]
        first[row] = sip_finish(v0, v1, v2, v3)
        second[row] = sip_finish_again(v0, v1, v2, v3)

"""Arrow arrays as the NumPy arrays that lie under them, without a copy."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gauger.sketches.siphash import inlined


class Strings(NamedTuple):
    """Strings or byte strings where Arrow keeps them: row i is `data[offsets[i]:offsets[i + 1]]`.

    Attributes
    ----------
    offsets
        int64[n + 1].
    data
        uint8.
    validity
        uint8 bit map, empty where nothing is null.
    first_bit
        Bit of row 0 in `validity`.
    """

    offsets: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]
    validity: npt.NDArray[np.uint8]
    first_bit: int


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array, dictionaries decoded; copied only where it lies in several chunks."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def strings(array: pa.Array) -> Strings:
    """Return the buffers of a string or binary array (or an array of nulls); slices are respected."""
    if array.type not in {pa.large_string(), pa.large_binary()}:
        array = array.cast(pa.large_binary() if pa.types.is_binary(array.type) else pa.large_string())
    validity, offsets, data = array.buffers()
    return Strings(
        _view(offsets, np.int64, array.offset, len(array) + 1),
        _view(data, np.uint8),
        _view(validity if array.null_count else None, np.uint8),
        array.offset,
    )


def fixed_width(array: pa.Array, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """Return the values of an array of fixed-width numbers; what stands under a null is arbitrary."""
    _, data = array.buffers()
    return _view(data, dtype, array.offset, len(array))


def validity_of(array: pa.Array) -> tuple[npt.NDArray[np.uint8], int]:
    """Return the validity bit map (empty where nothing is null) and the bit of row 0."""
    return _view(array.buffers()[0] if array.null_count else None, np.uint8), array.offset


def _view(
    buffer: pa.Buffer | None, dtype: type[np.generic], first: int = 0, count: int | None = None
) -> npt.NDArray[Any]:
    """Return a buffer as a read-only array: always, since Numba compiles anew for one that can be written."""
    if buffer is None or buffer.size == 0:
        values = np.zeros(count or 0, dtype)
    else:
        values = np.frombuffer(buffer, dtype)[first : None if count is None else first + count]
    values.flags.writeable = False
    return values


@inlined
def is_valid(validity: npt.NDArray[np.uint8], bit: int) -> bool:
    """Whether a row holds a value."""
    if validity.size == 0:
        return True
    return (validity[bit >> 3] >> np.uint8(bit & 7)) & 1 == 1

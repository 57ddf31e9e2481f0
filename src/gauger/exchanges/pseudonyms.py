"""Pseudonyms: what stands in for an identifier of a person or a machine.

A pseudonym is ``<key id>:<26 characters>``: HMAC-SHA-256 of the value under the identity key, cut to 128 bits, in
lower-case base32 (RFC 4648) without padding. The key id says under which key it was made, so that pseudonyms of two
keys are never taken for each other: they cannot be equal. Without the key a pseudonym tells nothing, not even to
someone who can list every address and telephone number there is; with it, the operator can find a value again.
"""

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gauger.errors import SettingsError

MASTER_BYTES: Final = 32
PSEUDONYM_BYTES: Final = 16

_ALPHABET: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_N_CHARACTERS: Final = 26  # 128 bits, five to a character
_KEY_ID: Final = re.compile(r"[a-z0-9]{1,16}")

#: Somewhere in the value: something, "@" (plain, full-width or URL-encoded), a domain that ends in letters.
_EMAIL: Final = r"(?i)[^\s@]+(?:@|＠|%40)[^\s@]+\.(?:\p{L}{2,}|xn--[a-z0-9-]+)"

#: Telephone numbers are whole values. A run of digits alone is an id, and so are dates, UUIDs, IPv4 addresses and
#: account numbers in blocks of four. A number shows itself by its mark, "+" or an area code in brackets ...
_MARKED: Final = (
    r"(?i)^\s*(?:tel:|sms:|whatsapp:)?(?:"
    r"\+[ (]?\d[\d ().\-/]*\d"
    r"|(?:\d{1,3}[ .\-]?)?\(0?\d{1,5}\)[ .\-]?\d[\d .\-/]*\d"
    r")\s*$"
)
#: ... or by its groups: a trunk 0 (or 00), North America's 3-3-4, the 3-4-4 of Chinese mobiles.
_GROUPED: Final = (
    r"(?i)^\s*(?:tel:|sms:|whatsapp:)?(?:"
    r"00?[1-9]\d{0,3}(?:[ .\-/]\d{2,8}){1,5}"
    r"|(?:1[ .\-])?\d{3}[ .\-]\d{3}[ .\-]\d{4}"
    r"|1\d{2}[ \-]\d{4}[ \-]\d{4}"
    r")\s*$"
)
_MARKED_DIGITS: Final = (7, 15)  # ITU-T E.164: at most 15
_GROUPED_DIGITS: Final = (9, 15)  # 01-02-2026 is a date


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a workspace. They are never printed.

    Attributes
    ----------
    identity
        Makes pseudonyms.
    text
        Makes the hashes of text shingles; a separate key, so that a sketch says nothing of an identity.
    key_id
        Names the keys without revealing them: 1 to 16 lower-case letters and digits.
    """

    identity: bytes = field(repr=False)
    text: bytes = field(repr=False)
    key_id: str

    def __post_init__(self) -> None:
        if min(len(self.identity), len(self.text)) < MASTER_BYTES:
            raise SettingsError(f"a key has fewer than {MASTER_BYTES} bytes", todo="derive keys with `derive_keys`")
        _check_key_id(self.key_id)


def derive_key(master: bytes, purpose: str, *, length: int = 32) -> bytes:
    """Return the key for one purpose: HKDF-SHA-256 (RFC 5869) of the master key.

    Raises
    ------
    SettingsError
        The master key does not have 32 bytes.
    """
    info = b"gauger/1/" + purpose.encode()
    return HKDF(hashes.SHA256(), length=length, salt=None, info=info).derive(_checked_master(master))


def derive_keys(master: bytes) -> Keys:
    """Return the keys of a workspace. `key_id` is "k" and 20 bits derived from the master key."""
    name = np.frombuffer(derive_key(master, "key-id", length=4), dtype=np.uint8) % 32
    return Keys(
        identity=derive_key(master, "identity"),
        text=derive_key(master, "text"),
        key_id="k" + _ALPHABET[name].tobytes().decode(),
    )


def pseudonymise(values: pa.Array, key: bytes, *, key_id: str) -> pa.Array:
    """Return the pseudonyms of `values` (string or binary, or a dictionary of them) as strings; nulls stay null.

    Every distinct value is hashed once. Values are hashed as they are: normalise first what should be one.
    """
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    return _pseudonyms(encoded.dictionary, key, key_id=key_id).take(encoded.indices)


def pseudonymise_personal(values: pa.Array, key: bytes, *, key_id: str) -> pa.Array:
    """Return the ids as given, those that look like an e-mail address or a telephone number pseudonymised."""
    encoded = values.dictionary_encode()
    personal = looks_personal(encoded.dictionary)
    if not pc.any(personal).as_py():
        return values
    pseudonyms = _pseudonyms(encoded.dictionary.filter(personal), key, key_id=key_id)
    return pc.replace_with_mask(encoded.dictionary, personal, pseudonyms).take(encoded.indices)


def looks_personal(values: pa.Array) -> pa.Array:
    """Return which ids hold an e-mail address or are a telephone number (boolean; null where the value is null).

    An e-mail address counts wherever it stands ("arn:aws:sts::1:assumed-role/x/alice@example.com"). A telephone number
    is the whole value, holds at most 15 digits and shows a mark or grouping of such numbers. Digits alone never count.
    """
    return pc.or_kleene(pc.match_substring_regex(values, _EMAIL), _looks_like_telephone(values))


def _looks_like_telephone(values: pa.Array) -> pa.Array:
    return pc.or_(_shaped(values, _MARKED, _MARKED_DIGITS), _shaped(values, _GROUPED, _GROUPED_DIGITS))


def _shaped(values: pa.Array, pattern: str, n_digits: tuple[int, int]) -> pa.Array:
    """Return which values match and hold that many digits. Digits are counted in matches alone: counting is slow."""
    matches = pc.match_substring_regex(values, pattern)
    counts = pc.count_substring_regex(values.filter(matches), r"\d")
    low, high = n_digits
    return pc.replace_with_mask(matches, matches, pc.and_(pc.greater_equal(counts, low), pc.less_equal(counts, high)))


def _pseudonyms(values: pa.Array, key: bytes, *, key_id: str) -> pa.Array:
    _check_key_id(key_id)
    digests = _digests(values.cast(pa.large_binary()).to_pylist(), key)
    return _prefixed_base32(digests, prefix=f"{key_id}:")


def _digests(messages: list[bytes], key: bytes) -> np.ndarray:
    """Return the first 128 bits of every HMAC, as uint8 of shape (n, 16)."""
    empty = HMAC(key, hashes.SHA256())
    digests = []
    for message in messages:
        state = empty.copy()
        state.update(message)
        digests.append(state.finalize()[:PSEUDONYM_BYTES])
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, PSEUDONYM_BYTES)


def _prefixed_base32(digests: np.ndarray, *, prefix: str) -> pa.Array:
    """Return `prefix` and the base32 of every row, written straight into an Arrow string buffer."""
    n = len(digests)
    bits = np.zeros((n, _N_CHARACTERS * 5), dtype=np.uint8)
    bits[:, : PSEUDONYM_BYTES * 8] = np.unpackbits(digests, axis=1)
    symbols = bits.reshape(n, _N_CHARACTERS, 5) @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    text = np.hstack([np.broadcast_to(head, (n, len(head))), _ALPHABET[symbols]])
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(text.shape[1])
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(text.tobytes()))


def _checked_master(master: bytes) -> bytes:
    if len(master) != MASTER_BYTES:
        raise SettingsError(
            f"the master key has {len(master)} bytes, not {MASTER_BYTES}",
            todo="restore the key file, or make a new workspace",
        )
    return master


def _check_key_id(key_id: str) -> None:
    if not _KEY_ID.fullmatch(key_id):
        raise SettingsError(f"the key id {key_id!r} is not 1 to 16 lower-case letters and digits")

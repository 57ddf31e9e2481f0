import base64
import hashlib
import hmac
import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import SettingsError
from gauger.exchanges.pseudonyms import (
    Keys,
    derive_key,
    derive_keys,
    looks_personal,
    pseudonymise,
    pseudonymise_personal,
)

KEY = bytes(range(32))


def expected(value: str | bytes, key: bytes = KEY) -> str:
    message = value.encode() if isinstance(value, str) else value
    digest = hmac.digest(key, message, "sha256")[:16]
    return "k1:" + base64.b32encode(digest).decode().rstrip("=").lower()


def hkdf_sha256(master: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, written out."""
    pseudo_random = hmac.digest(bytes(32), master, "sha256")
    block, output = b"", b""
    for counter in range(1, 1 + -(-length // 32)):
        block = hmac.digest(pseudo_random, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_pseudonym_is_the_truncated_hmac_in_base32_and_null_stays_null(values):
    found = pseudonymise(pa.array(values, pa.string()), KEY, key_id="k1").to_pylist()
    assert found == [None if value is None else expected(value) for value in values]


@given(st.lists(st.none() | st.binary(max_size=40)))
def test_binary_values_are_hashed_as_their_bytes(values):
    found = pseudonymise(pa.array(values, pa.binary()), KEY, key_id="k1").to_pylist()
    assert found == [None if value is None else expected(value) for value in values]


def test_a_dictionary_array_gives_what_its_plain_values_give():
    plain = pa.array(["a", None, "b", "a"])
    assert pseudonymise(plain.dictionary_encode(), KEY, key_id="k1").equals(pseudonymise(plain, KEY, key_id="k1"))


def test_a_sliced_array_is_hashed_from_its_own_start():
    values = pa.array(["a", "b", None, "c"])
    assert pseudonymise(values.slice(1), KEY, key_id="k1").to_pylist() == [expected("b"), None, expected("c")]


def test_pseudonyms_of_two_keys_share_nothing():
    one, two = derive_keys(bytes(32)), derive_keys(bytes([1]) * 32)
    values = pa.array([str(n) for n in range(100)])
    names = [set(pseudonymise(values, keys.identity, key_id=keys.key_id).to_pylist()) for keys in (one, two)]
    assert one.key_id != two.key_id
    assert not names[0] & names[1]
    assert not {name.partition(":")[2] for name in names[0]} & {name.partition(":")[2] for name in names[1]}


@given(st.binary(min_size=32, max_size=32), st.text(st.characters(codec="utf-8")), st.integers(1, 200))
def test_derived_key_is_hkdf_sha256(master, purpose, length):
    assert derive_key(master, purpose, length=length) == hkdf_sha256(master, b"gauger/1/" + purpose.encode(), length)


def test_every_purpose_has_its_own_key_and_none_is_the_master():
    master = hashlib.sha256(b"m").digest()
    keys = derive_keys(master)
    assert len({master, keys.identity, keys.text, derive_key(master, "key-id")}) == 4


def test_keys_do_not_show_themselves():
    keys = derive_keys(KEY)
    assert repr(keys) == f"Keys(key_id={keys.key_id!r})"


@pytest.mark.parametrize("master", [b"", bytes(31), bytes(33)])
def test_a_master_of_another_length_is_refused(master):
    with pytest.raises(SettingsError, match=f"{len(master)} bytes, not 32"):
        derive_keys(master)


@pytest.mark.parametrize("key_id", ["", "k:1", "K1", "k" * 17, "k 1"])
def test_a_key_id_that_would_blur_the_prefix_is_refused(key_id):
    with pytest.raises(SettingsError):
        Keys(identity=KEY, text=KEY, key_id=key_id)
    with pytest.raises(SettingsError):
        pseudonymise(pa.array(["a"]), KEY, key_id=key_id)


def test_a_short_key_is_refused():
    with pytest.raises(SettingsError):
        Keys(identity=b"short", text=KEY, key_id="k1")


PERSONAL = [
    "alice@example.com",
    "Alice <alice@example.co.uk>",
    "team/alice@example.com",
    "arn:aws:sts::123456789012:assumed-role/dev/alice@example.com",
    "alice%40example.com",
    "ALICE＠EXAMPLE.COM",
    "用户@例子.公司",
    "user@xn--e1afmkfd.xn--p1ai",
    "491711234567@s.whatsapp.net",
    "+14155552671",
    "+49 30 1234567",
    "+44 (0)20 7946 0958",
    "tel:+1-201-555-0123",
    "whatsapp:+4917612345678",
    "(555) 123-4567",
    "1 (555) 123-4567",
    "(030) 1234567",
    "555-123-4567",
    "555.123.4567",
    "1-800-555-0199",
    "030 12345678",
    "0171/1234567",
    "06.12.34.56.78",
    "03-1234-5678",
    "0049 30 1234567",
    "138 1234 5678",
    "138-1234-5678",
    "  +14155552671 ",
]

ORDINARY = [
    "4815162342",
    "14155552671",
    "0049301234567",
    "20261120",
    "1764547200",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-1234-1234-123456789012",
    "2026-11-20",
    "20-11-2026",
    "01-02-2026",
    "2026.11.20",
    "2026-11-20 10:00:00",
    "203.0.113.9",
    "192.168.100.200",
    "2001:db8::1",
    "1234-5678-9012",
    "4111-1111-1111-1111",
    "0000-0001-2345",
    "123-456",
    "+5",
    "+123456",
    "+1234567890123456",
    "+",
    "acct-0171-1234567",
    "org-AbC123",
    "user_42",
    "sk-hash-9f86d081",
    "pkg@1.2.3",
    "alice@localhost",
    "@alice",
    "chatcmpl-9xYz",
    "v1.2.3456789",
    "",
]


@pytest.mark.parametrize("value", PERSONAL)
def test_an_email_address_or_telephone_number_looks_personal(value):
    assert looks_personal(pa.array([value])).to_pylist() == [True]


@pytest.mark.parametrize("value", ORDINARY)
def test_an_ordinary_id_does_not_look_personal(value):
    assert looks_personal(pa.array([value])).to_pylist() == [False]


@given(st.from_regex(r"\A[0-9]+\Z"))
def test_digits_alone_are_never_a_telephone_number(value):
    assert looks_personal(pa.array([value])).to_pylist() == [False]


@given(st.uuids())
def test_a_uuid_is_never_personal(value: uuid.UUID):
    texts = [str(value), value.hex, f"{{{value}}}", value.urn]
    assert looks_personal(pa.array(texts)).to_pylist() == [False] * 4


@given(st.datetimes(), st.ip_addresses())
def test_dates_and_addresses_are_never_personal(moment, address):
    texts = [moment.isoformat(), f"{moment:%Y-%m-%d}", f"{moment:%d.%m.%Y}", str(address)]
    assert looks_personal(pa.array(texts)).to_pylist() == [False] * 4


@given(st.emails())
def test_every_email_address_with_a_lettered_top_level_domain_is_personal(address):
    assert looks_personal(pa.array([address])).to_pylist() == [True]


def test_null_is_neither_personal_nor_ordinary():
    assert looks_personal(pa.array([None, "a@b.co"], pa.string())).to_pylist() == [None, True]


@given(st.lists(st.none() | st.sampled_from(PERSONAL + ORDINARY)))
def test_only_personal_ids_become_pseudonyms(values):
    array = pa.array(values, pa.string())
    found = pseudonymise_personal(array, KEY, key_id="k1").to_pylist()
    assert found == [expected(value) if value in PERSONAL else value for value in values]

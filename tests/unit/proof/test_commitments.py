"""The commitment log: whatever is done to it afterwards is seen."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import SettingsError, UsageError
from gauger.proof.commitments import Entry, newest, next_entry, read_log
from gauger.proof.keys import Terms

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = SIGNER.public_key().public_bytes_raw()


def grow(log, campaign="C-1", *, now=None, signer=SIGNER) -> list[Entry]:
    entry = next_entry(
        log,
        campaign=campaign,
        terms=Terms(scheme="gumbel", context=1),
        commit=lambda rotation: f"{rotation:064x}",
        now=now or NOW + timedelta(days=len(log)),
        public_key=signer.public_key().public_bytes_raw(),
        sign=signer.sign,
    )
    return [*log, entry]


def written(log) -> bytes:
    return b"".join(entry.line + b"\n" for entry in log)


@pytest.fixture(scope="module")
def log():
    return grow(grow(grow([], "C-1"), "C-2"), "C-1")


def test_a_log_is_read_back_as_it_was_written(log):
    assert read_log(written(log), where="log", public_key=PUBLIC) == log
    assert read_log(b"", where="log") == []
    assert [one.name for one in log] == ["C-1/1", "C-2/1", "C-1/2"]


def test_the_newest_key_of_a_campaign_is_found_or_the_one_asked_for(log):
    assert newest(log, "C-1").name == "C-1/2"
    assert newest(log, "C-1", 1).name == "C-1/1"
    for asked in (("C-3", None), ("C-1", 3)):
        with pytest.raises(UsageError, match="no such key"):
            newest(log, *asked)


@given(st.data())
def test_no_byte_of_a_log_can_be_changed(data):
    content = bytearray(written(grow(grow([], "C-1"), "C-2")))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
    with pytest.raises(SettingsError):
        read_log(bytes(content), where="log", public_key=PUBLIC)


@pytest.mark.parametrize("lines", [[1, 2], [0, 2], [0, 2, 1], [0, 0, 1, 2], [0, 1, 2, 1]])
def test_no_line_can_be_left_out_moved_or_repeated(log, lines):
    with pytest.raises(SettingsError, match="does not hold"):
        read_log(written([log[one] for one in lines]), where="log")


def test_a_line_that_was_cut_off_is_seen(log):
    with pytest.raises(SettingsError, match="cut off"):
        read_log(written(log)[:-5], where="log")


def test_a_log_of_somebody_else_is_not_taken(log):
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    with pytest.raises(SettingsError, match="somebody else"):
        read_log(written(grow([], signer=stranger)), where="log", public_key=PUBLIC)
    with pytest.raises(SettingsError, match="somebody else"):
        read_log(written(grow(log, signer=stranger)), where="log")


def test_a_line_signed_again_after_a_change_breaks_what_follows(log):
    changed = msgspec.structs.replace(log[0], committed_at=NOW - timedelta(days=90))
    changed = msgspec.structs.replace(changed, signature=SIGNER.sign(changed.signed_bytes).hex())
    assert read_log(written([changed]), where="log") == [changed]
    with pytest.raises(SettingsError, match="does not follow"):
        read_log(written([changed, *log[1:]]), where="log")


@pytest.mark.parametrize(
    ("said", "other"),
    [
        (b'"rotation":1', b'"rotation":%d' % 10**30),
        (b'"index":0', b'"index":%d' % 10**400),
        (b'"context":1', b'"context":-1'),
        (b'Z","', b'","'),
    ],
)
def test_a_number_or_a_time_that_is_none_breaks_the_log(said, other, log):
    line = log[0].line
    assert said in line
    with pytest.raises(SettingsError, match="no line of a commitment log"):
        read_log(line.replace(said, other) + b"\n", where="log")


def test_time_does_not_run_backwards(log):
    with pytest.raises(SettingsError, match="clock"):
        grow(log, now=NOW)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"campaign": "C\x1b[2J\nproof: key REAL"}, "its campaign has no name"),
        ({"commitment": "x" * 64}, "a hash, key or signature is none"),
        ({"public_key": SIGNER.public_key().public_bytes_raw().hex().upper()}, "a hash, key or signature is none"),
    ],
)
def test_a_signed_line_whose_fields_are_no_names_and_hashes_is_refused(fields, said):
    unsigned = msgspec.structs.replace(grow([])[0], signature="", **fields)
    signed = msgspec.structs.replace(unsigned, signature=SIGNER.sign(unsigned.signed_bytes).hex())
    with pytest.raises(SettingsError, match=said):
        read_log(written([signed]), where="log")

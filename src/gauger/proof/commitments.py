"""The commitment log: which key existed when, written before the key is used. Lines of JSON that only grow.

Each line carries the hash of the line before it and an Ed25519 signature (RFC 8032), so that none can be changed, left
out or put in between later without a sign. What the log cannot show by itself: that its clock was right, and that the
operator did not write two logs. Who must convince others gives the hash of the newest line to somebody they trust, on
the day.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gauger.errors import SettingsError, UsageError
from gauger.proof.bounds import Count
from gauger.proof.keys import Terms, check_campaign

SCHEMA: Final = "gauger/watermark-commitment/1"
START: Final = "0" * 64
_DOMAIN: Final = b"gauger/commitment-log/1\n"


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the log; hashes, key and signature in hexadecimal."""

    schema: str
    index: Count
    campaign: str
    rotation: Count
    terms: Terms
    commitment: str
    committed_at: Annotated[datetime, msgspec.Meta(tz=True)]
    previous: str
    public_key: str
    signature: str = ""

    @property
    def name(self) -> str:
        """The key as people call it."""
        return f"{self.campaign}/{self.rotation}"

    @property
    def line(self) -> bytes:
        """The entry as it stands in the file, without the end of the line."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> str:
        """The hash that the next line carries: SHA-256 of this one."""
        return hashlib.sha256(self.line).hexdigest()

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is of."""
        return _DOMAIN + msgspec.structs.replace(self, signature="").line


def next_entry(
    log: Sequence[Entry],
    *,
    campaign: str,
    terms: Terms,
    commit: Callable[[int], str],
    now: datetime,
    public_key: bytes,
    sign: Callable[[bytes], bytes],
) -> Entry:
    """Return the signed line that adds a campaign's next key to the log.

    Parameters
    ----------
    log
        The lines so far, verified.
    campaign, terms
        Whose key, and how it is used.
    commit
        Gives a rotation's commitment.
    now
        With its zone; the log keeps microseconds, in UTC.
    public_key, sign
        32 bytes, and what signs with its other half.

    Raises
    ------
    SettingsError
        The clock stands before the newest line.
    """
    check_campaign(campaign)
    if log and now < log[-1].committed_at:
        raise SettingsError(
            f"the clock says {now.isoformat()}, before the newest line of the commitment log",
            where=log[-1].committed_at.isoformat(),
            todo="set the clock right; a log whose times run backwards proves nothing",
        )
    rotation = 1 + max((entry.rotation for entry in log if entry.campaign == campaign), default=0)
    unsigned = Entry(
        schema=SCHEMA,
        index=len(log),
        campaign=campaign,
        rotation=rotation,
        terms=terms,
        commitment=commit(rotation),
        committed_at=now.astimezone(UTC),
        previous=log[-1].digest if log else START,
        public_key=public_key.hex(),
    )
    return msgspec.structs.replace(unsigned, signature=sign(unsigned.signed_bytes).hex())


def read_log(content: bytes, *, where: str, public_key: bytes | None = None) -> list[Entry]:
    """Return the entries of a log, every line verified.

    Parameters
    ----------
    content
        The file.
    where
        Its name, for messages.
    public_key
        Who must have signed; by default whoever signed the first line.

    Raises
    ------
    SettingsError
        A line is damaged, unsigned, out of order, or says another thing than what was signed.
    """
    lines = content.split(b"\n")
    if lines.pop():
        raise _broken("its last line is cut off", f"{where}, line {len(lines) + 1}")
    log: list[Entry] = []
    rotations: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        entry = _decoded(line, f"{where}, line {number}")
        rotations[entry.campaign] += 1
        signer = public_key.hex() if public_key else (log[0] if log else entry).public_key
        fault = _fault(entry, line, log, signer, rotation=rotations[entry.campaign])
        if fault:
            raise _broken(fault, f"{where}, line {number}")
        log.append(entry)
    return log


def newest(log: Sequence[Entry], campaign: str, rotation: int | None = None) -> Entry:
    """Return the entry of a campaign's key, by default its latest.

    Raises
    ------
    UsageError
        There is none.
    """
    found = [one for one in log if one.campaign == campaign and rotation in (None, one.rotation)]
    if not found:
        known = ", ".join(dict.fromkeys(one.campaign for one in log)) or "none yet"
        raise UsageError(
            f"no such key was committed to: {campaign}" + (f"/{rotation}" if rotation else ""),
            where="--campaign",
            todo=f"campaigns with keys: {known}; `gauger keys new` makes one",
        )
    return found[-1]


def is_hex(text: str, *, digits: int = 64) -> bool:
    """Return whether a text is so many hexadecimal digits in small letters, and nothing else."""
    return re.fullmatch(rf"[0-9a-f]{{{digits}}}", text) is not None


def _fault(entry: Entry, line: bytes, log: Sequence[Entry], signer: str, *, rotation: int) -> str | None:
    """Return what is wrong with a line, or None; `rotation` is the one that is its campaign's turn."""
    faults = {
        "it is not written as Gauger writes it": entry.schema != SCHEMA or entry.line != line,
        "its campaign has no name": not _is_named(entry),
        "a hash, key or signature is none": not _is_written_in_hex(entry),
        "it is out of order": entry.index != len(log),
        "it does not follow the line before it": entry.previous != (log[-1].digest if log else START),
        "its time is before that of the line before it": bool(log) and entry.committed_at < log[-1].committed_at,
        "its rotation is out of order": entry.rotation != rotation,
        "it is signed by somebody else": entry.public_key != signer,
        "its signature does not fit": not _is_signed(entry),
    }
    return next((fault for fault, found in faults.items() if found), None)


def _is_named(entry: Entry) -> bool:
    try:
        check_campaign(entry.campaign)
    except UsageError:
        return False
    return True


def _is_written_in_hex(entry: Entry) -> bool:
    hashes = (entry.commitment, entry.previous, entry.public_key)
    return all(map(is_hex, hashes)) and is_hex(entry.signature, digits=128)


def _is_signed(entry: Entry) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(entry.public_key))
        key.verify(bytes.fromhex(entry.signature), entry.signed_bytes)
    except (ValueError, InvalidSignature):
        return False
    return True


def _decoded(line: bytes, where: str) -> Entry:
    try:
        return msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _broken("it is no line of a commitment log", where) from None


def _broken(fault: str, where: str) -> SettingsError:
    return SettingsError(
        f"the commitment log does not hold: {fault}",
        where=where,
        todo="restore the log from a backup; keys of a log that does not hold prove nothing",
    )

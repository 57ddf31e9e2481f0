"""What a source yields, and the options that all sources share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from gauger.sources.content_hash import ContentHash


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How logs are read.

    Attributes
    ----------
    format
        Name of the source, or None to detect it.
    mapping
        Canonical column -> path in the record, from a mapping file; None without one.
    timezone
        Zone of times that carry none.
    max_record_bytes
        A longer record is skipped as it streams and quarantined, never held.
    account_fields
        LiteLLM: the account is the first of these that is not empty.
    """

    format: str | None = None
    mapping: Mapping[str, str] | None = None
    timezone: str = "UTC"
    max_record_bytes: int = 64 * 1024 * 1024
    account_fields: tuple[str, ...] = (
        "user_api_key_user_id",
        "user_api_key_team_id",
        "user_api_key_hash",
    )

    @property
    def fingerprint(self) -> str:
        """What must be equal for two readings of one log to give the same rows."""
        mapping = sorted(self.mapping.items()) if self.mapping is not None else None
        return repr((self.format, mapping, self.timezone, self.account_fields))


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """A stretch of one log.

    Attributes
    ----------
    exchanges
        Table of `gauger.exchanges.schema.EDGE_SCHEMA`, at most 65,536 rows or 64 MiB of text.
    quarantined
        Table of `QUARANTINE_SCHEMA`: what could not be read, without the row itself.
    end_offset
        Bytes of the uncompressed log that this batch and all before it cover; reading goes on from there.
    end_row
        Records that this batch and all before it cover.
    bytes_read
        Bytes taken so far from the file as it lies, for progress.
    columns_absent
        Canonical columns that this format cannot fill.
    content
        Hash of the bytes before `end_offset`, of those that were read; None for a log in one piece (Parquet).
    """

    exchanges: pa.Table
    quarantined: pa.Table
    end_offset: int
    end_row: int
    bytes_read: int
    columns_absent: frozenset[str] = field(default_factory=frozenset)
    content: ContentHash | None = None

"""Bans, suspensions and model releases: as given, and as kept."""

from typing import Final

import pyarrow as pa

from gauger.exchanges.pseudonyms import Keys, pseudonymise_personal
from gauger.exchanges.schema import EVENT_SCHEMA

BAN: Final = "ban"
SUSPENSION: Final = "suspension"
MODEL_RELEASE: Final = "model_release"

#: Other words for the three kinds, in lower case with underscores.
EVENT_KINDS: Final = {
    "ban": BAN,
    "banned": BAN,
    "account_ban": BAN,
    "account_banned": BAN,
    "block": BAN,
    "blocked": BAN,
    "termination": BAN,
    "terminated": BAN,
    "account_terminated": BAN,
    "suspension": SUSPENSION,
    "suspended": SUSPENSION,
    "suspend": SUSPENSION,
    "account_suspended": SUSPENSION,
    "disabled": SUSPENSION,
    "deactivated": SUSPENSION,
    "model_release": MODEL_RELEASE,
    "model_released": MODEL_RELEASE,
    "model_launch": MODEL_RELEASE,
    "new_model": MODEL_RELEASE,
    "release": MODEL_RELEASE,
    "released": MODEL_RELEASE,
    "launch": MODEL_RELEASE,
}


def keep_events(raw: pa.Table, *, keys: Keys) -> pa.Table:
    """Return the events in order of time, each once; personal account ids as the same pseudonyms as in the log.

    Parameters
    ----------
    raw
        Table of `EVENT_SCHEMA` with account ids as given.
    """
    account = pseudonymise_personal(raw["account_id"].combine_chunks(), keys.identity, key_id=keys.key_id)
    place = EVENT_SCHEMA.get_field_index("account_id")
    kept = raw.set_column(place, EVENT_SCHEMA.field("account_id"), account)
    distinct = kept.group_by(EVENT_SCHEMA.names, use_threads=False).aggregate([])
    return distinct.sort_by([(name, "ascending") for name in EVENT_SCHEMA.names]).cast(EVENT_SCHEMA)

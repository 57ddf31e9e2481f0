"""The operator's account table: as given, and as kept."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gauger.exchanges.principals import without_placeholders
from gauger.exchanges.pseudonyms import Keys, pseudonymise, pseudonymise_personal
from gauger.exchanges.schema import ACCOUNT_SCHEMA, TIMESTAMP

#: What an operator may give (contracts §3). `region` serves the operator's own region policy alone.
RAW_ACCOUNT_SCHEMA: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("principal_id", pa.string()),
        pa.field("organisation_id", pa.string()),
        pa.field("signed_up_at", TIMESTAMP),
        pa.field("plan", pa.string()),
        pa.field("payment_token", pa.string()),
        pa.field("email", pa.string()),
        pa.field("verification_tier", pa.string()),
        pa.field("registered_use", pa.string()),
        pa.field("suspended_at", TIMESTAMP),
        pa.field("region", pa.string()),
    ]
)

_IDS: Final = ("account_id", "principal_id", "organisation_id")


def keep_accounts(raw: pa.Table, *, keys: Keys, disposable: frozenset[str]) -> pa.Table:
    """Return what is kept of an account table: payment tokens and e-mail addresses become pseudonyms.

    E-mail addresses are trimmed and lower-cased first. Words for "nothing" in a payment token, an e-mail address, a
    principal or an organisation become null: accounts that share them share nothing. Ids that look personal become
    the same pseudonyms as in the log.

    Parameters
    ----------
    raw
        Table of `RAW_ACCOUNT_SCHEMA`, one row per account.
    disposable
        Domains of disposable mail, in lower case; their subdomains count too.

    Returns
    -------
    pyarrow.Table
        Table of `ACCOUNT_SCHEMA`, in the same order.
    """
    table = raw.combine_chunks()
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    for name in ("principal_id", "organisation_id", "payment_token", "email"):
        columns[name] = without_placeholders(columns[name])
    for name in _IDS:
        columns[name] = pseudonymise_personal(columns[name], keys.identity, key_id=keys.key_id)
    email = pc.utf8_lower(columns["email"])
    domain = email_domains(email)
    columns |= {
        "payment_token_hash": pseudonymise(columns["payment_token"], keys.identity, key_id=keys.key_id),
        "email_hash": pseudonymise(email, keys.identity, key_id=keys.key_id),
        "email_domain_hash": pseudonymise(domain, keys.identity, key_id=keys.key_id),
        "is_disposable_email": is_disposable(domain, disposable),
    }
    return pa.Table.from_arrays([columns[name] for name in ACCOUNT_SCHEMA.names], schema=ACCOUNT_SCHEMA)


def email_domains(emails: pa.Array) -> pa.Array:
    """Return what stands after the last "@", without a final dot; null where there is none."""
    return pc.struct_field(pc.extract_regex(emails, r"^.*@(?P<domain>[^@\s]+?)[.>]*$"), "domain")


def is_disposable(domains: pa.Array, disposable: frozenset[str]) -> pa.Array:
    """Return which domains, or a domain above them, are disposable (boolean; null where the domain is null)."""
    encoded = domains.dictionary_encode()
    verdicts = [any(parent in disposable for parent in _parents(domain)) for domain in encoded.dictionary.to_pylist()]
    return pa.array(verdicts, pa.bool_()).take(encoded.indices)


def _parents(domain: str) -> list[str]:
    """Return the domain and every domain above it, top-level domains left out."""
    labels = domain.split(".")
    return [".".join(labels[i:]) for i in range(max(1, len(labels) - 1))]

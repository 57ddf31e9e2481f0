from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA, email_domains, is_disposable, keep_accounts
from gauger.exchanges.keeping import keep
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import pseudonymise
from gauger.exchanges.schema import ACCOUNT_SCHEMA

DISPOSABLE = frozenset({"mailinator.com", "trash.co.uk"})


@pytest.fixture(scope="module")
def kept(keys):
    def rows(*given_rows):
        filled = [{"account_id": f"acct-{number}", **row} for number, row in enumerate(given_rows)]
        raw = pa.Table.from_pylist(filled, RAW_ACCOUNT_SCHEMA)
        table = keep_accounts(raw, keys=keys, disposable=DISPOSABLE)
        assert table.schema == ACCOUNT_SCHEMA
        return table.to_pylist()

    return rows


def test_payment_tokens_and_email_addresses_become_pseudonyms(kept, keys):
    (row,) = kept({"payment_token": "card-1", "email": "alice@example.com", "plan": "pro"})
    expected = pseudonymise(pa.array(["card-1", "alice@example.com", "example.com"]), keys.identity, key_id=keys.key_id)
    assert [row["payment_token_hash"], row["email_hash"], row["email_domain_hash"]] == expected.to_pylist()
    assert row["plan"] == "pro"
    assert "alice" not in str(row)
    assert "card-1" not in str(row)


def test_email_addresses_are_compared_without_case_and_blanks(kept):
    one, two = kept({"email": "Alice@Example.COM "}, {"email": " alice@example.com"})
    assert one["email_hash"] == two["email_hash"]
    assert one["email_domain_hash"] == two["email_domain_hash"]


@pytest.mark.parametrize(
    ("email", "verdict"),
    [
        ("a@mailinator.com", True),
        ("a@MAILINATOR.com", True),
        ("a@x.y.mailinator.com", True),
        ("a@trash.co.uk", True),
        ("a@mailinator.com.", True),
        ("A <a@mailinator.com>", True),
        ("a@notmailinator.com", False),
        ("a@mailinator.com.example.org", False),
        ("a@co.uk", False),
        ("9f86d081884c7d65", None),
        (None, None),
        ("n/a", None),
    ],
)
def test_disposable_mail_is_told_by_the_domain_and_those_above_it(kept, email, verdict):
    assert kept({"email": email})[0]["is_disposable_email"] is verdict


@pytest.mark.parametrize("column", ["payment_token", "email"])
@pytest.mark.parametrize("nothing", [None, "", " ", "null", "None", "N/A", "unknown", "-"])
def test_accounts_that_share_a_word_for_nothing_share_no_pseudonym(kept, column, nothing):
    assert kept({column: nothing})[0][f"{column}_hash"] is None


def test_an_opaque_email_token_still_tells_equal_from_different(kept):
    one, same, other = kept({"email": "9f86d081"}, {"email": "9f86d081"}, {"email": "60303ae2"})
    assert one["email_hash"] == same["email_hash"] != other["email_hash"]
    assert one["email_domain_hash"] is None


def test_a_personal_account_id_gets_the_same_pseudonym_as_in_the_log(kept, keys, edge):
    (row,) = kept({"account_id": "alice@example.com", "principal_id": "+14155552671", "organisation_id": "acme"})
    batch = edge({"account_id": "alice@example.com", "principal_id": "+14155552671", "organisation_id": "acme"})
    (in_log,) = keep(batch, keys=keys, networks=NetworkTable())[0].to_pylist()
    for name in ("account_id", "principal_id", "organisation_id"):
        assert row[name] == in_log[name]
    assert row["account_id"].startswith(f"{keys.key_id}:")
    assert row["organisation_id"] == "acme"


def test_times_and_the_rest_pass_unchanged(kept):
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    given_row = {
        "signed_up_at": moment,
        "suspended_at": moment,
        "verification_tier": "none",
        "registered_use": "eval",
        "region": "EU",
    }
    (row,) = kept(given_row)
    assert {name: row[name] for name in given_row} == given_row


def test_an_empty_account_table_is_kept_empty(kept):
    assert kept() == []


@given(st.emails())
def test_the_domain_is_what_stands_after_the_last_at_sign(email):
    assert email_domains(pa.array([email])).to_pylist() == [email.rpartition("@")[2]]


LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5)


@given(LABELS, st.frozensets(LABELS.map(".".join)))
def test_disposable_agrees_with_a_slow_reference(labels, listed):
    domain = ".".join(labels)
    expected = domain in listed or any(domain.endswith("." + parent) for parent in listed if "." in parent)
    assert is_disposable(pa.array([domain]), listed).to_pylist() == [expected]

from datetime import UTC, datetime

import pyarrow as pa

from gauger.exchanges.events import keep_events
from gauger.exchanges.pseudonyms import pseudonymise
from gauger.exchanges.schema import EVENT_SCHEMA


def at(day):
    return datetime(2026, 3, day, tzinfo=UTC)


def events(*rows):
    return pa.Table.from_pylist([dict(zip(EVENT_SCHEMA.names, row, strict=True)) for row in rows], EVENT_SCHEMA)


def test_events_come_in_order_of_time_whatever_the_order_of_rows(keys):
    rows = [(at(2), "ban", "b", None), (at(1), "model_release", None, "m"), (at(2), "ban", "a", None)]
    one, two = keep_events(events(*rows), keys=keys), keep_events(events(*reversed(rows)), keys=keys)
    assert one.schema == EVENT_SCHEMA
    assert one.equals(two)
    assert one["account_id"].to_pylist() == [None, "a", "b"]


def test_a_personal_account_id_becomes_its_pseudonym(keys):
    kept = keep_events(events((at(1), "ban", "alice@example.com", None)), keys=keys)
    expected = pseudonymise(pa.array(["alice@example.com"]), keys.identity, key_id=keys.key_id)
    assert kept["account_id"].to_pylist() == expected.to_pylist()


def test_an_event_told_twice_is_kept_once(keys):
    row = (at(1), "ban", "a", None)
    assert keep_events(events(row, row, (at(2), "ban", "a", None)), keys=keys).num_rows == 2


def test_no_events_are_kept_as_none(keys):
    assert keep_events(EVENT_SCHEMA.empty_table(), keys=keys).equals(EVENT_SCHEMA.empty_table())

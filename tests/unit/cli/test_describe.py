"""`gauger sources` and `gauger schema`."""

import json
from pathlib import Path

import jsonschema

from gauger.cli.describe import POWER_LOST
from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sources import SOURCES

SCHEMA = Path(__file__).parents[3] / "docs" / "reference" / "findings.schema.json"


def test_every_format_and_every_cost_is_listed(gauger):
    shown = gauger("sources")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert max(map(len, lines)) <= 80
    for name in (*SOURCES, *POWER_LOST):
        assert any(line.startswith(f"{name} ") for line in lines), name
    assert next(line for line in lines if line.startswith("litellm")).split() == ["litellm", "principal_id"]


def test_costs_are_of_columns_that_a_log_can_have():
    assert set(POWER_LOST) <= set(EDGE_SCHEMA.names)


def test_the_committed_schema_is_current(gauger):
    """After a change of the records: gauger schema > docs/reference/findings.schema.json."""
    assert gauger("schema").out == SCHEMA.read_text()


def test_a_report_keeps_to_the_schema(scanned_once):
    document = json.loads((scanned_once.report / "findings.json").read_text())
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)

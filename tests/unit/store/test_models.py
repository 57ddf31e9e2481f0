import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from gauger.store.models import Base

TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_every_table_can_be_made_on_both_databases(table, dialect):
    assert f"CREATE TABLE {table.name}" in str(CreateTable(table).compile(dialect=dialect))
    for index in table.indexes:
        assert f"ON {table.name}" in str(CreateIndex(index).compile(dialect=dialect))


def test_times_have_a_zone_in_postgresql():
    statements = "".join(str(CreateTable(table).compile(dialect=postgresql.dialect())) for table in TABLES)
    assert "TIMESTAMP WITH TIME ZONE" in statements
    assert "WITHOUT TIME ZONE" not in statements

"""Folders that are read back: the truth whole, a report of the documented form, and clear errors for all else."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import InputError
from gauger.lab import write_world
from gauger.lab.bench import truth_of
from gauger.lab.folders import Place, read_report, read_truth
from gauger.lab.scores import Figure
from gauger.lab.scoring import score

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "benchmark-a-detector.md"


@pytest.fixture
def documented(tmp_path):
    """A report folder with the document that the how-to prints."""
    (tmp_path / "findings.json").write_text(re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[1])
    return tmp_path


def test_the_documented_report_is_scored(documented, truth_of_accounts):
    truth = truth_of_accounts({"acc-0001": "pool", "acc-0002": None})
    pq.write_table(pa.table({"finding_id": ["a"], "account_id": ["acc-0002"]}), documented / "accounts.parquet")
    attributed = {"finding_id": ["a"], "account_id": ["acc-0001"], "request_id": ["acc-0001/0"], "more": [1]}
    pq.write_table(pa.table(attributed), documented / "exchanges.parquet")
    result = score(read_report(documented), truth)
    assert (result.recall.first, result.recall.campaign) == (Figure(1.0), Figure(1.0))
    assert (result.touched, result.by_verdict[0].exchanges.average_precision) == (Figure(1.0), Figure(1.0))


@pytest.mark.parametrize("format", ["litellm", "parquet"])
def test_the_truth_of_a_world_is_read_back_whole(world, tmp_path, format):
    write_world(world, tmp_path, format=format)
    read, known = read_truth(tmp_path), truth_of(world)
    assert read.accounts.equals(known.accounts)
    names = known.exchanges.column_names if format == "parquet" else world.truth_exchanges.column_names
    assert read.exchanges.equals(known.exchanges.select(names))


def test_a_log_of_another_world_is_no_clock(world, with_campaign, tmp_path):
    write_world(world, tmp_path)
    pq.write_table(with_campaign().exchanges, tmp_path / "exchanges.parquet")
    with pytest.raises(InputError, match="not of one world"):
        read_truth(tmp_path)


@pytest.mark.parametrize("damage", ["a,b\n1,2\n", "", '"account_id","class","campaign"\n"a"\n'])
def test_a_damaged_truth_is_an_error(world, tmp_path, damage):
    write_world(world, tmp_path, format="parquet")
    (tmp_path / "truth.csv").write_text(damage)
    with pytest.raises(InputError, match="no table of the truth"):
        read_truth(tmp_path)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"findings": [{"rank": 1}]}, r"\$\.findings\[0\]"),
        ({"schema": "other/1"}, r"\$\.schema"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_document_of_another_form_is_an_error_that_names_the_place(documented, change, place):
    path = documented / "findings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=place):
        read_report(documented)


def test_a_table_without_a_column_is_an_error_that_names_it(documented):
    pq.write_table(pa.table({"finding_id": ["a"], "account_id": ["b"]}), documented / "exchanges.parquet")
    with pytest.raises(InputError, match="no column request_id"):
        read_report(documented)


def test_a_world_and_its_report_lie_side_by_side():
    place = Place(Path("worlds"), "pool/0.2/payment", 7)
    assert place.world.as_posix() == "worlds/pool/0.2/payment/7/world"
    assert place.report.as_posix() == "worlds/pool/0.2/payment/7/report"

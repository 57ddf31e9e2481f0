"""Permute country and region over all accounts: findings.json, and all other results, are the same, byte for byte."""

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.dataset as ds
import pytest

CODES = ("BR", "CN", "DE", "FR", "GB", "IN", "JP", "KR", "SG", "US")
RESULTS = ("findings.json", "accounts.parquet", "accounts.csv", "exchanges.parquet", "index.html")
#: The networks that the simulator's accounts come from, cut into blocks.
BLOCKS = [
    *(f"10.{block}.0.0/12" for block in range(0, 256, 16)),
    *(f"172.{block}.0.0/16" for block in range(16, 32)),
    *(f"198.{block}.0.0/16" for block in (18, 19)),
    *(f"2001:db8:{block:x}000::/36" for block in range(16)),
]


@pytest.fixture
def scan_with_geography(small_logs, workspace_with_key, gauger, tmp_path):
    """Scans the small world with regions in the account table and lists of countries, dealt out by a seed."""

    def run(seed: int | None):
        folder = tmp_path / str(seed)
        workspace = workspace_with_key(folder / "workspace")
        lists = folder / "countries"
        (workspace / "gauger.toml").write_text(f'[networks]\ncountry = "{lists}"\n' if seed is not None else "")
        rng = np.random.default_rng(seed)
        write_country_lists(lists, rng)
        accounts = csv.read_csv(small_logs.folder / "accounts.csv")
        regions = rng.permutation(accounts["region"].to_pylist())
        if seed is None:
            accounts = accounts.drop_columns(["region"])
        else:
            accounts = accounts.set_column(accounts.column_names.index("region"), "region", pa.array(regions))
        csv.write_csv(accounts, folder / "accounts.csv")
        options = ["--accounts", folder / "accounts.csv", "--events", small_logs.folder / "events.csv"]
        done = gauger(
            "scan",
            *small_logs.files,
            *options,
            "--workspace",
            workspace,
            "--out",
            folder / "out",
            "--now",
            "2026-03-01",
        )
        assert done.code == 0, done.err
        return folder

    return run


def write_country_lists(folder, rng) -> None:
    folder.mkdir()
    for code, blocks in zip(CODES, np.array_split(rng.permutation(BLOCKS), len(CODES)), strict=True):
        (folder / f"{code.lower()}.zone").write_text("\n".join(blocks) + "\n")


def countries(folder) -> pa.Table:
    """What the workspace holds of where each exchange came from."""
    found = ds.dataset(folder / "workspace" / "sketches", format="parquet").to_table(["request_id", "country"])
    return found.sort_by("request_id")


def results(folder) -> dict[str, bytes]:
    return {name: (folder / "out" / name).read_bytes() for name in RESULTS}


def different(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    return [name for name in RESULTS if one[name] != other[name]]


def test_permuted_countries_and_regions_change_no_byte(scan_with_geography):
    one, other, without = (scan_with_geography(seed) for seed in (1, 2, None))
    first, second = countries(one), countries(other)
    assert first["country"].null_count == 0
    assert first["country"] != second["country"]
    assert countries(without)["country"].null_count == len(first)
    assert b'"campaign"' in results(one)["findings.json"]
    assert different(results(one), results(other)) == []
    assert different(results(one), results(without)) == []

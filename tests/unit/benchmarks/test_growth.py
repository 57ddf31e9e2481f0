"""Exponents of growth, and the logs that they are taken from."""

import pytest
from benchmarks.growth import AXES, flat
from benchmarks.scale import slope
from benchmarks.scale_log import PER_TOPIC, scenario


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_slope_is_the_exponent(exponent):
    rows = [{"exchanges": 7, "accounts": n, "cpu_s": 3 * n**exponent} for n in (10, 20, 1000)]
    assert slope(rows, "cpu_s", by="accounts") == pytest.approx(exponent, abs=1e-3)


@pytest.mark.parametrize("density", [0.25, 1.0, 4.0])
def test_more_accounts_send_less_each(density):
    usual, other = scenario(), scenario(density=density)
    n, volume = (
        [sum(part.n for part in one.parts) for one in (usual, other)],
        [sum(part.n * part.exchanges for part in one.campaigns) for one in (usual, other)],
    )
    assert n[1] == pytest.approx(density * n[0], rel=0.01)
    assert volume[1] == pytest.approx(volume[0], rel=0.01)
    assert other.weekly_exchanges * n[1] == pytest.approx(usual.weekly_exchanges * n[0], rel=0.01)


def test_an_axis_changes_one_thing():
    for axis, sizes in AXES.items():
        exchanges = {size["times"] for size in sizes}
        accounts = {size["times"] * size.get("density", 1.0) for size in sizes}
        texts = {size.get("per_topic", PER_TOPIC) for size in sizes}
        found = {"exchanges": exchanges, "accounts": accounts, "distinct_prompts": texts}
        assert {name for name, values in found.items() if len(values) > 1} == {axis}


def test_figures_of_ingest_and_scan_stand_beside_the_others():
    row = {"exchanges": 1, "ingest": {"cpu_s": 2}, "scan": {"cpu_s": 3}}
    assert flat(row) == {"exchanges": 1, "ingest_cpu_s": 2, "scan_cpu_s": 3}

import itertools
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report import Marker, Timeline
from gauger.report.moments import epoch_us
from gauger.report.plots import bar, interval, label_room, marker_lanes, max_bins, round_ceiling, time_ticks, timeline
from gauger.report.timeline import coarsened

HOUR_US = 3_600_000_000


def series(n: int, *, markers=(), attributed=3) -> Timeline:
    hours = np.arange(n, dtype=np.int64)
    return Timeline(
        starts_us=epoch_us("2026-10-16T00:00:00Z") + hours * HOUR_US,
        attributed=np.full(n, attributed, dtype=np.int64),
        all_exchanges=np.full(n, 10, dtype=np.int64),
        width_s=3_600,
        markers=tuple(markers),
    )


def drawn(plot: Timeline, *, width=1000) -> ET.Element:
    span = (int(plot.starts_us[0]), int(plot.starts_us[-1]))
    return ET.fromstring(timeline(plot, tested_us=span, key="k", width=width))


def of_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return [element for element in svg.iter() if element.get("class") == name]


def test_timeline_is_well_formed_and_described():
    svg = drawn(series(48))
    assert svg.find("title").text == "Exchanges per hour"
    assert svg.find("desc").text == (
        "144 of 480 exchanges of these accounts are attributed to the finding, at most 3 per hour."
    )


def test_area_is_as_high_as_its_count():
    svg = drawn(series(48, attributed=4))
    area = of_class(svg, "attributed")[0].get("d")
    base, top = (float(y) for y in re.match(r"M52 ([\d.]+)H52V([\d.]+)", area).groups())
    grid = [float(re.match(r"M52 ([\d.]+)", path.get("d"))[1]) for path in of_class(svg, "grid")[:3]]
    assert base == max(grid)
    assert top == min(grid)  # 4 of 4


def test_a_small_share_is_as_visible_as_a_large_one():
    few = of_class(drawn(series(48, attributed=1)), "attributed")[0].get("d")
    many = of_class(drawn(series(48, attributed=10)), "attributed")[0].get("d")
    assert few == many


@given(st.integers(1, 2_000), st.sampled_from([360, 1000]))
def test_text_on_the_time_axis_never_touches(n_hours, width):
    svg = drawn(coarsened(series(n_hours), max_bins=max_bins(width)), width=width)
    labels = sorted((float(text.get("x")), len(text.text)) for text in of_class(svg, "time"))
    for (left, left_size), (right, right_size) in itertools.pairwise(labels):
        assert right - left >= 3.4 * (left_size + right_size)
    assert all(3.4 * size <= x <= width - 3.4 * size for x, size in labels)


@given(st.lists(st.integers(0, 47 * HOUR_US), max_size=12), st.sampled_from([360, 1000]))
def test_marker_numbers_never_touch(times, width):
    plot = series(48)
    start = int(plot.starts_us[0])
    plot = series(48, markers=[Marker(at_us=start + at, label="x") for at in times])
    circles = [
        (float(c.get("cx")), float(c.get("cy"))) for c in of_class(drawn(plot, width=width), "event") if c.get("r")
    ]
    assert len(circles) == len(times)
    assert len(marker_lanes(plot, width=width)) == len(times)
    for index, (x, y) in enumerate(circles):
        assert all((x - a) ** 2 + (y - b) ** 2 >= 16**2 for a, b in circles[:index])


def test_marker_outside_the_series_is_not_drawn():
    assert marker_lanes(series(48, markers=[Marker(at_us=0, label="ban")]), width=1000) == []


def test_tested_stretch_is_clipped_to_the_plot():
    plot = series(48)
    outside = (0, int(plot.starts_us[-1]) * 2)
    (band,) = of_class(ET.fromstring(timeline(plot, tested_us=outside, key="k", width=1000)), "tested")
    assert float(band.get("x")) == 52
    assert float(band.get("x")) + float(band.get("width")) == 1000 - 14
    before = ET.fromstring(timeline(plot, tested_us=(0, 1), key="k", width=1000))
    assert of_class(before, "tested") == []


@given(st.integers(0, 10**15), st.integers(1, 10**16), st.integers(60, 2_000))
def test_ticks_lie_in_the_stretch_and_fit(start_us, length_us, room):
    ticks = time_ticks(start_us, start_us + length_us, room=room)
    assert len(ticks) * label_room(3_600) <= room or len(ticks) <= 1
    assert all(start_us <= time_us <= start_us + length_us for time_us, _ in ticks)


@given(st.integers(0, 10**15))
def test_scale_holds_the_largest_count_and_wastes_less_than_half(largest):
    top = round_ceiling(largest)
    assert top >= max(1, largest)
    assert top <= max(1, 2 * largest)


@pytest.mark.parametrize("share", [0.0, 0.004, 0.5, 1.0])
def test_small_plots_stay_in_their_box(share):
    fill = ET.fromstring(bar(share)).findall("rect")[1]
    assert float(fill.get("width")) == pytest.approx(100 * share)
    svg = ET.fromstring(interval(share, 0.0, 1.0))
    assert float(svg.find("circle").get("cx")) == pytest.approx(120 * share, abs=0.05)

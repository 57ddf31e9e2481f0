import msgspec
import pytest

from gauger.report import render_terminal
from gauger.report.terminal import MAX_ROWS
from gauger.report.untrusted import cells


@pytest.mark.parametrize("width", [80, 120])
def test_summary_is_golden(findings, golden, width):
    golden(f"findings_{width}.txt", render_terminal(findings, width=width, report="out/index.html"))


@pytest.mark.parametrize("width", [80, 120])
def test_empty_summary_is_golden(nothing_found, golden, width):
    golden(f"nothing_found_{width}.txt", render_terminal(nothing_found, width=width, report="out/index.html"))


@pytest.mark.parametrize("width", [60, 72, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(findings, width):
    accused = findings.findings[0]
    everything = msgspec.structs.replace(
        accused, families=["identity", "infrastructure", "text", "timing"], n_exchanges=151_000_000
    )
    text = render_terminal(msgspec.structs.replace(findings, findings=[everything]), width=width)
    assert max(map(cells, text.splitlines())) <= max(width, 75)


def test_escapes_and_newlines_of_a_log_do_not_reach_the_terminal(findings):
    finding = findings.findings[0]
    hostile = "\x1b[2Jx\nVerdict: innocent\r\u202e"
    fact = msgspec.structs.replace(finding.evidence[0].facts[0], text=hostile)
    evidence = [msgspec.structs.replace(finding.evidence[0], facts=[fact])]
    finding = msgspec.structs.replace(finding, evidence=evidence, finding_id=hostile)
    read = msgspec.structs.replace(
        findings.input, channels_off=[msgspec.structs.replace(findings.input.channels_off[0], channel=hostile)]
    )
    calibration = msgspec.structs.replace(findings.calibration, statement=hostile)
    document = msgspec.structs.replace(findings, findings=[finding], input=read, calibration=calibration)
    text = render_terminal(document, width=100, report=hostile)
    assert not set(text) & set("\x1b\r\u202e")
    assert not [line for line in text.splitlines() if line.startswith("Verdict")]


def test_long_list_says_how_many_are_left_out(findings):
    many = [msgspec.structs.replace(findings.findings[2], rank=n + 1) for n in range(MAX_ROWS + 5)]
    text = render_terminal(msgspec.structs.replace(findings, findings=many), width=100)
    assert "... and 5 more in the report" in text

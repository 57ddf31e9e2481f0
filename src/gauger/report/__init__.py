"""Report: a finding as a person reads it."""

from gauger.report.comparison import Comparison, compare, render_comparison
from gauger.report.files import ReportFiles
from gauger.report.html import render_html
from gauger.report.leave_one_out import leave_one_family_out
from gauger.report.power import PowerRow
from gauger.report.tables import all_accounts, listed_accounts
from gauger.report.terminal import render_terminal
from gauger.report.timeline import Marker, Timeline

__all__ = [
    "Comparison",
    "Marker",
    "PowerRow",
    "ReportFiles",
    "Timeline",
    "all_accounts",
    "compare",
    "leave_one_family_out",
    "listed_accounts",
    "render_comparison",
    "render_html",
    "render_terminal",
]

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.report import ReportFiles, render_html
from gauger.report.html import MAX_ROWS, MAX_SECTIONS
from gauger.report.untrusted import shorten

VOID = {"meta", "br", "link", "img", "hr", "input"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></svg><script>1</script>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;",
    "a\u202egnp.exe",
    "line\nfeed\x00\x1b[2J",
    "x" * 5_000,
    "=cmd|'/c calc'!A1",
    "\ud800",
    "",
]


#: Fields of a record that hold one of a few words, or a time.
ENUMERATED = {
    *("schema", "verdict", "family", "families", "capabilities"),
    *("generated_at", "first_seen", "last_seen", "from_", "to", "tested_from", "tested_to"),
}


class Page(HTMLParser):
    """What a browser would make of a page: tags with attributes, text by enclosing tag, and whether tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"<{tag}> repeats an attribute"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def text(self, tag: str) -> list[str]:
        return [text for enclosing, text in self.texts if enclosing == tag]


@pytest.fixture
def page(findings, timelines):
    return render_html(findings, timelines=timelines, links=ReportFiles())


def with_hostile_strings(findings, hostile: str):
    """Every string of the document that a log, an operator or a file could have chosen."""

    def poison(record):
        if isinstance(record, str):
            return hostile
        if isinstance(record, list):
            return [poison(item) for item in record]
        if isinstance(record, msgspec.Struct):
            changes = {
                name: poison(getattr(record, name)) for name in record.__struct_fields__ if name not in ENUMERATED
            }
            return msgspec.structs.replace(record, **changes)
        return record

    return poison(findings)


def test_report_is_golden(page, golden):
    golden("findings.html", page)


def test_empty_report_is_golden(nothing_found, golden):
    golden("nothing_found.html", render_html(nothing_found, timelines={}, links=ReportFiles()))


def test_empty_report_says_how_to_check(nothing_found):
    assert "gauger power" in render_html(nothing_found, timelines={}, links=ReportFiles())


def test_same_records_give_the_same_bytes(findings, timelines, page):
    assert page == render_html(findings, timelines=timelines, links=ReportFiles())


def test_page_reaches_nothing_outside(page):
    parsed = Page(page)
    for tag, attributes in parsed.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "srcset", "style"}}
        assert re.fullmatch(r"#[\w-]+|[\w-]+\.\w+", attributes.get("href", "#a"))
    assert "://" not in page
    assert "url(" not in page
    assert "@import" not in page


def test_policy_allows_only_the_style_sheet_of_the_page(page):
    parsed = Page(page)
    policy = next(a["content"] for t, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy")
    (style,) = parsed.text("style")
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"


def test_links_inside_the_page_lead_somewhere_and_ids_are_unique(page):
    parsed = Page(page)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    referred = [a["href"][1:] for _, a in parsed.tags if a.get("href", "").startswith("#")]
    referred += [one for _, a in parsed.tags for one in (a.get("aria-labelledby") or "").split()]
    assert referred
    assert set(referred) <= set(ids)


def test_headings_descend_one_level_at_a_time(page):
    levels = [int(tag[1]) for tag, _ in Page(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_every_table_has_a_caption_and_every_plot_a_title(page):
    tags = [tag for tag, _ in Page(page).tags]
    assert tags.count("table") == tags.count("caption")
    plots = [attributes for tag, attributes in Page(page).tags if tag == "svg" and attributes.get("role") == "img"]
    assert len(plots) == 4  # two findings have a timeline, each for a desk and a telephone
    assert all(len(attributes["aria-labelledby"].split()) == 2 for attributes in plots)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_string_of_a_log_becomes_markup(findings, timelines, page, hostile):
    poisoned = with_hostile_strings(findings, hostile)
    harmless = with_hostile_strings(findings, "harmless")
    shape, expected = (
        [(tag, sorted(attributes)) for tag, attributes in Page(render_html(d, timelines={}, links=ReportFiles())).tags]
        for d in (poisoned, harmless)
    )
    assert shape == expected


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(account_id=st.text(st.characters(), min_size=1))
def test_account_id_is_shown_as_it_is(findings, account_id):
    finding = findings.findings[1]
    accounts = [msgspec.structs.replace(finding.accounts[0], account_id=account_id)]
    document = msgspec.structs.replace(findings, findings=[msgspec.structs.replace(finding, accounts=accounts)])
    html = render_html(document, timelines={}, links=ReportFiles())
    html.encode()
    assert "".join(Page(html).text("bdi")[:-1]) == shorten(account_id)


def test_hidden_characters_are_spelled_out_everywhere(findings):
    html = render_html(with_hostile_strings(findings, "a\u202eb"), timelines={}, links=ReportFiles())
    assert "\u202e" not in html
    assert "a&lt;U+202E&gt;b" in html


def test_long_tables_are_cut_and_say_where_the_rest_is(page):
    assert page.count("<bdi>user-0") == MAX_ROWS
    assert 'The first 200 of 214 listed accounts. All of them are in <a href="accounts.csv">' in page


def test_many_findings_stay_readable(findings):
    many = [
        msgspec.structs.replace(findings.findings[1], rank=n + 1, finding_id=f"c-{n}") for n in range(MAX_ROWS + 30)
    ]
    page = render_html(msgspec.structs.replace(findings, findings=many), timelines={}, links=ReportFiles())
    assert page.count('<article class="finding') == MAX_SECTIONS
    assert "The first 200 of 230 findings." in page
    Page(page)


def test_first_lines_say_what_was_found_certified_and_off(nothing_found):
    html = render_html(nothing_found, timelines={}, links=ReportFiles())
    header = html[html.index("<header") : html.index("</header>")]
    for said in ("Nothing was found in 812 exchanges", "Not certified", "--accounts", "What was off", "payment_token"):
        assert said in header


def test_cleared_groups_name_no_account(findings, page):
    cleared = page[page.index('id="cleared"') : page.index('id="blind"')]
    assert "separate persons share a template" in cleared
    assert not [m.account_id for f in findings.findings for m in f.accounts if m.account_id in cleared]


def test_facts_and_statistics_stand_in_different_blocks(page):
    facts = page[page.index('observed-facts">') : page.index('inferences">')]
    assert "26 of 30 customers share a payment card" in facts
    assert "p = " not in facts


def test_files_that_were_not_written_are_not_linked(findings):
    links = ReportFiles(accounts_csv=None, quarantine=None)
    html = render_html(findings, timelines={}, links=links)
    assert "accounts.csv" not in html
    assert "quarantine.parquet" not in html
    assert "exchanges.parquet" in html


@pytest.mark.parametrize("name", ["/etc/passwd", "javascript:alert(1)", "C:\\x", "\\\\host\\x", ""])
def test_link_that_leaves_the_folder_is_refused(name):
    with pytest.raises(UsageError, match="relative"):
        ReportFiles(findings=name)


def palette(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", css))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXT_ON = [
    *[(ink, paper) for ink in ("text", "soft", "link") for paper in ("page", "panel", "tint")],
    *[(name, f"{name}-tint") for name in ("campaign", "supported", "observed")],
    ("soft", "window"),
    ("text", "window"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_asks(page, theme):
    (style,) = Page(page).text("style")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = palette(light) if theme == "light" else palette(dark)
    assert palette(light).keys() == palette(dark).keys()
    for ink, paper in TEXT_ON:
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for mark in ("mark", "observed"):
        assert contrast(colours[mark], colours["page"]) >= 3, mark

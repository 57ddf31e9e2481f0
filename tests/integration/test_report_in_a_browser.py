"""The report as a reader sees it: in a real browser, offline, on a desk and on a telephone."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

GOLDEN = Path(__file__).parents[1] / "golden" / "report" / "findings.html"
NOT_RUN = "not run: Chromium is not installed (apt-get install chromium)"


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("GAUGER_TEST_STRICT"):
            pytest.fail(NOT_RUN)
        pytest.skip(NOT_RUN)
    with sync_playwright() as playwright:
        arguments = ["--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
        opened = playwright.chromium.launch(executable_path=program, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light")], ids=lambda p: f"{p[0]}-{p[1]}")
def page(browser, request):
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    opened.complaints = []
    opened.requests = []
    opened.on("console", lambda message: opened.complaints.append(message.text))
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on("request", lambda sent: opened.requests.append(sent.url))
    opened.goto(GOLDEN.as_uri())
    yield opened
    context.close()


def test_the_report_opens_without_a_complaint_and_asks_for_nothing_else(page):
    assert page.complaints == []
    assert page.requests == [GOLDEN.as_uri()]


def test_the_first_thing_to_read_says_what_was_found(page):
    heading = page.locator("h1")
    assert heading.is_visible()
    assert "campaign" in heading.inner_text()


def test_no_part_of_the_page_runs_off_the_screen(page):
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 1


def test_every_link_within_the_page_leads_somewhere(page):
    missing = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById("
        "decodeURIComponent(a.getAttribute('href').slice(1)))).map(a => a.getAttribute('href'))"
    )
    assert missing == []

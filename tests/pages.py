"""What tests of pages in Chromium share: where it is, how to wait, texts that try to run, and what axe-core finds wrong."""

import shutil
import time
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    "<!--<script><img src=x onerror='window.hacked = 2'>",
    '" autofocus onfocus="window.hacked = 3',
    "`${window.hacked = 4}`; \u2028 '); window.hacked = 5 //",
    "__proto__",
    '=HYPERLINK("http://example.org")',
    "\u202eright to left \ud800",
    "javascript:" + "long " * 2000,
]


def until(page, condition):
    """Wait for a condition; Playwright's own wait_for_function runs it by eval, which the content policy forbids."""
    ends = time.monotonic() + 20
    while not page.evaluate(condition):
        assert time.monotonic() < ends, condition
        page.wait_for_timeout(20)


def axe_violations(page):
    """Return what axe-core finds wrong with a page, for those who cannot see it or use no mouse."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed: pip install '.[browser]'")
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    return page.evaluate(
        "axe.run().then(results => results.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))]))"
    )

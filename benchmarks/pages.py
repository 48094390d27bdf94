"""Measure how smoothly the page on which a layer trains plays, in Chromium on a processor throttled four times."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import version_of

import pyperceptron as pp

N_STEPS, N_RUNS = 10_000, 5
THROTTLED = 4
FRAMES = """
new Promise(resolve => {
  const times = [];
  function frame(now) {
    times.push(now);
    if (document.querySelector('#play-text').textContent === 'Play') resolve(times.slice(1).map((t, i) => t - times[i]));
    else requestAnimationFrame(frame);
  }
  document.querySelector('#play').click();
  requestAnimationFrame(frame);
})
"""


def sections() -> Iterator[str]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or version_of("playwright") is None:
        yield "\nThe page: not measured, as Chromium or playwright is not installed"
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "page.html"
        pp.SigmoidLayer(3, seed=1).report(path, [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0], N_STEPS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri())
        page.wait_for_timeout(500)
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLED})
        page.select_option("#speed", "1000")
        slowest = [_slowest_but_a_twentieth(page) for _ in range(N_RUNS)]
        browser.close()
    yield f"\nThe page: {N_STEPS:,} steps of the lesson play on a processor throttled {THROTTLED} times"
    yield f"  95% of the frames within {statistics.median(slowest):.1f} ms, the median of {N_RUNS} runs: {_listed(slowest)}"


def _slowest_but_a_twentieth(page: Any) -> float:
    """Play from the first step to the last, and return the milliseconds within which 95% of the frames came."""
    frames = sorted(page.evaluate(FRAMES))
    return float(frames[int(0.95 * len(frames))])


def _listed(milliseconds: list[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in milliseconds)

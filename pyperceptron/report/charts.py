"""Charts of the page about a model: how well probabilities are calibrated, and bars of weights."""

from __future__ import annotations

from math import sqrt

from pyperceptron.drawing import Drawing
from pyperceptron.report.html import Html, element

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyperceptron.drawing import Picture

_WIDTH, _LEFT, _TOP, _SIDE = 460, 64, 28, 340  # of the calibration chart, its square and what is around it
_LEAST_RADIUS, _MORE_RADIUS = 3.0, 9.0
_BAR_WIDTH, _BAR_HEIGHT = 96, 12


def calibration_chart(intervals: Sequence[dict[str, Any]]) -> Picture:
    """Return a picture of an evaluation's calibration: for each interval its mean probability and fraction, on a diagonal."""
    drawing = Drawing(_WIDTH)
    drawing.height = _TOP + _SIDE + 52
    bottom = _TOP + _SIDE
    for tenth in range(0, 11, 2):
        share = tenth / 10
        x, y = _place(share, share)
        drawing.line(_LEFT, y, _LEFT + _SIDE, y, "line")
        drawing.text(_LEFT - 10, y + 4, f"{share:.1f}", "muted end")
        drawing.line(x, bottom, x, bottom + 5, "axis")
        drawing.text(x, bottom + 20, f"{share:.1f}", "muted middle")
    drawing.line(_LEFT, bottom, _LEFT + _SIDE, bottom, "axis")
    drawing.line(*_place(0, 0), *_place(1, 1), "axis")
    drawing.text(_LEFT + _SIDE, bottom + 40, "mean probability", "muted end")
    drawing.text(_LEFT + 8, _TOP + 6, "fraction of rows", "muted")
    filled = [interval for interval in intervals if interval["rows"]]
    most = max(interval["rows"] for interval in filled)
    points = [_place(interval["mean_probability"], interval["fraction"]) for interval in filled]
    drawing.path(points)
    for (x, y), interval in zip(points, filled, strict=True):
        drawing.circle(x, y, _LEAST_RADIUS + _MORE_RADIUS * sqrt(interval["rows"] / most), "dot")
    said = "; ".join(
        f"{interval['mean_probability']:.3f}: {interval['fraction']:.3f} of {interval['rows']} rows" for interval in filled
    )
    return drawing.picture(f"Mean probability and fraction of rows in {len(filled)} intervals: {said}.")


def _place(x: float, y: float) -> tuple[float, float]:
    return _LEFT + _SIDE * x, _TOP + _SIDE * (1 - y)


def bar(value: float, largest: float) -> Html:
    """Return a bar from the middle: to the right for a positive value, to the left for a negative one."""
    middle = _BAR_WIDTH / 2
    length = abs(value) / (largest or 1.0) * (middle - 1)
    start = middle if value >= 0 else middle - length
    return element(
        "svg",
        element("line", x1=f"{middle:g}", x2=f"{middle:g}", y1="0", y2=f"{_BAR_HEIGHT}"),
        element(
            "rect",
            x=f"{start:.1f}",
            y="2",
            width=f"{length:.1f}",
            height=f"{_BAR_HEIGHT - 4}",
            class_="negative" if value < 0 else "positive",
        ),
        class_="bar",
        width=f"{_BAR_WIDTH}",
        height=f"{_BAR_HEIGHT}",
        aria_hidden="true",
    )

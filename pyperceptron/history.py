"""The loss curve of a layer's training: a bounded number of points, whatever the number of iterations."""

from __future__ import annotations

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_PART = 6  # training.h has the same rule
_MOST_POINTS = 281  # of 2⁶³ iterations
_UNKNOWN = array("d", [-1.0]) * _MOST_POINTS  # a loss is never negative
NOTHING = array("d")


def next_mark(mark: int) -> int:
    """Return the number of the next step to record after `mark`: each of the first, then each a sixth further.

    So the marks are evenly spaced on a logarithmic axis, on which one sees a loss fall from the first step to the last.
    """
    return mark + max(1, mark // _PART)


class LossCurve:
    """½ Σ (targets - outputs)² of the outputs that some steps of a training used, each before it changed the weights.

    losses  those of the steps 0, next_mark(0) and so on, as far as they were made; a training fills them in
    """

    def __init__(self) -> None:
        self.losses = _UNKNOWN[:]
        self._place = self._mark = 0
        self._last: tuple[int, float] | None = None

    def up_to(self, step: int, loss: float) -> Self:
        """Return the curve with this step as its last; without a training that fills in the others, give it every step.

        The curves share their losses, of which each one shows those before its last step, so a copy of a layer stays as it is.
        """
        place, mark = self._place, self._mark
        if step == mark:
            self.losses[place] = loss
            place, mark = place + 1, next_mark(mark)
        curve = object.__new__(type(self))
        curve.losses, curve._place, curve._mark, curve._last = self.losses, place, mark, (step, loss)
        return curve

    def entries(self) -> list[dict[str, float]]:
        """Return a list of {"iteration", "loss"}; iterations are counted from 1."""
        found, mark = [], 0
        for loss in self.losses:
            if not loss >= 0 or (self._last and mark >= self._last[0]):
                break
            found.append((mark, loss))
            mark = next_mark(mark)
        if self._last:
            found.append(self._last)
        return [{"iteration": step + 1, "loss": loss} for step, loss in found]

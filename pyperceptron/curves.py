"""The curve of a training, for pictures and plots: what was measured at which step."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_MOST_POINTS = 400
_LONG_TRAINING = 200  # steps
_FAR = 100.0  # from the largest value to the smallest


class Curve:
    """Values at some steps of a training, at most a few hundred, the first and the last among them.

    name       what the values are: "objective" or "loss"
    is_long    whether the steps belong on a logarithmic scale
    falls_far  whether the values do
    """

    def __init__(self, model: Any) -> None:
        """`model` is a SigmoidLayer, a fitted Perceptron or the history of one; ValueError if there was no training."""
        kind = getattr(model, "_kind", "")
        if kind == "Perceptron":
            history = model.history_
        elif kind == "SigmoidLayer":
            history = model.history
        elif isinstance(model, list):
            history = model
        else:
            raise TypeError(f"expected a SigmoidLayer, a fitted Perceptron or a history; got {type(model).__name__}")
        if len(history) < 2:
            if not history:
                raise ValueError("the history is empty; expected that of a training: train first")
            raise ValueError("the history has one entry; expected two or more, as a curve needs: make more steps")
        every = -(-len(history) // _MOST_POINTS)
        shown = [*history[:-1:every], history[-1]]
        self.name = "objective" if "objective" in history[0] else "loss"
        self.steps: list[int] = [entry["iteration"] for entry in shown]
        self.values: list[float] = [entry[self.name] for entry in shown]
        self.is_long = self.steps[-1] > _LONG_TRAINING
        self.falls_far = min(self.values) > 0 and max(self.values) > _FAR * min(self.values)

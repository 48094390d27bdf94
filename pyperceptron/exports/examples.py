"""Rows with a model's answers to them, to test an export with."""

from __future__ import annotations

from math import isfinite, sqrt
from random import Random

from pyperceptron.model_file import to_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_N_ROWS = 200
_SPREAD = 3.0  # of the logits, so that probabilities are neither all near 0 or 1 nor all the same


def examples(model: Any) -> str:
    """Return JSON text with 200 rows for a fitted Perceptron or a SigmoidLayer; the same coefficients give the same rows.

    Its fields are "rows"; "probabilities", as predict_proba or forward gives them; and, but for a layer, "predictions", as
    predict gives them, in the form that labels have in a model file.
    """
    from json import dumps

    if hasattr(model, "predict"):
        weights = model.coef_.tolist() if hasattr(model.coef_, "tolist") else model.coef_
        rows = _rows(weights, float(model.intercept_[0]))
        answers: dict[str, list[Any]] = {"rows": rows, "probabilities": model.predict_proba(rows)}
        predicted = model.predict(rows)
        answers["predictions"] = [label if isinstance(label, list) else to_value(label, "the label") for label in predicted]
    else:
        rows = _rows(list(zip(*model.weights, strict=True)), model.bias[0] if model.bias else 0.0)
        answers = {"rows": rows, "probabilities": model.forward(rows)}
    lines = [f'"{name}": [\n' + ",\n".join(map(dumps, values)) + "\n]" for name, values in answers.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rows(weights: Sequence[Sequence[float]], intercept: float) -> list[list[float]]:
    """Return rows whose logits are spread about 0 for the first output, n_rows × n_inputs."""
    random = Random(0)
    first = weights[0]
    scales = [max(map(abs, column)) * sqrt(len(first)) / _SPREAD or 1.0 for column in zip(*weights, strict=True)]
    length = sum(weight * weight for weight in first)
    shift = -intercept / length if length > 0.0 and isfinite(intercept / length) else 0.0
    return [
        [shift * w + random.gauss(0.0, 1.0) / scale for w, scale in zip(first, scales, strict=True)] for _ in range(_N_ROWS)
    ]

"""Rows with a model's answers to them, to test an export with."""

from __future__ import annotations

from math import fsum, isfinite, sqrt
from random import Random

from pyperceptron.model_file import to_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyperceptron.encoding import ColumnEncoding

_N_ROWS = 200
_SPREAD = 3.0  # of the logits, so that probabilities are neither all near 0 or 1 nor all the same
_RARELY = 0.1  # the probability that a value is missing, unknown or has spaces around it
_SPACES = ("", " ", "\t")
_LONGEST_UNSEEN = 20


def examples(model: Any) -> str:
    """Return JSON text with 200 rows for a fitted Perceptron or a SigmoidLayer; the same model gives the same rows.

    Where columns of texts or with missing numbers become numbers, the rows hold raw values: also missing ones, as null, and
    texts that the model was not fitted with.

    Its fields are "rows"; "probabilities", as predict_proba or forward gives them; and, but for a layer, "predictions", as
    predict gives them, in the form that labels have in a model file.
    """
    from json import dumps

    if hasattr(model, "predict"):
        weights = model.coef_.tolist() if hasattr(model.coef_, "tolist") else model.coef_
        encoding = model._require_fitted().encoding
        intercept = float(model.intercept_[0])
        rows = _rows(weights, intercept) if encoding is None else _raw_rows(weights, intercept, encoding.columns)
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


def _raw_rows(weights: Sequence[Sequence[float]], intercept: float, columns: Sequence[ColumnEncoding]) -> list[list[Any]]:
    """Return rows of raw values, one for each column, whose logits are spread about 0 for the first output if numbers can."""
    random = Random(0)
    first = weights[0]
    numbers = [column for column in columns if column.levels is None]
    scales = {
        column.first: max(abs(row[column.first]) for row in weights) * sqrt(len(numbers)) / _SPREAD or 1.0 for column in numbers
    }
    length = fsum(first[place] * first[place] for place in scales)
    rows: list[list[Any]] = []
    for _ in range(_N_ROWS):
        row: list[Any] = []
        logit = intercept
        for column in columns:
            place, text = (None, None) if column.levels is None else _text(random, column)
            row.append(text)
            logit += 0.0 if place is None else first[place]
        shift = -logit / length if length > 0.0 and isfinite(logit / length) else 0.0
        for index, column in enumerate(columns):
            if column.levels is None and (column.fill is None or random.random() > _RARELY):
                row[index] = shift * first[column.first] + random.gauss(0.0, 1.0) / scales[column.first]
        rows.append(row)
    return rows


def _text(random: Random, column: ColumnEncoding) -> tuple[int | None, str | None]:
    """Return the place of an indicator, or None, and a text for which it is 1."""
    if not column.levels or random.random() < _RARELY:
        text = random.choice([None, "?", "NA", " "])
        return column.places.get(None), text
    if random.random() < _RARELY:
        return None, "".join(column.levels)[:_LONGEST_UNSEEN] + " is not known"
    level = random.choice(column.levels)
    before, after = random.choices(_SPACES, k=2) if random.random() < _RARELY else ("", "")
    return column.places[level], f"{before}{level}{after}"

"""What there is to say of a fitted model without any data: its training, and its weights by size."""

from __future__ import annotations

from math import exp, inf

from pyperceptron.checks import counted
from pyperceptron.evaluation import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def inspection(model: Any) -> dict[str, Any]:
    """Return what there is to say of a fitted Perceptron, in types that JSON has.

    weights  for each output its "label", its "intercept" and its "weights", each with the "name" of what it belongs to, its
             change of the logit "per_unit", and "per_deviation" of that column in the training, None if that is not known;
             "factor" is e to the power of the first, by which a unit multiplies the odds. Those come first that change most
    """
    fitted = model._require_fitted()
    deviations = fitted.record.deviations
    names, width = fitted.coef_names, fitted.width
    outputs = []
    for number, label in enumerate(_labels(fitted)):
        own = fitted.coefficients[number * width : (number + 1) * width].tolist()
        intercept = own.pop() if fitted.intercept else None
        weights = [
            {
                "name": name,
                "per_unit": weight,
                "per_deviation": None if deviations is None else weight * deviations[place],
                "factor": _exp(weight),
            }
            for place, (name, weight) in enumerate(zip(names, own, strict=True))
        ]
        size = "per_unit" if deviations is None else "per_deviation"
        # To nine digits, so that two indicators of opposite weights stay in their order whatever the rounding.
        weights.sort(key=lambda weight: -float(f"{abs(weight[size]):.9g}"))
        outputs.append({"label": label, "intercept": intercept, "weights": weights})
    return {
        "target": None if fitted.classes.name is None else str(fitted.classes.name),
        "classes": [plain(label) for label in fitted.classes.labels],
        "multilabel": fitted.classes.multilabel,
        "columns": None if fitted.names is None else list(map(str, fitted.names)),
        "encoding": model.encoding_,
        "rows": fitted.record.n_rows,
        "solver": fitted.record.solver,
        "steps": fitted.record.n_iter,
        "loss": model.loss,
        "l2": model.l2,
        "l1": model.l1,
        "objective": fitted.record.history[-1]["objective"] if fitted.record.history else None,
        "findings": fitted.record.findings,
        "weights": outputs,
    }


def digits(number: float | None) -> str:
    """Return a weight or factor with about four digits."""
    if number is None:
        return "over 1e308"
    return f"{number:.4f}" if 0.1 <= abs(number) < 10 else f"{number:.4g}"


def columns_in_words(report: dict[str, Any]) -> str:
    """Return how many columns the model has and how many of them hold texts."""
    encoding = report["encoding"]
    count = len(report["weights"][0]["weights"]) if encoding is None else len(encoding)
    texts = sum(column["kind"] == "text" for column in encoding or ())
    return counted(count, "column") + (f", {texts} of them texts" if texts else "")


def _labels(fitted: Any) -> Sequence[Any]:
    """Return what each output is about: of two classes the second."""
    labels = [plain(label) for label in fitted.classes.labels]
    return labels[1:] if fitted.classes.kind == "binary" else labels


def _exp(weight: float) -> float | None:
    try:
        factor = exp(weight)
    except OverflowError:
        factor = inf
    return factor if factor < inf else None

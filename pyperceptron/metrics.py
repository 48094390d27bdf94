"""How well predictions agree with y."""

from __future__ import annotations

from array import array
from math import fsum, log
from operator import lt

from pyperceptron.checks import counted, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from pyperceptron.labels import Classes

    Numbers: TypeAlias = array[float]
    Curve: TypeAlias = tuple[Numbers, Numbers]
    Bin: TypeAlias = tuple[int, float | None, float | None]

# In this module codes and predicted are class indices, one for each of n_rows rows; probabilities are n_rows × n_classes, flat;
# weights are n_rows numbers, all 1 if None.

LEAST_PROBABILITY = 2.0**-52  # that log_loss tells from 0, as scikit-learn: the distance from 1 to the next float64
N_BINS = 10
# As NumPy's linspace and so scikit-learn's calibration_curve have them: 3 * 0.1 is not 0.3.
_EDGES = [index * 0.1 for index in range(1, N_BINS)]


def most_probable(probabilities: Numbers, n_classes: int) -> array[int]:
    """Return the class index of each row's largest probability, the first of equal ones."""
    if n_classes == 2:
        return array("H", map(lt, probabilities[::2], probabilities[1::2]))
    found = array("H")
    for start in range(0, len(probabilities), n_classes):
        row = probabilities[start : start + n_classes].tolist()
        found.append(row.index(max(row)))
    return found


def probabilities_of(codes: Sequence[int], probabilities: Numbers) -> Numbers:
    """Return for each row the probability of the class with that row's code."""
    n_classes = len(probabilities) // len(codes)
    return array("d", [probabilities[start + code] for start, code in zip(_starts(codes, n_classes), codes, strict=True)])


def log_loss(own: Numbers, weights: Numbers | None = None) -> float:
    """Return -Σ sᵢ·log(pᵢ) / Σ sᵢ, where `own` holds pᵢ, the probability of each row's own class, and s are the weights.

    p is clipped to [ε, 1 - ε] with ε = 2⁻⁵², as scikit-learn does, so that a row whose probability rounds to 0 does not make
    the sum infinite.
    """
    least, most = LEAST_PROBABILITY, 1 - LEAST_PROBABILITY
    clipped = [p if least <= p <= most else least if p < least else most for p in own]
    return -_mean(map(log, clipped), len(own), weights)


def brier_score(codes: Sequence[int], probabilities: Numbers, weights: Numbers | None = None) -> float:
    """Return Σ sᵢ·Σ_c (p_ic - [yᵢ = c])² / Σ sᵢ; for two classes c is the second only, which is half of the sum over both."""
    n_classes = len(probabilities) // len(codes)
    scores = []
    for code in [1] if n_classes == 2 else range(n_classes):
        own = probabilities[code::n_classes]
        squares = ((p - (actual == code)) ** 2 for p, actual in zip(own, codes, strict=True))
        scores.append(_mean(squares, len(codes), weights))
    return fsum(scores)


def confusion(codes: Sequence[int], predicted: Sequence[int], weights: Numbers | None = None) -> dict[tuple[int, int], float]:
    """Return the weight of the rows of each pair (actual class, predicted class); pairs without rows are left out."""
    totals: dict[tuple[int, int], float] = {}
    if weights is None:
        for pair in zip(codes, predicted, strict=True):
            totals[pair] = totals.get(pair, 0) + 1
    else:
        for actual, guess, weight in zip(codes, predicted, weights, strict=True):
            totals[actual, guess] = totals.get((actual, guess), 0.0) + weight
    return totals


def class_totals(confused: Mapping[tuple[int, int], float], n_classes: int) -> tuple[list[float], list[float], list[float]]:
    """Return for each class the weight of its rows predicted correctly, of all its rows, and of the rows predicted as it."""
    correct, actual, predicted = [[0.0] * n_classes for _ in range(3)]
    for (code, guess), weight in confused.items():
        actual[code] += weight
        predicted[guess] += weight
        if code == guess:
            correct[code] += weight
    return correct, actual, predicted


def accuracy(correct: Iterable[float], actual: Iterable[float]) -> float:
    """Return the fraction of rows predicted correctly, Σ correct / Σ actual, from the totals of each class."""
    return fsum(correct) / fsum(actual)


def balanced_accuracy(correct: Sequence[float], actual: Sequence[float]) -> float:
    """Return the mean recall of the classes that occur, (1/k) Σ correct / actual, from the totals of each class."""
    return _average([recall(own, total) for own, total in zip(correct, actual, strict=True) if total])


def precision(correct: float, predicted: float) -> float:
    """Return correct / predicted: the fraction of the rows predicted as a class that are of it; 0 if there are none."""
    return correct / predicted if predicted else 0.0


def recall(correct: float, actual: float) -> float:
    """Return correct / actual: the fraction of the rows of a class that are predicted as it; 0 if there are none."""
    return correct / actual if actual else 0.0


def f1(correct: float, actual: float, predicted: float) -> float:
    """Return 2 · correct / (actual + predicted), the harmonic mean of precision and recall; 0 if there are no such rows."""
    return 2 * correct / (actual + predicted) if actual + predicted else 0.0


def threshold_curve(scores: Numbers, is_positive: Sequence[int], weights: Numbers | None = None) -> Curve:
    """Return the weight of the positive and of the negative rows with at least a score, for each score from high to low.

    Both begin with 0, of no rows. Rows with equal scores share one threshold.

    is_positive  n_rows of 0 and 1
    """
    values = scores.tolist()
    true_positives, false_positives = array("d"), array("d")
    positive = negative = 0.0
    threshold = None
    for row in sorted(range(len(values)), key=values.__getitem__, reverse=True):
        if values[row] != threshold:
            threshold = values[row]
            true_positives.append(positive)
            false_positives.append(negative)
        weight = 1.0 if weights is None else weights[row]
        if is_positive[row]:
            positive += weight
        else:
            negative += weight
    true_positives.append(positive)
    false_positives.append(negative)
    return true_positives, false_positives


def roc_auc(curve: Curve) -> float | None:
    """Return Σ (FPᵢ - FPᵢ₋₁)·(TPᵢ + TPᵢ₋₁) / (2·P·N) along a threshold_curve, P and N its last; None if either is 0.

    It is the probability that a positive row has a higher score than a negative one, where equal scores count as half: the
    statistic of Mann and Whitney with midranks.
    """
    true_positives, false_positives = curve
    if not (true_positives[-1] and false_positives[-1]):
        return None
    steps = zip(true_positives, true_positives[1:], false_positives, false_positives[1:], strict=False)
    area = fsum((misses - misses_before) * (hits + hits_before) for hits_before, hits, misses_before, misses in steps)
    return area / (2 * true_positives[-1] * false_positives[-1])


def average_precision(curve: Curve) -> float | None:
    """Return Σ (TPᵢ - TPᵢ₋₁)/P · TPᵢ/(TPᵢ + FPᵢ) along a threshold_curve, without interpolation; None if P, its last, is 0."""
    true_positives, false_positives = curve
    if not true_positives[-1]:
        return None
    steps = zip(true_positives, true_positives[1:], false_positives[1:], strict=False)
    area = fsum((hits - before) * (hits / (hits + misses)) for before, hits, misses in steps if hits > before)
    return area / true_positives[-1]


def macro(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None; None if all are."""
    known = [value for value in values if value is not None]
    return _average(known) if known else None


def calibration_bins(scores: Numbers, is_positive: Sequence[int]) -> list[Bin]:
    """Return for each of N_BINS equal intervals of probability: the rows, their mean score, the fraction of positive ones.

    An interval holds its upper end, the first one also 0. The mean and the fraction are None if there are no rows.

    scores       n_rows probabilities of being positive
    is_positive  n_rows of 0 and 1
    """
    from bisect import bisect_left

    rows, positive, totals = [0] * N_BINS, [0] * N_BINS, [0.0] * N_BINS
    for score, value in zip(scores, is_positive, strict=True):
        place = bisect_left(_EDGES, score)
        rows[place] += 1
        positive[place] += value
        totals[place] += score
    bins = zip(rows, totals, positive, strict=True)
    return [(count, total / count, hits / count) if count else (0, None, None) for count, total, hits in bins]


def calibration_error(bins: Iterable[Bin]) -> float:
    """Return the expected calibration error, Σ rows·|mean score - fraction of positive rows| / Σ rows, of calibration_bins."""
    filled = [(rows, abs(mean - share)) for rows, mean, share in bins if mean is not None and share is not None]
    return fsum(rows * gap for rows, gap in filled) / fsum(rows for rows, _ in filled)


def entropy(shares: Iterable[float]) -> float:
    """Return -Σ π·log(π): the log-loss of always giving the shares π of the classes as their probabilities."""
    return 0.0 - fsum(share * log(share) for share in shares if share)


def brier_score_of_shares(shares: Sequence[float]) -> float:
    """Return the brier_score of always giving the shares π: Σ π·(1 - π), for two classes half of it."""
    total = fsum(share * (1 - share) for share in shares)
    return total / 2 if len(shares) == 2 else total


def _starts(codes: Sequence[int], n_classes: int) -> range:
    return range(0, len(codes) * n_classes, n_classes)


def _average(values: Sequence[float]) -> float:
    return fsum(values) / len(values)


def _mean(values: Iterable[float], count: int, weights: Numbers | None) -> float:
    if weights is None:
        return fsum(values) / count
    return fsum(weight * value for weight, value in zip(weights, values, strict=True)) / fsum(weights)


def are_correct(predicted: list[Any], expected: list[Any], classes: Classes) -> list[bool]:
    """Return for each row whether the prediction is what was expected; ValueError if no label expected is a class."""
    if classes.multilabel:
        expected = [list(row) if hasattr(row, "__iter__") and not isinstance(row, str) else row for row in expected]
    try:
        correct = [bool(own == given) for own, given in zip(predicted, expected, strict=True)]
    except (TypeError, ValueError):  # pandas.NA and arrays have no truth value
        correct = [_is_same(own, given) for own, given in zip(predicted, expected, strict=True)]
    if any(correct):
        return correct
    if classes.multilabel:
        n_columns = len(classes.labels)
        if not any(isinstance(row, list) and len(row) == n_columns for row in expected):
            raise ValueError(
                f"y row 0 is {named(expected[0])}; expected {counted(n_columns, 'number')}, each 0 or 1, as fit was given: "
                "give a column for each output"
            )
    elif not any(_is_one_of(label, classes.labels) for label in expected):
        raise ValueError(
            f"no label of y is a class of the model: y has {named(expected[0])} where classes_ has {named(classes.labels[0])}; "
            "expected labels such as fit was given: convert y to them"
        )
    return correct


def _is_same(own: Any, given: Any) -> bool:
    try:
        return bool(own == given)
    except (TypeError, ValueError):
        return False


def _is_one_of(label: Any, labels: tuple[Any, ...]) -> bool:
    return any(_is_same(own, label) for own in labels)

"""The measures of a classifier, against scikit-learn's and against formulas worked out by hand."""

import warnings
from array import array
from math import exp, log

import numpy as np
import pytest

from pyperceptron.metrics import (
    LEAST_PROBABILITY,
    accuracy,
    average_precision,
    balanced_accuracy,
    brier_score,
    brier_score_of_shares,
    calibration_bins,
    calibration_error,
    class_totals,
    confusion,
    entropy,
    f1,
    log_loss,
    macro,
    most_probable,
    precision,
    probabilities_of,
    recall,
    roc_auc,
    threshold_curve,
)

TOLERANCE = {"rtol": 1e-12, "atol": 1e-12}


class Problem:
    """Random rows: codes, probabilities with or without ties and certainties, weights or None."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.n_classes = k = int(rng.choice([2, 2, 3, 4, 7, 30]))
        self.n_rows = n = int(rng.choice([1, 2, 5, 40, 300]))
        shares = rng.dirichlet(np.full(k, rng.choice([0.3, 5.0])))  # some classes occur seldom or not at all
        self.codes = rng.choice(k, n, p=shares)
        kind = seed % 5
        if kind == 0:  # ties
            values = rng.integers(1, 4, (n, k)).astype(float)
        elif kind == 1:  # zeros, ones and ties
            values = rng.integers(0, 2, (n, k)).astype(float)
            values[values.sum(1) == 0, 0] = 1
        elif kind == 2:  # the same for every row
            values = np.tile(rng.random(k) + 0.01, (n, 1))
        elif kind == 3:  # the right answer for every row
            values = np.eye(k)[self.codes]
        else:
            values = np.exp(rng.normal(0, rng.choice([0.1, 2, 30]), (n, k)))
        self.table = values / values.sum(1, keepdims=True)
        self.weights = None if seed % 2 else np.where(rng.random(n) < 0.2, 0.0, rng.random(n) * 3)
        if self.weights is not None:
            self.weights[rng.integers(n)] = 1.0
        self.probabilities = array("d", self.table.ravel())
        self.own_weights = None if self.weights is None else array("d", self.weights)
        self.predicted = most_probable(self.probabilities, k)
        self.totals = class_totals(confusion(self.codes.tolist(), self.predicted, self.own_weights), k)
        self.labels = list(range(k))


@pytest.fixture(params=range(120))
def problem(request):
    return Problem(request.param)


@pytest.fixture
def theirs():
    """The module sklearn.metrics, with its warnings of undefined measures switched off."""
    module = pytest.importorskip("sklearn.metrics")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield module


def curve_of(problem, code):
    return threshold_curve(problem.probabilities[code :: problem.n_classes], problem.codes == code, problem.own_weights)


def close(own, other):
    np.testing.assert_allclose(own, other, **TOLERANCE)


def test_measures_of_probabilities_are_scikit_learns(problem, theirs):
    own = probabilities_of(problem.codes, problem.probabilities)
    np.testing.assert_array_equal(own, problem.table[np.arange(problem.n_rows), problem.codes])
    close(
        log_loss(own, problem.own_weights),
        theirs.log_loss(problem.codes, problem.table, sample_weight=problem.weights, labels=problem.labels),
    )
    score = brier_score(problem.codes.tolist(), problem.probabilities, problem.own_weights)
    if problem.n_classes == 2:
        positive = problem.table[:, 1]
        close(score, theirs.brier_score_loss(problem.codes, positive, sample_weight=problem.weights, pos_label=1))
    else:  # which scikit-learn has since 1.7 only
        squares = ((problem.table - np.eye(problem.n_classes)[problem.codes]) ** 2).sum(1)
        close(score, np.average(squares, weights=problem.weights))


def test_measures_of_predictions_are_scikit_learns(problem, theirs):
    np.testing.assert_array_equal(problem.predicted, problem.table.argmax(1))
    k, weights = problem.n_classes, {"sample_weight": problem.weights}
    confused = confusion(problem.codes.tolist(), problem.predicted, problem.own_weights)
    matrix = [[confused.get((code, guess), 0) for guess in range(k)] for code in range(k)]
    close(matrix, theirs.confusion_matrix(problem.codes, problem.predicted, labels=problem.labels, **weights))
    correct, actual, predicted = problem.totals
    close(accuracy(correct, actual), theirs.accuracy_score(problem.codes, problem.predicted, **weights))
    close(balanced_accuracy(correct, actual), theirs.balanced_accuracy_score(problem.codes, problem.predicted, **weights))
    expected = theirs.precision_recall_fscore_support(
        problem.codes, problem.predicted, labels=problem.labels, zero_division=0, **weights
    )
    close([precision(*totals) for totals in zip(correct, predicted, strict=True)], expected[0])
    close([recall(*totals) for totals in zip(correct, actual, strict=True)], expected[1])
    close([f1(*totals) for totals in zip(correct, actual, predicted, strict=True)], expected[2])
    close(actual, expected[3])


def test_rankings_are_scikit_learns(problem, theirs):
    areas = []
    for code in range(problem.n_classes):
        is_positive, scores = problem.codes == code, problem.table[:, code]
        weights = np.ones(problem.n_rows) if problem.weights is None else problem.weights
        area, area_precision = roc_auc(curve_of(problem, code)), average_precision(curve_of(problem, code))
        areas.append(area)
        if weights[is_positive].any():
            close(area_precision, theirs.average_precision_score(is_positive, scores, sample_weight=problem.weights))
        else:
            assert area_precision is None
        if weights[is_positive].any() and weights[~is_positive].any():
            close(area, theirs.roc_auc_score(is_positive, scores, sample_weight=problem.weights))
        else:
            assert area is None
    if problem.n_classes > 2 and None not in areas:
        more = {"multi_class": "ovr", "labels": problem.labels, "sample_weight": problem.weights}
        close(macro(areas), theirs.roc_auc_score(problem.codes, problem.table, **more))


def test_calibration_is_scikit_learns(problem, theirs):
    curve = pytest.importorskip("sklearn.calibration").calibration_curve
    scores, is_positive = problem.table[:, 1], problem.codes == 1
    bins = calibration_bins(array("d", scores), is_positive.tolist())
    filled = [(mean, fraction) for rows, mean, fraction in bins if rows]
    fractions, means = curve(is_positive, scores, n_bins=10, pos_label=True)
    close(filled, np.transpose([means, fractions]))
    assert sum(rows for rows, _, _ in bins) == problem.n_rows
    gaps = [rows / problem.n_rows * abs(mean - fraction) for rows, mean, fraction in bins if rows]
    close(calibration_error(bins), sum(gaps))


def test_the_interval_of_each_probability():
    """The ends belong to the interval below; 0.30000000000000004 is 3 * 0.1."""
    for probability, place in ((0, 0), (5e-324, 0), (0.1, 0), (0.11, 1), (0.3, 2), (3 * 0.1, 2), (0.31, 3), (0.9, 8), (1, 9)):
        [found] = [place for place, (rows, _, _) in enumerate(calibration_bins(array("d", [probability]), [1])) if rows]
        assert found == place


def test_log_loss_by_hand():
    assert log_loss(array("d", [0.5, 0.25])) == pytest.approx((log(2) + log(4)) / 2, rel=1e-15)
    assert log_loss(array("d", [0.5, 0.25]), array("d", [3, 1])) == pytest.approx((3 * log(2) + log(4)) / 4, rel=1e-15)
    assert log_loss(array("d", [exp(-30)])) == pytest.approx(30, rel=1e-14)
    assert log_loss(array("d", [0.0, 5e-324])) == pytest.approx(-log(LEAST_PROBABILITY), rel=1e-15)
    assert 0 < log_loss(array("d", [1.0])) < 3e-16


def test_rankings_by_hand():
    """Of the pairs of a positive and a negative row: how many are in order, half of those that are equal."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        n = int(rng.integers(2, 30))
        scores, is_positive = rng.integers(0, 6, n) / 5, rng.integers(0, 2, n)
        curve = threshold_curve(array("d", scores), is_positive.tolist())
        pairs = [(p > q) + (p == q) / 2 for p in scores[is_positive == 1] for q in scores[is_positive == 0]]
        assert roc_auc(curve) == (pytest.approx(np.mean(pairs), rel=1e-13) if pairs else None)
        if is_positive.any():
            # Each positive row contributes the precision among the rows with at least its score.
            parts = [is_positive[scores >= score].mean() for score in scores[is_positive == 1]]
            assert average_precision(curve) == pytest.approx(np.mean(parts), rel=1e-13)


def test_a_weight_counts_rows():
    rng = np.random.default_rng(2)
    scores, is_positive, weights = rng.integers(0, 6, 40) / 5, rng.integers(0, 2, 40), rng.integers(0, 4, 40)
    repeated = np.repeat(np.arange(40), weights)
    weighted = threshold_curve(array("d", scores), is_positive.tolist(), array("d", weights))
    counted = threshold_curve(array("d", scores[repeated]), is_positive[repeated].tolist())
    for measure in (roc_auc, average_precision):
        assert measure(weighted) == pytest.approx(measure(counted), rel=1e-14)


def test_a_perfect_and_an_inverted_ranking():
    scores = array("d", [0.1, 0.2, 0.3, 0.4])
    assert roc_auc(threshold_curve(scores, [0, 0, 1, 1])) == average_precision(threshold_curve(scores, [0, 0, 1, 1])) == 1
    assert roc_auc(threshold_curve(scores, [1, 1, 0, 0])) == 0
    assert average_precision(threshold_curve(scores, [1, 1, 0, 0])) == pytest.approx((1 / 3 + 2 / 4) / 2, rel=1e-15)
    for positive in (0, 1):
        assert roc_auc(threshold_curve(scores, [positive] * 4)) is None


def test_measures_of_shares():
    assert entropy([0.5, 0.25, 0.25, 0]) == pytest.approx(1.5 * log(2), rel=1e-15)
    assert str(entropy([1.0, 0.0])) == "0.0"
    assert brier_score_of_shares([0.25, 0.75]) == 0.1875
    assert brier_score_of_shares([0.5, 0.25, 0.25]) == 0.625
    assert macro([None, 1.0, 0.5]) == 0.75
    assert macro([None, None]) is None
    assert precision(0, 0) == recall(0, 0) == f1(0, 0, 0) == 0


def test_the_first_of_equally_probable_classes():
    assert list(most_probable(array("d", [0.5, 0.5, 0.2, 0.8]), 2)) == [0, 1]
    assert list(most_probable(array("d", [0.4, 0.2, 0.4, 0.2, 0.4, 0.4]), 3)) == [0, 1]

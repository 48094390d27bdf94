"""The reference's sums over chunks of samples: losses, gradients, Hessians, column statistics, and predictions."""

from __future__ import annotations

from array import array
from math import floor, isfinite

from pyperceptron.activations import sigmoid, softmax
from pyperceptron.losses import LOSSES
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Numbers = array[float]

# pyperceptron.backends.Backend says what each of these does.

_FARTHEST = 1e300  # a weighted sum beyond it counts as it, so that no difference or total of sums overflows


class Problem:
    def __init__(
        self,
        inputs: memoryview[float],
        targets: memoryview[int],
        sample_weights: memoryview[float] | None,
        n_outputs: int,
        loss: str,
        intercept: bool,
        rows_in_chunk: int,
    ) -> None:
        self._rows: list[list[float]] = inputs.tolist()  # type: ignore[assignment]  # a table's list is one of rows
        if intercept:
            self._rows = [[*row, 1.0] for row in self._rows]
        self._targets = [_indicators(row, n_outputs) for row in targets.tolist()]  # type: ignore[arg-type]
        self._sample_weights = [1.0] * len(self._rows) if sample_weights is None else sample_weights.tolist()
        self._loss = LOSSES[loss]
        self._n_outputs = n_outputs
        self._rows_in_chunk = rows_in_chunk

    def evaluate(self, coefficients: Numbers, first: int, last: int, parts: Numbers) -> None:
        neurons = _neurons(coefficients, self._n_outputs)
        for chunk, samples in self._chunks(first, last):
            total = 0.0
            gradient = [[0.0] * len(neuron) for neuron in neurons]
            for row, targets, weight in samples:
                loss, slopes, _ = self._loss(_weighted_sums(row, neurons), targets)
                total += weight * loss
                for neuron_gradient, slope in zip(gradient, slopes, strict=True):
                    for j, value in enumerate(row):
                        neuron_gradient[j] += weight * slope * value
            _write_part(parts, chunk, [total, *(value for row in gradient for value in row)])

    def hessian(
        self,
        coefficients: Numbers,
        output: int,
        rows: array[int] | None,
        row_weights: Numbers | None,
        first: int,
        last: int,
        matrix: Numbers,
    ) -> None:
        neurons = _neurons(coefficients, self._n_outputs)
        width = len(neurons[0])
        total = [0.0] * (width * width)
        for index in range(first, last):
            i = index if rows is None else rows[index]
            row = self._rows[i]
            _, _, curvatures = self._loss(_weighted_sums(row, neurons), self._targets[i])
            curvature = curvatures[output] if output >= 0 else sum(curvatures) / len(curvatures)
            curvature *= self._sample_weights[i] * (1.0 if row_weights is None else row_weights[index])
            for j, left in enumerate(row):
                for k, right in enumerate(row[: j + 1]):
                    total[j * width + k] += curvature * left * right
        matrix[:] = array("d", total)

    def importances(self, coefficients: Numbers, means: Numbers, scales: Numbers, chunk: int, values: Numbers) -> int:
        neurons = _neurons(coefficients, self._n_outputs)
        [(_, samples)] = self._chunks(chunk, chunk + 1)
        count = 0
        for row, targets, weight in samples:
            _, _, curvatures = self._loss(_weighted_sums(row, neurons), targets)
            spread = 1.0
            for value, mean, scale in zip(row, means, scales, strict=False):  # a row may have its 1 besides
                spread += ((value - mean) / scale) ** 2
            values[count] = weight * (sum(curvatures) / len(curvatures)) * spread
            count += 1
        return count

    def moments(self, centre: Numbers, first: int, last: int, parts: Numbers) -> None:
        for chunk, samples in self._chunks(first, last):
            weights, sums, squares = 0.0, [0.0] * len(centre), [0.0] * len(centre)
            for row, _, weight in samples:
                weights += weight
                for j, middle in enumerate(centre):
                    distance = row[j] - middle
                    sums[j] += weight * distance
                    squares[j] += weight * distance * distance
            _write_part(parts, chunk, [weights, *sums, *squares])

    def _chunks(self, first: int, last: int) -> Iterator[tuple[int, Iterator[tuple[list[float], list[float], float]]]]:
        """Each chunk's number and its samples: inputs, targets and weight."""
        for chunk in range(first, last):
            place = slice(chunk * self._rows_in_chunk, (chunk + 1) * self._rows_in_chunk)
            yield chunk, zip(self._rows[place], self._targets[place], self._sample_weights[place], strict=True)


def pick(values: Numbers, wanted: int, picked: array[int], weights: Numbers) -> int:
    total = 0.0
    for value in values:
        total += value
    found, passed = 0, 0.0
    for index, value in enumerate(values):
        share = min(1.0, wanted * value / total) if total > 0 else 0.0
        before, passed = passed, passed + share
        if floor(passed) > floor(before) and found < len(picked):
            picked[found], weights[found] = index, 1 / share
            found += 1
    return found


def predict(
    inputs: memoryview[float], coefficients: Numbers, link: str, start: int, stop: int, results: memoryview[float]
) -> bool:
    answer = LINKS[link]
    assert results.shape is not None
    n_results = results.shape[1]
    neurons = _neurons(coefficients, 1 if link == "pair" else n_results)
    flat = results.cast("B").cast("d")
    finite = True
    for i in range(start, stop):
        [row] = inputs[i : i + 1].tolist()
        finite = finite and all(map(isfinite, row))  # type: ignore[call-overload]
        sums = _weighted_sums(_completed(row, neurons), neurons)  # type: ignore[arg-type]
        flat[i * n_results : (i + 1) * n_results] = array("d", answer(sums))
    return finite


class Scorer:
    def __init__(
        self, coefficients: Numbers, n_outputs: int, n_inputs: int, link: str, classes: Any, door: Callable[[Any], Numbers]
    ) -> None:
        self._neurons = _neurons(coefficients, n_outputs)
        self._answer = LINKS[link]
        self._classes = classes
        self._door = door

    def predict_proba_one(self, x: Any) -> tuple[float, ...]:
        return tuple(self._answer(self._sums(x)))

    def predict_one(self, x: Any) -> Any:
        sums = self._sums(x)
        if self._classes is None:
            return tuple(int(total > 0) for total in sums)
        return self._classes[_choice(sums)]

    def _sums(self, x: Any) -> list[float]:
        row = self._door(x).tolist()
        return _weighted_sums(_completed(row, self._neurons), self._neurons)


def choose(sums: memoryview[float], choices: memoryview[int]) -> None:
    for i, row in enumerate(sums.tolist()):
        choices[i] = _choice(row)  # type: ignore[arg-type]


def _choice(sums: Sequence[float]) -> int:
    """Which class the sums speak for; the first of equals."""
    if len(sums) == 1:
        return int(sums[0] > 0)
    return max(range(len(sums)), key=sums.__getitem__)


def _pair(sums: Sequence[float]) -> list[float]:
    return [sigmoid(-sums[0]), sigmoid(sums[0])]


def _shares(sums: Sequence[float]) -> list[float]:
    outputs = [sigmoid(z) for z in sums]
    total = 0.0
    for output in outputs:
        total += output
    # Where all are too small to be told from 0, the softmax tells which is the least small.
    return [output / total for output in outputs] if total > 1e-290 else softmax(sums)


# From weighted sums to answers.
LINKS: dict[str, Callable[[Sequence[float]], list[float]]] = {
    "sums": list,
    "sigmoid": lambda sums: [sigmoid(z) for z in sums],
    "softmax": softmax,
    "shares": _shares,
    "pair": _pair,
}


def _indicators(targets: list[int], n_outputs: int) -> list[float]:
    """A 0 or 1 for each output, from as many or from the number of the one output that is to be 1."""
    if len(targets) == n_outputs:
        return [float(target) for target in targets]
    return [float(targets[0] == output) for output in range(n_outputs)]


def _neurons(coefficients: Numbers, n_outputs: int) -> list[list[float]]:
    """Each output's coefficients: one for each input and then, where there is one, the intercept."""
    width = len(coefficients) // n_outputs
    return [coefficients[start : start + width].tolist() for start in range(0, len(coefficients), width)]


def _completed(row: list[float], neurons: list[list[float]]) -> list[float]:
    """The row, with a last 1 where the neurons have an intercept."""
    return row if len(row) == len(neurons[0]) else [*row, 1.0]


def _weighted_sums(row: list[float], neurons: list[list[float]]) -> list[float]:
    """row · neuron for each neuron, kept in ±1e300; no finite numbers give nan."""
    [sums] = Matrix([row]) @ Matrix(neurons).T
    return [min(max(total, -_FARTHEST), _FARTHEST) for total in sums]


def _write_part(parts: Numbers, chunk: int, part: list[float]) -> None:
    parts[chunk * len(part) : (chunk + 1) * len(part)] = array("d", part)

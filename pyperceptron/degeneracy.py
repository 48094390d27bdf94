"""Data without a single finite optimum: separable classes, and columns that determine each other."""

from __future__ import annotations

from array import array
from math import inf
from operator import mul

from pyperceptron.orthogonal import OrthogonalColumns
from pyperceptron.vectors import zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyperceptron.objective import Objective

    Numbers = array[float]

_LONG = 1e6  # a step of this length may show that J falls without end
_LEVEL = 1e-2  # of what the step gained: how much the slope at its end would gain or lose over another such step
_STAGES = ((1e-4, 30.0), (1e-8, 300.0), (1e-11, 0.0))  # ridges, and how far to go along the direction found with each
HUGE = 30.0  # times the spread of most rows: a deviation that only huge numbers make
_NO_PART = 1e-9  # of the largest component of a direction: one that is only rounding
_MANY_OUTPUTS = 20  # of which each is looked at alone
_MAX_SIZE = 1000  # coefficients in a Hessian that is factored to find a separating direction
_MANY_NUMBERS = 20_000_000  # of X: more are not copied to look for collinear columns
_NO_SHARE = 1e-7  # of the largest share in a combination: a share that is only rounding
_SMALL_RIDGE = 1e-10  # of the largest row: it makes a Gram matrix regular, and refinements make up for it
_REFINEMENTS = 3
_SAME_LOGITS = 1e-8  # of the largest logit: a difference that is only rounding
_MUCH = 1e9  # standardised logits: rounding of 1e-16 is still nothing beside them


def is_separable(objective: Objective, coefficients: Numbers, component: int) -> bool:
    """Return whether J falls for ever along some direction, so that its optimal coefficients are infinite.

    The direction u is one in which a hyperplane separates the classes, completely or, with some rows on it, in part. The
    coefficients must have grown along u. Candidates for u are the coefficients, and what is left of them when the rows that
    are not told apart with certainty keep their logits; and the same for each output alone if no two are coupled.

    A separable problem may not be recognised at first; no other is taken for one. A penalty makes each optimum finite, except
    that an intercept has none; `component` is then the coefficient that may be one.
    """
    if objective.is_penalised:
        return component % objective.width == objective.n_inputs and _falls_for_ever(
            objective, coefficients, _axis(objective, component, coefficients[component])
        )
    if _falls_for_ever(objective, coefficients, coefficients):
        return True
    direction = _separating_direction(objective, coefficients)
    if _falls_for_ever(objective, coefficients, direction):
        return True
    if objective.loss.coupled or objective.n_outputs == 1:
        return False
    return any(
        _falls_for_ever(objective, coefficients, _of_output(objective, vector, output))
        for vector in (coefficients, direction)
        for output in range(min(objective.n_outputs, _MANY_OUTPUTS))
    )


def _separating_direction(objective: Objective, coefficients: Numbers) -> Numbers:
    """Return what is left of the coefficients when the rows that are not told apart with certainty keep their logits."""
    here, direction, raw = coefficients, _standardised(objective, coefficients), zeros(objective.size)
    if max(size for _, size in _blocks(objective)) > _MAX_SIZE:
        return raw
    for ridge, length in _STAGES:
        direction = _onto_null_space(objective, here, direction, ridge)
        raw = _unstandardised(objective, direction)
        here = coefficients[:]
        objective.backend.add_scaled(here, length, raw)
    return _without_tiny_components(objective, raw)


def _without_tiny_components(objective: Objective, direction: Numbers) -> Numbers:
    """Return the direction without components that are only rounding: a long step would make them large."""
    result = direction[:]
    for first in range(0, objective.size, objective.width):
        own = direction[first : first + objective.n_inputs]
        largest = max(abs(w) * scale for w, scale in zip(own, objective.scales, strict=True))
        for j, w in enumerate(own):
            if abs(w) * objective.scales[j] <= _NO_PART * largest:
                result[first + j] = 0.0
        if objective.intercept:
            terms = max(abs(w * mean) for w, mean in zip(own, objective.means, strict=True))
            if abs(direction[first + objective.n_inputs]) <= _NO_PART * max(terms, largest):
                result[first + objective.n_inputs] = 0.0
    return result


def _of_output(objective: Objective, vector: Numbers, output: int) -> Numbers:
    own, result = slice(output * objective.width, (output + 1) * objective.width), zeros(objective.size)
    result[own] = vector[own]
    return result


def _falls_for_ever(objective: Objective, coefficients: Numbers, direction: Numbers) -> bool:
    """Whether a very long step lowers J and ends where J is level: what falls then are the losses of separated rows, to 0."""
    backend, length = objective.backend, _length(objective, direction)
    if not 0 < length < inf:
        return False
    # Begin where the coefficients have nothing of the direction, as rows may have gone so far that their losses are 0.
    standardised, own = _standardised(objective, direction), _standardised(objective, coefficients)
    share = backend.dot(own, standardised) / backend.dot(standardised, standardised)
    start, step = coefficients[:], zeros(objective.size)
    backend.add_scaled(start, -share, direction)
    backend.add_scaled(step, _LONG / length, direction)
    value, _ = objective.evaluate(start)
    if not value <= objective.evaluate(coefficients)[0] + _LONG:  # where rows have huge numbers, rounding may misplace them
        return False
    backend.add_scaled(start, 1.0, step)
    there, gradient = objective.evaluate(start)
    return there < value and abs(backend.dot(gradient, step)) <= _LEVEL * (value - there)


def _length(objective: Objective, direction: Numbers) -> float:
    """Return the length of a direction that is far for all rows that it moves, in logits.

    That is the largest logit or, if it is smaller, how far a coefficient moves most of the rows of its column: nearly
    collinear columns make the former small, huge numbers the latter.
    """
    length = min(objective.step_length(direction), objective.largest_logit(direction))
    for first in range(0, objective.size, objective.width):
        for j, (scale, spread) in enumerate(zip(objective.scales, objective.spreads, strict=True)):
            own = abs(direction[first + j]) * spread
            if own and scale > HUGE * spread:
                length = min(length, own)
    return length


def _axis(objective: Objective, component: int, sign: float) -> Numbers:
    direction = zeros(objective.size)
    direction[component] = 1.0 if sign > 0 else -1.0
    return direction


def _onto_null_space(objective: Objective, coefficients: Numbers, direction: Numbers, ridge: float) -> Numbers:
    """Return (I + H/ridge)⁻¹·direction in standardised columns, scaled to a largest component of 1.

    H is the Hessian there, scaled to a largest diagonal of 1. For ridge → 0 that is the projection onto H's null space.
    """
    backend, result = objective.backend, array("d")
    matrices = [_standardised_hessian(objective, coefficients, output, size) for output, size in _blocks(objective)]
    largest = max(max(matrix[:: size + 1]) for matrix, (_, size) in zip(matrices, _blocks(objective), strict=True))
    for matrix, (_, size) in zip(matrices, _blocks(objective), strict=True):
        if largest > 0:
            backend.scale(matrix, 1 / (largest * ridge))
        for j in range(size):
            matrix[j * size + j] += 1.0
        part = direction[len(result) : len(result) + size]
        if backend.cholesky(matrix, size) >= 0:
            return zeros(objective.size)
        backend.cholesky_solve(matrix, size, part)
        result.extend(part)
    biggest = max(map(abs, result))
    return array("d", (value / biggest for value in result)) if 0 < biggest < inf else zeros(objective.size)


def _blocks(objective: Objective) -> list[tuple[int, int]]:
    """Return the blocks of the Hessian's diagonal that are used, each as an output, or -1 for all, and its size."""
    if objective.loss.coupled and objective.size <= _MAX_SIZE:
        return [(-1, objective.size)]
    return [(output, objective.width) for output in range(objective.n_outputs)]


def _standardised_hessian(objective: Objective, coefficients: Numbers, output: int, size: int) -> Numbers:
    """Return a block of the Hessian in standardised columns, size × size, the lower triangle."""
    if output < 0:
        return _in_standardised_columns(objective, objective.hessian_of_all_outputs(coefficients), size)
    return _in_standardised_columns(objective, objective.hessian(coefficients, output), size)


def _in_standardised_columns(objective: Objective, matrix: Numbers, size: int) -> Numbers:
    """Return Tᵀ·matrix·T of a symmetric matrix, where T·v are the coefficients of standardised ones v; the lower triangle."""
    backend, n, width = objective.backend, objective.n_inputs, objective.width
    rows = [matrix[j * size : (j + 1) * size] for j in range(size)]
    for j, row in enumerate(rows):
        row[j + 1 :] = matrix[(j + 1) * size + j :: size]
    for _ in range(2):  # transform the rows, then what were the columns
        for first in range(0, size, width):
            for j in range(n):
                row = rows[first + j]
                if objective.intercept and objective.means[j]:
                    backend.add_scaled(row, -objective.means[j], rows[first + n])
                backend.scale(row, 1 / objective.scales[j])
        rows = [array("d", column) for column in zip(*rows, strict=True)]
    return array("d", [value for row in rows for value in row])


def _standardised(objective: Objective, coefficients: Numbers) -> Numbers:
    """Return coefficients for standardised columns: w·scale, and b + Σ w·mean."""
    result = array("d")
    for first in range(0, objective.size, objective.width):
        own = coefficients[first : first + objective.n_inputs]
        result.extend(array("d", (w * scale for w, scale in zip(own, objective.scales, strict=True))))
        if objective.intercept:
            result.append(coefficients[first + objective.n_inputs] + objective.backend.dot(own, objective.means))
    return result


def _unstandardised(objective: Objective, coefficients: Numbers) -> Numbers:
    """Return the inverse of _standardised."""
    result = array("d")
    for first in range(0, objective.size, objective.width):
        own = coefficients[first : first + objective.n_inputs]
        own = array("d", (v / scale for v, scale in zip(own, objective.scales, strict=True)))
        result.extend(own)
        if objective.intercept:
            result.append(coefficients[first + objective.n_inputs] - objective.backend.dot(own, objective.means))
    return result


def dependencies(objective: Objective) -> list[Numbers]:
    """Return independent combinations of the columns that are 0, or constant with an intercept, in every row.

    Each is n_inputs factors of the columns. They are looked for in some of the rows; if one does not hold in the others, in all
    rows, unless these are too many.
    """
    columns = OrthogonalColumns(objective)
    found = _combinations(objective, columns)
    is_whole = objective.n_rows * objective.width <= _MANY_NUMBERS
    if len(found) < len(columns.dropped) and len(columns.rows) < objective.n_rows and is_whole:
        return _combinations(objective, OrthogonalColumns(objective, objective.n_rows))
    return found


def _combinations(objective: Objective, columns: OrthogonalColumns) -> list[Numbers]:
    found = []
    for j, shares in columns.dropped.items():
        coefficients = zeros(objective.size)
        coefficients[j] = 1.0
        largest = objective.scales[j]
        for other, factor in zip(columns.kept, columns.solve(shares), strict=False):
            coefficients[other] = -factor
            if other < objective.n_inputs:
                largest = max(largest, abs(factor) * objective.scales[other])
        for other in range(objective.n_inputs):
            if abs(coefficients[other]) * objective.scales[other] < _NO_SHARE * largest:
                coefficients[other] = 0.0
        if _is_without_effect(objective, coefficients, largest):
            found.append(coefficients[: objective.n_inputs])
    return found


def _is_without_effect(objective: Objective, coefficients: Numbers, largest: float) -> bool:
    """Whether the coefficients, for standardised columns up to `largest`, make the same logit of each row, but for rounding."""
    if largest <= 0:
        return False
    nothing, much = zeros(objective.size), zeros(objective.size)
    objective.backend.add_scaled(much, _MUCH / largest, coefficients)
    before, after = objective.evaluate(nothing)[0], objective.evaluate(much)[0]
    return abs(after - before) <= 1e-6 * before


def least_norm(objective: Objective, coefficients: Numbers, combinations: list[Numbers]) -> Numbers:
    """Return the coefficients of least Σ (w·unit)² that give each row the same logits: the limit of a vanishing l2."""
    n, backend, units = objective.n_inputs, objective.backend, objective.units
    basis: list[tuple[Numbers, Numbers]] = []  # orthonormal in w·unit, each with the combination that it is
    for combination in combinations:
        own, scaled = combination[:], array("d", (c * unit for c, unit in zip(combination, units, strict=True)))
        for _ in range(2):  # twice, as once loses digits
            for other, other_scaled in basis:
                product = backend.dot(scaled, other_scaled)
                backend.add_scaled(own, -product, other)
                backend.add_scaled(scaled, -product, other_scaled)
            largest = max(map(abs, scaled))  # first, as squares may underflow
            own, scaled = (array("d", (value / largest for value in vector)) for vector in (own, scaled))
            norm = backend.dot(scaled, scaled) ** 0.5
            own, scaled = (array("d", (value / norm for value in vector)) for vector in (own, scaled))
        basis.append((own, scaled))
    result = coefficients[:]
    for first in range(0, objective.size, objective.width):
        for own, scaled in basis:
            weighted = array("d", (w * unit for w, unit in zip(result[first : first + n], units, strict=True)))
            share = backend.dot(weighted, scaled)
            for j in range(n):
                result[first + j] -= share * own[j]
            if objective.intercept:
                result[first + n] += share * backend.dot(own, objective.means)
    return result


def least_norm_by_rows(objective: Objective, coefficients: Numbers) -> Numbers | None:
    """Return what `least_norm` does where there are more columns than rows: they depend on each other in too many ways to list.

    Such coefficients are combinations of the rows, w = units⁻²·(X - means)ᵀ·α. Returns None if rounding hides them.
    """
    backend, n_rows, n_outputs = objective.backend, objective.n_rows, objective.n_outputs
    divisors = array("d", map(mul, objective.units, objective.units)) + array("d", [inf] * objective.intercept)
    gram = objective.gram(divisors, None)
    small = _SMALL_RIDGE * (max(gram[:: n_rows + 1]) or 1.0)
    factor = backend.capacitance(gram, n_rows, array("d", [small**-0.5]) * n_rows, 0.0)
    if backend.cholesky(factor, n_rows) >= 0:
        return None
    result, left = zeros(objective.size), coefficients
    for _ in range(_REFINEMENTS):
        logits = objective.row_logits(_without_means(objective, left), None)
        backend.cholesky_solve(factor, n_rows, logits)
        backend.scale(logits, 1 / small)
        step = objective.combine_rows(logits, None)
        backend.divide_standardised(step, n_outputs, objective.means, divisors * n_outputs)
        backend.add_scaled(result, 1.0, step)
        left = coefficients[:]
        backend.add_scaled(left, -1.0, result)
    rest, whole = (objective.row_logits(_without_means(objective, own), None) for own in (left, coefficients))
    if max(map(abs, rest)) > _SAME_LOGITS * max(map(abs, whole)):
        return None
    backend.add_scaled(result, 1.0, _intercepts(objective, left))
    return result


def _without_means(objective: Objective, coefficients: Numbers) -> Numbers:
    """Return the coefficients with intercepts that make logits of the columns less their means."""
    result = coefficients[:]
    for first in range(0, objective.size, objective.width) if objective.intercept else ():
        own = coefficients[first : first + objective.n_inputs]
        result[first + objective.n_inputs] = -objective.backend.dot(own, objective.means)
    return result


def _intercepts(objective: Objective, coefficients: Numbers) -> Numbers:
    """Return the logits that the coefficients make of the means, as intercepts; the rest 0."""
    result, n = zeros(objective.size), objective.n_inputs
    for first in range(0, objective.size, objective.width) if objective.intercept else ():
        own = objective.backend.dot(coefficients[first : first + n], objective.means)
        result[first + n] = coefficients[first + n] + own
    return result

"""One fit of a Perceptron from start to end: read and judge the data, set up the objective, solve, keep the model."""

from __future__ import annotations

from array import array
from math import inf

from pyperceptron.backends import backend_name, backend_of
from pyperceptron.checks import LIMIT, named, one_of, thread_count
from pyperceptron.chunks import Chunks
from pyperceptron.columns import LEAST_WEIGHT, column_statistics, refuse_tiny
from pyperceptron.encoding import read_samples
from pyperceptron.findings import diagnose_backend, diagnose_targets, diagnose_texts, ruled_columns, warn
from pyperceptron.labels import read_labels, read_probabilities
from pyperceptron.losses import loss_for
from pyperceptron.model import FittedModel
from pyperceptron.objective import Objective
from pyperceptron.samples import check_range
from pyperceptron.solvers import SOLVERS
from pyperceptron.table import Table
from pyperceptron.training import best_solver, train
from pyperceptron.vectors import as_view, zeros
from pyperceptron.weights import read_weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.columns import Columns
    from pyperceptron.containers import Rows
    from pyperceptron.encoding import Encoding
    from pyperceptron.findings import Finding
    from pyperceptron.labels import Targets
    from pyperceptron.model import Record

    Numbers = array[float]

    class Estimator(Protocol):
        """What fit needs of a Perceptron: its parameters, and the model that it holds."""

        loss: str
        targets: str
        l2: float
        l1: float
        fit_intercept: bool
        standardize: bool
        solver: str
        max_iter: int
        tol: float
        learning_rate: float | None
        class_weight: Any
        warm_start: bool
        threads: int | None
        backend: str
        callback: Callable[[Any, int], object] | None
        verbose: bool
        _fitted: FittedModel | None

        def _check_parameters(self) -> None: ...
        def _set_fitted(self, fitted: FittedModel | None) -> None: ...


def fit(estimator: Estimator, X: Any, y: Any, sample_weight: Any) -> None:
    """Fit the estimator, as Perceptron.fit describes, and warn if the model is not what was asked for."""
    estimator._check_parameters()
    name = backend_name(estimator.backend)
    backend = backend_of(name)
    samples, encoding = read_samples(X)
    targets, weights = _read_targets(estimator, y, sample_weight, len(samples), backend)
    classes = targets.classes
    if isinstance(X, Table) and classes.name is None:
        classes.name = X.target
    objective, columns = _set_up(estimator, samples, targets, weights, backend)
    last = estimator._fitted
    if estimator.warm_start and last is not None:
        start = _last_coefficients(last, objective, targets, encoding)
    else:
        start = _initial_coefficients(objective, targets, weights)
    names = samples.names if encoding is None else encoding.names

    def keep(coefficients: Numbers, record: Record) -> None:
        record.deviations = columns.deviations
        activation = objective.loss.activations[classes.kind]
        n_inputs, container = samples.n_columns, samples.container
        model = FittedModel(
            name, coefficients, classes, activation, n_inputs, objective.intercept, names, container, record, encoding
        )
        estimator._set_fitted(model)

    def data_findings(coefficients: Numbers) -> list[Finding]:
        of_data = diagnose_targets(targets, names) + diagnose_texts(encoding, len(samples))
        of_data += ruled_columns(samples, columns, coefficients, objective.width)
        return of_data + diagnose_backend(estimator.backend, objective)

    def call_back(iteration: int) -> object:
        assert estimator.callback is not None
        return estimator.callback(estimator, iteration)

    try:
        findings = train(
            objective,
            start,
            best_solver(objective) if estimator.solver == "auto" else one_of(estimator.solver, "solver", tuple(SOLVERS)),
            tol=float(estimator.tol),
            max_iter=int(estimator.max_iter),
            learning_rate=None if estimator.learning_rate is None else float(estimator.learning_rate),
            keep=keep,
            callback=call_back if estimator.callback else None,
            verbose=bool(estimator.verbose),
            names=samples.names,
            indicators=() if encoding is None else encoding.indicators,
            data_findings=data_findings,
        )
    except KeyboardInterrupt:
        raise
    except BaseException:
        estimator._set_fitted(last)
        raise
    warn(findings, stacklevel=3)


def _read_targets(
    estimator: Estimator, y: Any, sample_weight: Any, n_rows: int, backend: Backend
) -> tuple[Targets, Numbers | None]:
    """Return the targets, and for each row its sample weight times its class weight: None if all are 1."""
    labels = estimator.targets == "labels"
    targets = read_labels(y, n_rows) if labels else read_probabilities(y, n_rows, backend)
    if estimator.class_weight is not None and (targets.classes.multilabel or not labels):
        raise ValueError("class_weight is for one label per row; for a 0/1 matrix or probabilities use sample_weight")
    return read_weights(targets, sample_weight, estimator.class_weight, n_rows, backend)


def _set_up(
    estimator: Estimator, samples: Rows, targets: Targets, weights: Numbers | None, backend: Backend
) -> tuple[Objective, Columns]:
    """Return the objective and the statistics of the columns; ValueError for numbers that cannot be used."""
    classes = targets.classes
    loss = loss_for(estimator.loss, classes.kind)
    intercept = bool(estimator.fit_intercept)
    chunks = Chunks(samples.view, samples.n_columns + intercept, classes.n_outputs, thread_count(estimator.threads), backend)

    def loss_over_samples(offsets: Numbers | None) -> LinearLoss:
        linear_loss: LinearLoss = backend.LinearLoss(
            samples.view,
            targets.table,
            None if weights is None else memoryview(weights),
            classes.n_outputs,
            loss.name,
            intercept,
            chunks.rows_in_chunk,
            None if offsets is None else memoryview(offsets),
            chunks.stop,
        )
        return linear_loss

    linear_loss = loss_over_samples(None)
    columns = column_statistics(linear_loss, chunks, samples.view, backend)
    light = weights is not None and backend.first_outside(as_view(weights, 1), LEAST_WEIGHT, 1.0) >= 0
    if light or not columns.in_range:
        check_range(samples, "X", -LIMIT, LIMIT, backend)
    refuse_tiny(columns, samples)
    offsets = columns.offsets() if intercept else None
    if offsets:
        linear_loss = loss_over_samples(offsets)
    objective = Objective(
        backend,
        samples.view,
        linear_loss,
        chunks,
        columns,
        loss,
        classes.n_outputs,
        offsets=offsets,
        rarest=targets.rarest_class(weights),
        l2=float(estimator.l2),
        l1=float(estimator.l1),
        intercept=intercept,
        standardize=bool(estimator.standardize),
    )
    for penalty, factors in (("l2", objective.l2_weights), ("l1", objective.l1_weights)):
        if inf in factors:
            raise ValueError(
                f"{penalty} is {named(getattr(estimator, penalty))}; expected less, as standardize=True multiplies it by the "
                "scale of a column and it overflows: lower it, or scale X down"
            )
    return objective, columns


def _last_coefficients(last: FittedModel, objective: Objective, targets: Targets, encoding: Encoding | None) -> Numbers:
    if (last.encoding, last.classes.labels, last.n_outputs, last.n_inputs, last.intercept) != (
        encoding,
        targets.classes.labels,
        objective.n_outputs,
        objective.n_inputs,
        objective.intercept,
    ):
        raise ValueError(
            "warm_start needs the same classes, number of columns and fit_intercept as the last fit, and the same texts in "
            "them: set warm_start=False to start again"
        )
    return last.coefficients[:]


def _initial_coefficients(objective: Objective, targets: Targets, weights: Numbers | None) -> Numbers:
    """Return zeros, n_outputs × width; the intercepts are those optimal without features if the loss has a formula for them."""
    start = zeros(objective.size)
    if objective.intercept and objective.loss.initial_intercepts and not targets.classes.multilabel:
        intercepts = objective.loss.initial_intercepts(targets.class_totals(weights))
        start[objective.width - 1 :: objective.width] = array("d", intercepts)
    return start

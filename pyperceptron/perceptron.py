"""Perceptron: a linear classifier, logistic or softmax regression, trained to the exact optimum."""

from __future__ import annotations

from array import array
from math import fsum  # sum() rounds differently since Python 3.12

from pyperceptron.backends import backend_name, backend_of
from pyperceptron.checks import (
    LIMIT,
    is_missing,
    named,
    nonnegative_number,
    one_of,
    positive_number,
    true_or_false,
    whole_number,
)
from pyperceptron.chunks import Chunks
from pyperceptron.columns import LEAST_WEIGHT, column_statistics, refuse_tiny
from pyperceptron.containers import read_table
from pyperceptron.exceptions import NotFittedError
from pyperceptron.findings import diagnose_targets, ruled_columns, warn
from pyperceptron.labels import label_list, read_labels, read_probabilities
from pyperceptron.losses import loss_for
from pyperceptron.model import FittedModel, Record
from pyperceptron.objective import Objective
from pyperceptron.samples import check_range, read_sample_weights
from pyperceptron.training import best_solver, train
from pyperceptron.vectors import as_flat, as_list, as_view, pieces, zeros

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from pyperceptron.backends import Backend, LinearLoss
    from pyperceptron.findings import Finding
    from pyperceptron.labels import Targets

    Numbers = array[float]

_SOLVERS = ("auto", "gd", "lbfgs", "newton")


class Perceptron:
    """A linear classifier (logistic or softmax regression) trained to the exact minimum of

        J(W, b) = (1/Σs) Σᵢ sᵢ·ℓ(yᵢ, oᵢ) + (l2/2)·‖W‖² + l1·‖W‖₁,   s = sample weights times class weights.

    >>> model = Perceptron(l2=0.01).fit([[0, 1], [1, 2], [3, 0], [4, 1]], ["no", "no", "yes", "yes"])
    >>> model.predict([[5, 1]])
    ['yes']

    loss           "log_loss": cross-entropy, of a sigmoid for two classes and of the softmax for more; or "squared_error",
                   the lesson's ½‖o - y‖², one sigmoid for each class: not convex, so its minimum may be local. A 0/1 matrix
                   for y is one sigmoid for each column
    targets        "labels", or "probabilities": y holds one number in [0, 1] a row, the probability of class 1, or a matrix
                   whose rows sum to 1, the probabilities of classes 0 … k-1
    l2, l1         the penalties; none by default. scikit-learn's C is l2 = 1/(C·Σs)
    fit_intercept  whether each output has an intercept, which is never penalised
    standardize    penalise as if each column were scaled to standard deviation 1; coef_ stays that of the columns given
    solver         "newton", "lbfgs", "gd" (gradient descent, the lesson's loop), or "auto"; `solver_` is the one that ran
    max_iter       the most steps to make
    tol            stop when the largest component of J's gradient, on standardised columns, is at most this times the weight of
                   the rarest class (a fraction of all), and a Newton step would hardly lower J
    learning_rate  of "gd"; None for one at which J never increases
    class_weight   None, "balanced", or a mapping from labels to factors of their rows' weights
    warm_start     whether to start from the last fit's coefficients
    threads        how many; None for as many as the data are worth. The result is the same to the bit
    backend        "auto", "cython" or "python"; `backend_` is the one that ran
    callback       called as callback(model, iteration) after each step; a true result ends the training
    verbose        whether to print a line for each step
    """

    def __init__(
        self,
        *,
        loss: str = "log_loss",
        targets: str = "labels",
        l2: float = 0.0,
        l1: float = 0.0,
        fit_intercept: bool = True,
        standardize: bool = False,
        solver: str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-6,
        learning_rate: float | None = None,
        class_weight: Any = None,
        warm_start: bool = False,
        threads: int | None = None,
        backend: str = "auto",
        callback: Callable[[Perceptron, int], object] | None = None,
        verbose: bool = False,
    ) -> None:
        self.loss = loss
        self.targets = targets
        self.l2 = l2
        self.l1 = l1
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.learning_rate = learning_rate
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.threads = threads
        self.backend = backend
        self.callback = callback
        self.verbose = verbose
        self._fitted: FittedModel | None = None
        self._check_parameters()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep`, for scikit-learn's sake, changes nothing."""
        return {name: getattr(self, name) for name in _DEFAULTS}

    def set_params(self, **params: Any) -> Perceptron:
        """Change some of the parameters and return the model; if one is unknown or wrong, raise and change none."""
        for name in params:
            if name not in _DEFAULTS:
                raise ValueError(f"Perceptron has no parameter {name!r}; expected some of {', '.join(_DEFAULTS)}")
        before = self.get_params()
        self.__dict__.update(params)
        try:
            self._check_parameters()
        except Exception:
            self.__dict__.update(before)
            raise
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Perceptron:
        """Find the optimal coefficients for n_samples × n_features numbers and a label for each row; return the model.

        sample_weight  a number for each row, 0 or more; a row of weight 2 counts as two, one of weight 0 as none

        Raises ValueError or TypeError for bad input and FloatingPointError if the Hessian overflows. An exception leaves the
        model as it was, but Ctrl-C keeps the coefficients of the last step.
        """
        # Read.
        self._check_parameters()
        name = backend_name(self.backend)
        backend = backend_of(name)
        samples = read_table(X, "X")
        targets, weights = self._read_targets(y, sample_weight, samples.n_rows, backend)
        classes = targets.classes
        loss = loss_for(self.loss, classes.kind)
        # Judge and set up.
        intercept = bool(self.fit_intercept)
        chunks = Chunks(samples.view, samples.n_columns + intercept, classes.n_outputs, self.threads, backend)

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
        columns = column_statistics(linear_loss, chunks, samples.view)
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
            l2=float(self.l2),
            l1=float(self.l1),
            intercept=intercept,
            standardize=bool(self.standardize),
        )
        start = self._last_coefficients(objective, targets) if self.warm_start and self._fitted else None

        # Solve and keep.
        def keep(coefficients: Numbers, record: Record) -> None:
            activation = loss.activations[classes.kind]
            names, container = samples.names, samples.container
            self._set_fitted(
                FittedModel(name, coefficients, classes, activation, samples.n_columns, intercept, names, container, record)
            )

        def data_findings(coefficients: Numbers) -> list[Finding]:
            return diagnose_targets(targets) + ruled_columns(samples, columns, coefficients, objective.width)

        previous = self._fitted
        try:
            findings = train(
                objective,
                start or _initial_coefficients(objective, targets, weights),
                best_solver(objective) if self.solver == "auto" else self.solver,
                tol=float(self.tol),
                max_iter=self.max_iter,
                learning_rate=self.learning_rate,
                keep=keep,
                callback=self._call_back if self.callback else None,
                verbose=bool(self.verbose),
                names=samples.names,
                data_findings=data_findings,
            )
        except Exception:
            self._set_fitted(previous)
            raise
        warn(findings, stacklevel=2)
        return self

    def _call_back(self, iteration: int) -> object:
        assert self.callback is not None
        return self.callback(self, iteration)

    def _read_targets(self, y: Any, sample_weight: Any, n_rows: int, backend: Backend) -> tuple[Targets, Numbers | None]:
        """Return the targets, and for each row its sample weight times its class weight: None if all are 1."""
        labels = self.targets == "labels"
        targets = read_labels(y, n_rows) if labels else read_probabilities(y, n_rows, backend)
        weights = None
        if sample_weight is not None:
            weights = read_sample_weights(sample_weight, n_rows, backend)
            largest = max(map(max, pieces(weights)))  # scaled by it, so that their sum neither overflows nor underflows
            weights = array("d", (weight / largest for weight in weights))
            targets = targets.without_weightless_classes(weights)
        if self.class_weight is None:
            return targets, weights
        if targets.classes.multilabel or not labels:
            raise ValueError("class_weight is for one label per row; for a 0/1 matrix or probabilities use sample_weight")
        factors = self._class_factors(targets, weights)
        factors = [factor / max(factors) for factor in factors]
        of_rows = (factors[code] for code in as_flat(targets.table))
        if weights is None:
            return targets, array("d", of_rows)
        return targets, array("d", (weight * factor for weight, factor in zip(weights, of_rows, strict=True)))

    def _class_factors(self, targets: Targets, weights: Numbers | None) -> list[float]:
        labels = targets.classes.labels
        if isinstance(self.class_weight, str):  # "balanced"
            totals = targets.class_totals(weights)
            return [fsum(totals) / (len(totals) * total) for total in totals]
        named_labels = self.class_weight.keys()  # iterating over a Series would give its values
        unknown = [label for label in named_labels if is_missing(label) or label not in labels]
        if unknown:
            raise ValueError(f"class_weight names {named(unknown[0])}, which is no label in y: leave it out")
        return [positive_number(self.class_weight.get(label, 1.0), f"class_weight[{named(label)}]") for label in labels]

    def _last_coefficients(self, objective: Objective, targets: Targets) -> Numbers:
        last = self._require_fitted()
        if (last.classes.labels, last.n_outputs, last.n_inputs, last.intercept) != (
            targets.classes.labels,
            objective.n_outputs,
            objective.n_inputs,
            objective.intercept,
        ):
            raise ValueError(
                "warm_start needs the same classes, number of columns and fit_intercept as the last fit: "
                "set warm_start=False to start again"
            )
        return last.coefficients[:]

    def predict(self, X: Any) -> Any:
        """Return a label for each row; if y was a 0/1 matrix, a row of 0 and 1. NumPy for NumPy, else a list.

        This and the methods below raise ValueError or TypeError if X does not have the columns of fit or holds a value that is
        not a finite number, and NotFittedError before fit.
        """
        return self._require_fitted().predictions(X)

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, n_samples × n_classes in the order of classes_; each row sums to 1.

        If y was a 0/1 matrix, the probability of each column's 1. A buffer other than NumPy's gets a flat array.array.
        """
        return self._require_fitted().probabilities(X)

    def decision_function(self, X: Any) -> Any:
        """Return the logits X·coef_ᵀ + intercept_: n_samples numbers for two classes, else n_samples × n_outputs."""
        return self._require_fitted().logits(X)

    def predict_one(self, x: Any) -> Any:
        """Return the label of a single row: a flat sequence, or a mapping from column names; the same as `predict` gives."""
        return self._require_fitted().row_predictor().predict_one(x)

    def predict_proba_one(self, x: Any) -> tuple[float, ...]:
        """Return the probabilities of a single row in the order of classes_, the same as `predict_proba` gives."""
        return self._require_fitted().row_predictor().predict_proba_one(x)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the (weighted) fraction of rows predicted correctly; if y is a 0/1 matrix, in every column."""
        predicted = self.predict(X)
        predicted = as_list(predicted) if hasattr(predicted, "tolist") else predicted
        expected = label_list(y, len(predicted))
        correct = [ours == theirs for ours, theirs in zip(predicted, expected, strict=True)]
        if sample_weight is None:
            return float(sum(correct) / len(correct))
        weights = read_sample_weights(sample_weight, len(correct), backend_of(self.backend_))
        return fsum(weight for weight, is_correct in zip(weights, correct, strict=True) if is_correct) / fsum(weights)

    @property
    def coef_(self) -> Any:
        """The weights, n_outputs × n_features: a single row for two classes."""
        return self._require_fitted().coef

    @property
    def intercept_(self) -> Any:
        """The intercepts, n_outputs numbers; 0 without fit_intercept."""
        return self._require_fitted().intercepts

    @property
    def classes_(self) -> Any:
        """The labels, sorted if they can be; if y was a 0/1 matrix, its columns' numbers."""
        return self._require_fitted().classes.as_given()

    @property
    def n_features_in_(self) -> int:
        """The number of columns in fit."""
        return self._require_fitted().n_inputs

    @property
    def feature_names_in_(self) -> list[Hashable]:
        """The names of the columns in fit; AttributeError if X was no data frame."""
        names = self._require_fitted().names
        if names is None:
            raise AttributeError("the model was fitted without column names: fit it with a data frame")
        return list(names)

    @property
    def backend_(self) -> str:
        """The name of the backend that ran the fit and makes the predictions."""
        return self._require_fitted().backend

    @property
    def solver_(self) -> str:
        """The name of the solver that ran."""
        return self._require_fitted().record.solver

    @property
    def n_iter_(self) -> int:
        """The number of steps made."""
        return self._require_fitted().record.n_iter

    @property
    def history_(self) -> list[dict[str, float]]:
        """A list of {"iteration", "objective", "gradient_norm", "passes"}, of the start and of each step."""
        return self._require_fitted().record.history

    @property
    def findings_(self) -> list[str]:
        """Sentences about the training that its user should know; empty if all is well."""
        return self._require_fitted().record.findings

    def _require_fitted(self) -> FittedModel:
        if self._fitted is None:
            raise NotFittedError("this Perceptron is not fitted yet: call fit(X, y) first")
        return self._fitted

    def _set_fitted(self, fitted: FittedModel | None) -> None:
        # The predictor's bound methods shadow the two methods for one row: delegating would double the time of a call.
        if fitted is None:
            self.__dict__.pop("predict_one", None), self.__dict__.pop("predict_proba_one", None)
            self._fitted = None
            return
        predictor = fitted.row_predictor()
        self.__dict__.update(_fitted=fitted, predict_one=predictor.predict_one, predict_proba_one=predictor.predict_proba_one)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("predict_one", "predict_proba_one")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle: resolve the requested backend again on this machine."""
        self.__dict__.update(state)
        if self._fitted is not None:
            self._set_fitted(self._fitted.with_backend(backend_name(self.backend)))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, default in _DEFAULTS.items() if getattr(self, name) != default)
        return f"Perceptron({', '.join(shown)})"

    def _check_parameters(self) -> None:
        one_of(self.loss, "loss", ("log_loss", "squared_error"))
        one_of(self.targets, "targets", ("labels", "probabilities"))
        one_of(self.solver, "solver", _SOLVERS)
        for name in ("l2", "l1", "tol"):
            nonnegative_number(getattr(self, name), name)
        for name in ("fit_intercept", "standardize", "warm_start", "verbose"):
            true_or_false(getattr(self, name), name)
        whole_number(self.max_iter, "max_iter", 1, 2**63 - 1)
        if self.threads is not None:
            whole_number(self.threads, "threads", 1, 1024)
        if self.learning_rate is not None:
            positive_number(self.learning_rate, "learning_rate")
        if isinstance(self.class_weight, str):
            known = self.class_weight == "balanced"
        else:
            known = self.class_weight is None or (hasattr(self.class_weight, "keys") and hasattr(self.class_weight, "get"))
        if not known:
            raise ValueError(f"class_weight is {named(self.class_weight)}; expected None, 'balanced' or a mapping from labels")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {named(self.callback)}; expected a function of the model and the iteration, or None")
        backend_name(self.backend)


_DEFAULTS: dict[str, Any] = dict(Perceptron.__init__.__kwdefaults__)  # type: ignore[arg-type]


def _initial_coefficients(objective: Objective, targets: Targets, weights: Numbers | None) -> Numbers:
    """Return zeros, n_outputs × width; the intercepts are those optimal without features if the loss has a formula for them."""
    start = zeros(objective.size)
    if objective.intercept and objective.loss.initial_intercepts and not targets.classes.multilabel:
        intercepts = objective.loss.initial_intercepts(targets.class_totals(weights))
        start[objective.width - 1 :: objective.width] = array("d", intercepts)
    return start

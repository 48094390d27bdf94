"""Perceptron: a classifier of one layer of sigmoids or a softmax, trained to the exact optimum."""

from __future__ import annotations

from array import array

from pyperceptron import solvers
from pyperceptron.backends import backend_name, backend_of
from pyperceptron.checks import named, number_not_negative, one_of, positive_number, true_or_false, whole_number
from pyperceptron.findings import TrainingWarning, diagnose
from pyperceptron.fitted import Fitted
from pyperceptron.labels import label_list, read_labels
from pyperceptron.losses import loss_for
from pyperceptron.objective import Objective
from pyperceptron.samples import feature_names_of, read_sample_weights, read_samples, refuse_outside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyperceptron.backends import Backend
    from pyperceptron.labels import Labels
    from pyperceptron.solvers import Run

    Numbers = array[float]

_SOLVERS = ("auto", "gd", "lbfgs", "newton")
_LITTLE_WORK = 100_000  # multiplications, some ten microseconds: less than what else a step takes


class Perceptron:
    """Neurons side by side that learn the classes of labelled samples: the exact optimum of

        J(W, b) = (1/Σs) Σᵢ sᵢ·ℓ(yᵢ, oᵢ) + (l2/2)·‖W‖² + l1·‖W‖₁,   s = sample weights times class weights.

    >>> model = Perceptron(l2=0.01).fit([[0, 1], [1, 2], [3, 0], [4, 1]], ["no", "no", "yes", "yes"])
    >>> model.predict([[5, 1]])
    ['yes']

    loss           "log_loss": cross-entropy, of a sigmoid for two classes and of the softmax for more; or "squared_error",
                   the lesson's ½‖o - y‖², one sigmoid for each class. A 0/1 matrix for y is one sigmoid for each column
    l2, l1         the penalties; none unless asked for. scikit-learn's C is l2 = 1/(C·n)
    fit_intercept  whether each neuron has an intercept, which is never penalised
    standardize    penalise as if each column were scaled to standard deviation 1; coef_ stays that of the columns given
    solver         "newton", "lbfgs", "gd" (gradient descent, the lesson's loop), or "auto"; `solver_` tells which it was
    max_iter       how many steps to make at most
    tol            where to stop: at a slope of J, were all columns standardised, of no more than this
    learning_rate  of "gd"; None for one that cannot go too far
    class_weight   None, "balanced", or a mapping from labels to what the weights of their rows are multiplied by
    warm_start     whether to start from the last fit's coefficients
    threads        how many; None for as many as the data is worth. They do not change a bit of the result
    backend        "auto", "cython" or "python"; `backend_` tells which it was
    callback       called as callback(model, iteration) after each step; a true result ends the training
    verbose        whether to print a line for each step

    Once fitted it has, besides the methods below, `predict_one(x)`, a label for a single row, and `predict_proba_one(x)`, a
    tuple of its probabilities in the order of classes_: the numbers of `predict` and `predict_proba`.
    """

    predict_one: Callable[[Any], Any]
    predict_proba_one: Callable[[Any], tuple[float, ...]]

    def __init__(
        self,
        *,
        loss: str = "log_loss",
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
        self._fitted: Fitted | None = None
        self._check_parameters()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; `deep`, for scikit-learn's sake, changes nothing."""
        return {name: getattr(self, name) for name in _DEFAULTS}

    def set_params(self, **params: Any) -> Perceptron:
        """Change some of the parameters; ValueError or TypeError, and no change, if one of them is unknown or wrong."""
        for name in params:
            if name not in _DEFAULTS:
                raise ValueError(f"Perceptron has no parameter {name!r}; expected some of {', '.join(_DEFAULTS)}")
        before = self.get_params()
        self.__dict__.update(params)
        try:
            self._check_parameters()
        except (TypeError, ValueError):
            self.__dict__.update(before)
            raise
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Perceptron:
        """Find the coefficients for n_samples × n_features finite numbers and a label for each row; returns the model.

        sample_weight: a number for each row, 0 or more; a row of weight 2 counts as two, one of weight 0 as none. Bad input
        raises ValueError or TypeError and leaves the model as it was. Ctrl-C keeps the best coefficients so far.
        """
        self._check_parameters()
        backend = backend_name(self.backend)
        kernels = backend_of(backend)
        samples = read_samples(X)
        labels, weights = self._read_targets(y, sample_weight, samples.n_rows, kernels)
        loss = loss_for(self.loss, labels.kind)
        assert labels.codes is not None
        with Objective(
            kernels,
            samples.view,
            labels.codes,
            weights,
            lambda limit: refuse_outside(samples, limit, kernels),
            n_outputs=1 if labels.kind == "binary" else len(labels.classes),
            loss=loss,
            l2=float(self.l2),
            l1=float(self.l1),
            fit_intercept=bool(self.fit_intercept),
            standardize=bool(self.standardize),
            threads=self.threads,
        ) as objective:
            start = self._last_coefficients(objective, labels) if self.warm_start and self._fitted else None
            names = feature_names_of(X)

            def fitted(coefficients: Numbers) -> Fitted:
                return Fitted(
                    backend,
                    coefficients,
                    labels.without_codes(),
                    loss.activations[labels.kind],
                    samples.n_columns,
                    objective.intercept,
                    names,
                    samples.container,
                )

            self._train(objective, start or _start(objective, labels, weights), fitted)
        return self

    def _train(self, objective: Objective, start: Numbers, fitted: Callable[[Numbers], Fitted]) -> None:
        """Minimise from `start`, and become what came of it."""
        history: list[dict[str, float]] = []
        solver = _best_solver(objective) if self.solver == "auto" else self.solver
        newest: list[Run] = []

        def adopt(run: Run) -> None:
            self._become(fitted(run.coefficients))
            self.solver_, self.n_iter_, self.history_ = solver, run.iterations, history
            self.findings_: list[str] = []

        def watch(run: Run) -> object:
            newest[:] = [run]
            history.append(
                {"iteration": run.iterations, "objective": run.value, "slope": run.slope, "passes": objective.passes}
            )
            if self.verbose:
                print(f"{solver} step {run.iterations}: J = {run.value:.9g}, slope {run.slope:.3g}", flush=True)
            if self.callback is None or not run.iterations:
                return False
            adopt(run)
            return self.callback(self, run.iterations)

        try:
            run = solvers.Run(objective, start, float(self.tol), self.max_iter, watch)
            if solver == "gd":
                solvers.gd(run, self.learning_rate)
            elif solver == "newton":
                solvers.newton(run)
            else:
                solvers.lbfgs(run)
        except KeyboardInterrupt:
            if newest and newest[0].iterations:
                adopt(newest[0])
            raise
        adopt(run)
        self.findings_ = diagnose(objective, run, self.max_iter)
        if self.findings_:
            import warnings

            warnings.warn(" ".join(self.findings_), TrainingWarning, stacklevel=3)

    def predict(self, X: Any) -> Any:
        """A label for each row; for a 0/1 matrix as y, a row of 0 and 1 for each. NumPy for NumPy, else a list."""
        return self._known().predictions(X)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, n_samples × n_classes in the order of classes_; each row sums to 1.

        For a 0/1 matrix as y, the probability of each column's 1.
        """
        return self._known().probabilities(X)

    def decision_function(self, X: Any) -> Any:
        """The weighted sums X·coef_ᵀ + intercept_: n_samples numbers for two classes, else n_samples × n_outputs."""
        return self._known().sums(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The accuracy: which (weighted) share of the rows is predicted as y says, every output of it."""
        predicted = self.predict(X)
        predicted = predicted.tolist() if hasattr(predicted, "tolist") else predicted
        wanted = label_list(y, len(predicted))
        right = [ours == theirs for ours, theirs in zip(predicted, wanted, strict=True)]
        if sample_weight is None:
            return float(sum(right) / len(right))
        weights = read_sample_weights(sample_weight, len(right), backend_of(self.backend_))
        return float(sum(weight for weight, is_right in zip(weights, right, strict=True) if is_right) / sum(weights))

    @property
    def coef_(self) -> Any:
        """The weights, n_outputs × n_features: a single row for two classes."""
        return self._known().coef

    @property
    def intercept_(self) -> Any:
        """The intercepts, n_outputs numbers; 0 without fit_intercept."""
        return self._known().intercepts

    @property
    def classes_(self) -> Any:
        """The labels, sorted where they can be; for a 0/1 matrix as y, its columns' numbers."""
        return self._known().labels.as_given()

    @property
    def n_features_in_(self) -> int:
        """How many columns the model was fitted with."""
        return self._known().n_inputs

    @property
    def feature_names_in_(self) -> Any:
        """The names of the columns; only where the model was fitted with a data frame."""
        names = self._known().names
        if names is None:
            raise AttributeError
        return list(names)

    @property
    def backend_(self) -> str:
        """Which twin computed, and predicts."""
        return self._known().backend

    def _known(self) -> Fitted:
        if self.__dict__.get("_fitted") is None:
            raise NotFittedError("this Perceptron is not fitted yet: call fit(X, y) first")
        fitted: Fitted = self.__dict__["_fitted"]
        return fitted

    def _become(self, fitted: Fitted) -> None:
        scorer = fitted.scorer()
        # On the instance, where each is the scorer's own method: a call of a method that calls it would cost as much again.
        self.predict_one, self.predict_proba_one = scorer.predict_one, scorer.predict_proba_one
        self._fitted = fitted

    def __getattr__(self, name: str) -> Any:
        if (name.endswith("_") and not name.startswith("_")) or name in ("predict_one", "predict_proba_one"):
            self._known()  # what a fit leaves behind; a property that raised comes here too
        if name == "feature_names_in_":
            raise AttributeError("the model was fitted without column names: fit it with a data frame")
        raise AttributeError(f"Perceptron has no attribute {name!r}")

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("predict_one", "predict_proba_one")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A model from another process takes the backend that was asked for, as this one has it."""
        self.__dict__.update(state)
        if self._fitted is not None:
            self._become(self._fitted.on(backend_name(self.backend)))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, default in _DEFAULTS.items() if getattr(self, name) != default)
        return f"Perceptron({', '.join(shown)})"

    def _check_parameters(self) -> None:
        one_of(self.loss, "loss", ("log_loss", "squared_error"))
        one_of(self.solver, "solver", _SOLVERS)
        for name in ("l2", "l1", "tol"):
            number_not_negative(getattr(self, name), name)
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
            known = self.class_weight is None or hasattr(self.class_weight, "items")
        if not known:
            raise ValueError(f"class_weight is {named(self.class_weight)}; expected None, 'balanced' or a mapping from labels")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {named(self.callback)}; expected a function of the model and the iteration, or None")
        backend_name(self.backend)

    def _read_targets(self, y: Any, sample_weight: Any, n_rows: int, kernels: Backend) -> tuple[Labels, Numbers | None]:
        """The labels, and for each row its sample weight times its class weight: None where all are 1."""
        labels = read_labels(y, n_rows)
        weights = None
        if sample_weight is not None:
            weights = read_sample_weights(sample_weight, n_rows, kernels)
            largest = max(weights)  # all in proportion to it, so that no sum of them overflows or is lost
            weights = array("d", (weight / largest for weight in weights))
            labels = labels.of_weighty_rows(weights)
        if self.class_weight is None:
            return labels, weights
        if labels.multilabel:
            raise ValueError("class_weight is for one label a row; for a 0/1 matrix as y use sample_weight")
        factors = self._class_factors(labels, weights)
        factors = [factor / max(factors) for factor in factors]
        of_rows = map(factors.__getitem__, labels.flat_codes())
        if weights is None:
            return labels, array("d", of_rows)
        return labels, array("d", (weight * factor for weight, factor in zip(weights, of_rows, strict=True)))

    def _class_factors(self, labels: Labels, weights: Numbers | None) -> list[float]:
        if isinstance(self.class_weight, str):  # "balanced"
            totals = labels.class_weights(weights)
            return [sum(totals) / (len(totals) * total) for total in totals]
        unknown = [label for label in self.class_weight if label not in labels.classes]
        if unknown:
            raise ValueError(f"class_weight names {named(unknown[0])}, which is no label in y: leave it out")
        return [positive_number(self.class_weight.get(label, 1.0), f"class_weight[{named(label)}]") for label in labels.classes]

    def _last_coefficients(self, objective: Objective, labels: Labels) -> Numbers:
        last = self._known()
        if (last.labels.classes, last.n_outputs, last.n_inputs, last.intercept) != (
            labels.classes,
            objective.n_outputs,
            objective.n_inputs,
            objective.intercept,
        ):
            raise ValueError(
                "warm_start goes on from a fit with the same classes, number of columns and fit_intercept, which the last one "
                "had not: set warm_start=False to start anew"
            )
        return last.coefficients[:]


class NotFittedError(AttributeError, ValueError):
    """A model was asked before it was fitted."""


_DEFAULTS: dict[str, Any] = dict(Perceptron.__init__.__kwdefaults__)  # type: ignore[arg-type]


def _start(objective: Objective, labels: Labels, weights: Numbers | None) -> Numbers:
    """All 0, but for the intercepts if the loss knows which are best without columns."""
    start = array("d", bytes(8 * objective.size))
    if objective.intercept and objective.loss.initial_intercepts and not labels.multilabel:
        intercepts = objective.loss.initial_intercepts(labels.class_weights(weights))
        start[objective.width - 1 :: objective.width] = array("d", intercepts)
    return start


def _best_solver(objective: Objective) -> str:
    """Newton's where a Hessian is little work, or with lasso, which needs it; else L-BFGS."""
    little = objective.n_outputs == 1 and objective.n_rows * objective.width**2 <= _LITTLE_WORK
    return "newton" if little or objective.l1 else "lbfgs"

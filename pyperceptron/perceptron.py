"""Perceptron: a linear classifier, logistic or softmax regression, trained to the exact optimum."""

from __future__ import annotations

import os
from math import fsum  # sum() rounds differently since Python 3.12

from pyperceptron.backends import CHOICES, backend_at_hand, backend_name, backend_of, partial_sums
from pyperceptron.checks import (
    named,
    nonnegative_number,
    one_of,
    positive_number,
    thread_count,
    true_or_false,
    whole_number,
)
from pyperceptron.exceptions import NotFittedError
from pyperceptron.model_file import Stored, from_value, to_value
from pyperceptron.parameters import Parameters, parameters_of
from pyperceptron.samples import read_sample_weights
from pyperceptron.stored_model import fields_of, model_of
from pyperceptron.vectors import as_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Self

    from pyperceptron.backends import RowPredictor
    from pyperceptron.exports.description import Description
    from pyperceptron.model import FittedModel
    from pyperceptron.model_file import Fields

_SOLVERS = ("auto", "gd", "lbfgs", "newton")
_MOST_STEPS = 2**63 - 1
_OF_ONE_ROW = ("predict_one", "predict_proba_one")


class Perceptron(Parameters, Stored, kind="Perceptron"):
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
    verbose        whether to say on standard error how far the training has come

    A subclass may add parameters of its own to __init__, and may override any method; scikit-learn takes it as a classifier.
    """

    _estimator_type = "classifier"  # for scikit-learn before 1.6; later ones ask for __sklearn_tags__
    _fitted: FittedModel | None = None
    _predictor: RowPredictor | None = None

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
        self._check_parameters()

    @classmethod
    def from_coefficients(
        cls, coef: Any, intercept: Any = 0.0, classes: Any = (0, 1), *, feature_names: Any = None, **params: Any
    ) -> Self:
        """Return a model of known numbers, such as a published score or another program's; it predicts as after a fit.

        >>> model = Perceptron.from_coefficients([0.5, 2.0], -1.0, ["no", "yes"])
        >>> model.predict([[1, 1], [0, 0]])
        ['yes', 'no']

        coef           a row for each class, or for two classes only that of the second, which may be flat
        intercept      a number for each row, or one for all
        classes        the labels, in the order that classes_ will have
        feature_names  the names of the columns, which are then checked as after a fit with a data frame
        params         as those of the constructor: with loss="log_loss" probabilities are those of a sigmoid or, for three
                       classes or more, of the softmax

        `solver_` is "none", `n_iter_` 0, and `history_` and `findings_` are empty.
        """
        from pyperceptron.coefficients import known_model  # here, as few programs need it

        model = cls(**params)
        backend = backend_name(model.backend)
        intercepts = bool(model.fit_intercept)
        model._set_fitted(known_model(backend, coef, intercept, classes, feature_names, model.loss, intercepts))
        return model

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the optimal coefficients for n_samples × n_features numbers and a label for each row; return the model.

        sample_weight  a number for each row, 0 or more; a row of weight 2 counts as two, one of weight 0 as none

        Raises ValueError or TypeError for bad input and FloatingPointError if the Hessian overflows. An exception leaves the
        model as it was; but Ctrl-C keeps the coefficients of the last step, and a TrainingWarning that a filter makes an error
        those of this fit.
        """
        from pyperceptron.fitting import fit  # here, as a program that only predicts never needs it

        fit(self, X, y, sample_weight)
        return self

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

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of what predict_proba returns: finite and exact also where a probability rounds to 0 or 1."""
        return self._require_fitted().log_probabilities(X)

    def decision_function(self, X: Any) -> Any:
        """Return the logits X·coef_ᵀ + intercept_: n_samples numbers for two classes, else n_samples × n_outputs."""
        return self._require_fitted().logits(X)

    def predict_one(self, x: Any) -> Any:
        """Return the label of a single row: a flat sequence, or a mapping from column names; the same as `predict` gives."""
        return self._row_predictor().predict_one(x)

    def predict_proba_one(self, x: Any) -> tuple[float, ...]:
        """Return the probabilities of a single row in the order of classes_, the same as `predict_proba` gives."""
        return self._row_predictor().predict_proba_one(x)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the (weighted) fraction of rows predicted correctly; if y is a 0/1 matrix, in every column.

        Raises ValueError if no label of y is one of classes_.
        """
        from pyperceptron.labels import label_list  # here, as a program that only predicts never needs it
        from pyperceptron.metrics import are_correct

        predicted = self.predict(X)
        predicted = as_list(predicted) if hasattr(predicted, "tolist") else predicted
        correct = are_correct(predicted, label_list(y, len(predicted)), self._require_fitted().classes)
        if sample_weight is None:
            return sum(correct) / len(correct)
        weights = read_sample_weights(sample_weight, len(correct), backend_of(self.backend_))
        return fsum(weight for weight, is_correct in zip(weights, correct, strict=True) if is_correct) / fsum(weights)

    def report(self, path: str | os.PathLike[str], X: Any = None, y: Any = None) -> None:
        """Write one HTML file about this model: its findings, weights by size, and training; it needs no network.

        X, y  rows and their labels, those of the training or others: then the file also says what the columns hold, and how
              well the model answers: the measures of `pyperceptron evaluate`, a confusion matrix and a calibration chart

        Raises ValueError and TypeError as `score` does, NotFittedError before fit, and OSError if the file cannot be written.
        """
        from pyperceptron.report.model import write_model_page  # only here, as few programs need it

        if (X is None) is not (y is None):
            raise ValueError(f"{'y' if y is None else 'X'} is None; expected X and y together, or neither")
        write_model_page(path, self, X, y)

    def export(self, target: str, prefix: str = "model") -> str:
        """Return source text that predicts as this model does, to rounding, and needs no package.

        target  "python": predict_proba(row) and predict(row); "javascript": a module with predictProba(row) and predict(row);
                "c", for C and C++: PREFIX_predict_proba(row, probabilities) and PREFIX_predict(row), an index into
                PREFIX_classes; "c-header": what PREFIX.h holds
        prefix  of the names in C

        A row holds raw values, as those of predict_one: texts too. Python and JavaScript also take a mapping from the names of
        the columns where there are texts or fills; C then takes a struct PREFIX_row with a field for each column.

        Raises ValueError if the language cannot hold a label or a text, and NotFittedError before fit.
        """
        from pyperceptron.exports import export  # only here, as few programs need it

        return export(self._description(), target, prefix)

    def to_onnx(self) -> bytes:
        """Return an ONNX model in double precision: input "X", rows × columns; outputs "label" and "probabilities".

        If columns of texts, or with missing numbers, became numbers, X holds these numbers, in the order of coef_names_. Needs
        the package onnx, as the extra "onnx" installs; ImportError without. Raises ValueError if the labels are not all
        texts, whole numbers, floats or truth values, and NotFittedError before fit.
        """
        from pyperceptron.exports.onnx import to_onnx

        return to_onnx(self._description())

    def _description(self) -> Description:
        from pyperceptron.exports.description import Description

        model = self._require_fitted()
        return Description(
            model.coefficients,
            model.n_outputs,
            model.n_inputs,
            model.activation,
            partial_sums(model.backend, model.n_inputs, model.n_outputs),
            labels=None if model.classes.multilabel else model.classes.labels,
            multilabel=model.classes.multilabel,
            names=model.names,
            columns=None if model.encoding is None else model.encoding.columns,
        )

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
        """The number of columns of X in fit, as given."""
        return self._require_fitted().n_columns

    @property
    def feature_names_in_(self) -> list[Hashable]:
        """The names of the columns in fit; AttributeError if X was no data frame."""
        names = self._require_fitted().names
        if names is None:
            raise AttributeError("the model was fitted without column names: fit it with a data frame")
        return list(names)

    @property
    def encoding_(self) -> list[dict[str, Any]] | None:
        """How columns of texts and missing values became numbers: a record for each column of X; None if all are numbers."""
        encoding = self._require_fitted().encoding
        return None if encoding is None else encoding.as_fields()

    @property
    def coef_names_(self) -> list[str]:
        """What each weight belongs to: "age" is a column of numbers, "work=Private" the rows in which `work` is "Private"."""
        return self._require_fitted().coef_names

    @property
    def backend_(self) -> str:
        """The name of the backend that ran the fit and makes the predictions."""
        return self._require_fitted().backend

    @property
    def solver_(self) -> str:
        """The name of the solver that ran; "none" for a model from_coefficients."""
        return self._require_fitted().record.solver

    @property
    def n_iter_(self) -> int:
        """The number of steps made."""
        return self._require_fitted().record.n_iter

    @property
    def history_(self) -> list[dict[str, float]]:
        """A list of dictionaries of numbers, one of the start and one of each step.

        iteration      0 for the start
        objective      J, which is loss + penalty
        loss, penalty  the mean loss of the samples, and what l2 and l1 add
        gradient_norm  what `tol` bounds: the largest component of J's gradient, on standardised columns
        step_size      how much of its direction the step went: of the gradient for "gd", else of a Newton step; 0 for the
                       start, and where no direction was followed
        passes         how often the samples were gone through until then
        seconds        since the training began, with the data read; a model file leaves them out

        `pyperceptron.svg.curve(model)` and `pyperceptron.plot.loss_curve(model)` draw it.
        """
        return self._require_fitted().record.history

    @property
    def findings_(self) -> list[str]:
        """Sentences about the training that its user should know; empty if all is well."""
        return self._require_fitted().record.findings[:]

    def _require_fitted(self) -> FittedModel:
        if self._fitted is None:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit(X, y) first")
        return self._fitted

    def _row_predictor(self) -> RowPredictor:
        self._require_fitted()
        assert self._predictor is not None
        return self._predictor

    def _set_fitted(self, fitted: FittedModel | None) -> None:
        if fitted is None:
            for name in ("_fitted", "_predictor", *_OF_ONE_ROW):
                self.__dict__.pop(name, None)
            return
        predictor = fitted.picklable_row_predictor()
        # The predictor's bound methods shadow those of this class: delegating would double the time of a call.
        kind = type(self)
        shadows = {name: getattr(predictor, name) for name in _OF_ONE_ROW if getattr(kind, name) is getattr(Perceptron, name)}
        self.__dict__.update(_fitted=fitted, _predictor=predictor, **shadows)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_predictor", *_OF_ONE_ROW)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpickle: resolve the requested backend again, as this machine may lack it, and `backend_` says which it is."""
        self.__dict__.update(state)
        if self._fitted is not None:
            self._set_fitted(self._fitted.with_backend(backend_at_hand(self.backend)))

    def _fields(self) -> dict[str, Any]:
        """Return what a model file holds: the parameters of this class but for the callback, and the fitted model."""
        fitted = self._require_fitted()
        values = {name: getattr(self, name) for name in _STORED}
        for name in ("l2", "l1", "tol"):
            values[name] = float(values[name])
        for name in ("fit_intercept", "standardize", "warm_start", "verbose"):
            values[name] = bool(values[name])
        values["max_iter"] = whole_number(values["max_iter"], "max_iter", 1, _MOST_STEPS)
        values["threads"] = thread_count(values["threads"])
        if values["learning_rate"] is not None:
            values["learning_rate"] = float(values["learning_rate"])
        if values["class_weight"] is not None and not isinstance(values["class_weight"], str):
            weights = values["class_weight"].items()
            values["class_weight"] = [[to_value(label, "the label"), _factor(label, factor)] for label, factor in weights]
        return {"parameters": values} | fields_of(fitted)

    @classmethod
    def _from_fields(cls, fields: Fields) -> Self:
        parameters = fields.fields("parameters")
        values = {name: parameters.take(name) for name in _STORED}
        parameters.refuse_others()
        backend = parameters.one_of("backend", CHOICES)
        try:
            if isinstance(values["class_weight"], list):
                weights = [(from_value(label, "a label"), factor) for label, factor in values["class_weight"]]
                values["class_weight"] = {label: _factor(label, factor) for label, factor in weights}
            model = cls(**values | {"backend": "auto"})
        except (TypeError, ValueError) as error:
            raise ValueError(f"the model file's 'parameters' cannot be used: {error}") from None
        model.backend = backend
        model._set_fitted(model_of(fields, backend_at_hand(backend)))
        return model

    def _repr_svg_(self) -> str:
        """What a notebook shows: the neurons and the curve of the fit, or the parameters before one."""
        from pyperceptron.svg import picture

        return picture(self)

    _repr_html_ = _repr_svg_  # an SVG may stand in HTML, where its text can be selected

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted is not None

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags  # type: ignore

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True, multi_output=True),
            classifier_tags=ClassifierTags(multi_label=True),
            transformer_tags=None,
            regressor_tags=None,
            input_tags=InputTags(),
        )

    def _check_parameters(self) -> None:
        one_of(self.loss, "loss", ("log_loss", "squared_error"))
        one_of(self.targets, "targets", ("labels", "probabilities"))
        one_of(self.solver, "solver", _SOLVERS)
        for name in ("l2", "l1", "tol"):
            nonnegative_number(getattr(self, name), name)
        for name in ("fit_intercept", "standardize", "warm_start", "verbose"):
            true_or_false(getattr(self, name), name)
        whole_number(self.max_iter, "max_iter", 1, _MOST_STEPS)
        thread_count(self.threads)
        if self.learning_rate is not None:
            positive_number(self.learning_rate, "learning_rate")
        if isinstance(self.class_weight, str):
            known = self.class_weight == "balanced"
        else:
            known = self.class_weight is None or callable(getattr(self.class_weight, "items", None))
        if not known:
            raise ValueError(f"class_weight is {named(self.class_weight)}; expected None, 'balanced' or a mapping from labels")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {named(self.callback)}; expected a function of the model and the iteration, or None")
        backend_name(self.backend)


_STORED = [name for name in parameters_of(Perceptron) if name != "callback"]


def _factor(label: Any, factor: Any) -> float:
    return positive_number(factor, f"class_weight[{named(label)}]")


def _read_only(name: str) -> Callable[[Perceptron, object], None]:
    def refuse(model: Perceptron, value: object) -> None:
        raise AttributeError(
            f"{name} cannot be set; expected a fit to make it: for a model of known numbers use "
            "Perceptron.from_coefficients(coef, intercept, classes)"
        )

    return refuse


if not TYPE_CHECKING:  # a type checker refuses the assignment itself
    for _name in ("coef_", "intercept_", "classes_", "n_features_in_", "feature_names_in_"):
        setattr(Perceptron, _name, getattr(Perceptron, _name).setter(_read_only(_name)))


def _import_before_a_fork() -> None:
    """Import what a fit needs, as a child forked while another thread imports it would wait for that thread for ever."""
    import pyperceptron.fitting  # noqa: F401


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_import_before_a_fork)

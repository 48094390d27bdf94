"""The reference backend: readable Python that specifies every compiled function."""

from pyperceptron.backends.python.by_columns import coordinate_descent_by_columns
from pyperceptron.backends.python.lesson import lesson, train
from pyperceptron.backends.python.linear_algebra import (
    add_in_tree,
    add_scaled,
    capacitance,
    centre_gradient,
    cholesky,
    cholesky_solve,
    column_norms,
    coordinate_descent,
    deviations,
    divide_standardised,
    dot,
    largest_ratio,
    max_scaled_gradient,
    middle_of_nine,
    minimum_norm_subgradients,
    reduce_objective,
    scale,
)
from pyperceptron.backends.python.linear_loss import LinearLoss, pickled_loss, systematic_sample
from pyperceptron.backends.python.prediction import RowPredictor, first_outside, log_probabilities, predict, predicted_classes
from pyperceptron.seeding import uniform_weights

__all__ = [
    "LinearLoss",
    "RowPredictor",
    "add_in_tree",
    "add_scaled",
    "capacitance",
    "centre_gradient",
    "cholesky",
    "cholesky_solve",
    "column_norms",
    "coordinate_descent",
    "coordinate_descent_by_columns",
    "deviations",
    "divide_standardised",
    "dot",
    "first_outside",
    "largest_ratio",
    "lesson",
    "log_probabilities",
    "max_scaled_gradient",
    "middle_of_nine",
    "minimum_norm_subgradients",
    "pickled_loss",
    "predict",
    "predicted_classes",
    "reduce_objective",
    "scale",
    "systematic_sample",
    "train",
    "uniform_weights",
]

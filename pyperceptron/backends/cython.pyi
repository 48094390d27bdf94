"""The compiled backend has the signatures of the reference, which says what each function does."""

from pyperceptron.backends.python import LinearLoss as LinearLoss
from pyperceptron.backends.python import RowPredictor as RowPredictor
from pyperceptron.backends.python import add_in_tree as add_in_tree
from pyperceptron.backends.python import add_scaled as add_scaled
from pyperceptron.backends.python import capacitance as capacitance
from pyperceptron.backends.python import centre_gradient as centre_gradient
from pyperceptron.backends.python import cholesky as cholesky
from pyperceptron.backends.python import cholesky_solve as cholesky_solve
from pyperceptron.backends.python import column_norms as column_norms
from pyperceptron.backends.python import coordinate_descent as coordinate_descent
from pyperceptron.backends.python import coordinate_descent_by_columns as coordinate_descent_by_columns
from pyperceptron.backends.python import deviations as deviations
from pyperceptron.backends.python import divide_standardised as divide_standardised
from pyperceptron.backends.python import dot as dot
from pyperceptron.backends.python import first_outside as first_outside
from pyperceptron.backends.python import largest_ratio as largest_ratio
from pyperceptron.backends.python import log_probabilities as log_probabilities
from pyperceptron.backends.python import max_scaled_gradient as max_scaled_gradient
from pyperceptron.backends.python import middle_of_nine as middle_of_nine
from pyperceptron.backends.python import minimum_norm_subgradients as minimum_norm_subgradients
from pyperceptron.backends.python import predict as predict
from pyperceptron.backends.python import predicted_classes as predicted_classes
from pyperceptron.backends.python import reduce_objective as reduce_objective
from pyperceptron.backends.python import scale as scale
from pyperceptron.backends.python import systematic_sample as systematic_sample
from pyperceptron.backends.python import train as train
from pyperceptron.backends.python import uniform_weights as uniform_weights

instruction_set: str

def instruction_sets() -> tuple[str, ...]: ...

"""A layer of sigmoid neurons and a linear classifier, each with a reference backend to read and a compiled one."""

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.backends import available_backends
from pyperceptron.csv_table import read_csv
from pyperceptron.exceptions import NotFittedError, TrainingWarning
from pyperceptron.layer import SigmoidLayer, Step
from pyperceptron.matrix import Matrix
from pyperceptron.model_file import from_json, load
from pyperceptron.perceptron import Perceptron
from pyperceptron.table import Table

__version__ = "0.1.0"

__all__ = [
    "Matrix",
    "NotFittedError",
    "Perceptron",
    "SigmoidLayer",
    "Step",
    "Table",
    "TrainingWarning",
    "__version__",
    "available_backends",
    "from_json",
    "load",
    "read_csv",
    "sigmoid",
    "sigmoid_derivative",
]

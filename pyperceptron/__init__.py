"""A sigmoid layer and a classifier, each twice: a reference to read and a compiled twin that flies, behind one interface."""

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.backends import available_backends
from pyperceptron.findings import TrainingWarning
from pyperceptron.layer import SigmoidLayer, Step
from pyperceptron.matrix import Matrix
from pyperceptron.perceptron import Perceptron

__version__ = "0.1.0"

__all__ = [
    "Matrix",
    "Perceptron",
    "SigmoidLayer",
    "Step",
    "TrainingWarning",
    "__version__",
    "available_backends",
    "sigmoid",
    "sigmoid_derivative",
]

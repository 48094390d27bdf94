"""A sigmoid layer twice: a reference to read and a compiled twin that flies, behind one interface."""

from pyperceptron.activations import sigmoid, sigmoid_derivative
from pyperceptron.backends import available_backends
from pyperceptron.layer import SigmoidLayer, Step
from pyperceptron.matrix import Matrix

__version__ = "0.1.0"

__all__ = ["Matrix", "SigmoidLayer", "Step", "__version__", "available_backends", "sigmoid", "sigmoid_derivative"]

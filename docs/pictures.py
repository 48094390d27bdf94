"""Write the pictures of the README: `python docs/pictures.py`, after a change of what they show."""

from pathlib import Path

import pyperceptron as pp
from pyperceptron import svg


def pictures(backend="auto"):
    """Return the pictures by the name of their file."""
    inputs, targets = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]
    layer = pp.SigmoidLayer(3, seed=1, backend=backend).train(inputs, targets, 20_000)
    return {"neuron.svg": svg.neuron(layer, [1, 0, 0]), "curve.svg": svg.curve(layer)}


if __name__ == "__main__":
    for name, picture in pictures().items():
        (Path(__file__).parent / name).write_text(picture, encoding="utf-8")

"""Write the pictures of the README and the guides: `python docs/pictures.py`, after a change of what they show."""

from pathlib import Path

import pyperceptron as pp
from pyperceptron import svg
from pyperceptron.drawing import Drawing

INPUTS, TARGETS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], [0, 1, 1, 0]


def pictures(backend="auto"):
    """Return the pictures of the README by the name of their file."""
    layer = pp.SigmoidLayer(3, seed=1, backend=backend).train(INPUTS, TARGETS, 20_000)
    return {"neuron.svg": svg.neuron(layer, [1, 0, 0]), "curve.svg": svg.curve(layer)}


def guide_pictures(backend="auto"):
    """Return the pictures that only the guides have, by the name of their file."""
    layer = pp.SigmoidLayer(3, seed=1, backend=backend)
    start = svg.neuron(layer, [1, 1, 1])
    before = weighted_sums(layer)
    after = weighted_sums(layer.train(INPUTS, TARGETS, 20_000))
    return {"neuron-start.svg": start, "sigmoid.svg": sigmoid_picture(before, after)}


def weighted_sums(layer):
    return [total for [total] in pp.Matrix(INPUTS) @ pp.Matrix(layer.weights)]


def sigmoid_picture(before, after):
    """Return the sigmoid and its slope from -7 to 7, with a dot at each weighted sum before training and a ring after it."""
    drawing = Drawing(760)
    drawing.height = 322
    left, right, top, bottom = 70, 720, 64, 264

    def at(x, y):
        return left + (x + 7) / 14 * (right - left), bottom - y * (bottom - top)

    drawing.text(24, 36, "The sigmoid and its slope", "text strong")
    for y in (0, 0.25, 0.5, 0.75, 1):
        drawing.line(*at(-7, y), *at(7, y), "axis" if y == 0 else "line")
        drawing.text(left - 10, at(0, y)[1] + 4, f"{y:g}", "muted end")
    for x in range(-6, 7, 2):
        drawing.line(*at(x, 0), at(x, 0)[0], bottom + 5, "axis")
        drawing.text(at(x, 0)[0], bottom + 20, f"{x}", "muted middle")
    places = [tenth / 10 for tenth in range(-70, 71)]
    drawing.path([at(x, pp.sigmoid_derivative(pp.sigmoid(x))) for x in places], "down")
    drawing.path([at(x, pp.sigmoid(x)) for x in places])
    for kind, sums in (("dot", before), ("node", after)):
        for x in sums:
            drawing.circle(*at(x, pp.sigmoid(x)), 4, kind)
    drawing.text(*at(1.4, 0.6), "output = sigmoid of the weighted sum")
    drawing.text(*at(1.7, 0.17), "slope = output x (1 - output)", "down-text")
    drawing.text(left, bottom + 42, "Dots: the four examples before training. Rings: after 20,000 iterations.", "muted")
    return drawing.picture("The sigmoid rises from 0 to 1 and is 0.5 at 0; its slope is 0.25 at 0 and near 0 far from it.")


if __name__ == "__main__":
    for name, picture in {**pictures(), **guide_pictures()}.items():
        (Path(__file__).parent / name).write_text(picture, encoding="utf-8")

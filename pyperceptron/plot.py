"""Plots with matplotlib: the loss curve, the weights, and the decision boundary of two features.

Each function draws into `ax`, or into a new figure, and returns a Display; none calls show().
"""

from __future__ import annotations

from pyperceptron.backends import backend_of
from pyperceptron.checks import counted
from pyperceptron.curves import Curve
from pyperceptron.encoding import read_samples
from pyperceptron.labels import label_list
from pyperceptron.neurons import Neurons
from pyperceptron.samples import read_layer_targets
from pyperceptron.vectors import as_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Display", "decision_boundary", "loss_curve", "weights"]

_POSITIVE, _NEGATIVE = "#0b62b0", "#ad5006"
_FORMS = "osD^vP*X"  # of the points of each label
_MOST_NAMED = 10  # labels in a legend
_GRID = 200  # points along an axis, at which a boundary is computed
_MARGIN = 0.1  # of the range of the points, around them


class Display:
    """What a function of this module drew.

    ax_, figure_  the axes and their figure
    artists_      what was drawn, by matplotlib's names: "line", "bars", "points", "regions", "boundary"
    """

    def __init__(self, ax: Any, artists: dict[str, Any]) -> None:
        self.ax_, self.figure_, self.artists_ = ax, ax.figure, artists


def loss_curve(model: Any, *, ax: Any = None) -> Display:
    """Plot the last training: the objective at each step of a Perceptron, or the loss of a SigmoidLayer at its iterations.

    model  or its history itself, the list. Raises ValueError if there was no training.
    """
    curve = Curve(model)
    ax = _axes(ax)
    [line] = ax.plot(curve.steps, curve.values, color=_POSITIVE, marker="o" if len(curve.steps) <= 40 else None, markersize=4)
    ax.set_xlabel("step" if curve.name == "objective" else "iteration")
    ax.set_ylabel(curve.name)
    if curve.is_long:
        ax.set_xscale("log" if curve.steps[0] > 0 else "symlog")
    if curve.falls_far:
        ax.set_yscale("log")
    return Display(ax, {"line": line})


def weights(model: Any, *, output: Any = None, top: int = 20, per_deviation: bool | None = None, ax: Any = None) -> Display:
    """Plot the weights of an output as bars with their names, the largest first, without the bias.

    output         a label of the Perceptron or the number of an output of the layer; may be left out if there is one output
    top            how many weights
    per_deviation  whether to plot each weight times the standard deviation of its column in the training, so that columns in
                   different units compare; None for where that is known
    """
    neurons = Neurons(model)
    number = _output_number(model, neurons, output)
    if per_deviation is None:
        per_deviation = neurons.deviations is not None
    elif per_deviation and neurons.deviations is None:
        raise ValueError("the standard deviations of the columns are not known: leave out per_deviation")
    if not per_deviation:
        neurons.deviations = None
    places = neurons.largest(number, top)
    factors = neurons.deviations or [1.0] * len(neurons.inputs)
    values = [neurons.weights[number][place] * factors[place] for place in places]
    ax = _axes(ax)
    colours = [_POSITIVE if value >= 0 else _NEGATIVE for value in values]
    bars = ax.barh(range(len(places)), values, color=colours, hatch=["" if value >= 0 else "//" for value in values])
    ax.set_yticks(range(len(places)), [_plain(neurons.inputs[place]) for place in places])
    ax.invert_yaxis()
    ax.axvline(0.0, color="0.4", linewidth=0.8)
    ax.set_xlabel("weight per standard deviation" if per_deviation else "weight")
    ax.set_title(_plain(neurons.outputs[number]))
    return Display(ax, {"bars": bars})


def decision_boundary(model: Any, X: Any, y: Any = None, *, ax: Any = None) -> Display:
    """Plot the points X of two features, and what the model answers around them.

    For two classes, or a layer of one output, the colour is the probability and the line where it is one half; for more, the
    colour is the label that is predicted.

    X  n_samples × 2 numbers
    y  the label or target of each row, which gives its point a colour; None for points without
    """
    import numpy

    neurons = Neurons(model)
    _refuse_other_planes(model, neurons)
    samples, _ = read_samples(X)
    points = numpy.array(as_list(samples.view), dtype=float)
    if points.shape[1] != 2 or not numpy.isfinite(points).all():
        raise ValueError(f"X has {counted(points.shape[1], 'column')}; expected two columns of finite numbers")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = numpy.where(high > low, high - low, 1.0) * _MARGIN
    across, up = (numpy.linspace(low[j] - margin[j], high[j] + margin[j], _GRID) for j in (0, 1))
    grid = numpy.array([[right, above] for above in up for right in across])
    ax = _axes(ax)
    how = {"alpha": 0.4, "shading": "nearest", "vmin": 0, "linewidth": 0}
    if len(neurons.outputs) == 1:
        found = model.forward(grid)[:, 0] if neurons.is_layer else model.predict_proba(grid)[:, 1]
        levels, colours, highest = [0.5], _two_colours(), 1
    else:
        found = model.decision_function(grid).argmax(axis=1)
        highest = len(neurons.outputs) - 1
        levels, colours = [at + 0.5 for at in range(highest)], "cividis"
    found = found.reshape(_GRID, _GRID)
    artists = {"regions": ax.pcolormesh(across, up, found, cmap=colours, vmax=highest, **how)}
    if any(found.min() < level < found.max() for level in levels):
        artists["boundary"] = ax.contour(across, up, found, levels=levels, colors="0.2", linewidths=1.2)
    artists["points"] = _draw_points(ax, model, neurons, points, y, colours)
    ax.set_xlabel(_plain(neurons.inputs[0]))
    ax.set_ylabel(_plain(neurons.inputs[1]))
    return Display(ax, artists)


def _refuse_other_planes(model: Any, neurons: Neurons) -> None:
    """Raise ValueError if the answers of a model cannot be shown in a plane."""
    if len(neurons.inputs) != 2:
        raise ValueError(f"the model has {counted(len(neurons.inputs), 'input')}; expected two, as a plane has two axes")
    if not neurons.is_layer and model._fitted.encoding is not None:
        raise ValueError("the model has columns of texts or with missing numbers; expected two columns of numbers")
    if len(neurons.outputs) > 1 and (neurons.is_layer or model._fitted.classes.multilabel):
        raise ValueError(f"the model has {len(neurons.outputs)} independent outputs; expected one output, or classes")


def _two_colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("pyperceptron", [_NEGATIVE, "#ffffff", _POSITIVE])


def _draw_points(ax: Any, model: Any, neurons: Neurons, points: Any, y: Any, colours: Any) -> list[Any]:
    """Draw the points: those of each label in a colour and a form of their own, those with a number in its colour."""
    from matplotlib import colormaps

    across, up = points[:, 0], points[:, 1]
    how = {"edgecolor": "white", "linewidth": 0.8, "s": 36}
    if y is None:
        return [ax.scatter(across, up, color="0.2", **how)]
    if neurons.is_layer or model.targets == "probabilities":
        if len(neurons.outputs) > 1:
            raise ValueError("y holds several probabilities a row; expected one: leave y out")
        values = read_layer_targets(y, len(points), 1, backend_of(model.backend if neurons.is_layer else model.backend_))
        numbers = as_list(values.as_float64())
        return [ax.scatter(across, up, c=numbers, cmap=colours, vmin=0, vmax=1, **how | {"edgecolor": "0.2"})]
    labels, classes = label_list(y, len(points)), list(model.classes_)
    unknown = [label for label in labels if label not in classes]
    if unknown:
        raise ValueError(f"y holds {unknown[0]!r}, which is no class of the model: give labels that it was fitted with")
    chosen = colormaps[colours] if isinstance(colours, str) else colours
    drawn = []
    for place, label in enumerate(classes):
        own = [number for number, other in enumerate(labels) if other == label]
        if own:
            style = {"color": chosen(place / (len(classes) - 1)), "marker": _FORMS[place % len(_FORMS)]}
            drawn.append(ax.scatter(across[own], up[own], label=_plain(str(label)), **style, **how))
    if len(drawn) <= _MOST_NAMED:
        ax.legend()
    return drawn


def _output_number(model: Any, neurons: Neurons, output: Any) -> int:
    if output is None:
        if len(neurons.outputs) > 1:
            raise ValueError(
                f"the model has {len(neurons.outputs)} outputs; say which, as output={_known(model, neurons)[0]!r}"
            )
        return 0
    known = _known(model, neurons)
    if output not in known:
        raise ValueError(f"output is {output!r}; expected one of {', '.join(map(repr, known[:20]))}")
    return known.index(output)


def _known(model: Any, neurons: Neurons) -> list[Any]:
    """Return what `output` may be: labels, of two classes the second, or numbers."""
    if neurons.is_layer:
        return list(range(len(neurons.outputs)))
    classes = model._fitted.classes
    return list(classes.labels[1:] if classes.kind == "binary" else classes.labels)


def _plain(text: str) -> str:
    """Return a text in which a dollar is a dollar: matplotlib would read formulas between two."""
    return text.replace("$", r"\$")


def _axes(ax: Any) -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("pyperceptron.plot needs matplotlib: pip install 'pyperceptron-core[plot]'") from None
    return plt.subplots()[1] if ax is None else ax

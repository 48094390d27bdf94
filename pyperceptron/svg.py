"""Pictures in SVG, without another package: neurons with their weights, the curve of a training, parameters."""

from __future__ import annotations

from math import exp, log10

from pyperceptron.checks import counted
from pyperceptron.curves import Curve
from pyperceptron.drawing import Drawing, clipped, decimals, powers_of_ten, round_ticks, text_width
from pyperceptron.neurons import Neurons

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyperceptron.drawing import Picture

__all__ = ["curve", "neuron", "picture"]

_MOST_INPUTS, _MOST_OUTPUTS = 12, 10
_MARGIN = 24
_WIDTH = 760  # of a picture of one neuron, or a curve
_PANEL = 560  # of each of several neurons
_MOST_DOTS = 40


def neuron(model: Any, row: Any = None) -> Picture:
    """Return a picture of a SigmoidLayer or a fitted Perceptron: inputs, weights, bias, sum, sigmoid and output of each neuron.

    row  what to ask: numbers as for predict_one, or a mapping by name; the picture then shows the answer with its numbers

    The width of a line is the size of its weight, times the standard deviation of the input in the training if that is known.
    Of more than 12 inputs or 10 outputs those with the largest weights are shown, and a note says so.
    """
    drawing = Drawing(_WIDTH)
    label = _draw_neurons(drawing, model, row)
    return drawing.picture(label)


def curve(model: Any) -> Picture:
    """Return a picture of the last training: J at each step of a Perceptron, or the loss of a SigmoidLayer.

    model  or its history itself, the list. Raises ValueError if there was no training.
    """
    drawing = Drawing(_WIDTH)
    label = _draw_curve(drawing, Curve(model))
    return drawing.picture(label)


def picture(model: Any) -> Picture:
    """Return what a notebook shows of a layer or model: neurons and curve, or its parameters if it is not fitted."""
    drawing = Drawing(_WIDTH)
    is_layer = model._kind == "SigmoidLayer"
    if not is_layer and model._fitted is None:
        return drawing.picture(_draw_parameters(drawing, model))
    label = _draw_neurons(drawing, model, None)
    history = model.history if is_layer else model.history_
    if len(history) > 1:
        drawing.height -= _MARGIN / 2
        label += f" {_draw_curve(drawing, Curve(history))}"
    return drawing.picture(label)


def _draw_neurons(drawing: Drawing, model: Any, row: Any) -> str:
    """Draw all neurons below what is there, and return what the picture says, in words."""
    from textwrap import wrap

    neurons = Neurons(model)
    answers = None if row is None else neurons.answers(row)
    outputs = list(range(len(neurons.outputs)))
    if len(outputs) > _MOST_OUTPUTS:
        outputs = sorted(sorted(outputs, key=lambda output: -max(neurons.sizes(output)))[:_MOST_OUTPUTS])
    shown = {output: sorted(neurons.largest(output, _MOST_INPUTS)) for output in outputs}
    largest = max(max(neurons.sizes(output)) for output in outputs) or 1.0
    title = _title(model, neurons)
    top = drawing.height + _MARGIN + 12
    short = clipped(title, 80)
    drawing.text(_MARGIN, top, short, "text strong", title if short != title else "")
    top += 20
    if len(outputs) > 1:
        drawing.width = 2 * _PANEL
    bottom = top
    for place, output in enumerate(outputs):
        column = place % 2
        panel = _Panel(drawing, neurons, output, shown[output], largest, answers, compact=len(outputs) > 1)
        bottom = max(bottom, panel.draw(column * _PANEL, top))
        if column or place == len(outputs) - 1:
            top = bottom
    for note in _notes(neurons, shown, model):
        for line in wrap(note, int((drawing.width - 2 * _MARGIN) / 6.6)):
            bottom += 18
            drawing.text(_MARGIN, bottom, line, "muted")
    drawing.height = bottom + _MARGIN
    return _in_words(title, neurons, shown, answers)


class _Panel:
    """One neuron: its inputs one below the other, lines from them to the sum, and what becomes of it."""

    def __init__(
        self, drawing: Drawing, neurons: Neurons, output: int, shown: Sequence[int], largest: float, answers: Any, compact: bool
    ) -> None:
        self._drawing, self._neurons, self._output, self._shown = drawing, neurons, output, shown
        self._largest, self._answers, self._compact = largest, answers, compact
        self._radius = 22 if compact else 32
        self._places = 5 if compact else 8
        self._answer_width = 88 if compact else 132

    def draw(self, left: float, top: float) -> float:
        """Draw with the left edge and the top there; return the bottom."""
        drawing, biases = self._drawing, self._neurons.biases
        count = len(self._shown) + (biases is not None)
        gap = (34 if count <= 6 else 30) if self._compact else 56 if count <= 4 else 42 if count <= 8 else 34
        height = max(count * gap, 2 * self._radius + 100) + 16
        middle = top + height / 2
        places = [*self._shown, *([-1] if biases is not None else [])]  # -1 is the bias
        names = ["bias" if place < 0 else self._neurons.inputs[place] for place in places]
        longest = 20 if not self._compact else 18 if self._answers is None else 12
        shorts = [clipped(name, longest) for name in names]
        # From the left: the name, the node with its value, the level part of the line under its number, the bend, the neuron.
        name_end = left + _MARGIN + max(map(text_width, shorts))
        node = 14 if self._answers is None else 60 if self._compact else 88
        node_x = name_end + 10 + node / 2
        number_x = node_x + node / 2 + (8 if self._compact else 16)
        level_end = number_x + (58 if self._compact else 92)
        end = left + (_PANEL if self._compact else _WIDTH) - _MARGIN
        sigmoid_x = end - self._answer_width - 16 - self._radius
        sum_x = sigmoid_x - 2 * self._radius - (18 if self._compact else 40)
        for at, (place, name, short) in enumerate(zip(places, names, shorts, strict=True)):
            weight = biases[self._output] if place < 0 and biases else self._neurons.weights[self._output][place]
            size = abs(weight) if place < 0 else self._neurons.sizes(self._output)[place]
            width = 1.2 + 7.8 * min(1.0, size / self._largest)
            sign = "down" if weight < 0 else "up"
            y = middle + (at - (count - 1) / 2) * gap
            xs = node_x + node / 2, level_end, sum_x - self._radius - 12, sum_x
            drawing.bend(xs, y, middle + (y - middle) * self._radius / height, sign, width)
            drawing.text(number_x, y - width / 2 - 4, decimals(weight, self._places), f"{sign}-text")
            drawing.text(name_end, y + 4.5, short, "text end", name if short != name else "")
            if self._answers is None:
                drawing.circle(node_x, y, 7, "node")
            else:
                value = 1.0 if place < 0 else self._answers[0][place]
                drawing.pill(node_x, y, node, 26 if gap > 30 else 24)
                drawing.text(node_x, y + 4.5, f"{value:.{4 if self._compact else 7}g}", "text middle")
        self._draw_neuron(sum_x, sigmoid_x, end, middle)
        return top + height

    def _draw_neuron(self, sum_x: float, sigmoid_x: float, end: float, middle: float) -> None:
        drawing, radius, output = self._drawing, self._radius, self._output
        total = answer = None
        if self._answers is not None:
            total, answer = self._answers[1][output], self._answers[2][output]
        drawing.line(sum_x + radius, middle, end - self._answer_width, middle, "wire", 1.5)
        drawing.circle(sum_x, middle, radius, "node")
        drawing.symbol(sum_x, middle, 0x3A3)
        below = middle + radius + 17
        drawing.text(sum_x, below, "sum" if self._compact else "weighted sum", "muted middle")
        if total is not None:
            drawing.text(sum_x, below + 17, decimals(total, self._places), "text middle")
        if self._neurons.activation == "softmax":
            drawing.pill(sigmoid_x - 4, middle, 66, 2 * radius - 8)
            drawing.text(sigmoid_x - 4, middle + 4, "softmax", "muted middle")
        else:
            drawing.circle(sigmoid_x, middle, radius, "node")
            drawing.text(sigmoid_x, below, "sigmoid", "muted middle")
            self._draw_sigmoid(sigmoid_x, middle, total)
        self._draw_answer(end, middle, answer)

    def _draw_sigmoid(self, x: float, y: float, total: float | None) -> None:
        """Draw the curve from -6 to 6 around (x, y), with a dot at the weighted sum."""
        size = self._radius * 0.6

        def at(number: float) -> tuple[float, float]:
            return x + number / 6 * size, y + (1 - 2 / (1 + exp(-number))) * size

        self._drawing.path([at(number) for number in range(-6, 7)])
        if total is not None:
            self._drawing.circle(*at(max(-6.0, min(6.0, total))), 4, "dot")

    def _draw_answer(self, end: float, middle: float, answer: float | None) -> None:
        drawing, width = self._drawing, self._answer_width
        name = self._neurons.outputs[self._output]
        short = clipped(name, 12 if self._compact else 18)
        lines = [("muted", short)] if self._neurons.is_layer else [("muted", "probability of"), ("text", short)]
        title = name if short != name else ""
        if answer is not None:
            drawing.pill(end - width / 2, middle, width, 28 if self._compact else 34)
            drawing.text(end - width / 2, middle + 5, decimals(answer, self._places), "text strong middle")
        for at, (kind, line) in enumerate(reversed(lines)):
            if answer is not None:
                drawing.text(end - width / 2, middle - 24 - 16 * at, line, f"{kind} middle", title)
            else:
                drawing.text(end - width + 8, middle + 4.5 + (len(lines) - 1) * 8 - 17 * at, line, kind, title)


def _title(model: Any, neurons: Neurons) -> str:
    counts = f"{counted(len(neurons.inputs), 'input')}, {counted(len(neurons.outputs), 'output')}"
    if neurons.is_layer or model._fitted.classes.multilabel:
        return f"{type(model).__name__}: {counts}"
    labels = model._fitted.classes.labels
    listed = ", ".join(map(str, labels[:10])) + (", ..." if len(labels) > 10 else "")
    return f"{type(model).__name__}: {counted(len(neurons.inputs), 'input')}, {len(labels)} classes: {listed}"


def _notes(neurons: Neurons, shown: dict[int, list[int]], model: Any) -> list[str]:
    """Return what must be said about the picture, in lines."""
    n_inputs, n_outputs = len(neurons.inputs), len(neurons.outputs)
    notes = []
    if n_inputs > _MOST_INPUTS:
        notes.append(f"Shown are the {_MOST_INPUTS} largest of the {n_inputs:,} weights of each output.")
    if n_outputs > _MOST_OUTPUTS:
        notes.append(f"Shown are the {len(shown)} of {n_outputs:,} outputs that have the largest weights.")
    if neurons.activation == "normalized_sigmoid":
        notes.append("Each output is divided by the sum of all of them.")
    width = "a wider line, a larger weight" + (
        "" if neurons.deviations is None else ", times the standard deviation of its input"
    )
    notes.append(f"A blue line raises the output, a dashed orange one lowers it; {width}.")
    findings = getattr(model, "findings" if neurons.is_layer else "findings_")
    if findings:
        notes.append(
            f"The training has {counted(len(findings), 'finding')}: see {'findings' if neurons.is_layer else 'findings_'}."
        )
    return notes


def _in_words(title: str, neurons: Neurons, shown: dict[int, list[int]], answers: Any) -> str:
    sentences = [f"{clipped(title, 200)}."]
    for output, places in shown.items():
        weights = [f"{clipped(neurons.inputs[place], 40)} {neurons.weights[output][place]:.5g}" for place in places]
        if neurons.biases is not None:
            weights.append(f"bias {neurons.biases[output]:.5g}")
        answer = "" if answers is None else f" Weighted sum {answers[1][output]:.5g}, output {answers[2][output]:.5g}."
        sentences.append(f"Weights of {clipped(neurons.outputs[output], 40)}: {', '.join(weights)}.{answer}")
    return " ".join(sentences)


def _draw_curve(drawing: Drawing, curve: Curve) -> str:
    """Draw a curve below what is there, and return what it says, in words."""
    steps, values, name = curve.steps, curve.values, curve.name
    shift = 1 if steps[0] == 0 else 0  # a step 0 has no place on a logarithmic scale
    top = drawing.height + _MARGIN + 12
    left, right = _MARGIN + 58.0, drawing.width - _MARGIN - 84
    drawing.text(
        _MARGIN, top, f"{name.capitalize()} at each step" if name == "objective" else "Loss at each iteration", "text strong"
    )
    top += 24
    bottom = top + 190

    def across(step: float) -> float:
        first, last = (log10(at + shift) if curve.is_long else at for at in (steps[0], steps[-1]))
        return left + (right - left) * ((log10(step + shift) if curve.is_long else step) - first) / (last - first)

    low, high = min(values), max(values)
    if curve.falls_far:
        ticks = powers_of_ten(low, high)
    else:
        flat = high - low <= 1e-9 * abs(high)
        ticks = round_ticks(low - flat * (abs(low) or 1.0) / 2, high + flat * (abs(high) or 1.0) / 2, 4)

    def up(value: float) -> float:
        first, last, at = map(log10, (ticks[0], ticks[-1], value)) if curve.falls_far else (ticks[0], ticks[-1], value)
        return bottom - (bottom - top) * (at - first) / (last - first)

    for tick in ticks:
        drawing.line(left, up(tick), right, up(tick), "line")
        drawing.text(left - 10, up(tick) + 4, f"{tick:g}", "muted end")
    drawing.line(left, bottom, right, bottom, "axis")
    for tick in powers_of_ten(1, steps[-1]) if curve.is_long else round_ticks(steps[0], steps[-1], 8):
        if tick == int(tick) and steps[0] <= tick <= steps[-1]:
            drawing.line(across(tick), bottom, across(tick), bottom + 5, "axis")
            drawing.text(across(tick), bottom + 20, f"{tick:,.0f}", "muted middle")
    points = [(across(step), up(value)) for step, value in zip(steps, values, strict=True)]
    drawing.path(points)
    for x, y in points if len(points) <= _MOST_DOTS else points[-1:]:
        drawing.circle(x, y, 3, "dot")
    drawing.text(right + 10, points[-1][1] + 4.5, f"{values[-1]:.6g}")
    drawing.height = bottom + 20 + _MARGIN
    return f"{name.capitalize()} from {values[0]:.5g} at step {steps[0]:,} to {values[-1]:.5g} at step {steps[-1]:,}."


def _draw_parameters(drawing: Drawing, model: Any) -> str:
    """Draw the parameters of a model that is not fitted, those that were changed in bold; return them in words."""
    from pyperceptron.parameters import parameters_of

    title = f"{type(model).__name__}, not fitted yet"
    y = float(_MARGIN + 12)
    drawing.text(_MARGIN, y, title, "text strong")
    parameters = [(name, repr(getattr(model, name, None)), repr(own)) for name, own in parameters_of(type(model)).items()]
    rows = -(-len(parameters) // 2)
    for at, (name, value, own) in enumerate(parameters):
        x, line = (_MARGIN, at) if at < rows else (_WIDTH / 2 + 8, at - rows)
        drawing.text(x, y + 30 + 22 * line, name, "muted")
        short = clipped(value, 26)
        drawing.text(
            x + 130, y + 30 + 22 * line, short, "text bold" if value != own else "text", value if value != short else ""
        )
    y += 30 + 22 * rows
    drawing.text(_MARGIN, y + 8, "Call fit(X, y) to train it.", "muted")
    drawing.height = y + 8 + _MARGIN
    return f"{title}: {', '.join(f'{name} {clipped(value, 40)}' for name, value, _ in parameters)}"

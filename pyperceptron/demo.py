"""The lesson as lines of text: a neuron learns from four examples and answers a new situation."""

from __future__ import annotations

from time import perf_counter

from pyperceptron.layer import SigmoidLayer
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from pyperceptron.layer import Step

    Heading = Callable[[str], str]

INPUTS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
TARGETS = [0, 1, 1, 0]


def lesson_lines(
    heading: Heading, *, iterations: int, seed: int, backend: str, situation: Sequence[float], steps: int
) -> Iterator[str]:
    """Yield the lesson line by line, at most 80 characters each.

    heading    a function applied to each heading, to print it bold for example
    situation  the three inputs that the trained neuron is asked about
    steps      how many iterations to show number by number

    Raises ValueError or ImportError before the first line if the neuron cannot be made or asked.
    """
    layer = SigmoidLayer(len(INPUTS[0]), seed=seed, backend=backend)
    layer.forward([situation])

    yield heading("One neuron, three inputs, no hidden layer")
    yield "It has to find out by itself that the answer is the first input."
    yield ""
    yield heading("The training table")
    yield "  example    inputs    target"
    for number, (inputs, target) in enumerate(zip(INPUTS, TARGETS, strict=True), 1):
        yield f"  {number:7}    {_shortest(inputs)}    {target:6}"
    yield ""
    yield heading(f"The starting weights, at random from -1 to 1 (seed {seed})")
    yield from _weight_lines(layer)
    yield ""
    yield heading("The first outputs, before it has learned anything")
    yield from _output_lines(layer.forward(INPUTS))
    yield ""
    yield heading("The second of them worked out by hand")
    yield from _answer_lines(layer, INPUTS[1])
    yield ""
    if steps:
        yield from _step_lines(heading, SigmoidLayer(len(INPUTS[0]), weights=layer.weights, backend=backend), steps)

    yield heading(f"Training: {iterations:,} times")
    yield "  outputs      sigmoid(inputs @ weights)"
    yield "  errors       targets - outputs"
    yield "  adjustments  errors * outputs * (1 - outputs)"
    yield "  weights      weights + transposed inputs @ adjustments"
    started = perf_counter()
    layer.train(INPUTS, TARGETS, iterations)
    yield f"  done in {(perf_counter() - started) * 1000:.1f} ms by the {layer.backend} backend"
    yield ""
    yield heading("The weights after training")
    yield from _weight_lines(layer)
    yield ""
    yield heading("The outputs of the last pass")
    yield from _output_lines(layer.outputs)
    yield ""
    yield heading(f"A new situation: {_shortest(situation)}")
    yield from _answer_lines(layer, situation)
    [[output]] = layer.forward([situation])
    yield from _verdict_lines(output, situation)


def write_lesson_page(path: str | os.PathLike[str], *, iterations: int, seed: int, situation: Sequence[float]) -> None:
    """Write the lesson as an HTML page on which the neuron trains; ValueError for a wrong argument, OSError for the file."""
    SigmoidLayer(len(INPUTS[0]), seed=seed).report(path, INPUTS, TARGETS, iterations, situation=situation)


def _weight_lines(layer: SigmoidLayer) -> Iterator[str]:
    for [weight] in layer.weights:
        yield f"  {weight:12.8f}"


def _output_lines(outputs: list[list[float]]) -> Iterator[str]:
    yield "  example        output    target"
    for number, ([output], target) in enumerate(zip(outputs, TARGETS, strict=True), 1):
        yield f"  {number:7}  {output:12.8f}    {target:6}"


def _answer_lines(layer: SigmoidLayer, inputs: Sequence[float]) -> Iterator[str]:
    """Show one weighted sum and its sigmoid with all their numbers."""
    [[output]] = layer.forward([inputs])
    for place, (value, [weight]) in enumerate(zip(inputs, layer.weights, strict=True)):
        yield f"  {'weighted sum =' if place == 0 else '             +'} {_shortest([value])} * {_fixed(weight)}"
    [[total]] = Matrix([inputs]) @ Matrix(layer.weights)
    yield f"               = {_fixed(total)}"
    yield f"        output = 1 / (1 + e^{_fixed(0 - total)}) = {_fixed(output)}"


def _verdict_lines(output: float, situation: Sequence[float]) -> Iterator[str]:
    if output != 0.5:
        yield f"  So the neuron answers {1 if output > 0.5 else 0}."
        return
    yield "  So the neuron answers 0.5: neither 0 nor 1."
    if not any(situation):
        yield "  A neuron without a bias can say nothing else here: where all inputs are 0, so"
        yield "  is the weighted sum, whatever the weights. With a bias it could learn another"
        yield "  answer: SigmoidLayer(3, bias=True)."


def _step_lines(heading: Heading, layer: SigmoidLayer, steps: int) -> Iterator[str]:
    for step in layer.trace(INPUTS, TARGETS, steps):
        yield heading(f"Step {step.iteration}")
        yield "    inputs     weighted sum       output        error        slope   adjustment"
        columns = (step.weighted_sums, step.outputs, step.errors, step.slopes, step.adjustments)
        for inputs, *numbers in zip(INPUTS, *columns, strict=True):
            yield f"    {_shortest(inputs)}  " + "".join(f" {number:12.8f}" for [number] in numbers)
        yield from _update_lines(step)
        yield ""


def _update_lines(step: Step) -> Iterator[str]:
    changes = [[after - before] for [before], [after] in zip(step.weights, step.updated_weights, strict=True)]
    for name, weights in (("weights", step.weights), ("changes", changes), ("new weights", step.updated_weights)):
        yield f"    {name:11}" + "".join(f" {weight:12.8f}" for [weight] in weights)


def _fixed(number: float) -> str:
    """Format with eight decimals, as the lesson prints, or with eight digits if the number is large."""
    return f"{number:.8f}" if abs(number) < 1e6 else f"{number:.8g}"


def _shortest(numbers: Sequence[float]) -> str:
    """Format each number as short as possible without changing it."""
    return "  ".join(f"{number:g}" if float(f"{number:g}") == number else repr(number) for number in numbers)

"""The lesson retold in the terminal: a neuron learns from four examples and answers a new situation."""

from __future__ import annotations

from time import perf_counter

from pyperceptron.layer import SigmoidLayer
from pyperceptron.matrix import Matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyperceptron.layer import Step

INPUTS = [[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]]
TARGETS = [0, 1, 1, 0]


def retell(
    say: Callable[[str], None],
    heading: Callable[[str], str],
    *,
    iterations: int,
    seed: int,
    backend: str,
    situation: Sequence[float],
    steps: int,
) -> None:
    """Tell the lesson line by line to `say`, each heading put through `heading`; the lines are at most 80 wide.

    ValueError or ImportError if the neuron cannot be made, trained or asked so.
    """
    layer = SigmoidLayer(len(INPUTS[0]), seed=seed, backend=backend)
    layer.forward([situation])  # so that a situation which cannot be asked is refused before anything is told

    say(heading("One neuron, three inputs, no hidden layer"))
    say("It is to find out by itself that the answer is the first input.")
    say("")
    say(heading("The training table"))
    say("  example    inputs    target")
    for number, (inputs, target) in enumerate(zip(INPUTS, TARGETS, strict=True), 1):
        say(f"  {number:7}    {_plain(inputs)}    {target:6}")
    say("")
    say(heading(f"The starting weights, at random from -1 to 1 (seed {seed})"))
    _say_weights(say, layer)
    say("")
    say(heading("The first outputs, before it has learned anything"))
    _say_outputs(say, layer.forward(INPUTS))
    say("")
    say(heading("The second of them worked out by hand"))
    _say_answer(say, layer, INPUTS[1])
    say("")
    if steps:
        _say_steps(say, heading, SigmoidLayer(len(INPUTS[0]), weights=layer.weights, backend=backend), steps)

    say(heading(f"Training: {iterations:,} times"))
    say("  outputs      sigmoid(inputs @ weights)")
    say("  errors       targets - outputs")
    say("  adjustments  errors × outputs × (1 - outputs)")
    say("  weights      weights + transposed inputs @ adjustments")
    started = perf_counter()
    layer.train(INPUTS, TARGETS, iterations)
    say(f"  done in {(perf_counter() - started) * 1000:.1f} ms by the {layer.backend} backend")
    say("")
    say(heading("The weights after training"))
    _say_weights(say, layer)
    say("")
    say(heading("The outputs of the last pass"))
    _say_outputs(say, layer.outputs)
    say("")
    say(heading(f"A new situation: {_plain(situation)}"))
    answer = _say_answer(say, layer, situation)
    say(f"  So the neuron answers {1 if answer >= 0.5 else 0}.")


def _say_weights(say: Callable[[str], None], layer: SigmoidLayer) -> None:
    for [weight] in layer.weights:
        say(f"  {weight:12.8f}")


def _say_outputs(say: Callable[[str], None], outputs: list[list[float]]) -> None:
    say("  example        output    target")
    for number, ([output], target) in enumerate(zip(outputs, TARGETS, strict=True), 1):
        say(f"  {number:7}  {output:12.8f}    {target:6}")


def _say_answer(say: Callable[[str], None], layer: SigmoidLayer, inputs: Sequence[float]) -> float:
    """One weighted sum and its sigmoid with all their numbers; returns the output."""
    [[output]] = layer.forward([inputs])
    for place, (value, [weight]) in enumerate(zip(inputs, layer.weights, strict=True)):
        say(f"  {'weighted sum =' if place == 0 else '             +'} {_plain([value])} × {_exact(weight)}")
    [[total]] = Matrix([inputs]) @ Matrix(layer.weights)
    say(f"               = {_exact(total)}")
    say(f"        output = 1 / (1 + e^{_exact(0 - total)}) = {_exact(output)}")
    return float(output)


def _say_steps(say: Callable[[str], None], heading: Callable[[str], str], layer: SigmoidLayer, steps: int) -> None:
    for step in layer.trace(INPUTS, TARGETS, steps):
        say(heading(f"Step {step.iteration}"))
        say("    inputs     weighted sum       output        error        slope   adjustment")
        columns = (step.weighted_sums, step.outputs, step.errors, step.slopes, step.adjustments)
        for inputs, *numbers in zip(INPUTS, *columns, strict=True):
            say(f"    {_plain(inputs)}  " + "".join(f" {number:12.8f}" for [number] in numbers))
        _say_update(say, step)
        say("")


def _say_update(say: Callable[[str], None], step: Step) -> None:
    changes = [[after - before] for [before], [after] in zip(step.weights, step.updated_weights, strict=True)]
    for name, weights in (("weights", step.weights), ("changes", changes), ("new weights", step.updated_weights)):
        say(f"    {name:11}" + "".join(f" {weight:12.8f}" for [weight] in weights))


def _exact(number: float) -> str:
    """Eight decimals, as the lesson prints, unless the number is too large for that to be read."""
    return f"{number:.8f}" if abs(number) < 1e6 else f"{number:.8g}"


def _plain(numbers: Sequence[float]) -> str:
    """Each number as short as it can be written without changing it."""
    return "  ".join(f"{number:g}" if float(f"{number:g}") == number else repr(number) for number in numbers)

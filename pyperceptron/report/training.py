"""The page on which a layer trains in the browser."""

from __future__ import annotations

from pyperceptron.checks import counted
from pyperceptron.report.page import asset, page
from pyperceptron.vectors import as_list
from pyperceptron.whole_file import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Hashable

    from pyperceptron.containers import Rows

_SCRIPTS = ("neuron.js", "numbers.js", "drawing.js", "training.js")
_MOST_ROWS, _MOST_NUMBERS = 8192, 65_536  # as in neuron.js, which says why


def write_training_page(
    path: str | os.PathLike[str],
    inputs: Rows,
    targets: Rows,
    *,
    seed: int | None,
    weights: list[list[float]],
    biases: list[float] | None,
    iterations: int,
    learning_rate: float,
    situation: list[float],
) -> None:
    """Write the page on which a layer trains on checked inputs and targets.

    seed       of the starting weights, with biases of 0; None if no seed gave them: then the page holds the weights themselves
    weights    n_inputs × n_outputs, to start from
    biases     n_outputs numbers to start from; None for a layer without
    situation  the inputs that the page first asks the layer about

    Raises ValueError if the table is too large for a page, and OSError.
    """
    from pyperceptron import __version__

    _check_size(inputs.n_rows, inputs.n_columns, targets.n_columns)
    is_seeded = seed is not None
    data = {
        "version": __version__,
        "inputs": as_list(inputs.view),
        "targets": as_list(targets.view),
        "names": _texts(inputs.names),
        "targetNames": _texts(targets.names),
        "seed": seed,
        "weights": None if is_seeded else weights,
        "biases": None if is_seeded else biases,
        "bias": biases is not None,
        "rate": learning_rate,
        "steps": iterations,
        "ask": situation,
    }
    body = asset("training.html")
    script = "\n".join(map(asset, _SCRIPTS))
    write_whole(path, page("See it learn", body, asset("page.css") + asset("training.css"), script=script, data=data))


def _check_size(n_rows: int, n_inputs: int, n_outputs: int) -> None:
    columns = n_inputs + n_outputs
    if n_rows > _MOST_ROWS or n_rows * columns > _MOST_NUMBERS:
        raise ValueError(
            f"inputs and targets have {counted(n_rows, 'row')} of {counted(columns, 'number')}; expected at most {_MOST_ROWS} "
            f"rows and {_MOST_NUMBERS} numbers in a page: give a sample of the rows"
        )
    if n_inputs * n_outputs > _MOST_NUMBERS:
        raise ValueError(
            f"the layer has {n_inputs * n_outputs} weights; expected at most {_MOST_NUMBERS} in a page: make a smaller layer"
        )


def _texts(names: tuple[Hashable, ...] | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]

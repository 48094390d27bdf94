"""The one place that chooses between the twins: the compiled one where it is built, else the reference."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Backend(Protocol):
        """What each twin can do. Tables are two-dimensional C-contiguous memoryviews of float64; inputs may also be
        float32 or bytes. `weights` has a row for each input and, with a bias, one row more: the bias is the weight of an
        input that is always 1. What a function computes it writes into the last tables it was given."""

        def find_outside(self, values: memoryview[float], low: float, high: float) -> int:
            """The flat index of the first value that is not in low … high, as nan never is; -1 if there is none."""

        def weighted_sums(self, inputs: memoryview[float], weights: memoryview[float], sums: memoryview[float]) -> None:
            """sums = inputs @ weights (n_samples × n_outputs); finite tables give no nan."""

        def forward(self, inputs: memoryview[float], weights: memoryview[float], outputs: memoryview[float]) -> None:
            """outputs = sigmoid(inputs @ weights) (n_samples × n_outputs)."""

        def train(
            self,
            inputs: memoryview[float],
            targets: memoryview[float],
            weights: memoryview[float],
            outputs: memoryview[float],
            iterations: int,
            learning_rate: float,
        ) -> int:
            """Step `weights` along the summed squared error's gradient, `iterations` times; the last pass is in `outputs`.

            Returns how many steps were made: fewer than asked for if the next would leave the range of a float. After
            an exception, KeyboardInterrupt too, `weights` are those of the last whole iteration."""


_FASTEST_FIRST = ("cython", "python")


def available_backends() -> tuple[str, ...]:
    """The names of the twins that can be used here, the fastest first.

    `("cython", "python")` where the compiled extension is built, else `("python",)`.
    """
    return tuple(name for name in _FASTEST_FIRST if _found(name))


def resolve(name: str = "auto") -> tuple[str, Backend]:
    """The twin called `name`, with its own name; "auto" means $PYPERCEPTRON_BACKEND or, without that, the fastest.

    ImportError if it is not built, ValueError if there is no such name.
    """
    wanted, source = name, "backend"
    if name == "auto":
        wanted, source = os.environ.get("PYPERCEPTRON_BACKEND") or "auto", "$PYPERCEPTRON_BACKEND"
    if wanted == "auto":
        wanted = available_backends()[0]
    if wanted not in _FASTEST_FIRST:
        raise ValueError(f"{source} is {wanted!r}; expected 'auto', 'cython' or 'python'")
    try:
        return wanted, _twin(wanted)
    except ImportError as error:
        raise ImportError(
            f"backend {wanted!r} cannot be used here ({error}): install a C compiler and build the package anew with "
            "PYPERCEPTRON_REQUIRE_EXTENSIONS=1 pip install --force-reinstall --no-cache-dir, or choose backend='python'"
        ) from error


def _twin(name: str) -> Backend:
    if name == "cython":
        from pyperceptron.backends import cython

        return cython
    from pyperceptron.backends import python

    return python


def _found(name: str) -> bool:
    try:
        _twin(name)
    except ImportError:
        return False
    return True

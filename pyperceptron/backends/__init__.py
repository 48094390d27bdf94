"""The one place that chooses between the backends: the compiled one if it is built, else the reference."""

from __future__ import annotations

import os
import sys

from pyperceptron.checks import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType as Backend

    from pyperceptron.backends.python import LinearLoss, RowPredictor

    __all__ = [
        "Backend",
        "LinearLoss",
        "RowPredictor",
        "available_backends",
        "backend_name",
        "backend_of",
        "missing_backend",
        "partial_sums",
    ]

_FASTEST_FIRST = ("cython", "python")
CHOICES = ("auto", *_FASTEST_FIRST)  # what may be asked for


def available_backends() -> tuple[str, ...]:
    """Return the names of the backends that can be imported, fastest first.

    `("cython", "python")` if the compiled extension is built, else `("python",)`. Raises ValueError if
    $PYPERCEPTRON_INSTRUCTION_SET names none that this machine has.
    """
    return tuple(name for name in _FASTEST_FIRST if _is_there(name))


def backend_name(name: str = "auto") -> str:
    """Return the name of the backend to use: for "auto", $PYPERCEPTRON_BACKEND or, if that is unset, the fastest.

    Raises ImportError if the backend cannot be imported and ValueError if the name is unknown.
    """
    wanted, source = name, "backend"
    if isinstance(name, str) and name == "auto":
        wanted, source = os.environ.get("PYPERCEPTRON_BACKEND") or "auto", "$PYPERCEPTRON_BACKEND"
    if not isinstance(wanted, str) or wanted not in ("auto", *_FASTEST_FIRST):
        raise ValueError(f"{source} is {named(wanted)}; expected 'auto', 'cython' or 'python'")
    if wanted == "auto":
        return next(filter(_is_there, _FASTEST_FIRST))
    backend_of(wanted)
    return str(wanted)


def backend_at_hand(name: str) -> str:
    """Return the name of the backend to use, as backend_name does, but the fastest if that one cannot be imported.

    For what was pickled elsewhere: it opens, and says which backend it has got.
    """
    try:
        return backend_name(name)
    except ImportError:
        return available_backends()[0]


def backend_of(name: str) -> Backend:
    """Return the module of the named backend; raise ImportError if it cannot be imported.

    Every backend has the API of pyperceptron.backends.python except `lesson` and `pickled_loss`, which only the reference has.
    """
    try:
        return _module(name)
    except ImportError as error:
        raise ImportError(f"backend {name!r} cannot be used here ({error}): {_remedy()}, or choose backend='python'") from error


def partial_sums(name: str, n_inputs: int, n_outputs: int) -> int:
    """Return how many partial sums that backend adds a logit of n_inputs products from: number j in the j mod n-th of n."""
    if name == "python":
        return 1
    return 4 if n_outputs >= 4 and n_inputs >= 24 else 8  # is_tiled and dot_of_size in src_ext/kernels


def missing_backend(name: str) -> str:
    """Return how to get the compiled backend if it is not here and backend=name leaves the choice; else an empty string."""
    if name != "auto" or os.environ.get("PYPERCEPTRON_BACKEND") or available_backends() == _FASTEST_FIRST:
        return ""
    return _remedy()


def _remedy() -> str:
    """Say how to get the compiled backend, for the way in which this package came here."""
    if getattr(sys, "frozen", False):
        return "freeze the program again where `pyperceptron --version` lists cython"
    if not os.path.isfile(__file__):
        return "unpack the archive that holds the package, as Python imports no compiled module from inside one"
    return (
        "install a C compiler and Python's headers, and then the package again with PYPERCEPTRON_REQUIRE_EXTENSIONS=1 "
        "pip install --force-reinstall --no-cache-dir and its address or path"
    )


def _module(name: str) -> Backend:
    if name == "cython":
        from pyperceptron.backends import cython

        return cython
    from pyperceptron.backends import python

    return python


def _is_there(name: str) -> bool:
    try:
        _module(name)
    except ImportError:
        return False
    return True


def _import_before_a_fork() -> None:
    """Import the backends, as a child forked while another thread imports one would wait for that thread for ever."""
    try:
        available_backends()
    except ValueError:  # a wrong $PYPERCEPTRON_INSTRUCTION_SET, of which the first use of a backend tells
        return


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_import_before_a_fork)
